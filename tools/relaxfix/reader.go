package main

import "fmt"

// reader takes numbers and bytes out of data[at:end]. After the first failure bad says what it was and every further read gives zeros.
type reader struct {
	data    []byte
	at, end int
	bad     string
}

func (r *reader) fail(format string, args ...any) {
	if r.bad == "" {
		r.bad = fmt.Sprintf(format, args...)
	}
}

func (r *reader) byte() byte {
	if r.bad != "" {
		return 0
	}
	if r.at >= r.end {
		r.fail("cut off")
		return 0
	}
	r.at++
	return r.data[r.at-1]
}

// peek returns the next byte, or 0 at the end.
func (r *reader) peek() byte {
	if r.bad != "" || r.at >= r.end {
		return 0
	}
	return r.data[r.at]
}

// skip passes n bytes.
func (r *reader) skip(n uint32) {
	if r.bad == "" && int64(n) > int64(r.end-r.at) {
		r.fail("cut off")
	}
	if r.bad == "" {
		r.at += int(n)
	}
}

// u32 reads an unsigned LEB128 number of 32 bits.
func (r *reader) u32() uint32 {
	var v uint64
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		v |= uint64(b&0x7f) << shift
		if b&0x80 == 0 {
			if v >= 1<<32 {
				r.fail("number of more than 32 bits")
			}
			return uint32(v)
		}
	}
	r.fail("number of more than 32 bits")
	return 0
}

// signed reads a signed LEB128 number of so many bits: 32, 33 or 64.
func (r *reader) signed(bits int) int64 {
	var v int64
	for shift := 0; ; shift += 7 {
		b := r.byte()
		v |= int64(b&0x7f) << shift
		if b&0x80 != 0 {
			if shift+7 >= bits {
				r.fail("number of more than %d bits", bits)
				return 0
			}
			continue
		}
		if left := bits - shift; left < 7 { // the last byte: bits beyond the number repeat its sign
			if sign := int8(b<<1) >> left; sign != 0 && sign != -1 {
				r.fail("number of more than %d bits", bits)
			}
		}
		if shift < 57 {
			v = v << (57 - shift) >> (57 - shift)
		}
		return v
	}
}

// count reads the length of a vector, which is not more than the bytes left.
func (r *reader) count() uint32 {
	n := r.u32()
	if r.bad == "" && int64(n) > int64(r.end-r.at) {
		r.fail("vector of %d elements with %d bytes left", n, r.end-r.at)
		return 0
	}
	return n
}

// limits reads the size of a table or memory.
func (r *reader) limits() {
	switch flag := r.byte(); flag {
	case 0:
		r.u32()
	case 1:
		r.u32()
		r.u32()
	default:
		r.fail("limits of kind %#x", flag)
	}
}
