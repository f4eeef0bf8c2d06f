package sparse

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"haguruma/core/tensorfile"
)

// checkSame compares everything a file holds, bit for bit.
func checkSame(t *testing.T, have, want *Experts) {
	t.Helper()
	if have.Free != want.Free || len(have.Masks) != len(want.Masks) || have.Steps != want.Steps || len(have.Tensors) != len(want.Tensors) {
		t.Fatalf("want %d masks, %d steps, %d tensors, have %d, %d, %d", len(want.Masks), want.Steps, len(want.Tensors), len(have.Masks), have.Steps, len(have.Tensors))
	}
	for i, w := range want.Tensors {
		if h := have.Tensors[i]; h.Name != w.Name || h.Start != w.Start || !slices.Equal(h.Shape, w.Shape) {
			t.Errorf("tensor %d: want %v, have %v", i, w, h)
		}
	}
	for m, w := range want.Masks {
		h := have.Masks[m]
		if h.Len() != w.Len() || !slices.Equal(h.bits, w.bits) || !slices.Equal(h.levels, w.levels) {
			t.Errorf("mask %d differs", m)
		}
	}
	values := have.Delta.Values()
	for i, w := range want.Delta.Values() {
		if math.Float32bits(values[i]) != math.Float32bits(w) {
			t.Fatalf("delta %d: want %v, have %v", i, w, values[i])
		}
	}
	if (have.Router == nil) != (want.Router == nil) {
		t.Fatalf("router: want %v, have %v", want.Router != nil, have.Router != nil)
	}
	if want.Router != nil && (have.Router.Config != want.Router.Config || !slices.Equal(have.Router.Flat, want.Router.Flat) || have.Temperature != want.Temperature) {
		t.Error("the router or its temperature differs")
	}
}

// TestFileRoundTrip: binary and soft masks, with a router and without, plain and zstd: after RoundDelta nothing changes; before it only the
// delta of matrices does, by at most half a code.
func TestFileRoundTrip(t *testing.T) {
	for i, name := range []string{"e.safetensors", "e.safetensors.zst"} {
		for _, soft := range []bool{false, true} {
			for _, router := range []bool{false, true} {
				e := drawExperts(uint64(20+i), testTensors(), 3, soft, router)
				if !router {
					e.Masks, e.Free = e.Masks[:1], true // a single expert, whose closed scalars are many
					e.CloseDelta()
				}
				unrounded := e.Delta.Values()
				path := filepath.Join(t.TempDir(), name)
				load := func() (*Experts, *tensorfile.File) {
					t.Helper()
					if err := e.Save(path, map[string]string{"card": "kept"}); err != nil {
						t.Fatal(err)
					}
					f, err := tensorfile.Load(path)
					if err != nil {
						t.Fatal(err)
					}
					back, err := OpenExperts(f)
					if err != nil {
						t.Fatal(err)
					}
					return back, f
				}
				rough, f := load()
				if f.Metadata["card"] != "kept" {
					t.Error("metadata is lost")
				}
				if codes, _ := f.Tensor(deltaCodes); len(codes.Data) >= 36 {
					t.Errorf("want codes of open scalars alone, have %d of 36", len(codes.Data))
				}
				e.RoundDelta()
				checkSame(t, rough, e)
				rounded := e.Delta.Values()
				for _, tensor := range e.Tensors {
					rows, cols := tensor.rowsCols()
					for r := range rows {
						largest := 0.0
						for _, v := range unrounded[tensor.Start+r*cols:][:cols] {
							largest = max(largest, math.Abs(float64(v)))
						}
						for c := range cols {
							at := tensor.Start + r*cols + c
							limit := largest / 127 * 0.5001
							if len(tensor.Shape) < 2 {
								limit = 0
							}
							if d := math.Abs(float64(rounded[at] - unrounded[at])); d > limit {
								t.Errorf("%s: delta %v rounded to %v, want within %v", tensor.Name, unrounded[at], rounded[at], limit)
							}
						}
					}
				}
				exact, _ := load()
				checkSame(t, exact, e)
			}
		}
	}
}

