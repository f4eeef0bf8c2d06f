package tensorfile

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Encode returns f as a safetensors file. The bytes depend on nothing but f's
// metadata and tensors, not on their order: metadata is sorted by key, tensors
// by element size, largest first, then by name, as the reference
// implementation sorts them, so that every tensor is aligned to its elements.
// The header is padded with spaces to a multiple of 8 bytes.
//
// The errors wrap ErrDuplicate, ErrDType, ErrShape, ErrFormat (a name that is
// not UTF-8, or __metadata__) or ErrTooLarge (the header).
func Encode(f *File) ([]byte, error) {
	tensors := make([]*Tensor, len(f.Tensors))
	for i := range f.Tensors {
		tensors[i] = &f.Tensors[i]
		if err := tensors[i].check(); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(tensors, func(a, b *Tensor) int {
		if sa, sb := a.DType.Size(), b.DType.Size(); sa != sb {
			return order(sb, sa)
		}
		if a.Name < b.Name {
			return -1
		}
		if a.Name > b.Name {
			return 1
		}
		return 0
	})
	header, body, err := appendHeader(make([]byte, lengthBytes), f.Metadata, tensors)
	if err != nil {
		return nil, err
	}
	data := make([]byte, len(header), len(header)+body)
	copy(data, header)
	for _, t := range tensors {
		data = append(data, t.Data...)
	}
	return data, nil
}

// EncodeZstd is Encode in one zstd frame. Its bytes are deterministic for one
// version of the compressor; under GOOS=js they are a frame of raw blocks.
func EncodeZstd(f *File) ([]byte, error) {
	data, err := Encode(f)
	if err != nil {
		return nil, err
	}
	return pack(data)
}

// appendHeader appends the JSON of the header, padded, writes its length into
// the first bytes of b, and returns the bytes the tensors take.
func appendHeader(b []byte, metadata map[string]string, tensors []*Tensor) (header []byte, body int, err error) {
	b = append(b, '{')
	if len(metadata) > 0 {
		if b, err = appendMetadata(b, metadata); err != nil {
			return nil, 0, err
		}
	}
	seen := make(map[string]bool, len(tensors))
	for _, t := range tensors {
		if seen[t.Name] {
			return nil, 0, fmt.Errorf("tensorfile: tensor %q: %w", clip(t.Name), ErrDuplicate)
		}
		seen[t.Name] = true
		if t.Name == metadataKey || !utf8.ValidString(t.Name) {
			return nil, 0, fmt.Errorf("tensorfile: tensor %q: want a UTF-8 name other than %s: %w", clip(t.Name), metadataKey, ErrFormat)
		}
		if len(b) > lengthBytes+1 {
			b = append(b, ',')
		}
		b = appendText(b, t.Name)
		b = append(b, `:{"dtype":"`...)
		b = append(b, t.DType...)
		b = append(b, `","shape":[`...)
		for i, dim := range t.Shape {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, int64(dim), 10)
		}
		b = append(b, `],"data_offsets":[`...)
		b = strconv.AppendInt(b, int64(body), 10)
		body += len(t.Data)
		b = append(b, ',')
		b = strconv.AppendInt(b, int64(body), 10)
		b = append(b, "]}"...)
	}
	b = append(b, '}')
	for len(b)%8 != 0 {
		b = append(b, ' ')
	}
	n := len(b) - lengthBytes
	if n > MaxHeader {
		return nil, 0, fmt.Errorf("tensorfile: header: want at most %d bytes, have %d: %w", MaxHeader, n, ErrTooLarge)
	}
	binary.LittleEndian.PutUint64(b, uint64(n))
	return b, body, nil
}

func appendMetadata(b []byte, metadata map[string]string) ([]byte, error) {
	keys := make([]*string, 0, len(metadata)) // pointers sort by the code that sorts tensors: the page's engine is smaller
	for key, value := range metadata {
		if !utf8.ValidString(key) || !utf8.ValidString(value) {
			return nil, fmt.Errorf("tensorfile: %s %q: want UTF-8: %w", metadataKey, clip(key), ErrFormat)
		}
		keys = append(keys, &key)
	}
	slices.SortFunc(keys, func(a, b *string) int { return strings.Compare(*a, *b) })
	b = append(b, `"`+metadataKey+`":{`...)
	for i, key := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, *key)
		b = append(b, ':')
		b = appendText(b, metadata[*key])
	}
	return append(b, '}'), nil
}

// appendText appends s, which is UTF-8, as a JSON string.
func appendText(b []byte, s string) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
