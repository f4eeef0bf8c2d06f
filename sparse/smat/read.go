package smat

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"haguruma/core/tensorfile"
	"haguruma/core/vit"
	"haguruma/sparse"
)

// Checkpoint is what the authors' training left, read.
type Checkpoint struct {
	Backbone *vit.Import // frozen, as it was before meta-tuning
	// Experts have the tensors of Backbone.Params, gates as they open in use, and no router when Missing is not empty.
	Experts *sparse.Experts
	// Tasks is the number of training tasks, from which the temperature of the scores follows; 0 where it is not needed.
	Tasks int
	// Missing are the tensors of the router that the June 2024 version of the authors' code does not save.
	Missing []string
	// Ignored are the names of tensors that use does not need.
	Ignored []string
}

// hint is how the authors feed a backbone, whatever it was pre-trained with.
var hint = vit.Hint{Source: "SMAT", Text: `{"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}`}

// Read reads a checkpoint of the authors. Heads, eps, mean and std of the backbone are those of its layout and of the authors' data
// loading; of the hints the later win.
//
// The masks are those of use: clip(1.2 sigmoid(logAlpha) - 0.1, 0, 1), rounded to 1/255 by sparse.NewMask. Tensors are checked by name,
// shape and type before anything of the size of the backbone is made of them, and NaN and infinities are refused. A tensor of the backbone,
// the delta, the gates or the router without a place here is an error; others are listed in Ignored.
func Read(f *tensorfile.File, hints ...vit.Hint) (*Checkpoint, error) {
	prefix, ok := findPrefix(f)
	if !ok {
		return nil, fmt.Errorf("smat: want a tensor %q, have none: %w", deltaPart+"0", tensorfile.ErrFormat)
	}
	r := &reader{prefix: prefix, tensors: map[string]*tensorfile.Tensor{}, known: map[string]bool{}}
	for i := range f.Tensors {
		if name, inside := strings.CutPrefix(f.Tensors[i].Name, prefix); inside {
			r.tensors[name] = &f.Tensors[i]
		}
	}
	s, names, err := r.detect()
	if err != nil {
		return nil, err
	}
	if err := r.check(names); err != nil {
		return nil, err
	}
	c := &Checkpoint{}
	router, tasks, err := r.router()
	if err != nil {
		return nil, err
	}
	c.Missing, c.Tasks = r.missing, tasks
	if err := r.constants(); err != nil {
		return nil, err
	}
	if c.Ignored, err = r.rest(f); err != nil {
		return nil, err
	}

	hints = append([]vit.Hint{hint}, hints...)
	part := func(source func(i int) (tensorfile.Tensor, error)) (*vit.Import, error) {
		sub := &tensorfile.File{}
		for i, name := range names {
			t, err := source(i)
			if err != nil {
				return nil, err
			}
			t.Name = backbonePart + name
			sub.Tensors = append(sub.Tensors, t)
		}
		return vit.ImportParams(sub, s.layout, hints...)
	}
	c.Backbone, err = part(func(i int) (tensorfile.Tensor, error) { return *r.tensors[backbonePart+names[i]], nil })
	if err != nil {
		return nil, err
	}
	c.Backbone.Positions = vit.PositionRule{Offset: 0.1} // in both of their backbones

	// What package vit does to the tensors of a backbone, it does to the delta and to the masks: stack q, k and v, turn the convolution.
	e := &sparse.Experts{Tensors: sparse.BackboneTensors(c.Backbone.Params), Router: router, Free: router == nil && r.experts > 1, Temperature: 1}
	if router != nil {
		e.Temperature = float32(sparse.Temperature(sparse.StartTemperature, sparse.EndTemperature, sparse.CoolingTasks, tasks))
	}
	delta, err := part(func(i int) (tensorfile.Tensor, error) { return *r.tensors[deltaPart+strconv.Itoa(i)], nil })
	if err != nil {
		return nil, err
	}
	e.Delta = sparse.NewDelta(e.Tensors, delta.Params.Flat)
	for m := range r.experts {
		mask, err := part(func(i int) (tensorfile.Tensor, error) { return r.gates(i, m) })
		if err != nil {
			return nil, err
		}
		e.Masks = append(e.Masks, sparse.NewMask(mask.Params.Flat))
	}
	c.Experts = e
	if err := e.Check(); err != nil {
		return nil, err
	}
	return c, nil
}

// reader reads one file of a known prefix.
type reader struct {
	prefix  string
	tensors map[string]*tensorfile.Tensor // by their names without the prefix
	known   map[string]bool               // names that were read
	missing []string
	experts int
}

func (r *reader) has(name string) bool { return r.tensors[name] != nil }

// want finds a tensor of floats and checks its shape.
func (r *reader) want(name string, shape ...int) (*tensorfile.Tensor, error) {
	t := r.tensors[name]
	if t == nil {
		return nil, fmt.Errorf("smat: tensor %q: want shape %v, have none: %w", r.prefix+name, shape, tensorfile.ErrFormat)
	}
	if !slices.Equal(t.Shape, shape) {
		return nil, fmt.Errorf("smat: tensor %q: want shape %v, have %v: %w", t.Name, shape, t.Shape, tensorfile.ErrShape)
	}
	n := t.DType.Size()
	for _, s := range shape {
		n *= s
	}
	if t.DType != tensorfile.F32 && t.DType != tensorfile.F16 && t.DType != tensorfile.BF16 {
		return nil, fmt.Errorf("smat: tensor %q: want F32, F16 or BF16, have %s: %w", t.Name, t.DType, tensorfile.ErrDType)
	}
	if n != len(t.Data) {
		return nil, fmt.Errorf("smat: tensor %q: want %d bytes, have %d: %w", t.Name, n, len(t.Data), tensorfile.ErrTruncated)
	}
	r.known[t.Name] = true
	return t, nil
}

