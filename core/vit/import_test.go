package vit

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"haguruma/core/tensorfile"
)

// layoutFile writes a checkpoint of a layout and returns what it was made from.
func layoutFile(t *testing.T, name string) (*tensorfile.File, *Params[float32]) {
	t.Helper()
	for _, l := range publishedLayouts(t) {
		if l.name == name {
			p := randomParams[float32](l.config(), 3)
			return l.file(p), p
		}
	}
	t.Fatalf("no list %q", name)
	return nil, nil
}

func drop(f *tensorfile.File, name string) {
	f.Tensors = slices.DeleteFunc(f.Tensors, func(t tensorfile.Tensor) bool { return t.Name == name })
}

func vector(name string, n int) tensorfile.Tensor {
	return tensorfile.FromFloat32(name, []int{n}, make([]float32, n))
}

// TestImportDefaults: what neither shapes nor hints tell is the layout's usual, and From says so.
func TestImportDefaults(t *testing.T) {
	c := importConfig
	c.Dim, c.Heads, c.MLPDim = 128, 2, 16
	for _, want := range []struct {
		list     string
		eps      float64
		mean     [3]float32
		position PositionRule
	}{
		{"timm-vit", 1e-6, half, antialias}, {"deit3", 1e-6, imageNetMean, antialias}, {"dino", 1e-6, imageNetMean, withOffset},
		{"dinov2", 1e-6, imageNetMean, withOffset}, {"dinov2-reg4", 1e-6, imageNetMean, antialias}, {"hf-dino", 1e-12, half, PositionRule{}},
		{"hf-dinov2", 1e-6, imageNetMean, PositionRule{}}, {"hf-dinov2-reg4", 1e-6, imageNetMean, antialias},
	} {
		for _, l := range publishedLayouts(t) {
			if l.name != want.list {
				continue
			}
			c := c
			c.Registers, c.LayerScale = l.config().Registers, l.config().LayerScale
			have, err := ImportParams(l.file(randomParams[float32](c, 1)), "")
			if err != nil {
				t.Fatalf("%s: %v", l.name, err)
			}
			if h := have.Params.Config; h.Heads != 2 || h.Eps != want.eps || h.Mean != want.mean || have.Positions != want.position {
				t.Errorf("%s: have %s, %+v", l.name, h.json(), have.Positions)
			}
			if have.From["heads"] != "layout "+l.layout || have.From["mean"] != "layout "+l.layout {
				t.Errorf("%s: from %v", l.name, have.From)
			}
		}
	}
}

// TestImportHints: a later hint wins, each project's keys are read, and From names the hint.
func TestImportHints(t *testing.T) {
	f, _ := layoutFile(t, "dino")
	f.Metadata["config"] = `{"heads": 2, "eps": 1e-3}`
	have, err := ImportParams(f, "",
		Hint{"config.json", `{"architecture": "vit_small_patch16_224", "num_heads": 4, "global_pool": "token", "pretrained_cfg": {"mean": [0.1, 0.2, 0.3], "std": [1, 2, 3]}, "patch_size": [4, 4]}`},
		Hint{"preprocessor_config.json", `{"image_std": [0.5, 0.25, 0.125], "size": {"shortest_edge": 256}}`},
		Hint{"--heads", `{"heads": 3}`})
	if err != nil {
		t.Fatal(err)
	}
	c := have.Params.Config
	if have.Layout != "timm" || have.Positions != antialias || c.Heads != 3 || c.Eps != 1e-3 || c.Mean != [3]float32{0.1, 0.2, 0.3} || c.Std != [3]float32{0.5, 0.25, 0.125} {
		t.Errorf("layout %s, config %s", have.Layout, c.json())
	}
	for what, source := range map[string]string{"heads": "--heads", "eps": `metadata "config"`, "mean": "config.json", "std": "preprocessor_config.json"} {
		if have.From[what] != source {
			t.Errorf("%s: want from %s, have %s", what, source, have.From[what])
		}
	}
	have, err = ImportParams(f, "dino", importHint, Hint{"preprocessor_config.json", `{"do_normalize": false, "image_mean": [0.5, 0.5, 0.5]}`})
	if err != nil {
		t.Fatal(err)
	}
	if c := have.Params.Config; c.Mean != [3]float32{} || c.Std != [3]float32{1, 1, 1} {
		t.Errorf("without normalization: mean %v, std %v", c.Mean, c.Std)
	}
}

