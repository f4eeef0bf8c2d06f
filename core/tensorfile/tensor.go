package tensorfile

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/bits"
	"strings"
)

// DType is an element type by its safetensors name.
type DType string

// The dtypes this package reads and writes.
const (
	F32  DType = "F32"
	F16  DType = "F16"  // IEEE 754 binary16
	BF16 DType = "BF16" // the upper half of an F32
	I8   DType = "I8"
	U8   DType = "U8"
	I32  DType = "I32"
	I64  DType = "I64"
)

// Size returns the bytes of one element, 0 for a dtype not listed above.
func (d DType) Size() int {
	switch d {
	case I8, U8:
		return 1
	case F16, BF16:
		return 2
	case F32, I32:
		return 4
	case I64:
		return 8
	}
	return 0
}

// Tensor is one named array, row-major, little-endian.
//
// Data of a decoded tensor is a view into the decoded buffer, at any
// alignment: it stays valid as long as it is referenced, and writing to it
// writes to that buffer.
type Tensor struct {
	Name  string
	DType DType
	Shape []int // empty for a scalar
	Data  []byte
}

// File is the content of one safetensors file.
type File struct {
	Metadata map[string]string // __metadata__; nil when the file has none
	Tensors  []Tensor          // Decode: in the order of their bytes
}

// Tensor returns the tensor of that name, a pointer into f.Tensors.
func (f *File) Tensor(name string) (*Tensor, bool) {
	for i := range f.Tensors {
		if f.Tensors[i].Name == name {
			return &f.Tensors[i], true
		}
	}
	return nil, false
}

// Elements returns the number of elements, the product of Shape (1 for a scalar).
func (t *Tensor) Elements() int {
	n := 1
	for _, dim := range t.Shape {
		n *= dim
	}
	return n
}

// check tells whether Data has the bytes that DType and Shape ask for.
func (t *Tensor) check() error {
	if t.DType.Size() == 0 {
		return fmt.Errorf("tensorfile: tensor %q: have dtype %q: %w", clip(t.Name), clip(string(t.DType)), ErrDType)
	}
	want, ok := byteCount(t.DType, t.Shape)
	if !ok {
		return fmt.Errorf("tensorfile: tensor %q: no byte count for shape %v: %w", clip(t.Name), t.Shape, ErrShape)
	}
	if want != len(t.Data) {
		return fmt.Errorf("tensorfile: tensor %q: %s %v: want %d bytes, have %d: %w", clip(t.Name), t.DType, t.Shape, want, len(t.Data), ErrShape)
	}
	return nil
}

// maxRank is numpy's limit (NPY_MAXDIMS before 2.0); real weights have at most 5.
const maxRank = 32

// byteCount returns the bytes of a tensor. It refuses negative dimensions,
// more than maxRank of them, and any product, of the non-zero dimensions too,
// that does not fit an int: a reader may multiply them in another order.
func byteCount(dtype DType, shape []int) (n int, ok bool) {
	if len(shape) > maxRank {
		return 0, false
	}
	total, zero := uint64(dtype.Size()), false
	for _, dim := range shape {
		if dim < 0 {
			return 0, false
		}
		if dim == 0 {
			zero = true
			continue
		}
		hi, lo := bits.Mul64(total, uint64(dim))
		if hi != 0 || lo > math.MaxInt {
			return 0, false
		}
		total = lo
	}
	if zero {
		return 0, true
	}
	return int(total), true
}

// Float32 returns the elements of an F32, F16 or BF16 tensor in new memory.
// Every F16 and BF16 value is exact in float32; the error wraps ErrDType for
// another dtype and ErrShape when Data disagrees with Shape.
func (t *Tensor) Float32() ([]float32, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	data := t.Data
	switch t.DType {
	case F32:
		x := make([]float32, len(data)/4)
		for i := range x {
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
		return x, nil
	case F16:
		x := make([]float32, len(data)/2)
		for i := range x {
			x[i] = float16(binary.LittleEndian.Uint16(data[2*i:]))
		}
		return x, nil
	case BF16:
		x := make([]float32, len(data)/2)
		for i := range x {
			x[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(data[2*i:])) << 16)
		}
		return x, nil
	}
	return nil, fmt.Errorf("tensorfile: tensor %q: want F32, F16 or BF16, have %s: %w", clip(t.Name), t.DType, ErrDType)
}

// Int8 returns the elements of an I8 tensor in new memory. The error wraps
// ErrDType for another dtype and ErrShape when Data disagrees with Shape.
func (t *Tensor) Int8() ([]int8, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	if t.DType != I8 {
		return nil, fmt.Errorf("tensorfile: tensor %q: want I8, have %s: %w", clip(t.Name), t.DType, ErrDType)
	}
	x := make([]int8, len(t.Data))
	for i, b := range t.Data {
		x[i] = int8(b)
	}
	return x, nil
}

// float16 widens an IEEE 754 binary16; exact, infinities and NaN included.
func float16(h uint16) float32 {
	sign, exp, frac := uint32(h>>15)<<31, uint32(h>>10)&0x1f, uint32(h)&0x3ff
	switch {
	case exp == 0x1f: // infinity, NaN
		return math.Float32frombits(sign | 0xff<<23 | frac<<13)
	case exp != 0: // the bias goes from 15 to 127
		return math.Float32frombits(sign | (exp+127-15)<<23 | frac<<13)
	}
	// zero and subnormals: frac * 2^-24, both factors exact
	return math.Float32frombits(math.Float32bits(float32(frac)*(1.0/(1<<24))) | sign)
}

// FromFloat32 returns an F32 tensor with a copy of x. It panics if shape does
// not have len(x) elements.
func FromFloat32(name string, shape []int, x []float32) Tensor {
	if n, ok := byteCount(F32, shape); !ok || n != 4*len(x) {
		panic("tensorfile: FromFloat32: shape does not have len(x) elements")
	}
	data := make([]byte, 4*len(x))
	for i, v := range x {
		binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(v))
	}
	return Tensor{Name: name, DType: F32, Shape: append([]int{}, shape...), Data: data}
}

// FromInt8 returns an I8 tensor with a copy of x. It panics if shape does not
// have len(x) elements.
func FromInt8(name string, shape []int, x []int8) Tensor {
	if n, ok := byteCount(I8, shape); !ok || n != len(x) {
		panic("tensorfile: FromInt8: shape does not have len(x) elements")
	}
	data := make([]byte, len(x))
	for i, v := range x {
		data[i] = byte(v)
	}
	return Tensor{Name: name, DType: I8, Shape: append([]int{}, shape...), Data: data}
}

// IsHash reports whether sum has the form of what Hash returns.
func IsHash(sum string) bool {
	return len(sum) == 64 && strings.Trim(sum, "0123456789abcdef") == ""
}

// Hash returns the SHA-256 of data in lower-case hexadecimal, the name by
// which adapters and manifests refer to a file.
func Hash(data []byte) string {
	sum := sum256(data)
	return hex.EncodeToString(sum[:])
}
