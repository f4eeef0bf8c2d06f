package vit

import (
	"fmt"
	"slices"
	"strings"

	"haguruma/core/nn"
	"haguruma/core/tensorfile"
)

// Metadata keys and formats of the files this package writes; docs/FORMAT.md describes them.
const (
	metaConfig       = "config"
	metaFormat       = "format"
	formatCheckpoint = "haguruma-checkpoint/1"
	formatBundle     = "haguruma-bundle/1"
)

// File returns the parameters as a float32 checkpoint: tensors by their names in their fixed order, the config in the
// metadata. The tensors are copies.
func (p *Params[F]) File() *tensorfile.File {
	f := &tensorfile.File{Metadata: map[string]string{metaFormat: formatCheckpoint, metaConfig: p.Config.json()}}
	for i := range p.tensors {
		t := &p.tensors[i]
		x := make([]float32, len(t.Data))
		for j, v := range t.Data {
			x[j] = float32(v)
		}
		f.Tensors = append(f.Tensors, tensorfile.FromFloat32(t.Name, t.fileShape(), toFileOrder(t, x)))
	}
	return f
}

// IsCheckpoint says whether f is a checkpoint that File made, or one in its form.
func IsCheckpoint(f *tensorfile.File) bool { return f.Metadata[metaFormat] == formatCheckpoint }

// OpenParams reads a checkpoint that File made; F16 and BF16 tensors are widened. Every tensor's name and shape is
// checked against the config before anything is allocated, and tensors that the config does not know are refused,
// except those whose names begin with one of extra, which belong to the caller.
//
// Errors wrap ErrConfig or tensorfile's sentinels and name the tensor.
func OpenParams(f *tensorfile.File, extra ...string) (*Params[float32], error) {
	if !IsCheckpoint(f) {
		return nil, fmt.Errorf("vit: metadata %q: want %q, have %q: %w", metaFormat, formatCheckpoint, f.Metadata[metaFormat], tensorfile.ErrFormat)
	}
	c, err := parseConfig(f.Metadata[metaConfig])
	if err != nil {
		return nil, err
	}
	return readParams(c, f, func(name string) bool {
		return slices.ContainsFunc(extra, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
	})
}

// readParams reads tensors with our names into the parameters of a checked config.
func readParams(c Config, f *tensorfile.File, ignore func(name string) bool) (*Params[float32], error) {
	wanted, _ := list[float32](c)
	known := make(map[string]bool, len(wanted))
	for i := range wanted {
		t := &wanted[i]
		known[t.Name] = true
		if _, err := lookup(f, t.Name, t.fileShape(), "F32", "F16", "BF16"); err != nil {
			return nil, err
		}
	}
	if err := refuseUnknown(f, known, ignore); err != nil {
		return nil, err
	}
	p := NewParams[float32](c)
	for i := range p.tensors {
		t := &p.tensors[i]
		source, _ := f.Tensor(t.Name)
		x, err := finite(source)
		if err != nil {
			return nil, err
		}
		copy(t.Data, fromFileOrder(t, x))
	}
	return p, nil
}

// lookup finds a tensor and checks its type, its shape and its bytes.
func lookup(f *tensorfile.File, name string, shape []int, types ...tensorfile.DType) (*tensorfile.Tensor, error) {
	t, ok := f.Tensor(name)
	if !ok {
		return nil, fmt.Errorf("vit: tensor %q: want shape %v, have none: %w", name, shape, tensorfile.ErrFormat)
	}
	if !slices.Contains(types, t.DType) {
		return nil, fmt.Errorf("vit: tensor %q: want %v, have %s: %w", name, types, t.DType, tensorfile.ErrDType)
	}
	if !slices.Equal(t.Shape, shape) {
		return nil, fmt.Errorf("vit: tensor %q: want shape %v, have %v: %w", name, shape, t.Shape, tensorfile.ErrShape)
	}
	want := t.DType.Size()
	for _, s := range shape {
		want *= s
	}
	if len(t.Data) != want {
		return nil, fmt.Errorf("vit: tensor %q: want %d bytes, have %d: %w", name, want, len(t.Data), tensorfile.ErrTruncated)
	}
	return t, nil
}

// finite reads the values of a float tensor and refuses NaN and infinities.
func finite(t *tensorfile.Tensor) ([]float32, error) {
	x, err := t.Float32()
	if err != nil {
		return nil, fmt.Errorf("vit: tensor %q: %w", t.Name, err)
	}
	for i, v := range x {
		if v-v != 0 {
			return nil, fmt.Errorf("vit: tensor %q: want finite values, have %v at %d: %w", t.Name, v, i, tensorfile.ErrFormat)
		}
	}
	return x, nil
}

// refuseUnknown returns an error for the first tensor that is neither known nor ignored.
func refuseUnknown(f *tensorfile.File, known map[string]bool, ignore func(name string) bool) error {
	for i := range f.Tensors {
		if name := f.Tensors[i].Name; !known[name] && !(ignore != nil && ignore(name)) {
			return fmt.Errorf("vit: tensor %q: not a part of the config: %w", name, tensorfile.ErrFormat)
		}
	}
	return nil
}

// toFileOrder turns a convolution from (out, kh, kw, in) into torch's (out, in, kh, kw); other tensors are returned as
// they are. This function and its inverse are the only places that know of the two orders.
func toFileOrder[T float32 | int8, F nn.Float](t *Tensor[F], x []T) []T {
	if t.kind != kindConv {
		return x
	}
	out, area, in := t.Shape[0], t.Shape[1]*t.Shape[2], t.Shape[3]
	y := make([]T, len(x))
	for o := range out {
		for a := range area {
			for i := range in {
				y[(o*in+i)*area+a] = x[(o*area+a)*in+i]
			}
		}
	}
	return y
}

// fromFileOrder is the inverse of toFileOrder.
func fromFileOrder[T float32 | int8, F nn.Float](t *Tensor[F], x []T) []T {
	if t.kind != kindConv {
		return x
	}
	out, area, in := t.Shape[0], t.Shape[1]*t.Shape[2], t.Shape[3]
	y := make([]T, len(x))
	for o := range out {
		for a := range area {
			for i := range in {
				y[(o*area+a)*in+i] = x[(o*in+i)*area+a]
			}
		}
	}
	return y
}
