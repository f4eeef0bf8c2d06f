package vit

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"haguruma/core/tensorfile"
)

// layoutFile writes a checkpoint the way a project does. It is written out by hand rather than from the table that it
// tests.
func layoutFile(kind string, c Config) *tensorfile.File {
	f := &tensorfile.File{Metadata: map[string]string{"format": "pt", "config": `{"num_attention_heads": 3, "layer_norm_eps": 1e-6, "image_mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}`}}
	// Every tensor has its own stream, so that the layouts hold the same weights in whatever order they come.
	values := func(stream, n int) []float32 {
		rng := rand.New(rand.NewPCG(7, uint64(stream)))
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(rng.NormFloat64() * 0.2)
		}
		return x
	}
	add := func(name string, x []float32, shape ...int) {
		f.Tensors = append(f.Tensors, tensorfile.FromFloat32(name, shape, x))
	}
	pair := func(stream int, name string, shape ...int) {
		n := 1
		for _, s := range shape {
			n *= s
		}
		add(name+".weight", values(2*stream, n), shape...)
		add(name+".bias", values(2*stream+1, shape[0]), shape[0])
	}
	d, p, t := c.Dim, c.PatchSize, c.Tokens(c.ImageSize)
	hf := strings.HasPrefix(kind, "hf")
	prefix := map[string]string{"dino/training": "module.backbone.", "hf/classifier": "vit."}[kind]
	if hf {
		add(prefix+"embeddings.cls_token", values(1000, d), 1, 1, d)
		add(prefix+"embeddings.position_embeddings", values(1001, t*d), 1, t, d)
		pair(1, prefix+"embeddings.patch_embeddings.projection", d, 3, p, p)
	} else {
		add(prefix+"cls_token", values(1000, d), 1, 1, d)
		add(prefix+"pos_embed", values(1001, t*d), 1, t, d)
		pair(1, prefix+"patch_embed.proj", d, 3, p, p)
	}
	for i := range c.Depth {
		s := 10 + 10*i
		if !hf {
			b := prefix + "blocks." + strconv.Itoa(i) + "."
			pair(s, b+"norm1", d)
			pair(s+1, b+"attn.qkv", 3*d, d)
			pair(s+2, b+"attn.proj", d, d)
			pair(s+3, b+"norm2", d)
			pair(s+4, b+"mlp.fc1", c.MLPDim, d)
			pair(s+5, b+"mlp.fc2", d, c.MLPDim)
			continue
		}
		b := prefix + "encoder.layer." + strconv.Itoa(i) + "."
		weight, bias := values(2*(s+1), 3*d*d), values(2*(s+1)+1, 3*d)
		for j, part := range []string{"query", "key", "value"} {
			add(b+"attention.attention."+part+".weight", weight[j*d*d:(j+1)*d*d], d, d)
			add(b+"attention.attention."+part+".bias", bias[j*d:(j+1)*d], d)
		}
		pair(s+2, b+"attention.output.dense", d, d)
		pair(s+4, b+"intermediate.dense", c.MLPDim, d)
		pair(s+5, b+"output.dense", d, c.MLPDim)
		pair(s, b+"layernorm_before", d)
		pair(s+3, b+"layernorm_after", d)
	}
	if hf {
		pair(2, prefix+"layernorm", d)
	} else {
		pair(2, prefix+"norm", d)
	}
	switch kind {
	case "timm":
		pair(900, "head", 10, d)
	case "dino/training":
		pair(900, "module.head.mlp.0", 10, d)
	case "hf":
		pair(900, "pooler.dense", d, d)
	case "hf/classifier":
		pair(900, "classifier", 10, d)
	}
	return f
}

var importConfig = Config{ImageSize: 12, PatchSize: 4, Dim: 12, Depth: 2, Heads: 3, MLPDim: 20, Pool: PoolClass, Eps: 1e-6, Mean: half, Std: half}