// TestRoundDeltaTwice: rounding is its own fixed point over 100,000 rows, down to rows that are nearly nothing.
func TestRoundDeltaTwice(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	row, codes, again := make([]float32, 5), make([]int8, 5), make([]int8, 5)
	for trial := range 100000 {
		size := math.Exp2(40 * (rng.Float64() - 0.5))
		if trial%10 == 0 {
			size = 0x1p-100 * (1 + 1e-5*rng.NormFloat64()) // about where a row becomes 0
		}
		for i := range row {
			row[i] = float32(rng.NormFloat64() * size)
		}
		scale := quantizeDelta(codes, row, deltaMax)
		for i, c := range codes {
			row[i] = scale * float32(c)
		}
		if s := quantizeDelta(again, row, deltaMax); s != scale || !slices.Equal(again, codes) {
			t.Fatalf("scale %v, codes %v became %v, %v", scale, codes, s, again)
		}
		if scale != 0 && slices.Max(codes) != deltaMax && slices.Min(codes) != -deltaMax {
			t.Fatalf("codes %v do not use their range", codes)
		}
	}
}

// TestFileOfWhatCannotBeSaved: errors, not files that cannot be read.
func TestFileOfWhatCannotBeSaved(t *testing.T) {
	for name, spoil := range map[string]func(e *Experts){
		"no mask":             func(e *Experts) { e.Masks = nil },
		"a short mask":        func(e *Experts) { e.Masks[1] = NewMask(make([]float32, 40)) },
		"a short delta":       func(e *Experts) { e.Delta = NewDelta(e.Tensors[:1], make([]float32, 40)) },
		"a NaN":               func(e *Experts) { e.Delta.parts[0].values[3] = float32(math.NaN()) },
		"an infinity":         func(e *Experts) { e.Delta.parts[1].values[1] = float32(math.Inf(-1)) },
		"a router's NaN":      func(e *Experts) { e.Router.Flat[9] = float32(math.NaN()) },
		"another router":      func(e *Experts) { e.Masks = e.Masks[:2] },
		"spectral norm":       func(e *Experts) { e.Router.SpectralNorm(rand.New(rand.NewPCG(1, 1))) },
		"no temperature":      func(e *Experts) { e.Temperature = 0 },
		"free with a router":  func(e *Experts) { e.Free = true },
		"steps":               func(e *Experts) { e.Steps = -1 },
		"tensors out of turn": func(e *Experts) { e.Tensors[0], e.Tensors[1] = e.Tensors[1], e.Tensors[0] },
		"an empty tensor": func(e *Experts) {
			e.Tensors = append([]Tensor{{Name: "none", Shape: []int{0, 3}}}, e.Tensors...)
		},
		"an endless temperature": func(e *Experts) { e.Temperature = float32(math.Inf(1)) },
	} {
		e := drawExperts(23, testTensors(), 3, false, true)
		spoil(e)
		if _, err := e.File(nil); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: want ErrConfig, have %v", name, err)
		}
	}
}

