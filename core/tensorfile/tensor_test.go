package tensorfile

import (
	"crypto/sha256"
	"errors"
	"math"
	"slices"
	"testing"
)

// TestFloat16 holds every one of the 65,536 patterns against the definition of
// binary16 (IEEE 754-2008, 3.4) in float64.
func TestFloat16(t *testing.T) {
	for h := range 1 << 16 {
		sign, exp, frac := 1.0, h>>10&0x1f, float64(h&0x3ff)
		if h>>15 == 1 {
			sign = -1
		}
		var want float64
		switch {
		case exp == 0x1f && frac == 0:
			want = math.Inf(int(sign))
		case exp == 0x1f:
			want = math.NaN()
		case exp == 0:
			want = math.Copysign(math.Ldexp(frac, -24), sign)
		default:
			want = sign * math.Ldexp(1024+frac, exp-25)
		}
		have := float64(float16(uint16(h)))
		if have != want && !(math.IsNaN(have) && math.IsNaN(want)) || math.Signbit(have) != math.Signbit(want) && !math.IsNaN(want) {
			t.Fatalf("%#04x: want %g, have %g", h, want, have)
		}
	}
}

// TestFloat32: the three dtypes, each at every offset of a larger buffer.
func TestFloat32(t *testing.T) {
	want := []float32{1, -2, 0, float32(math.Inf(-1))}
	for dtype, data := range map[DType][]byte{
		F32:  {0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x80, 0xff},
		F16:  {0, 0x3c, 0, 0xc0, 0, 0, 0, 0xfc},
		BF16: {0x80, 0x3f, 0, 0xc0, 0, 0, 0x80, 0xff},
	} {
		for offset := range 8 {
			buffer := make([]byte, offset+len(data))
			copy(buffer[offset:], data)
			x, err := (&Tensor{Name: "x", DType: dtype, Shape: []int{2, 2}, Data: buffer[offset:]}).Float32()
			if err != nil || !slices.Equal(x, want) {
				t.Errorf("%s at offset %d: want %v, have %v, %v", dtype, offset, want, x, err)
			}
		}
	}
}

func TestInt8(t *testing.T) {
	want := []int8{-128, -1, 0, 127}
	x := FromInt8("q", []int{4}, want)
	if have, err := x.Int8(); err != nil || !slices.Equal(have, want) {
		t.Errorf("want %v, have %v, %v", want, have, err)
	}
}

// TestConversionErrors: a wrong dtype, and Data that disagrees with Shape.
func TestConversionErrors(t *testing.T) {
	float := FromFloat32("x", []int{2}, []float32{1, 2})
	bytes := FromInt8("q", []int{2}, []int8{1, 2})
	short := Tensor{Name: "s", DType: F32, Shape: []int{2}, Data: make([]byte, 7)}
	strange := Tensor{Name: "s", DType: "F8_E4M3", Shape: []int{2}, Data: make([]byte, 2)}
	negative := Tensor{Name: "n", DType: I8, Shape: []int{-1, -2}, Data: make([]byte, 2)}
	for _, c := range []struct {
		name string
		call func() error
		want error
	}{
		{"Float32 of I8", func() error { _, err := bytes.Float32(); return err }, ErrDType},
		{"Int8 of F32", func() error { _, err := float.Int8(); return err }, ErrDType},
		{"Float32 of 7 bytes", func() error { _, err := short.Float32(); return err }, ErrShape},
		{"Float32 of a strange dtype", func() error { _, err := strange.Float32(); return err }, ErrDType},
		{"Int8 of a negative shape", func() error { _, err := negative.Int8(); return err }, ErrShape},
	} {
		if err := c.call(); !errors.Is(err, c.want) {
			t.Errorf("%s: want %v, have %v", c.name, c.want, err)
		}
	}
}

func TestFromPanics(t *testing.T) {
	for name, call := range map[string]func(){
		"short":    func() { FromFloat32("x", []int{3}, make([]float32, 2)) },
		"negative": func() { FromInt8("x", []int{-1, -2}, make([]int8, 2)) },
		"overflow": func() { FromInt8("x", []int{1 << 32, 1 << 32}, nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: want a panic, have none", name)
				}
			}()
			call()
		}()
	}
}

// TestTensorByName: the pointer is into the file.
func TestTensorByName(t *testing.T) {
	f := sample()
	q, ok := f.Tensor("q")
	if !ok || q != &f.Tensors[6] || q.Elements() != 3 {
		t.Errorf("want the tensor q of 3 elements, have %v, %v", q, ok)
	}
	if x, ok := f.Tensor("absent"); ok || x != nil {
		t.Errorf("want no tensor, have %v", x)
	}
	if steps, _ := f.Tensor("steps"); steps.Elements() != 1 {
		t.Errorf("want 1 element in a scalar, have %d", steps.Elements())
	}
}

// TestHash: the digest of "abc" of FIPS 180-4's examples, and every length
// across a block of padding, by both bodies.
func TestHash(t *testing.T) {
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if have := Hash([]byte("abc")); have != want {
		t.Errorf("want %s, have %s", want, have)
	}
	data := make([]byte, 300)
	for n := range data {
		data[n] = byte(n * 7)
		if want, have := sha256.Sum256(data[:n]), sum256Generic(data[:n]); have != want {
			t.Fatalf("%d bytes: want %x, have %x", n, want, have)
		}
	}
	for sum, good := range map[string]bool{want: true, "": false, want[1:]: false, want + "0": false, "B" + want[1:]: false, "g" + want[1:]: false} {
		if IsHash(sum) != good {
			t.Errorf("IsHash(%q): want %t", sum, good)
		}
	}
}
