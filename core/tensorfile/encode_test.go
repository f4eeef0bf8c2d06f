package tensorfile

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"testing"
)

// TestEncodeDeterministic: neither the order of the tensors nor that of the
// metadata's map shows in the bytes, and Encode(Decode(x)) is x.
func TestEncodeDeterministic(t *testing.T) {
	want, err := Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		f := sample()
		rng.Shuffle(len(f.Tensors), func(i, j int) { f.Tensors[i], f.Tensors[j] = f.Tensors[j], f.Tensors[i] })
		first := f.Tensors[0].Name
		have, err := Encode(f)
		if err != nil || !bytes.Equal(have, want) {
			t.Fatalf("want the same bytes in any order, have others, %v", err)
		}
		if f.Tensors[0].Name != first {
			t.Fatal("want the caller's order left alone")
		}
	}
	f, err := Decode(want)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Encode(f); err != nil || !bytes.Equal(again, want) {
		t.Errorf("want Encode(Decode(x)) to be x, have others, %v", err)
	}
	one, err := EncodeZstd(sample())
	if err != nil {
		t.Fatal(err)
	}
	two, err := EncodeZstd(sample())
	if err != nil || !bytes.Equal(one, two) {
		t.Errorf("want the same zstd bytes twice, have others, %v", err)
	}
}

// TestEncodeLayout: the header is JSON to any reader, padded to 8 bytes, and
// every tensor is aligned to its elements.
func TestEncodeLayout(t *testing.T) {
	data, err := Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(data)
	if n%8 != 0 {
		t.Errorf("want a header of whole words, have %d bytes", n)
	}
	var header map[string]struct {
		DType   DType  `json:"dtype"`
		Offsets [2]int `json:"data_offsets"`
	}
	if err := json.Unmarshal(data[8:8+n], &header); err != nil {
		t.Fatal(err)
	}
	if len(header) != len(sample().Tensors)+1 { // and __metadata__
		t.Errorf("want %d keys, have %d", len(sample().Tensors)+1, len(header))
	}
	for name, e := range header {
		if size := e.DType.Size(); size > 0 && e.Offsets[0]%size != 0 {
			t.Errorf("tensor %q: want it aligned to %d, have offset %d", name, size, e.Offsets[0])
		}
	}
}

func TestEncodeErrors(t *testing.T) {
	one := func(x Tensor) *File { return &File{Tensors: []Tensor{x}} }
	q := FromInt8("q", []int{1}, []int8{1})
	for _, c := range []struct {
		name string
		file *File
		want error
	}{
		{"a name twice", &File{Tensors: []Tensor{q, q}}, ErrDuplicate},
		{"the metadata's name", one(FromInt8(metadataKey, []int{1}, []int8{1})), ErrFormat},
		{"a name that is not UTF-8", one(FromInt8("\xff", []int{1}, []int8{1})), ErrFormat},
		{"metadata that is not UTF-8", &File{Metadata: map[string]string{"a": "\xff"}}, ErrFormat},
		{"an unknown dtype", one(Tensor{Name: "x", DType: "F64", Data: make([]byte, 8)}), ErrDType},
		{"bytes that are not the shape's", one(Tensor{Name: "x", DType: F32, Shape: []int{2}, Data: make([]byte, 4)}), ErrShape},
		{"a negative dimension", one(Tensor{Name: "x", DType: I8, Shape: []int{-1}}), ErrShape},
		{"33 dimensions", one(Tensor{Name: "x", DType: I8, Shape: make([]int, 33)}), ErrShape},
	} {
		if data, err := Encode(c.file); data != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: want %v, have %v", c.name, c.want, err)
		}
	}
}