// goodFile is a file with every kind of tensor: a soft and binary masks, and a router.
func goodFile(t testing.TB) *tensorfile.File {
	t.Helper()
	e := drawExperts(24, testTensors(), 3, false, true)
	z := make([]float32, 41)
	for i := range z {
		z[i] = float32(i%5) / 4
	}
	e.Masks[1] = NewMask(z)
	f, err := e.File(nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func drop(f *tensorfile.File, name string) {
	f.Tensors = slices.DeleteFunc(f.Tensors, func(t tensorfile.Tensor) bool { return t.Name == name })
}

// TestBadFiles: each fault alone gives an error that wraps a sentinel and names what is wrong.
func TestBadFiles(t *testing.T) {
	tensor := func(f *tensorfile.File, name string) *tensorfile.Tensor {
		x, ok := f.Tensor(name)
		if !ok {
			t.Fatalf("no tensor %q", name)
		}
		return x
	}
	replace := func(key, old, new string) func(f *tensorfile.File) {
		return func(f *tensorfile.File) {
			if !strings.Contains(f.Metadata[key], old) {
				t.Fatalf("metadata %q is %s: no %s", key, f.Metadata[key], old)
			}
			f.Metadata[key] = strings.Replace(f.Metadata[key], old, new, 1)
		}
	}
	set := func(name string, x ...float32) func(f *tensorfile.File) {
		return func(f *tensorfile.File) { *tensor(f, name) = tensorfile.FromFloat32(name, []int{len(x)}, x) }
	}
	first := func(name string, v float32) func(f *tensorfile.File) {
		return func(f *tensorfile.File) {
			x, err := tensor(f, name).Float32()
			if err != nil {
				t.Fatal(err)
			}
			x[0] = v
			*tensor(f, name) = tensorfile.FromFloat32(name, tensor(f, name).Shape, x)
		}
	}
	nan := float32(math.NaN())
	for _, c := range []struct {
		name  string
		spoil func(f *tensorfile.File)
		kind  error
		says  string
	}{
		{"no format", func(f *tensorfile.File) { delete(f.Metadata, metaFormat) }, ErrFormat, ExpertsFormat},
		{"no metadata", func(f *tensorfile.File) { f.Metadata = nil }, ErrFormat, ExpertsFormat},
		{"another format", func(f *tensorfile.File) { f.Metadata[metaFormat] = "haguruma-vit-int8/1" }, ErrFormat, "haguruma-vit-int8/1"},
		{"no header", func(f *tensorfile.File) { delete(f.Metadata, metaExperts) }, ErrFormat, metaExperts},
		{"no JSON", func(f *tensorfile.File) { f.Metadata[metaExperts] = "{" }, ErrFormat, metaExperts},
		{"no experts", replace(metaExperts, `"experts":3`, `"experts":0`), ErrFormat, "1..64"},
		{"many experts", replace(metaExperts, `"experts":3`, `"experts":65`), ErrFormat, "65"},
		{"fewer experts", replace(metaExperts, `"experts":3`, `"experts":2`), ErrFormat, deltaCodes},
		{"more experts", replace(metaExperts, `"experts":3`, `"experts":4`), ErrFormat, "masks.3"},
		{"a routing of its own", replace(metaExperts, `"steps":16`, `"steps":16,"routing":"dice"`), ErrFormat, "dice"},
		{"free with a router", replace(metaExperts, `"steps":16`, `"steps":16,"routing":"free"`), ErrConfig, "no router"},
		{"negative steps", replace(metaExperts, `"steps":16`, `"steps":-16`), ErrConfig, "steps"},
		{"endless steps", replace(metaExperts, `"steps":16`, `"steps":1000000000`), ErrConfig, "steps"},
		{"temperature 0", replace(metaExperts, `"temperature":0.5`, `"temperature":0`), ErrConfig, "temperature"},
		{"temperature below 0", replace(metaExperts, `"temperature":0.5`, `"temperature":-1`), ErrConfig, "temperature"},
		{"endless temperature", replace(metaExperts, `"temperature":0.5`, `"temperature":1e99`), ErrFormat, metaExperts},
		{"router of other experts", replace(metaExperts, `"experts":3,"heads"`, `"experts":2,"heads"`), ErrFormat, "router.keys"},
		{"router without width", replace(metaExperts, `"dim":8`, `"dim":0`), ErrConfig, "dim"},
		{"router too wide", replace(metaExperts, `"dim":8`, `"dim":4096`), ErrFormat, "router"},
		{"router of another width", replace(metaExperts, `"mlpDim":12`, `"mlpDim":10`), ErrFormat, "router.mlp.fc1.weight"},
		{"router of no known reading", replace(metaExperts, `"read":"skills"`, `"read":"last"`), ErrConfig, "read"},
		{"no list of tensors", func(f *tensorfile.File) { delete(f.Metadata, metaTensors) }, ErrFormat, metaTensors},
		{"an empty list", func(f *tensorfile.File) { f.Metadata[metaTensors] = "[]" }, ErrFormat, metaTensors},
		{"a list of null", func(f *tensorfile.File) { f.Metadata[metaTensors] = "null" }, ErrFormat, metaTensors},
		{"a fraction", replace(metaTensors, `[4,3]`, `[4.5,3]`), ErrFormat, metaTensors},
		{"negative shape", replace(metaTensors, `[4,3]`, `[-4,-3]`), ErrFormat, "[-4 -3]"},
		{"shape of 0", replace(metaTensors, `[4,3]`, `[4,0]`), ErrFormat, "[4 0]"},
		{"shape that overflows", replace(metaTensors, `[4,3]`, `[2000000000,2000000000]`), ErrFormat, "2000000000"},
		{"shape of a product that overflows", replace(metaTensors, `[4,3]`, `[65536,65536,65536,65536]`), ErrFormat, "65536"},
		{"tensors beyond the limit", replace(metaTensors, `[4,3]`, `[268435456]`), ErrFormat, "268435456"},
		{"a larger shape", replace(metaTensors, `[4,3]`, `[4,300]`), ErrFormat, "masks.0"},
		{"another shape of that length", replace(metaTensors, `[4,3]`, `[3,4]`), ErrFormat, deltaScales},
		{"a name twice", replace(metaTensors, `"blocks.0.mlp.fc1.bias"`, `"blocks.0.mlp.fc1.weight"`), ErrFormat, "twice"},
		{"no mask", func(f *tensorfile.File) { drop(f, "masks.1") }, ErrFormat, "masks.1"},
		{"mask of floats", set("masks.1", 1, 2, 3), ErrFormat, "masks.1"},
		{"short mask", func(f *tensorfile.File) { x := tensor(f, "masks.0"); x.Data = x.Data[:4]; x.Shape = []int{4} }, ErrFormat, "masks.0"},
		{"bits behind the mask", func(f *tensorfile.File) { tensor(f, "masks.0").Data[5] |= 0x80 }, ErrFormat, "masks.0"},
		{"a mask that opens more", func(f *tensorfile.File) { copy(tensor(f, "masks.0").Data, "\xff\xff\xff\xff\xff\x01") }, ErrFormat, deltaCodes},
		{"no levels", func(f *tensorfile.File) { x := tensor(f, "levels.1"); x.Data = x.Data[:4]; x.Shape = []int{4} }, ErrFormat, "levels.1"},
		{"levels of floats", set("levels.1", 1), ErrFormat, "levels.1"},
		{"an open gate of level 0", func(f *tensorfile.File) { tensor(f, "levels.1").Data[2] = 0 }, ErrFormat, "level 0"},
		{"no codes", func(f *tensorfile.File) { drop(f, deltaCodes) }, ErrFormat, deltaCodes},
		{"codes of floats", set(deltaCodes, 1), ErrFormat, deltaCodes},
		{"few codes", func(f *tensorfile.File) { x := tensor(f, deltaCodes); x.Data = x.Data[1:]; x.Shape[0]-- }, ErrFormat, deltaCodes},
		{"no scales", func(f *tensorfile.File) { drop(f, deltaScales) }, ErrFormat, deltaScales},
		{"few scales", set(deltaScales, 1), ErrFormat, deltaScales},
		{"scales of bytes", func(f *tensorfile.File) { tensor(f, deltaScales).DType = tensorfile.I32 }, tensorfile.ErrDType, deltaScales},
		{"a scale of NaN", first(deltaScales, nan), ErrFormat, deltaScales},
		{"a scale beyond all", first(deltaScales, 3e38), ErrFormat, deltaScales},
		{"no values", func(f *tensorfile.File) { drop(f, deltaValues) }, ErrFormat, deltaValues},
		{"a value of infinity", first(deltaValues, float32(math.Inf(1))), ErrFormat, deltaValues},
		{"no keys", func(f *tensorfile.File) { drop(f, "router.keys") }, ErrFormat, "router.keys"},
		{"a key of NaN", first("router.keys", nan), ErrFormat, "router.keys"},
		{"a tensor more", func(f *tensorfile.File) {
			f.Tensors = append(f.Tensors, tensorfile.FromFloat32("more", []int{1}, []float32{1}))
		}, ErrFormat, "tensors"},
		{"no tensor at all", func(f *tensorfile.File) { f.Tensors = nil }, ErrFormat, "masks.0"},
	} {
		f := goodFile(t)
		c.spoil(f)
		e, err := OpenExperts(f)
		if e != nil || !errors.Is(err, c.kind) || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: want %v that says %q, have %v", c.name, c.kind, c.says, err)
		}
	}
	if _, err := OpenExperts(goodFile(t)); err != nil {
		t.Fatal(err)
	}
}

// TestBadFilesAreCheap: a small file that speaks of much is refused before anything large is allocated.
func TestBadFilesAreCheap(t *testing.T) {
	for name, spoil := range map[string]func(f *tensorfile.File){
		"tensors": func(f *tensorfile.File) { f.Metadata[metaTensors] = `[{"name":"w","shape":[16384,16384]}]` },
		"router": func(f *tensorfile.File) {
			f.Metadata[metaExperts] = `{"experts":3,"router":{"dim":4096,"experts":64,"heads":4,"mlpDim":16384,"tokens":64,"read":"skills","eps":1e-5}}`
		},
	} {
		f := goodFile(t)
		spoil(f)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := OpenExperts(f)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrFormat) {
			t.Errorf("%s: want ErrFormat, have %v", name, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
			t.Errorf("%s: %d bytes were allocated", name, used)
		}
	}
}

// FuzzOpenExperts: no panic; every error wraps a sentinel; memory is in proportion to the input; what is read can be merged, routed, saved and
// read back the same.
func FuzzOpenExperts(f *testing.F) {
	for _, soft := range []bool{false, true} {
		for _, router := range []bool{false, true} {
			file, err := drawExperts(25, testTensors(), 2, soft, router).File(nil)
			if err != nil {
				f.Fatal(err)
			}
			for _, encode := range []func(*tensorfile.File) ([]byte, error){tensorfile.Encode, tensorfile.EncodeZstd} {
				data, err := encode(file)
				if err != nil {
					f.Fatal(err)
				}
				f.Add(data)
				f.Add(data[:len(data)/2])
			}
		}
	}
	for _, spoil := range []func(*tensorfile.File){
		func(file *tensorfile.File) { file.Metadata[metaTensors] = `[{"name":"w","shape":[16384,16384]}]` },
		func(file *tensorfile.File) {
			file.Metadata[metaTensors] = `[{"name":"w","shape":[4294967296,4294967296]}]`
		},
		func(file *tensorfile.File) { file.Metadata[metaExperts] = `{"experts":64,"steps":65536}` },
		func(file *tensorfile.File) { drop(file, deltaScales) },
	} {
		file := goodFile(f)
		spoil(file)
		data, err := tensorfile.Encode(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	const limit = 1 << 20
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := tensorfile.DecodeLimit(data, limit)
		if err != nil {
			return // FuzzDecode's
		}
		size := uint64(0)
		for _, x := range file.Tensors {
			size += uint64(len(x.Data))
		}
		for key, text := range file.Metadata {
			size += uint64(len(key) + len(text))
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		e, err := OpenExperts(file)
		runtime.ReadMemStats(&after)
		// A bit of a mask stands for a scalar of the delta: 32 bytes a byte, with levels 40; a tensor of a few bytes of JSON is 100.
		if used := after.TotalAlloc - before.TotalAlloc; used > 100*size+1<<20 {
			t.Errorf("want memory in proportion to %d bytes, have %d", size, used)
		}
		if err != nil {
			named := false
			for _, kind := range []error{ErrFormat, ErrConfig, tensorfile.ErrDType, tensorfile.ErrShape} {
				named = named || errors.Is(err, kind)
			}
			if e != nil || !named {
				t.Errorf("want nil and a named error, have %v, %v", e, err)
			}
			return
		}
		scores := make([]float32, len(e.Masks))
		if e.Router == nil {
			e.Route(scores, nil, 1)
		} else {
			e.Route(scores, make([]float32, e.Router.Config.Dim), 1)
		}
		e.Merge(make([]float32, e.Delta.Len()), make([]float32, e.Delta.Len()), scores)
		e.RoundDelta()
		again, err := e.File(nil)
		if err != nil {
			t.Fatalf("want what was read to be written, have %v", err)
		}
		back, err := OpenExperts(again)
		if err != nil {
			t.Fatalf("want what was written to be read, have %v", err)
		}
		checkSame(t, back, e)
	})
}