// values reads a tensor of floats and refuses NaN and infinities.
func (r *reader) values(name string, shape ...int) ([]float32, error) {
	t, err := r.want(name, shape...)
	if err != nil {
		return nil, err
	}
	return finite(t)
}

func finite(t *tensorfile.Tensor) ([]float32, error) {
	x, err := t.Float32()
	if err != nil {
		return nil, fmt.Errorf("smat: %w", err)
	}
	for i, v := range x {
		if v-v != 0 {
			return nil, fmt.Errorf("smat: tensor %q: want finite values, have %v at %d: %w", t.Name, v, i, tensorfile.ErrFormat)
		}
	}
	return x, nil
}

// check looks up the three tensors of every name: the backbone's, its delta, its gates.
func (r *reader) check(names []string) error {
	for i, name := range names {
		net := r.tensors[backbonePart+name]
		if net == nil {
			return fmt.Errorf("smat: tensor %q: have none: %w", r.prefix+backbonePart+name, tensorfile.ErrFormat)
		}
		if _, err := r.want(backbonePart+name, net.Shape...); err != nil {
			return err
		}
		delta, err := r.want(deltaPart+strconv.Itoa(i), net.Shape...)
		if err != nil {
			return fmt.Errorf("%w (the delta of %s)", err, name)
		}
		if _, err := finite(delta); err != nil {
			return err
		}
		gates := r.tensors[gatePart+strconv.Itoa(i)]
		if i == 0 && gates != nil && len(gates.Shape) > 0 {
			r.experts = gates.Shape[len(gates.Shape)-1]
		}
		if gates != nil && len(gates.Shape) != len(net.Shape)+1 {
			return fmt.Errorf("smat: tensor %q: want a gate for each scalar of %s, %v, and each expert, have shape %v (structured masks are not read): %w",
				gates.Name, name, net.Shape, gates.Shape, vit.ErrUnsupported)
		}
		if _, err := r.want(gatePart+strconv.Itoa(i), append(slices.Clone(net.Shape), r.experts)...); err != nil {
			return fmt.Errorf("%w (the gates of %s)", err, name)
		}
	}
	if r.experts == 1 {
		return fmt.Errorf("smat: tensor %q: want 2 experts or more, have one, which the authors' code scales as it does not scale several: %w",
			r.prefix+gatePart+"0", vit.ErrUnsupported)
	}
	// The classifier that prototypes replace is numbered last.
	for _, part := range []string{deltaPart, gatePart} {
		head := part + strconv.Itoa(len(names))
		if t := r.tensors[head]; t != nil {
			r.known[t.Name] = true
		}
	}
	return nil
}

// gates returns how far the gates of tensor i open in use for expert m, in the shape of the backbone's tensor.
func (r *reader) gates(i, m int) (tensorfile.Tensor, error) {
	all := r.tensors[gatePart+strconv.Itoa(i)]
	width := all.DType.Size()
	shape := all.Shape[:len(all.Shape)-1]
	own := tensorfile.Tensor{Name: all.Name, DType: all.DType, Shape: shape, Data: make([]byte, 0, len(all.Data)/r.experts)}
	for at := m * width; at < len(all.Data); at += r.experts * width {
		own.Data = append(own.Data, all.Data[at:at+width]...)
	}
	logAlpha, err := finite(&own)
	if err != nil {
		return own, err
	}
	sparse.Open(sparse.GateParity, logAlpha, logAlpha, false)
	return tensorfile.FromFloat32("", shape, logAlpha), nil
}

// constants refuses gates that stretch by other numbers than the published ones.
func (r *reader) constants() error {
	for name, want := range map[string]float64{"zeta": 1.1, "gamma": -0.1} {
		for _, full := range []string{name, "mask_hypernet." + name} {
			t := r.tensors[full]
			if t == nil {
				continue
			}
			if have, err := number(t); err != nil || !(math.Abs(have-want) < 1e-6) {
				return fmt.Errorf("smat: tensor %q: want %v, have %v (%v): %w", t.Name, want, have, err, vit.ErrUnsupported)
			}
		}
	}
	return nil
}

// number reads a tensor of one element.
func number(t *tensorfile.Tensor) (float64, error) {
	if t.Elements() == 1 {
		switch {
		case t.DType == "F64" && len(t.Data) == 8:
			return math.Float64frombits(binary.LittleEndian.Uint64(t.Data)), nil
		case t.DType == tensorfile.I64 && len(t.Data) == 8:
			return float64(int64(binary.LittleEndian.Uint64(t.Data))), nil
		case t.DType == tensorfile.I32 && len(t.Data) == 4:
			return float64(int32(binary.LittleEndian.Uint32(t.Data))), nil
		}
		if x, err := t.Float32(); err == nil {
			return float64(x[0]), nil
		}
	}
	return 0, fmt.Errorf("smat: tensor %q: want one number, have %s %v: %w", t.Name, t.DType, t.Shape, tensorfile.ErrShape)
}

// rest lists what was not read, and refuses what should have been.
func (r *reader) rest(f *tensorfile.File) (ignored []string, err error) {
	for i := range f.Tensors {
		t := &f.Tensors[i]
		if r.known[t.Name] {
			continue
		}
		name, inside := strings.CutPrefix(t.Name, r.prefix)
		for _, part := range []string{backbonePart, deltaPart, gatePart, routerPart} {
			if inside && strings.HasPrefix(name, part) {
				return nil, fmt.Errorf("smat: tensor %q: has no place in this backbone and its experts: %w", t.Name, tensorfile.ErrFormat)
			}
		}
		ignored = append(ignored, t.Name)
	}
	return ignored, nil
}
