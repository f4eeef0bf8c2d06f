package tensorfile

import (
	"cmp"
	"encoding/binary"
	"fmt"
)

const (
	// MaxHeader is the reference implementation's limit for the JSON header.
	MaxHeader = 100_000_000

	// MaxDecoded bounds what Decode unpacks from zstd frames: the float32
	// weights of a 250-million-parameter model.
	MaxDecoded = 1 << 30

	lengthBytes = 8
)

// Decode reads a safetensors file, or one in zstd frames, which it tells by
// the frame's magic number. Tensors are in the order of their bytes; their
// Data are views into data, or into the unpacked buffer.
//
// The errors wrap ErrTruncated, ErrFormat, ErrDuplicate, ErrDType, ErrShape
// or ErrTooLarge. A zstd file may unpack to MaxDecoded bytes.
func Decode(data []byte) (*File, error) { return DecodeLimit(data, MaxDecoded) }

// DecodeLimit is Decode with another limit, in bytes, for what zstd frames
// may unpack to.
func DecodeLimit(data []byte, limit int) (*File, error) {
	if isZstd(data) {
		unpacked, err := unpack(data, limit)
		if err != nil {
			return nil, err
		}
		data = unpacked
	}
	header, body, err := split(data)
	if err != nil {
		return nil, err
	}
	f, entries, err := parseHeader(header)
	if err != nil {
		return nil, err
	}
	// Empty tensors go before the one that begins where they stand.
	sorted := Order(len(entries), func(i, j int) int {
		a, b := &entries[i], &entries[j]
		return cmp.Or(order(a.begin, b.begin), order(a.end, b.end), order(i, j))
	})
	at := 0
	f.Tensors = make([]Tensor, len(entries))
	for i, index := range sorted {
		e := &entries[index]
		if err := e.check(len(body)); err != nil {
			return nil, err
		}
		if e.begin < at {
			return nil, fmt.Errorf("tensorfile: tensor %q: bytes [%d,%d) overlap tensor %q, which ends at %d: %w",
				clip(e.name), e.begin, e.end, clip(entries[sorted[i-1]].name), at, ErrFormat)
		}
		if e.begin > at {
			return nil, fmt.Errorf("tensorfile: tensor %q: want its bytes to begin at %d, have %d: a gap: %w", clip(e.name), at, e.begin, ErrFormat)
		}
		at = e.end
		f.Tensors[i] = Tensor{Name: e.name, DType: e.dtype, Shape: e.shape, Data: body[e.begin:e.end:e.end]}
	}
	if at != len(body) {
		return nil, fmt.Errorf("tensorfile: want %d bytes of tensors, have %d: trailing bytes: %w", at, len(body), ErrFormat)
	}
	return f, nil
}

// split cuts data into the JSON header and the tensors' bytes.
func split(data []byte) (header, body []byte, err error) {
	if len(data) < lengthBytes {
		return nil, nil, fmt.Errorf("tensorfile: want a header length of %d bytes, have %d bytes: %w", lengthBytes, len(data), ErrTruncated)
	}
	n, rest := binary.LittleEndian.Uint64(data), data[lengthBytes:]
	// A foreign file is told by this byte, whatever its first eight mean.
	if len(rest) > 0 && rest[0] != '{' {
		return nil, nil, fmt.Errorf("tensorfile: want a JSON header at byte %d, have %q: not a safetensors file: %w", lengthBytes, rest[:1], ErrFormat)
	}
	if n > MaxHeader {
		return nil, nil, fmt.Errorf("tensorfile: header: want at most %d bytes, have %d: %w", MaxHeader, n, ErrTooLarge)
	}
	if n > uint64(len(rest)) {
		return nil, nil, fmt.Errorf("tensorfile: header: want %d bytes, have %d: %w", n, len(rest), ErrTruncated)
	}
	return rest[:n], rest[n:], nil
}

// entry is one tensor as the header has it.
type entry struct {
	name       string
	dtype      DType
	shape      []int
	begin, end int // of its bytes, from the end of the header
}

// check holds the entry against itself and against the bytes of the file.
func (e *entry) check(bodyLen int) error {
	if e.dtype.Size() == 0 {
		return fmt.Errorf("tensorfile: tensor %q: have dtype %q: %w", clip(e.name), clip(string(e.dtype)), ErrDType)
	}
	if e.begin > e.end {
		return fmt.Errorf("tensorfile: tensor %q: bytes [%d,%d) end before they begin: %w", clip(e.name), e.begin, e.end, ErrFormat)
	}
	want, ok := byteCount(e.dtype, e.shape)
	if !ok {
		return fmt.Errorf("tensorfile: tensor %q: %s %v: the byte count overflows: %w", clip(e.name), e.dtype, e.shape, ErrShape)
	}
	if want != e.end-e.begin {
		return fmt.Errorf("tensorfile: tensor %q: %s %v: want %d bytes, have [%d,%d): %w", clip(e.name), e.dtype, e.shape, want, e.begin, e.end, ErrShape)
	}
	if e.end > bodyLen {
		return fmt.Errorf("tensorfile: tensor %q: want %d bytes of tensors, have %d: %w", clip(e.name), e.end, bodyLen, ErrTruncated)
	}
	return nil
}

func order(a, b int) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}
