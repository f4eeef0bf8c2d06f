package smat

import (
	"bytes"
	"embed"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"haguruma/core/tensorfile"
	"haguruma/core/torchfile"
	"haguruma/core/vit"
	"haguruma/sparse"
)

// The checkpoints and what torch computes with them; testdata/make.py writes both.
//
//go:embed testdata/*.pt
var golden embed.FS

// kinds are the backbones of the authors: the checkpoint, the key of its state dict, the layout it is known as.
var kinds = []struct{ name, key, layout string }{{"hf", "model", "hf-vit"}, {"hub", "", "dino"}}

// heads are not told by tensors of this width.
var heads = vit.Hint{Source: "test", Text: `{"heads": 2}`}

func stateDict(t testing.TB, name, key string) *tensorfile.File {
	t.Helper()
	data, err := golden.ReadFile("testdata/" + name + ".pt")
	if err != nil {
		t.Fatal(err)
	}
	c, err := torchfile.New(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := c.StateDict(key)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func floats(t testing.TB, f *tensorfile.File, name string) []float32 {
	t.Helper()
	x, ok := f.Tensor(name)
	if !ok {
		t.Fatalf("no tensor %s", name)
	}
	values, err := x.Float32()
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// source returns the names of the authors' tensors that make up ours, in their order.
func source(kind, ours string) []string {
	if kind == "hub" {
		return []string{ours}
	}
	for _, pair := range [][2]string{
		{"cls_token", "embeddings.cls_token"}, {"pos_embed", "embeddings.position_embeddings"}, {"patch_embed.proj", "embeddings.patch_embeddings.projection"},
		{"norm1", "layernorm_before"}, {"norm2", "layernorm_after"}, {"attn.proj", "attention.output.dense"}, {"mlp.fc1", "intermediate.dense"},
		{"mlp.fc2", "output.dense"}, {"norm.", "layernorm."}, {"blocks.", "encoder.layer."},
	} {
		if strings.HasPrefix(ours, pair[0]) || strings.Contains(ours, "."+pair[0]) {
			ours = strings.Replace(ours, pair[0], pair[1], 1)
		}
	}
	if !strings.Contains(ours, "attn.qkv") {
		return []string{ours}
	}
	var parts []string
	for _, part := range []string{"query", "key", "value"} {
		parts = append(parts, strings.Replace(ours, "attn.qkv", "attention.attention."+part, 1))
	}
	return parts
}

// ours stacks and turns a tensor of torch's as our layout has it, straight from the definitions.
func ours(t testing.TB, f *tensorfile.File, kind string, x sparse.Tensor) []float32 {
	t.Helper()
	var all []float32
	for _, name := range source(kind, x.Name) {
		all = append(all, floats(t, f, backbonePart+name)...)
	}
	if len(x.Shape) != 4 {
		return all
	}
	out, side, in := x.Shape[0], x.Shape[1], x.Shape[3]
	turned := make([]float32, len(all))
	for o := range out {
		for y := range side {
			for z := range side {
				for c := range in {
					turned[((o*side+y)*side+z)*in+c] = all[((o*in+c)*side+y)*side+z]
				}
			}
		}
	}
	return turned
}

// TestGolden: backbone, logits, scores and merged weights are torch's. Masks are kept in 1/255, so a merged weight may be off by half of
// that times its delta.
func TestGolden(t *testing.T) {
	for _, kind := range kinds {
		f, want := stateDict(t, kind.name, kind.key), stateDict(t, kind.name+".expected", "")
		c, err := Read(f, heads)
		if err != nil {
			t.Fatalf("%s: %v", kind.name, err)
		}
		p, e := c.Backbone.Params, c.Experts
		if c.Backbone.Layout != kind.layout || len(e.Masks) != 3 || c.Tasks != 14000 || e.Temperature != 1.5 || len(c.Missing) != 0 || e.Steps != 0 {
			t.Errorf("%s: layout %s, %d masks, %d tasks, temperature %v, missing %q", kind.name, c.Backbone.Layout, len(e.Masks), c.Tasks, e.Temperature, c.Missing)
		}
		if p.Config.Mean != [3]float32{0.485, 0.456, 0.406} || p.Config.Heads != 2 || p.Config.ImageSize != 8 || c.Backbone.Positions.Offset != 0.1 {
			t.Errorf("%s: config %+v, positions %+v", kind.name, p.Config, c.Backbone.Positions)
		}
		if wantIgnored := []string{
			"net.head.weight", "mask_hypernet.count_encoding", "mask_hypernet.zeta", "mask_hypernet.gamma", "mask_hypernet.beta",
			"mask_hypernet.input_embed_proj.weight", "mask_hypernet.input_embed_proj.bias", "mask_hypernet.lagrangian_multiplier", "mask_sparsity_targets",
		}; !slices.Equal(c.Ignored, wantIgnored) {
			t.Errorf("%s: ignored %q", kind.name, c.Ignored)
		}

		prototypes := floats(t, want, "prototypes")
		logits, scores := make([]float32, 3), make([]float32, 3)
		e.Router.Logits(logits, prototypes, 6, &sparse.RouterTape[float32]{})
		e.Route(scores, prototypes, 6)
		for m := range 3 {
			if x := floats(t, want, "logits")[m]; !(math.Abs(float64(logits[m]-x)) < 2e-5) {
				t.Errorf("%s: logit %d: want %v, have %v", kind.name, m, x, logits[m])
			}
			if x := floats(t, want, "scores")[m]; !(math.Abs(float64(scores[m]-x)) < 5e-6) {
				t.Errorf("%s: score %d: want %v, have %v", kind.name, m, x, scores[m])
			}
		}

		theta := make([]float32, len(p.Flat))
		e.Merge(theta, p.Flat, floats(t, want, "scores"))
		change := e.Delta.Values()
		moved := 0
		for _, x := range e.Tensors {
			pre, merged := ours(t, f, kind.name, x), ours(t, want, kind.name, x)
			if len(pre) != x.Len() || !slices.Equal(pre, p.Flat[x.Start:x.Start+x.Len()]) {
				t.Fatalf("%s: tensor %s of the backbone differs", kind.name, x.Name)
			}
			for i, w := range merged {
				have, delta := theta[x.Start+i], change[x.Start+i]
				if bound := math.Abs(float64(delta))/510 + 1e-6; !(math.Abs(float64(have-w)) <= bound) {
					t.Fatalf("%s: %s[%d]: want %v, have %v, bound %g", kind.name, x.Name, i, w, have, bound)
				}
				if have != pre[i] {
					moved++
				}
			}
		}
		if moved < len(theta)/2 {
			t.Errorf("%s: %d of %d weights moved", kind.name, moved, len(theta))
		}
	}
}

// TestGates: each gate is clip(1.2 sigmoid(logAlpha) - 0.1, 0, 1), computed here in float64 from the file; closed ones are exactly 0.
func TestGates(t *testing.T) {
	f := stateDict(t, "hub", "")
	c, err := Read(f, heads)
	if err != nil {
		t.Fatal(err)
	}
	closed := 0
	for i, name := range spellings[1].tensors(2) {
		at := slices.IndexFunc(c.Experts.Tensors, func(x sparse.Tensor) bool { return x.Name == name })
		x := c.Experts.Tensors[at]
		if len(x.Shape) == 4 {
			continue // in another order: TestGolden
		}
		la := floats(t, f, gatePart+strconv.Itoa(i))
		for j := range x.Len() {
			for m := range 3 {
				want := min(max(1.2/(1+math.Exp(-float64(la[j*3+m])))-0.1, 0), 1)
				have := float64(c.Experts.Masks[m].Value(x.Start + j))
				if !(math.Abs(have-want) <= 0.5/255+1e-6) && !(want > 0 && want < 1.0/255 && have == float64(float32(1)/255)) {
					t.Fatalf("%s[%d] of expert %d: want %v, have %v", name, j, m, want, have)
				}
				if want == 0 {
					closed++
				}
			}
		}
	}
	if closed < 100 {
		t.Errorf("%d gates are closed: the test sees too few", closed)
	}
}
