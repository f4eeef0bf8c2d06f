package tensorfile

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"

	"haguruma/core/plainjson"
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
	for i := range f.Tensors {
		if err := f.Tensors[i].check(); err != nil {
			return nil, err
		}
	}
	tensors := make([]*Tensor, len(f.Tensors))
	for at, i := range Order(len(tensors), func(i, j int) int {
		a, b := &f.Tensors[i], &f.Tensors[j]
		if sa, sb := a.DType.Size(), b.DType.Size(); sa != sb {
			return order(sb, sa)
		}
		return strings.Compare(a.Name, b.Name)
	}) {
		tensors[at] = &f.Tensors[i]
	}
	if err := checkTexts(f.Metadata, tensors); err != nil {
		return nil, err
	}
	header := header(f.Metadata, tensors)
	if len(header) > MaxHeader {
		return nil, fmt.Errorf("tensorfile: header: want at most %d bytes, have %d: %w", MaxHeader, len(header), ErrTooLarge)
	}
	body := 0
	for _, t := range tensors {
		body += len(t.Data)
	}
	data := binary.LittleEndian.AppendUint64(make([]byte, 0, lengthBytes+len(header)+body), uint64(len(header)))
	data = append(data, header...)
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

// checkTexts reports the first key, value or name that a header cannot have.
func checkTexts(metadata map[string]string, tensors []*Tensor) error {
	for key, value := range metadata {
		if !utf8.ValidString(key) || !utf8.ValidString(value) {
			return fmt.Errorf("tensorfile: %s %q: want UTF-8: %w", metadataKey, clip(key), ErrFormat)
		}
	}
	seen := make(map[string]bool, len(tensors))
	for _, t := range tensors {
		if seen[t.Name] {
			return fmt.Errorf("tensorfile: tensor %q: %w", clip(t.Name), ErrDuplicate)
		}
		seen[t.Name] = true
		if t.Name == metadataKey || !utf8.ValidString(t.Name) {
			return fmt.Errorf("tensorfile: tensor %q: want a UTF-8 name other than %s: %w", clip(t.Name), metadataKey, ErrFormat)
		}
	}
	return nil
}

// header returns the JSON of the header, padded. The bytes are those of the reference implementation, which escapes as plainjson does.
func header(metadata map[string]string, tensors []*Tensor) []byte {
	var w plainjson.Writer
	w.Object(func() {
		if len(metadata) > 0 {
			w.Name(metadataKey)
			writeMetadata(&w, metadata)
		}
		at := 0
		for _, t := range tensors {
			w.Name(t.Name)
			w.Object(func() {
				w.Name("dtype")
				w.Text(string(t.DType))
				w.Name("shape")
				w.List(func() {
					for _, dim := range t.Shape {
						w.Integer(dim)
					}
				})
				w.Name("data_offsets")
				w.List(func() {
					w.Integer(at)
					at += len(t.Data)
					w.Integer(at)
				})
			})
		}
	})
	for len(w.Bytes())%8 != 0 {
		w.Space()
	}
	return w.Bytes()
}

func writeMetadata(w *plainjson.Writer, metadata map[string]string) {
	keys := make([]string, 0, len(metadata))
	for key := range metadata {
		keys = append(keys, key)
	}
	w.Object(func() {
		for _, i := range Order(len(keys), func(i, j int) int { return strings.Compare(keys[i], keys[j]) }) {
			w.Name(keys[i])
			w.Text(metadata[keys[i]])
		}
	})
}