// TestUsualHeads: the widths of the published models.
func TestUsualHeads(t *testing.T) {
	for dim, want := range map[int]int{192: 3, 384: 6, 768: 12, 1024: 16, 1280: 16, 1408: 16, 1664: 16, 100: 0} {
		if have := usualHeads(dim); have != want {
			t.Errorf("dim %d: want %d, have %d", dim, want, have)
		}
	}
}

// TestImportWithoutBias: qkv without bias, whole or in parts, is qkv with a bias of zeros; a part of it alone is an error.
func TestImportWithoutBias(t *testing.T) {
	for _, name := range []string{"timm-vit", "hf-vit"} {
		f, p := layoutFile(t, name)
		f.Tensors = slices.DeleteFunc(f.Tensors, func(t tensorfile.Tensor) bool {
			return strings.HasSuffix(t.Name, ".bias") && (strings.Contains(t.Name, "attn.qkv.") || strings.Contains(t.Name, "attention.attention."))
		})
		have, err := ImportParams(f, "", importHint)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i := range p.net.blocks {
			clear(p.net.blocks[i].qkv.Bias)
		}
		if !slices.Equal(have.Params.Flat, p.Flat) {
			t.Errorf("%s: other parameters", name)
		}
	}
}

// TestImportMixedTypes: every tensor has its own dtype, also of those that are stacked.
func TestImportMixedTypes(t *testing.T) {
	f, p := layoutFile(t, "hf-vit")
	const name = "encoder.layer.0.attention.attention.value.weight"
	x, _ := f.Tensor(name)
	value := make([]float32, len(x.Data)/4)
	for i := range value {
		value[i] = float32(i%9) / 8
	}
	*x = tensorfile.FromFloat32(name, x.Shape, value)
	upper := []byte{}
	for i := 0; i < len(x.Data); i += 4 {
		upper = append(upper, x.Data[i+2], x.Data[i+3])
	}
	x.DType, x.Data = "BF16", upper
	have, err := ImportParams(f, "", importHint)
	if err != nil {
		t.Fatal(err)
	}
	copy(p.net.blocks[0].qkv.Weight[2*len(value):], value)
	if !slices.Equal(have.Params.Flat, p.Flat) {
		t.Error("other parameters")
	}
}

