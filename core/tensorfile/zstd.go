package tensorfile

import (
	"encoding/binary"
	"fmt"
)

// zstd frames are unpacked by a decoder of our own (this file, zstdblock.go,
// zstdtable.go, xxhash.go), after RFC 8878. The general decoder that writes
// them here costs the browser engine 194 KB of brotli, a fifth of what it may
// weigh; the tests hold ours against it.

// Numbers of the format (RFC 8878, sections 3.1.1 and 3.1.2).
const (
	zstdMagic      = 0xFD2FB528
	skippableMagic = 0x184D2A50 // the low 4 bits are free
	maxBlock       = 128 << 10  // what one block may unpack to
)

// Types of a block.
const (
	blockRaw = iota
	blockRLE // one byte, repeated
	blockCompressed
)

func isZstd(data []byte) bool {
	return len(data) >= 4 && binary.LittleEndian.Uint32(data) == zstdMagic
}

// unpack returns what the zstd frames of data hold, at most limit bytes.
//
// Nothing is allocated on the word of a frame header alone: parseFrame walks
// the blocks first and knows the most they can unpack to.
func unpack(data []byte, limit int) ([]byte, error) {
	var frames []frame
	size := 0
	for rest := data; len(rest) > 0; {
		at := len(data) - len(rest)
		f, used, err := parseFrame(rest)
		if err != nil {
			return nil, fmt.Errorf("tensorfile: zstd frame at byte %d: %w", at, err)
		}
		if f.size > uint64(limit) || size+int(f.size) > limit {
			return nil, fmt.Errorf("tensorfile: zstd: want at most %d bytes unpacked, have %d or more: %w", limit, uint64(size)+f.size, ErrTooLarge)
		}
		size += int(f.size)
		f.at = at
		frames = append(frames, f)
		rest = rest[used:]
	}
	d := &blockDecoder{out: make([]byte, 0, size)}
	for i := range frames {
		f := &frames[i]
		if err := f.unpack(d); err != nil {
			return nil, fmt.Errorf("tensorfile: zstd frame at byte %d: %w", f.at, err)
		}
	}
	return d.out, nil
}

// frame is what a walk over its blocks tells of a frame.
type frame struct {
	at         int    // of the file, for errors
	blocks     []byte // their headers and contents
	size       uint64 // the most it unpacks to: the content size, where the header has it
	exact      bool   // the header has it
	checked    bool   // has a checksum:
	checksum   uint32 // the low half of the XXH64 of the content
	skippable  bool
	windowSize uint64
}

// parseFrame walks the frame at the front of data without unpacking it. used
// is the bytes it takes.
func parseFrame(data []byte) (f frame, used int, err error) {
	s := &forward{data: data}
	magic := s.uint(4)
	if magic&^15 == skippableMagic {
		s.skip(s.uint(4))
		return frame{skippable: true}, s.at, s.err
	}
	if s.err == nil && magic != zstdMagic {
		return frame{}, 0, fmt.Errorf("want magic number %#x, have %#x: trailing bytes: %w", zstdMagic, magic, ErrFormat)
	}
	descriptor := s.uint(1)
	singleSegment := descriptor>>5&1 == 1
	f.checked = descriptor>>2&1 == 1
	if descriptor>>3&1 == 1 {
		return frame{}, 0, fmt.Errorf("want the reserved bit 0, have 1: %w", ErrFormat)
	}
	if !singleSegment {
		window := s.uint(1)
		f.windowSize = (8 + window&7) << (window>>3 + 7) // 3.1.1.1.2
	}
	if dictionary := s.uint([]int{0, 1, 2, 4}[descriptor&3]); dictionary != 0 {
		return frame{}, 0, fmt.Errorf("want no dictionary, have number %d: %w", dictionary, ErrFormat)
	}
	contentBytes := []int{0, 2, 4, 8}[descriptor>>6]
	if contentBytes == 0 && singleSegment {
		contentBytes = 1
	}
	content := s.uint(contentBytes)
	if contentBytes == 2 {
		content += 256
	}
	if f.exact = contentBytes > 0; singleSegment {
		f.windowSize = content
	}
	start := s.at
	for last := false; !last && s.err == nil; {
		header := s.uint(3)
		last = header&1 == 1
		n := header >> 3
		if n > maxBlock {
			return frame{}, 0, fmt.Errorf("want a block of at most %d bytes, have %d: %w", maxBlock, n, ErrFormat)
		}
		switch header >> 1 & 3 {
		case blockRaw:
			f.size += n
			s.skip(n)
		case blockRLE:
			f.size += n
			s.skip(1)
		case blockCompressed:
			f.size += min(maxBlock, max(f.windowSize, 1))
			s.skip(n)
		default:
			return frame{}, 0, fmt.Errorf("want a block of type 0 to 2, have 3: %w", ErrFormat)
		}
	}
	f.blocks = s.data[start:s.at]
	if f.checked {
		f.checksum = uint32(s.uint(4))
	}
	if s.err != nil {
		return frame{}, 0, s.err
	}
	if f.exact {
		if content > f.size {
			return frame{}, 0, fmt.Errorf("want blocks of %d bytes in all, have %d at most: %w", content, f.size, ErrFormat)
		}
		f.size = content
	}
	return f, s.at, nil
}

// unpack appends the frame's content to d.out, which has room for it.
func (f *frame) unpack(d *blockDecoder) error {
	if f.skippable {
		return nil
	}
	d.begin(len(d.out) + int(f.size))
	s := &forward{data: f.blocks}
	for s.at < len(s.data) {
		header := s.uint(3)
		n := int(header >> 3)
		var err error
		switch header >> 1 & 3 {
		case blockRaw:
			err = d.literal(s.bytes(n))
		case blockRLE:
			err = d.repeat(byte(s.uint(1)), n)
		case blockCompressed:
			err = d.compressed(s.bytes(n))
		}
		if err != nil {
			return fmt.Errorf("block before byte %d: %w", s.at, err)
		}
	}
	have := d.out[d.start:]
	if f.exact && uint64(len(have)) != f.size {
		return fmt.Errorf("want %d bytes unpacked, have %d: %w", f.size, len(have), ErrFormat)
	}
	if f.checked {
		if sum := uint32(xxhash64(have)); sum != f.checksum {
			return fmt.Errorf("want checksum %08x, have %08x: %w", f.checksum, sum, ErrFormat)
		}
	}
	return nil
}

// forward reads little-endian numbers; after its end it reads zeros and keeps
// the error.
type forward struct {
	data []byte
	at   int
	err  error
}

func (f *forward) skip(n uint64) {
	if have := len(f.data) - f.at; f.err == nil && n > uint64(have) {
		f.err = fmt.Errorf("want %d more bytes, have %d: %w", n, have, ErrTruncated)
	}
	if f.err == nil {
		f.at += int(n)
	}
}

func (f *forward) bytes(n int) []byte {
	if f.skip(uint64(n)); f.err != nil {
		return nil
	}
	return f.data[f.at-n : f.at]
}

func (f *forward) uint(n int) (v uint64) {
	for i, b := range f.bytes(n) {
		v |= uint64(b) << (8 * i)
	}
	return v
}
