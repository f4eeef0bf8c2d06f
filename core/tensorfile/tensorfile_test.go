package tensorfile

import (
	"bytes"
	"reflect"
	"testing"
)

// sample is a file with every dtype, a scalar, an empty tensor and names that
// need escapes; its tensors are in the order Encode writes.
func sample() *File {
	raw := func(name string, dtype DType, shape []int, data ...byte) Tensor {
		return Tensor{Name: name, DType: dtype, Shape: shape, Data: data}
	}
	return &File{
		Metadata: map[string]string{"format": "pt", "a \"quoted\"\n\\ key": "値 \x01\U0001F600"},
		Tensors: []Tensor{
			raw("steps", I64, []int{}, 1, 2, 3, 4, 5, 6, 7, 8),
			FromFloat32("w", []int{2, 3}, []float32{1, -2, 3.5, 0, 1e-40, 6}),
			raw("z", I32, []int{1}, 1, 0, 0, 0),
			raw("bf", BF16, []int{2}, 0x80, 0x3f, 0x00, 0xc0),
			raw("empty", F16, []int{0, 3}),
			raw("half", F16, []int{1, 1}, 0x00, 0x3c),
			FromInt8("q", []int{3}, []int8{-127, 0, 127}),
			raw("u\t歯車", U8, []int{2}, 0, 255),
		},
	}
}

func TestEncodeDecode(t *testing.T) {
	want := sample()
	for name, encode := range map[string]func(*File) ([]byte, error){"plain": Encode, "zstd": EncodeZstd} {
		data, err := encode(want)
		if err != nil {
			t.Fatal(name, err)
		}
		have, err := Decode(data)
		if err != nil {
			t.Fatal(name, err)
		}
		if !reflect.DeepEqual(have.Metadata, want.Metadata) {
			t.Errorf("%s: metadata: want %q, have %q", name, want.Metadata, have.Metadata)
		}
		if len(have.Tensors) != len(want.Tensors) {
			t.Fatalf("%s: want %d tensors, have %d", name, len(want.Tensors), len(have.Tensors))
		}
		for i, w := range want.Tensors {
			h := have.Tensors[i]
			if h.Name != w.Name || h.DType != w.DType || !reflect.DeepEqual(h.Shape, w.Shape) || !bytes.Equal(h.Data, w.Data) {
				t.Errorf("%s: want %v, have %v", name, w, h)
			}
		}
	}
}
