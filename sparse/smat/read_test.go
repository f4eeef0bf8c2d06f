package smat

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"haguruma/core/tensorfile"
	"haguruma/core/vit"
	"haguruma/sparse"
)

func drop(f *tensorfile.File, names ...string) {
	f.Tensors = slices.DeleteFunc(f.Tensors, func(x tensorfile.Tensor) bool { return slices.Contains(names, x.Name) })
}

func tensor(t testing.TB, f *tensorfile.File, name string) *tensorfile.Tensor {
	t.Helper()
	x, ok := f.Tensor(name)
	if !ok {
		t.Fatalf("no tensor %s", name)
	}
	return x
}

// TestWithoutKeys: what the June 2024 code saves has no keys and no skill tokens: everything else is the same, and there is no router.
func TestWithoutKeys(t *testing.T) {
	whole, err := Read(stateDict(t, "hf", "model"), heads)
	if err != nil {
		t.Fatal(err)
	}
	f := stateDict(t, "hf", "model")
	drop(f, keysName, skillsName, "mask_hypernet.count_encoding", "mask_hypernet.input_embed_proj.weight", "mask_hypernet.input_embed_proj.bias",
		"mask_hypernet.zeta", "mask_hypernet.gamma", "mask_hypernet.beta", "mask_hypernet.lagrangian_multiplier")
	c, err := Read(f, heads)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.Missing, []string{keysName, skillsName}) || c.Experts.Router != nil || !c.Experts.Free || whole.Experts.Free {
		t.Errorf("missing %q, router %v, chosen by examples %v and %v", c.Missing, c.Experts.Router, c.Experts.Free, whole.Experts.Free)
	}
	n := len(c.Backbone.Params.Flat)
	x, y, scores := make([]float32, n), make([]float32, n), []float32{0.5, 0.25, 0.25}
	c.Experts.Merge(x, c.Backbone.Params.Flat, scores)
	whole.Experts.Merge(y, whole.Backbone.Params.Flat, scores)
	if !slices.Equal(x, y) {
		t.Error("other weights than with the router")
	}
}

// TestForms: names under the prefix of several devices, tensors of half the width, and no head give the same or nearly the same.
func TestForms(t *testing.T) {
	want, err := Read(stateDict(t, "hub", ""), heads)
	if err != nil {
		t.Fatal(err)
	}
	f := stateDict(t, "hub", "")
	drop(f, "net.head.weight", deltaPart+"30", gatePart+"30")
	for i := range f.Tensors {
		f.Tensors[i].Name = "module." + f.Tensors[i].Name
	}
	have, err := Read(f, heads)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(have.Backbone.Params.Flat, want.Backbone.Params.Flat) || !slices.Equal(have.Experts.Delta.Values(), want.Experts.Delta.Values()) ||
		!slices.Equal(have.Experts.Router.Flat, want.Experts.Router.Flat) || !Is(f) {
		t.Error("module.: other values")
	}

	f = stateDict(t, "hub", "")
	for i := range f.Tensors {
		if x := &f.Tensors[i]; x.DType == tensorfile.F32 && strings.HasPrefix(x.Name, gatePart) {
			upper := make([]byte, 0, len(x.Data)/2)
			for j := 0; j < len(x.Data); j += 4 {
				upper = append(upper, x.Data[j+2], x.Data[j+3])
			}
			x.DType, x.Data = tensorfile.BF16, upper
		}
	}
	if have, err = Read(f, heads); err != nil {
		t.Fatal(err)
	}
	for i := range want.Experts.Delta.Len() {
		if x, y := want.Experts.Masks[2].Value(i), have.Experts.Masks[2].Value(i); !(math.Abs(float64(x-y)) < 0.02) {
			t.Fatalf("BF16 gates: scalar %d: want about %v, have %v", i, x, y)
		}
	}
}

