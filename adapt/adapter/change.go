package adapter

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// Change is what fine-tuning added to some scalars of one tensor of the backbone, on top of the merged experts. A tensor is flat in its
// backbone's order, where convolutions are (out, kh, kw, in); sum i is at At[i]. It is held as int8 codes, value = Scale * code, or as float32.
type Change struct {
	Tensor string    // name
	At     []int     // places in the tensor, ascending
	Codes  []int8    // -127..127; nil where Values are there
	Scale  float32   // of the codes, 0 or more
	Values []float32 // nil where Codes are there
}

// maxAt bounds the places: the largest tensor of a ViT-L has four million.
const maxAt = math.MaxInt32

// Round returns the change with its values in int8 codes: a quarter of the bytes. The values of a change decide what it does, so round before the
// change comes into use, not only before it is saved.
func (c Change) Round() Change {
	most := float32(0)
	for _, v := range c.Values {
		most = max(most, float32(math.Abs(float64(v))))
	}
	r := Change{Tensor: c.Tensor, At: c.At, Codes: make([]int8, len(c.Values)), Scale: most / 127}
	for i, v := range c.Values {
		if r.Scale > 0 {
			r.Codes[i] = int8(max(-127, min(127, math.RoundToEven(float64(v/r.Scale)))))
		}
	}
	return r
}

// value returns sum i.
func (c *Change) value(i int) float32 {
	if c.Codes != nil {
		return float32(c.Scale * float32(c.Codes[i])) // the conversion forbids a fused multiply-add
	}
	return c.Values[i]
}

func (c *Change) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("adapter: change of %q: "+format+": %w", append(append([]any{clip(c.Tensor)}, args...), ErrFormat)...)
	}
	// The name becomes a part of names in the file.
	if c.Tensor == "" || len(c.Tensor) > 200 || strings.Trim(c.Tensor, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._") != "" {
		return bad("want the name of a tensor")
	}
	if (c.Codes == nil) == (c.Values == nil) || len(c.Codes)+len(c.Values) != len(c.At) || len(c.At) == 0 {
		return bad("want codes or values, one for each of the places, have %d, %d and %d", len(c.Codes), len(c.Values), len(c.At))
	}
	if err := finite(c.Tensor, append([]float32{c.Scale}, c.Values...)); err != nil {
		return err
	}
	if c.Scale < 0 || c.Codes == nil && c.Scale != 0 {
		return bad("want a scale of 0 or more with codes, and none without, have %v", c.Scale)
	}
	for i, q := range c.Codes {
		if q < -127 {
			return bad("want codes of -127 to 127, have %d at %d", q, i)
		}
	}
	for i, at := range c.At {
		if at < 0 || at > maxAt || i > 0 && at <= c.At[i-1] {
			return bad("want places that ascend up to %d, have %d at %d", maxAt, at, i)
		}
	}
	return nil
}

// packPlaces writes ascending places as gaps, in the variable-length integers of package encoding/binary: mostly one byte each.
func packPlaces(at []int) []byte {
	var data []byte
	next := 0
	for _, p := range at {
		data = binary.AppendUvarint(data, uint64(p-next))
		next = p + 1
	}
	return data
}

// unpackPlaces reads n places. The error wraps ErrFormat.
func unpackPlaces(tensor string, data []byte, n int) ([]int, error) {
	if n > len(data) { // each takes a byte or more
		return nil, fmt.Errorf("adapter: change of %q: want %d places, have %d bytes of them: %w", clip(tensor), n, len(data), ErrFormat)
	}
	at, next := make([]int, n), uint64(0)
	for i := range at {
		gap, size := binary.Uvarint(data)
		// The shortest form only, so that equal places have equal bytes.
		if size <= 0 || size > 1 && data[size-1] == 0 || gap > maxAt || next+gap > maxAt {
			return nil, fmt.Errorf("adapter: change of %q: place %d: want a gap that ends up to %d: %w", clip(tensor), i, maxAt, ErrFormat)
		}
		at[i] = int(next + gap)
		next, data = next+gap+1, data[size:]
	}
	if len(data) != 0 {
		return nil, fmt.Errorf("adapter: change of %q: %d bytes behind the last of %d places: %w", clip(tensor), len(data), n, ErrFormat)
	}
	return at, nil
}