// TestImportBad: files and hints that would give another model than the one they were made for are errors that name the
// tensor or the hint.
func TestImportBad(t *testing.T) {
	for _, bad := range []struct {
		name, list, place string
		want              error
		damage            func(f *tensorfile.File)
	}{
		{"empty", "timm-vit", "patch embedding", tensorfile.ErrFormat, func(f *tensorfile.File) { f.Tensors = nil }},
		{"no factors in the second block", "dinov2", "blocks.1.ls1.gamma", tensorfile.ErrFormat, func(f *tensorfile.File) { drop(f, "blocks.1.ls1.gamma") }},
		{"factors of another model", "dino", "blocks.1.ls1.gamma", tensorfile.ErrFormat, func(f *tensorfile.File) { f.Tensors = append(f.Tensors, vector("blocks.1.ls1.gamma", 12)) }},
		{"norm after pooling", "timm-vit", "fc_norm.weight", ErrUnsupported, func(f *tensorfile.File) { f.Tensors = append(f.Tensors, vector("fc_norm.weight", 12)) }},
		{"norm before the blocks", "timm-vit", "norm_pre.weight", ErrUnsupported, func(f *tensorfile.File) { f.Tensors = append(f.Tensors, vector("norm_pre.weight", 12)) }},
		{"SwiGLU of DINOv2", "dinov2", "SwiGLU", ErrUnsupported, func(f *tensorfile.File) {
			f.Tensors = append(f.Tensors, vector("blocks.0.mlp.w12.weight", 12))
		}},
		{"SwiGLU of Hugging Face", "hf-dinov2", "SwiGLU", ErrUnsupported, func(f *tensorfile.File) {
			f.Tensors = append(f.Tensors, vector("encoder.layer.0.mlp.weights_in.weight", 12))
		}},
		{"SwiGLU of timm", "timm-vit", "SwiGLU", ErrUnsupported, func(f *tensorfile.File) {
			for _, block := range []string{"blocks.0", "blocks.1"} {
				x, _ := f.Tensor(block + ".mlp.fc2.weight")
				*x = tensorfile.FromFloat32(x.Name, []int{12, 10}, make([]float32, 120))
			}
		}},
		{"two backbones", "dino-teacher", "want one backbone", ErrUnsupported, func(f *tensorfile.File) {
			f.Tensors = append(f.Tensors, vector("student.patch_embed.proj.weight", 12))
		}},
		{"hole in the blocks", "hf-vit", "encoder.layer.1.", tensorfile.ErrFormat, func(f *tensorfile.File) { drop(f, "encoder.layer.1.layernorm_before.weight") }},
		{"no key", "hf-vit", "attention.key.weight", tensorfile.ErrFormat, func(f *tensorfile.File) { drop(f, "encoder.layer.1.attention.attention.key.weight") }},
		{"no bias of the key", "hf-vit", "attention.key.bias", tensorfile.ErrFormat, func(f *tensorfile.File) { drop(f, "encoder.layer.1.attention.attention.key.bias") }},
		{"no fc2", "dino", "blocks.0.mlp.fc2.weight", tensorfile.ErrFormat, func(f *tensorfile.File) { drop(f, "blocks.0.mlp.fc2.weight") }},
		{"positions", "timm-vit", "pos_embed", tensorfile.ErrShape, func(f *tensorfile.File) {
			f.Tensors[1] = tensorfile.FromFloat32("pos_embed", []int{1, 8, 12}, make([]float32, 8*12))
		}},
		{"width of positions", "timm-vit", "pos_embed", tensorfile.ErrShape, func(f *tensorfile.File) {
			f.Tensors[1] = tensorfile.FromFloat32("pos_embed", []int{1, 17, 11}, make([]float32, 17*11))
		}},
		{"registers", "dinov2-reg4", "register_tokens", tensorfile.ErrShape, func(f *tensorfile.File) { f.Tensors[2].Shape = []int{4, 12} }},
		{"rank", "timm-vit", "patch_embed.proj.weight", tensorfile.ErrShape, func(f *tensorfile.File) { f.Tensors[2].Shape = []int{12, 48} }},
		{"huge patch", "timm-vit", "patchSize", ErrConfig, func(f *tensorfile.File) { f.Tensors[2].Shape = []int{12, 3, 1 << 40, 1 << 40} }},
		{"dtype", "dino", "norm.weight", tensorfile.ErrDType, func(f *tensorfile.File) {
			x, _ := f.Tensor("norm.weight")
			x.DType = "I64"
		}},
		{"metadata", "timm-vit", "config", ErrConfig, func(f *tensorfile.File) { f.Metadata["config"] = "[" }},
	} {
		f, _ := layoutFile(t, bad.list)
		bad.damage(f)
		have, err := ImportParams(f, "", importHint)
		if have != nil || !errors.Is(err, bad.want) || !strings.Contains(err.Error(), bad.place) {
			t.Errorf("%s: want %v that names %q, have %v", bad.name, bad.want, bad.place, err)
		}
	}
	for _, bad := range []struct {
		name, list, layout, text, place string
		want                            error
	}{
		{"no heads", "timm-vit", "", `{}`, "heads", ErrConfig},
		{"heads", "timm-vit", "", `{"heads": 5}`, "heads 5", ErrConfig},
		{"width", "dino", "", `{"heads": 3, "hidden_size": 384}`, "hidden_size", ErrConfig},
		{"depth", "dino", "", `{"heads": 3, "num_hidden_layers": 12}`, "num_hidden_layers", ErrConfig},
		{"patch", "dino", "", `{"heads": 3, "patch_size": 16}`, "patch_size", ErrConfig},
		{"not JSON", "dino", "", `{`, "config.json", ErrConfig},
		{"activation", "hf-vit", "", `{"heads": 3, "hidden_act": "quick_gelu"}`, "hidden_act", ErrUnsupported},
		{"SwiGLU", "hf-dinov2", "", `{"heads": 3, "use_swiglu_ffn": true}`, "SwiGLU", ErrUnsupported},
		{"pool", "timm-vit", "", `{"heads": 3, "global_pool": "avg"}`, "global_pool", ErrUnsupported},
		{"std", "dino", "", `{"heads": 3, "std": [0, 0, 0]}`, "std", ErrConfig},
		{"unknown layout", "dino", "clip", `{"heads": 3}`, "layout", ErrConfig},
		{"another layout", "dino", "hf-vit", `{"heads": 3}`, "layout", ErrUnsupported},
	} {
		f, _ := layoutFile(t, bad.list)
		have, err := ImportParams(f, bad.layout, Hint{"config.json", bad.text})
		if have != nil || !errors.Is(err, bad.want) || !strings.Contains(err.Error(), bad.place) {
			t.Errorf("%s: want %v that names %q, have %v", bad.name, bad.want, bad.place, err)
		}
	}
}