// TestTasks: the number of tasks in each type it may have; the temperature follows it.
func TestTasks(t *testing.T) {
	for dtype, data := range map[tensorfile.DType][]byte{
		tensorfile.I64: binary.LittleEndian.AppendUint64(nil, 4000),
		tensorfile.I32: binary.LittleEndian.AppendUint32(nil, 4000),
		tensorfile.F32: binary.LittleEndian.AppendUint32(nil, math.Float32bits(4000)),
		"F64":          binary.LittleEndian.AppendUint64(nil, math.Float64bits(4000)),
	} {
		f := stateDict(t, "hf", "model")
		x := tensor(t, f, tasksName)
		x.DType, x.Data = dtype, data
		if c, err := Read(f, heads); err != nil || c.Tasks != 4000 || c.Experts.Temperature != 4 {
			t.Errorf("%s: %v, %+v", dtype, err, c)
		}
	}
}

// TestReadBad: files that would give other experts than the authors' are errors that name the tensor.
func TestReadBad(t *testing.T) {
	const router = routerPart + "mlp.fc1"
	set := func(name string, at int, value float32) func(t *testing.T, f *tensorfile.File) {
		return func(t *testing.T, f *tensorfile.File) {
			x := tensor(t, f, name)
			x.Data = slices.Clone(x.Data)
			binary.LittleEndian.PutUint32(x.Data[4*at:], math.Float32bits(value))
		}
	}
	without := func(names ...string) func(t *testing.T, f *tensorfile.File) {
		return func(_ *testing.T, f *tensorfile.File) { drop(f, names...) }
	}
	shape := func(name string, shape ...int) func(t *testing.T, f *tensorfile.File) {
		return func(t *testing.T, f *tensorfile.File) { tensor(t, f, name).Shape = shape }
	}
	extra := func(name string) func(t *testing.T, f *tensorfile.File) {
		return func(_ *testing.T, f *tensorfile.File) {
			f.Tensors = append(f.Tensors, tensorfile.FromFloat32(name, []int{1}, []float32{1}))
		}
	}
	nan := float32(math.NaN())
	for _, bad := range []struct {
		name, place string
		want        error
		damage      func(t *testing.T, f *tensorfile.File)
	}{
		{"another file", deltaPart, tensorfile.ErrFormat, func(_ *testing.T, f *tensorfile.File) { f.Tensors = nil }},
		{"another backbone", "cls_token", vit.ErrUnsupported, without("net.encoder.embeddings.cls_token")},
		{"hole in a block", "layernorm_before.weight", tensorfile.ErrFormat, without("net.encoder.encoder.layer.1.layernorm_before.weight")},
		{"no query", "layer.1.attention.attention.query.weight", tensorfile.ErrFormat, without("net.encoder.encoder.layer.1.attention.attention.query.weight")},
		{"a tensor more", "net.encoder.pooler.dense.weight", tensorfile.ErrFormat, extra("net.encoder.pooler.dense.weight")},
		{"delta of another shape", deltaPart + "4", tensorfile.ErrShape, shape(deltaPart+"4", 64)},
		{"no delta", deltaPart + "7", tensorfile.ErrFormat, without(deltaPart + "7")},
		{"a delta more", deltaPart + "40", tensorfile.ErrFormat, extra(deltaPart + "40")},
		{"delta that is not finite", deltaPart + "5", tensorfile.ErrFormat, set(deltaPart+"5", 2, nan)},
		{"structured gates", "structured", vit.ErrUnsupported, shape(gatePart+"4", 64, 3)},
		{"experts first", gatePart + "4", tensorfile.ErrShape, shape(gatePart+"4", 3, 8, 8)},
		{"no gates", gatePart + "9", tensorfile.ErrFormat, without(gatePart + "9")},
		{"gates that are not finite", gatePart + "6", tensorfile.ErrFormat, set(gatePart+"6", 5, float32(math.Inf(1)))},
		{"gates of integers", gatePart + "3", tensorfile.ErrDType, func(t *testing.T, f *tensorfile.File) { tensor(t, f, gatePart+"3").DType = tensorfile.I32 }},
		{"cut gates", gatePart + "3", tensorfile.ErrTruncated, func(t *testing.T, f *tensorfile.File) {
			x := tensor(t, f, gatePart+"3")
			x.Data = x.Data[:len(x.Data)-4]
		}},
		{"one expert", "one", vit.ErrUnsupported, func(t *testing.T, f *tensorfile.File) {
			for i := range f.Tensors {
				if x := &f.Tensors[i]; strings.HasPrefix(x.Name, gatePart) {
					x.Shape = append(slices.Clone(x.Shape[:len(x.Shape)-1]), 1)
					x.Data = x.Data[:len(x.Data)/3]
				}
			}
		}},
		{"no matrix", router, tensorfile.ErrFormat, without(router + spectralOrig)},
		{"no vector", router + spectralLeft, tensorfile.ErrFormat, without(router + spectralLeft)},
		{"vector of another length", router + spectralRight, tensorfile.ErrShape, shape(router+spectralRight, 4, 2)},
		{"norm of zero", "spectral norm", tensorfile.ErrFormat, func(t *testing.T, f *tensorfile.File) {
			x := tensor(t, f, router+spectralLeft)
			x.Data = make([]byte, len(x.Data))
		}},
		{"bias that is not finite", router + ".bias", tensorfile.ErrFormat, set(router+".bias", 0, nan)},
		{"router of another kind", routerPart + "gate", tensorfile.ErrFormat, extra(routerPart + "gate")},
		{"keys of other experts", keysName, tensorfile.ErrShape, shape(keysName, 4, 6)},
		{"width that four heads do not divide", "heads", sparse.ErrConfig, shape(router+spectralOrig, 16, 6)},
		{"no number of tasks", tasksName, tensorfile.ErrFormat, without(tasksName)},
		{"tasks of two", tasksName, tensorfile.ErrShape, shape(tasksName, 2)},
		{"tasks below none", tasksName, tensorfile.ErrFormat, func(t *testing.T, f *tensorfile.File) {
			tensor(t, f, tasksName).Data = binary.LittleEndian.AppendUint64(nil, math.MaxUint64)
		}},
		{"gates that stretch further", "mask_hypernet.zeta", vit.ErrUnsupported, set("mask_hypernet.zeta", 0, 1.2)},
	} {
		f := stateDict(t, "hf", "model")
		bad.damage(t, f)
		c, err := Read(f, heads)
		if c != nil || !errors.Is(err, bad.want) || !strings.Contains(err.Error(), bad.place) {
			t.Errorf("%s: want %v that names %q, have %v", bad.name, bad.want, bad.place, err)
		}
	}
	if _, err := Read(stateDict(t, "hf", "model")); !errors.Is(err, vit.ErrConfig) {
		t.Errorf("no heads: want ErrConfig, have %v", err)
	}
}

