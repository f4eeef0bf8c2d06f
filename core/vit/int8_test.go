package vit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"haguruma/core/kernel"
	"haguruma/core/quant"
	"haguruma/core/tensorfile"
)

func initParams(c Config, seed uint64) *Params[float32] {
	p := NewParams[float32](c)
	p.Init(rand.New(rand.NewPCG(seed, 2)))
	return p
}

// TestInt8Cosine: int8 embeddings point where the float32 ones do.
func TestInt8Cosine(t *testing.T) {
	const batch = 4
	for name, c := range smallConfigs() {
		for _, size := range []int{12, 20} {
			p := randomParams[float32](c, 3)
			images := randomSlice[float32](batch*3*size*size, 4)
			want, have := make([]float32, batch*c.Dim), make([]float32, batch*c.Dim)
			NewModel(p).Forward(want, images, batch, size, nil)
			NewInt8(p).Embed(have, images, batch, size)
			for b := range batch {
				x, y := want[b*c.Dim:(b+1)*c.Dim], have[b*c.Dim:(b+1)*c.Dim]
				cosine := float64(kernel.Dot(x, y)) / math.Sqrt(float64(kernel.Dot(x, x))*float64(kernel.Dot(y, y)))
				if !(cosine >= 0.99) {
					t.Errorf("%s size %d image %d: cosine %v", name, size, b, cosine)
				}
			}
		}
	}
}

// TestInt8Batch: bits do not depend on the batch, on what the buffers held, or on which sharer runs; nothing allocates.
func TestInt8Batch(t *testing.T) {
	const batch, size = 40, 16 // several chunks of chunkRows
	for name, c := range smallConfigs() {
		m := NewInt8(randomParams[float32](c, 3))
		images := randomSlice[float32](batch*3*size*size, 5)
		want, one := make([]float32, batch*c.Dim), make([]float32, c.Dim)
		m.Embed(want, images, batch, size)
		other := m.Share()
		other.Embed(one, images, 1, 8)
		for b := range batch {
			other.Embed(one, images[b*3*size*size:], 1, size)
			if !slices.Equal(one, want[b*c.Dim:(b+1)*c.Dim]) {
				t.Fatalf("%s: image %d alone has another embedding", name, b)
			}
		}
		n := testing.AllocsPerRun(3, func() {
			m.Embed(want, images, batch, size)
			m.Embed(want, images, 1, 12)
		})
		if n != 0 {
			t.Errorf("%s: %v allocations an Embed", name, n)
		}
	}
}

// goldenEmbedding is the SHA-256 of the int8 embedding bits of TestGolden. It changes only when a kernel, the
// quantization or the forward changes on purpose; the test prints the new value.
const goldenEmbedding = "f1604c9f264667db3785307d8276970c321706cd099864d0a3b4bb10c5d48978"

// TestGolden: a fixed model and image have the same embedding bits on every body and platform.
func TestGolden(t *testing.T) {
	c := Config{ImageSize: 32, PatchSize: 8, Stem: []int{8, 16, 48}, Dim: 48, Depth: 2, Heads: 3, MLPDim: 100, Pool: PoolClass,
		Eps: 1e-6, Mean: [3]float32{0.5, 0.5, 0.5}, Std: [3]float32{0.25, 0.25, 0.25}}
	// Weights and image come from integers, so that no platform's math library takes part.
	rng := rand.New(rand.NewPCG(1, 2))
	draw := func(x []float32, scale float32) {
		for i := range x {
			x[i] = float32(rng.IntN(2001)-1000) / 1000 * scale
		}
	}
	p := NewParams[float32](c)
	for _, tensor := range p.Tensors() {
		draw(tensor.Data, 0.25)
		if tensor.kind == kindGain {
			for i := range tensor.Data {
				tensor.Data[i]++
			}
		}
	}
	hash := sha256.New()
	m := NewInt8(p)
	for _, size := range []int{32, 48} {
		images, embed := make([]float32, 2*3*size*size), make([]float32, 2*c.Dim)
		draw(images, 2)
		m.Embed(embed, images, 2, size)
		for _, v := range embed {
			hash.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
		}
	}
	if have := hex.EncodeToString(hash.Sum(nil)); have != goldenEmbedding {
		t.Errorf("bodies %s and %s: want %s, have %s", kernel.Body(), kernel.Int8Body(), goldenEmbedding, have)
	}
}

