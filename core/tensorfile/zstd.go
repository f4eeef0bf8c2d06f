package tensorfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// Numbers of the zstd format (RFC 8878, sections 3.1.1 and 3.1.2).
const (
	zstdMagic      = 0xFD2FB528
	skippableMagic = 0x184D2A50 // the low 4 bits are free
	maxBlock       = 128 << 10  // what one block may unpack to
)

func isZstd(data []byte) bool {
	return len(data) >= 4 && binary.LittleEndian.Uint32(data) == zstdMagic
}

// EncodeZstd is Encode in one zstd frame. Its bytes are deterministic for one
// version of the compressor.
func EncodeZstd(f *File) ([]byte, error) {
	data, err := Encode(f)
	if err != nil {
		return nil, err
	}
	// One encoder: several would cut the input at places that depend on timing.
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBestCompression),
		zstd.WithWindowSize(8<<20), zstd.WithEncoderCRC(true))
	if err != nil {
		return nil, fmt.Errorf("tensorfile: zstd: %w", err)
	}
	defer w.Close()
	return w.EncodeAll(data, nil), nil
}

// unpack returns what the zstd frames of data hold, at most limit bytes.
//
// Nothing is allocated on the word of a frame header alone: frameSize walks
// the blocks first and knows the most they can unpack to.
func unpack(data []byte, limit int) ([]byte, error) {
	size := 0
	for rest := data; len(rest) > 0; {
		n, used, err := frameSize(rest)
		if err != nil {
			return nil, fmt.Errorf("tensorfile: zstd frame at byte %d: %w", len(data)-len(rest), err)
		}
		if n > uint64(limit) || size+int(n) > limit {
			return nil, fmt.Errorf("tensorfile: zstd: want at most %d bytes unpacked, have %d or more: %w", limit, uint64(size)+n, ErrTooLarge)
		}
		size += int(n)
		rest = rest[used:]
	}
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(MaxDecoded), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return nil, fmt.Errorf("tensorfile: zstd: %w", err)
	}
	defer r.Close()
	unpacked, err := r.DecodeAll(data, make([]byte, 0, size))
	switch {
	case err == nil:
		return unpacked, nil
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return nil, fmt.Errorf("tensorfile: zstd: %w", ErrTruncated)
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
		return nil, fmt.Errorf("tensorfile: zstd: %v: %w", err, ErrTooLarge)
	}
	return nil, fmt.Errorf("tensorfile: zstd: %v: %w", err, ErrFormat)
}

// frameSize walks the frame at the front of data without unpacking it. It
// returns the most the frame can unpack to (the content size of its header
// where it has one and the blocks can reach it) and the bytes it takes.
func frameSize(data []byte) (size uint64, used int, err error) {
	f := &frame{data: data}
	magic := f.uint(4)
	if magic&^15 == skippableMagic {
		f.skip(f.uint(4))
		return 0, f.at, f.err
	}
	if f.err == nil && magic != zstdMagic {
		return 0, 0, fmt.Errorf("want magic number %#x, have %#x: trailing bytes: %w", zstdMagic, magic, ErrFormat)
	}
	descriptor := f.uint(1)
	singleSegment := descriptor>>5&1 == 1
	if !singleSegment {
		f.skip(1) // the window
	}
	f.skip([]uint64{0, 1, 2, 4}[descriptor&3]) // the dictionary's number
	contentBytes := []int{0, 2, 4, 8}[descriptor>>6]
	if contentBytes == 0 && singleSegment {
		contentBytes = 1
	}
	content := f.uint(contentBytes)
	if contentBytes == 2 {
		content += 256
	}
	for last := false; !last && f.err == nil; {
		header := f.uint(3)
		last = header&1 == 1
		n := header >> 3
		if n > maxBlock {
			return 0, 0, fmt.Errorf("want a block of at most %d bytes, have %d: %w", maxBlock, n, ErrFormat)
		}
		switch header >> 1 & 3 {
		case 0: // raw
			size += n
			f.skip(n)
		case 1: // one byte, n times
			size += n
			f.skip(1)
		case 2: // compressed
			size += maxBlock
			f.skip(n)
		case 3:
			return 0, 0, fmt.Errorf("want a block of type 0 to 2, have 3: %w", ErrFormat)
		}
	}
	if descriptor>>2&1 == 1 {
		f.skip(4) // the checksum
	}
	if f.err != nil {
		return 0, 0, f.err
	}
	if contentBytes > 0 {
		if content > size {
			return 0, 0, fmt.Errorf("want blocks of %d bytes in all, have %d at most: %w", content, size, ErrFormat)
		}
		size = content
	}
	return size, f.at, nil
}

// frame reads little-endian numbers; after its end it reads zeros and keeps
// the error.
type frame struct {
	data []byte
	at   int
	err  error
}

func (f *frame) skip(n uint64) {
	if have := len(f.data) - f.at; f.err == nil && n > uint64(have) {
		f.err = fmt.Errorf("want %d more bytes, have %d: %w", n, have, ErrTruncated)
	}
	if f.err == nil {
		f.at += int(n)
	}
}

func (f *frame) uint(n int) (v uint64) {
	if f.skip(uint64(n)); f.err != nil {
		return 0
	}
	for i, b := range f.data[f.at-n : f.at] {
		v |= uint64(b) << (8 * i)
	}
	return v
}
