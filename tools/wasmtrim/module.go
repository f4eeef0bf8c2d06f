package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrModule: the module is cut off, damaged, or not what Go 1.27 links. Errors wrap it with the place.
var ErrModule = errors.New("not a module that wasmtrim can read")

const (
	header = "\x00asm\x01\x00\x00\x00"

	sectionCustom = 0
	sectionImport = 2
	sectionCode   = 10
	sectionData   = 11

	// imageMost bounds the memory that data is laid out in: the addresses of a module are its own claim.
	imageMost = 64 << 20

	// gap zeros or more end a segment; fewer cost less than an address does.
	gap = 64
)

// options of Trim.
type options struct {
	keep []string // names of functions that begin with one of these stay
	simd bool     // the program never runs without SIMD: emulated copies of functions trap
}

// piece is a section of a module.
type piece struct {
	id   byte
	body []byte
}

// Trim returns the module with a smaller data section, without custom sections and, as o says, without code that never runs.
func Trim(module []byte, o options) ([]byte, error) {
	sections, err := split(module)
	if err != nil {
		return nil, err
	}
	var copies map[uint64]bool
	var imported uint64
	if o.simd {
		if copies, err = emulatedCopies(sections); err == nil {
			imported, err = importedFunctions(sections)
		}
		if err != nil {
			return nil, err
		}
	}
	out := []byte(header)
	for _, s := range sections {
		body := s.body
		switch {
		case s.id == sectionCustom:
			continue
		case s.id == sectionCode && o.simd:
			body, err = stubCode(body, imported, copies)
		case s.id == sectionData:
			body, err = trimData(body, o.keep)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, s.id)
		out = binary.AppendUvarint(out, uint64(len(body)))
		out = append(out, body...)
	}
	return out, nil
}

// split returns the sections of a module, of which one is the data section, and one the code section or none.
func split(module []byte) ([]piece, error) {
	if !bytes.HasPrefix(module, []byte(header)) {
		return nil, fmt.Errorf("no WebAssembly 1 header: %w", ErrModule)
	}
	var sections []piece
	seen := map[byte]int{}
	for r := (&reader{rest: module[len(header):]}); len(r.rest) > 0; {
		at := len(module) - len(r.rest)
		id, body := r.byte(), r.bytes()
		if r.bad {
			return nil, fmt.Errorf("offset %#x: section %d is cut off: %w", at, id, ErrModule)
		}
		sections = append(sections, piece{id, body})
		if seen[id]++; id != sectionCustom && seen[id] > 1 {
			return nil, fmt.Errorf("offset %#x: two sections %d: %w", at, id, ErrModule)
		}
	}
	if seen[sectionData] == 0 {
		return nil, fmt.Errorf("no data section: %w", ErrModule)
	}
	return sections, nil
}

func trimData(section []byte, keep []string) ([]byte, error) {
	image, err := layOut(section)
	if err == nil {
		err = trimFunctions(image, keep)
	}
	if err != nil {
		return nil, err
	}
	return segments(image), nil
}

// layOut returns the memory that the segments of a data section fill, from address 0 on.
func layOut(section []byte) ([]byte, error) {
	r := &reader{rest: section}
	var image []byte
	for i := range r.count() {
		// 0: memory 0, at an address; i32.const ADDRESS end; length; bytes.
		memory, constant, address, last, data := r.byte(), r.byte(), r.signed(), r.byte(), r.bytes()
		if r.bad || memory != 0 || constant != 0x41 || address < 0 || last != 0x0b || address+int64(len(data)) > imageMost {
			return nil, fmt.Errorf("segment %d of the data section: %w", i, ErrModule)
		}
		end := int(address) + len(data)
		if end > len(image) {
			image = append(image, make([]byte, end-len(image))...)
		}
		copy(image[address:end], data)
	}
	if r.bad || len(r.rest) > 0 {
		return nil, fmt.Errorf("the data section is damaged, or %d bytes are behind its last segment: %w", len(r.rest), ErrModule)
	}
	return image, nil
}

// segments is the data section of a memory. Memory is zero where no segment lies.
func segments(image []byte) []byte {
	image = bytes.TrimRight(image, "\x00")
	var body []byte
	count := 0
	zeros := make([]byte, gap)
	for at := 0; at < len(image); {
		if image[at] == 0 {
			at++
			continue
		}
		end := len(image)
		if n := bytes.Index(image[at:], zeros); n >= 0 {
			end = at + n
		}
		body = append(body, 0, 0x41)
		body = appendSigned(body, int64(at))
		body = append(body, 0x0b)
		body = binary.AppendUvarint(body, uint64(end-at))
		body = append(body, image[at:end]...)
		count++
		at = end
	}
	return append(binary.AppendUvarint(nil, uint64(count)), body...)
}

// signed reads a signed LEB128 number of at most 32 bits and returns its length, 0 where there is none.
func signed(b []byte) (v int64, n int) {
	for i, c := range b[:min(len(b), 5)] {
		v |= int64(c&0x7f) << (7 * i)
		if c < 0x80 {
			if c&0x40 != 0 {
				v -= 1 << (7 * (i + 1))
			}
			return v, i + 1
		}
	}
	return 0, 0
}

func appendSigned(b []byte, v int64) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}