// TestBundle: File and OpenInt8 keep every bit of the embeddings and the metadata, through the bytes of a file.
func TestBundle(t *testing.T) {
	for name, c := range smallConfigs() {
		m := NewInt8(randomParams[float32](c, 3))
		m.Metadata = map[string]string{"licence": "mine"}
		data, err := tensorfile.Encode(m.File())
		if err != nil {
			t.Fatal(err)
		}
		f, err := tensorfile.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := OpenInt8(f)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(opened.Metadata) != 1 || opened.Metadata["licence"] != "mine" {
			t.Errorf("%s: metadata %v", name, opened.Metadata)
		}
		again, err := tensorfile.Encode(opened.File())
		if err != nil || !slices.Equal(again, data) {
			t.Errorf("%s: another file after a round trip: %v", name, err)
		}
		images := randomSlice[float32](2*3*20*20, 5)
		want, have := make([]float32, 2*c.Dim), make([]float32, 2*c.Dim)
		m.Embed(want, images, 2, 20)
		opened.Embed(have, images, 2, 20)
		if !slices.Equal(want, have) {
			t.Errorf("%s: another embedding after a round trip", name)
		}
		// What the codes stand for quantizes to the same codes.
		NewInt8(opened.Params()).Embed(have, images, 2, 20)
		for i := range want {
			if !(math.Abs(float64(want[i]-have[i])) <= 1e-3) {
				t.Fatalf("%s: Params: want %v, have %v", name, want[i], have[i])
			}
		}
	}
}

// TestBadBundle: every damage is an error of its kind that names the tensor.
func TestBadBundle(t *testing.T) {
	c := smallConfigs()["stem/cls"]
	tensor := func(f *tensorfile.File, name string) *tensorfile.Tensor {
		x, ok := f.Tensor(name)
		if !ok {
			t.Fatalf("no tensor %q", name)
		}
		return x
	}
	const conv, scale, norm = "patch_embed.stem.0.weight", "blocks.1.mlp.fc1.weight_scale", "norm.weight"
	for _, bad := range []struct {
		name, place string
		kind        error
		damage      func(f *tensorfile.File)
	}{
		{"no format", "format", tensorfile.ErrFormat, func(f *tensorfile.File) { delete(f.Metadata, "format") }},
		{"checkpoint", "format", tensorfile.ErrFormat, func(f *tensorfile.File) { f.Metadata["format"] = formatCheckpoint }},
		{"no config", "config", ErrConfig, func(f *tensorfile.File) { delete(f.Metadata, "config") }},
		{"config text", "config", ErrConfig, func(f *tensorfile.File) { f.Metadata["config"] = "{" }},
		{"layer scale", "layerScale", ErrConfig, func(f *tensorfile.File) { c := c; c.LayerScale = 1; f.Metadata["config"] = c.json() }},
		{"registers", "register_tokens", tensorfile.ErrFormat, func(f *tensorfile.File) { c := c; c.Registers = 2; f.Metadata["config"] = c.json() }},
		{"config type", "config", ErrConfig, func(f *tensorfile.File) { f.Metadata["config"] = `{"dim":1.5}` }},
		{"absurd depth", "depth", ErrConfig, func(f *tensorfile.File) { c := c; c.Depth = 1 << 40; f.Metadata["config"] = c.json() }},
		{"deeper", "blocks.2.norm1.weight", tensorfile.ErrFormat, func(f *tensorfile.File) { c := c; c.Depth = 3; f.Metadata["config"] = c.json() }},
		{"shallower", "blocks.1.norm1.weight", tensorfile.ErrFormat, func(f *tensorfile.File) { c := c; c.Depth = 1; f.Metadata["config"] = c.json() }},
		{"wider", "mlp.fc1.weight", tensorfile.ErrShape, func(f *tensorfile.File) { c := c; c.MLPDim = 16384; f.Metadata["config"] = c.json() }},
		{"unknown", "head.weight", tensorfile.ErrFormat, func(f *tensorfile.File) {
			f.Tensors = append(f.Tensors, tensorfile.FromFloat32("head.weight", []int{1}, []float32{1}))
		}},
		{"missing", "cls_token", tensorfile.ErrFormat, func(f *tensorfile.File) { f.Tensors = f.Tensors[1:] }},
		{"type", conv, tensorfile.ErrDType, func(f *tensorfile.File) { tensor(f, conv).DType = "U8" }},
		{"scale type", scale, tensorfile.ErrDType, func(f *tensorfile.File) { tensor(f, scale).DType = "I32" }},
		{"shape", conv, tensorfile.ErrShape, func(f *tensorfile.File) { tensor(f, conv).Shape = []int{5, 3, 9} }},
		{"truncated", conv, tensorfile.ErrTruncated, func(f *tensorfile.File) { x := tensor(f, conv); x.Data = x.Data[1:] }},
		{"code -128", conv, quant.ErrValue, func(f *tensorfile.File) { tensor(f, conv).Data[0] = 128 }},
		{"scale NaN", "blocks.1.mlp.fc1.weight", quant.ErrValue, func(f *tensorfile.File) { copy(tensor(f, scale).Data, []byte{0, 0, 192, 127}) }},
		{"gain Inf", norm, tensorfile.ErrFormat, func(f *tensorfile.File) { copy(tensor(f, norm).Data, []byte{0, 0, 128, 127}) }},
	} {
		f := NewInt8(initParams(c, 1)).File()
		bad.damage(f)
		m, err := OpenInt8(f)
		if m != nil || !errors.Is(err, bad.kind) || !strings.Contains(err.Error(), bad.place) {
			t.Errorf("%s: want %v that names %q, have %v", bad.name, bad.kind, bad.place, err)
		}
	}
}

