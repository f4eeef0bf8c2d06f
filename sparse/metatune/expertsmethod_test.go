package metatune

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"haguruma/core/picture"
	"haguruma/core/vit"
	"haguruma/sparse"
)

// randomExperts are experts of a backbone that change its embeddings a little.
func randomExperts(t *testing.T, c vit.Config, experts int) *sparse.Experts {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 4))
	tensors := VitTensors(c)
	n := len(vit.NewParams[float32](c).Flat)
	delta := make([]float32, n)
	for i := range delta {
		delta[i] = 0.05 * float32(rng.NormFloat64())
	}
	e := &sparse.Experts{Tensors: tensors, Delta: sparse.NewDelta(tensors, delta), Temperature: 1, Steps: sparse.DefaultSteps}
	for range experts {
		z := make([]float32, n)
		for i := range z {
			if rng.IntN(4) == 0 {
				z[i] = 1
			}
		}
		e.Masks = append(e.Masks, sparse.NewMask(z))
	}
	e.Router = sparse.NewRouter[float32](sparse.RouterConfig{Dim: c.Dim, Experts: experts, Heads: 2, MLPDim: 8, Tokens: 2, Read: sparse.ReadSkills, Eps: 1e-5})
	e.Router.Init(rng)
	return e
}

// TestExpertsMethod: int8 and float32 agree; scores of 0 are the backbone; the weights of the last Adapt count; another backbone is refused.
func TestExpertsMethod(t *testing.T) {
	c := vit.Config{ImageSize: 16, PatchSize: 8, Dim: 16, Depth: 2, Heads: 2, MLPDim: 24, Pool: "cls", Eps: 1e-6, Std: [3]float32{1, 1, 1}}
	p := vit.NewParams[float32](c)
	rng := rand.New(rand.NewPCG(1, 2))
	p.Init(rng)
	model := vit.NewInt8(p)
	p = model.Params()
	e := randomExperts(t, c, 3)
	var pics []*picture.Picture
	for range 5 {
		pic := &picture.Picture{Width: 16, Height: 16, Pix: make([]byte, 16*16*3)}
		for i := range pic.Pix {
			pic.Pix[i] = byte(rng.IntN(256))
		}
		pics = append(pics, pic)
	}
	quantized, err := Experts("int8", model, e)
	if err != nil {
		t.Fatal(err)
	}
	float, err := FloatExperts("float", p, e)
	if err != nil {
		t.Fatal(err)
	}
	if quantized.Name != "int8" || float.Name != "float" {
		t.Errorf("names %q, %q", quantized.Name, float.Name)
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
		if _, err := FloatExperts("x", q, e); !errors.Is(err, sparse.ErrBackbone) {
			t.Errorf("%+v: %v, want ErrBackbone", other, err)
		}
		if _, err := Experts("x", vit.NewInt8(q), e); !errors.Is(err, sparse.ErrBackbone) {
			t.Errorf("%+v: %v, want ErrBackbone", other, err)
		}
	}
	e.Router.Config.Dim = 8
	if _, err := FloatExperts("x", p, e); !errors.Is(err, sparse.ErrBackbone) {
		t.Errorf("router of another width: %v, want ErrBackbone", err)
	}
}