// FuzzRead: whatever is done to one tensor, Read returns experts that pass Check or an error, and does not panic.
func FuzzRead(f *testing.F) {
	f.Add(uint16(3), uint8(0), int16(4))
	f.Add(uint16(60), uint8(1), int16(-1))
	f.Add(uint16(100), uint8(2), int16(7))
	f.Add(uint16(110), uint8(3), int16(0))
	f.Add(uint16(111), uint8(4), int16(1))
	f.Fuzz(func(t *testing.T, which uint16, what uint8, value int16) {
		file := stateDict(t, "hub", "")
		x := &file.Tensors[int(which)%len(file.Tensors)]
		switch what % 5 {
		case 0: // a dimension of another size
			if len(x.Shape) > 0 {
				x.Shape[int(what)%len(x.Shape)] = int(value)
			}
		case 1: // a dimension more
			x.Shape = append(x.Shape, int(value))
		case 2: // other bytes
			for i := range x.Data {
				x.Data[i] ^= byte(int(value) >> (i % 8))
			}
		case 3: // fewer bytes
			x.Data = x.Data[:len(x.Data)/(2+int(uint16(value)%7))]
		case 4: // another type
			x.DType = []tensorfile.DType{tensorfile.F16, tensorfile.I64, tensorfile.I8, "F64", ""}[int(uint16(value))%5]
		}
		c, err := Read(file, heads)
		if (c == nil) == (err == nil) {
			t.Fatalf("%v and %v", c, err)
		}
		if err == nil && c.Experts.Check() != nil {
			t.Error(c.Experts.Check())
		}
	})
}