// FuzzOpenInt8: whatever the bytes, a bundle is refused with an error or embeds without a panic. Every run tries a
// thousand single-byte changes of a good file, half of them in its header.
func FuzzOpenInt8(f *testing.F) {
	c := Config{ImageSize: 4, PatchSize: 2, Stem: []int{4}, Dim: 4, Depth: 1, Heads: 2, MLPDim: 4, Pool: PoolClass,
		Eps: 1e-6, Mean: half, Std: half}
	good, err := tensorfile.Encode(NewInt8(initParams(c, 1)).File())
	if err != nil {
		f.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	header := 8 + int(binary.LittleEndian.Uint64(good))
	for i := range 1000 {
		data := slices.Clone(good)
		at := rng.IntN(len(data))
		if i%2 == 0 {
			at = rng.IntN(header)
		}
		data[at] = byte(rng.IntN(256))
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := tensorfile.Decode(data)
		if err != nil {
			return
		}
		m, err := OpenInt8(file)
		if err != nil {
			if m != nil || !strings.HasPrefix(err.Error(), "vit: ") {
				t.Errorf("model %v with error %v", m, err)
			}
			return
		}
		if c := m.Config(); c.ImageSize <= 64 {
			m.Embed(make([]float32, c.Dim), make([]float32, 3*c.ImageSize*c.ImageSize), 1, c.ImageSize)
		}
	})
}

// TestCheckpoint: a float32 checkpoint keeps every bit, and knows what belongs to it.
func TestCheckpoint(t *testing.T) {
	for name, c := range smallConfigs() {
		p := randomParams[float32](c, 3)
		f := p.File()
		for _, x := range f.Tensors {
			if strings.HasPrefix(x.Name, "patch_embed.") && strings.HasSuffix(x.Name, ".weight") && len(x.Shape) == 4 {
				if x.Shape[2] != x.Shape[3] { // (out, in, kh, kw)
					t.Errorf("%s: %s is not in torch's order: %v", name, x.Name, x.Shape)
				}
			}
		}
		f.Tensors = append(f.Tensors, tensorfile.FromFloat32("adamw.m", []int{1}, []float32{1}))
		if _, err := OpenParams(f); !errors.Is(err, tensorfile.ErrFormat) {
			t.Errorf("%s: unknown tensor: %v", name, err)
		}
		q, err := OpenParams(f, "adamw.")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !slices.Equal(p.Flat, q.Flat) || fmt.Sprint(p.Config) != fmt.Sprint(q.Config) {
			t.Errorf("%s: another checkpoint after a round trip", name)
		}
	}
}

// TestCheckpointBF16: half-width tensors are widened exactly.
func TestCheckpointBF16(t *testing.T) {
	p := randomParams[float32](smallConfigs()["stem/cls"], 3)
	f := p.File()
	for i := range f.Tensors {
		x := &f.Tensors[i]
		x.DType = "BF16"
		upper := make([]byte, 0, len(x.Data)/2)
		for j := 0; j < len(x.Data); j += 4 {
			upper = append(upper, x.Data[j+2], x.Data[j+3])
		}
		x.Data = upper
	}
	q, err := OpenParams(f)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range p.Flat {
		if want := math.Float32frombits(math.Float32bits(v) &^ 0xffff); q.Flat[i] != want {
			t.Fatalf("parameter %d: want %v, have %v", i, want, q.Flat[i])
		}
	}
}

// TestConvOrder: the two orders of convolution weights, element by element.
func TestConvOrder(t *testing.T) {
	c := smallConfigs()["stem/mean"]
	p := randomParams[float32](c, 1)
	f := p.File()
	for i := range p.tensors {
		x := &p.tensors[i]
		if x.kind != kindConv {
			continue
		}
		stored, _ := f.Tensor(x.Name)
		data, _ := stored.Float32()
		out, kh, kw, in := x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]
		if !slices.Equal(stored.Shape, []int{out, in, kh, kw}) {
			t.Fatalf("%s: shape %v", x.Name, stored.Shape)
		}
		for o := range out {
			for y := range kh {
				for z := range kw {
					for ch := range in {
						if data[((o*in+ch)*kh+y)*kw+z] != x.Data[((o*kh+y)*kw+z)*in+ch] {
							t.Fatalf("%s: (%d,%d,%d,%d)", x.Name, o, ch, y, z)
						}
					}
				}
			}
		}
	}
}
