package metatune

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"haguruma/core/picture"
	"haguruma/core/vit"
	"haguruma/sparse"
)

// TestExpertsMethod: int8 and float32 agree; scores of 0 are the backbone; the weights of the last Adapt count; another backbone is refused.
func TestExpertsMethod(t *testing.T) {
	c := vit.Config{ImageSize: 16, PatchSize: 8, Dim: 16, Depth: 2, Heads: 2, MLPDim: 24, Pool: "cls", Eps: 1e-6, Std: [3]float32{1, 1, 1}}
	p := vit.NewParams[float32](c)
	rng := rand.New(rand.NewPCG(1, 2))
	p.Init(rng)
	model := vit.NewInt8(p)
	p = model.Params()
	e := sparse.RandomExperts(sparse.BackboneTensors(vit.NewParams[float32](c)), 3, 0.25, 0.05, c.Dim, rng)
	e.Backbone = "b"
	var pics []*picture.Picture
	for range 5 {
		pic := &picture.Picture{Width: 16, Height: 16, Pix: make([]byte, 16*16*3)}
		for i := range pic.Pix {
			pic.Pix[i] = byte(rng.IntN(256))
		}
		pics = append(pics, pic)
	}
	quantized, err := Experts("int8", model, "b", e, "f")
	if err != nil {
		t.Fatal(err)
	}
	float, err := FloatExperts("float", p, e, "f")
	if err != nil {
		t.Fatal(err)
	}
	if quantized.Name != "int8" || float.Name != "float" {
		t.Errorf("names %q, %q", quantized.Name, float.Name)
	}
	if quantized.Identity != "f on b" || float.Identity == quantized.Identity || !strings.HasPrefix(float.Identity, "f on ") {
		t.Errorf("identities %q, %q", quantized.Identity, float.Identity)
	}
	embed := func(r Routed, scores []float32) []float32 {
		r.Adapt(scores)
		out := make([]float32, len(pics)*c.Dim)
		r.EmbedAdapted(out, pics)
		return out
	}
	one, two := quantized.New().(Routed), float.New().(Routed)
	if one.Experts() != 3 || one.Dim() != c.Dim {
		t.Fatalf("%d experts, %d wide", one.Experts(), one.Dim())
	}
	frozen := make([]float32, len(pics)*c.Dim)
	two.Embed(frozen, pics)
	equal := func(x, y []float32) bool {
		for i := range x {
			if x[i] != y[i] {
				return false
			}
		}
		return true
	}
	if !equal(embed(two, []float32{0, 0, 0}), frozen) {
		t.Error("scores of 0: want the backbone's own embeddings")
	}
	one.Embed(frozen, pics)
	if !equal(embed(one, []float32{0, 0, 0}), frozen) {
		t.Error("int8, scores of 0: want the bundle's own embeddings")
	}
	first, second := []float32{1, 0, 0}, []float32{0, 0.25, 0.75}
	for _, scores := range [][]float32{first, second, first} {
		x, y := embed(one, scores), embed(two, scores)
		for i := range pics {
			var xy, xx, yy float64
			for j := range c.Dim {
				a, b := float64(x[i*c.Dim+j]), float64(y[i*c.Dim+j])
				xy, xx, yy = xy+a*b, xx+a*a, yy+b*b
			}
			if cos := xy / math.Sqrt(xx*yy); cos < 0.995 {
				t.Errorf("scores %v, picture %d: cosine of int8 and float32 %v", scores, i, cos)
			}
		}
		if equal(x, frozen) {
			t.Errorf("scores %v change nothing", scores)
		}
	}
	if equal(embed(one, first), embed(one, second)) {
		t.Error("want other embeddings from other scores")
	}
	scores, want := make([]float32, 3), make([]float32, 3)
	one.Route(scores, frozen[:2*c.Dim], 2)
	if e.Route(want, frozen[:2*c.Dim], 2); !equal(scores, want) {
		t.Errorf("scores: want %v, have %v", want, scores)
	}

	for _, change := range []func(c *vit.Config){func(c *vit.Config) { c.Depth = 1 }, func(c *vit.Config) { c.MLPDim = 32 }} {
		other := c
		change(&other)
		q := vit.NewParams[float32](other)
		if _, err := FloatExperts("x", q, e, ""); !errors.Is(err, sparse.ErrBackbone) {
			t.Errorf("%+v: %v, want ErrBackbone", other, err)
		}
		if _, err := Experts("x", vit.NewInt8(q), "", e, ""); !errors.Is(err, sparse.ErrBackbone) {
			t.Errorf("%+v: %v, want ErrBackbone", other, err)
		}
	}
	e.Router.Config.Dim = 8
	if _, err := FloatExperts("x", p, e, ""); !errors.Is(err, sparse.ErrBackbone) {
		t.Errorf("router of another width: %v, want ErrBackbone", err)
	}
}