// TestImportParams: the same weights in every layout are the same model.
func TestImportParams(t *testing.T) {
	c := importConfig
	images := randomSlice[float32](2*3*20*20, 5)
	var want []float32
	for _, kind := range []string{"timm", "dino", "dino/training", "hf", "hf/classifier"} {
		p, err := ImportParams(layoutFile(kind, c))
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if p.Config.json() != c.json() {
			t.Errorf("%s: want config %s, have %s", kind, c.json(), p.Config.json())
		}
		have := make([]float32, 2*c.Dim)
		NewModel(p).Forward(have, images, 2, 20, nil)
		if want == nil {
			want = have
		}
		if !slices.Equal(want, have) {
			t.Errorf("%s: another embedding than timm's", kind)
		}
	}
}

// TestImportDefaults: without metadata, what the shapes do not tell is the layout's usual.
func TestImportDefaults(t *testing.T) {
	c := importConfig
	c.Dim = 128
	for kind, want := range map[string]Config{
		"timm": {Eps: 1e-6, Mean: half, Std: half},
		"dino": {Eps: 1e-6, Mean: imageNetMean, Std: imageNetStd},
		"hf":   {Eps: 1e-12, Mean: half, Std: half},
	} {
		f := layoutFile(kind, c)
		f.Metadata = nil
		p, err := ImportParams(f)
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		if h := p.Config; h.Heads != 2 || h.Eps != want.Eps || h.Mean != want.Mean || h.Std != want.Std {
			t.Errorf("%s: have %s", kind, h.json())
		}
	}
}

// TestImportBad: files that would give another model than the one they were made for are errors that name the tensor.
func TestImportBad(t *testing.T) {
	for _, bad := range []struct {
		name, kind, place string
		want              error
		damage            func(f *tensorfile.File)
	}{
		{"empty", "timm", "patch embedding", tensorfile.ErrFormat, func(f *tensorfile.File) { f.Tensors = nil }},
		{"layer scale", "dino", "blocks.0.ls1.gamma", tensorfile.ErrFormat, func(f *tensorfile.File) {
			f.Tensors = append(f.Tensors, tensorfile.FromFloat32("blocks.0.ls1.gamma", []int{12}, make([]float32, 12)))
		}},
		{"norm after pooling", "timm", "fc_norm.weight", tensorfile.ErrFormat, func(f *tensorfile.File) {
			f.Tensors = append(f.Tensors, tensorfile.FromFloat32("fc_norm.weight", []int{12}, make([]float32, 12)))
		}},
		{"hole in the blocks", "hf", "encoder.layer.1.", tensorfile.ErrFormat, func(f *tensorfile.File) {
			f.Tensors = slices.DeleteFunc(f.Tensors, func(t tensorfile.Tensor) bool { return t.Name == "encoder.layer.1.layernorm_before.weight" })
		}},
		{"no key", "hf", "attention.key.weight", tensorfile.ErrFormat, func(f *tensorfile.File) {
			f.Tensors = slices.DeleteFunc(f.Tensors, func(t tensorfile.Tensor) bool { return t.Name == "encoder.layer.1.attention.attention.key.weight" })
		}},
		{"no heads", "timm", "heads", ErrConfig, func(f *tensorfile.File) { f.Metadata = nil }},
		{"metadata", "timm", "config", ErrConfig, func(f *tensorfile.File) { f.Metadata["config"] = "[" }},
		{"positions", "timm", "pos_embed", tensorfile.ErrShape, func(f *tensorfile.File) {
			f.Tensors[1] = tensorfile.FromFloat32("pos_embed", []int{1, 9, 12}, make([]float32, 9*12))
		}},
		{"rank", "timm", "patch_embed.proj.weight", tensorfile.ErrShape, func(f *tensorfile.File) { f.Tensors[2].Shape = []int{12, 48} }},
		{"mixed types", "hf", "attention.value.weight", tensorfile.ErrDType, func(f *tensorfile.File) {
			x, _ := f.Tensor("encoder.layer.0.attention.attention.value.weight")
			x.DType, x.Data = "F16", x.Data[:len(x.Data)/2]
		}},
	} {
		f := layoutFile(bad.kind, importConfig)
		bad.damage(f)
		p, err := ImportParams(f)
		if p != nil || !errors.Is(err, bad.want) || !strings.Contains(err.Error(), bad.place) {
			t.Errorf("%s: want %v that names %q, have %v", bad.name, bad.want, bad.place, err)
		}
	}
}
