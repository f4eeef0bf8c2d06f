package adapter

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"haguruma/core/fewshot"
	"haguruma/core/kernel"
	"haguruma/core/vit"
)

var smallConfig = vit.Config{
	ImageSize: 16, PatchSize: 8, Stem: []int{4, 8, 16}, Dim: 16, Depth: 1, Heads: 2, MLPDim: 24, Pool: vit.PoolMean, Eps: 1e-6,
	Mean: [3]float32{0.5, 0.5, 0.5}, Std: [3]float32{0.25, 0.25, 0.25},
}

func smallModel() *vit.Int8Model {
	p := vit.NewParams[float32](smallConfig)
	p.Init(rand.New(rand.NewPCG(1, 2)))
	return vit.NewInt8(p)
}

// TestApply: each weight is that of the base, or, in a row with a change, what the row with the change is in int8; the base is as before; the
// same changes through a file give the same embedding bits.
func TestApply(t *testing.T) {
	base := smallModel()
	before := base.Params()
	const matrix, conv, vector = "blocks.0.attn.qkv.weight", "patch_embed.stem.1.weight", "blocks.0.norm1.bias"
	changes := []Change{
		Change{Tensor: matrix, At: []int{0, 5, 40}, Values: []float32{0.5, -0.25, 3}}.Round(),
		{Tensor: conv, At: []int{8*4*9 - 1}, Values: []float32{0.7}},
		{Tensor: vector, At: []int{2}, Values: []float32{0.125}},
	}
	a := sample()
	a.Changes = slices.Clone(changes)
	slices.SortFunc(a.Changes, func(x, y Change) int { return map[bool]int{true: -1, false: 1}[x.Tensor < y.Tensor] })
	loaded, err := Decode(encode(t, a))
	if err != nil {
		t.Fatal(err)
	}
	model, err := Apply(base, changes)
	if err != nil {
		t.Fatal(err)
	}
	same, err := Apply(smallModel(), loaded.Changes)
	if err != nil {
		t.Fatal(err)
	}
	after := model.Params()
	for i, tensor := range before.Tensors() {
		was, is := tensor.Data, after.Tensors()[i].Data
		if !slices.Equal(base.Params().Tensors()[i].Data, was) {
			t.Errorf("%s of the base was written to", tensor.Name)
		}
		want := slices.Clone(was)
		at := slices.IndexFunc(changes, func(c Change) bool { return c.Tensor == tensor.Name })
		if at >= 0 {
			rows := map[int]bool{}
			cols := len(was) / tensor.Shape[0]
			for j, p := range changes[at].At {
				want[p] += changes[at].value(j)
				rows[p/cols] = true
			}
			for r := range rows {
				if tensor.Name == vector {
					continue
				}
				row, q := want[r*cols:(r+1)*cols], make([]int8, cols)
				scale := kernel.QuantizeWeights(q, row)
				for c := range row {
					row[c] = scale * float32(q[c])
				}
			}
			if slices.Equal(is, was) {
				t.Errorf("%s did not change", tensor.Name)
			}
		}
		if !slices.Equal(is, want) {
			t.Errorf("%s: not the weights wanted", tensor.Name)
		}
	}
	pixels := make([]float32, 3*16*16)
	for i := range pixels {
		pixels[i] = float32(math.Sin(float64(i)))
	}
	x, y, z := make([]float32, 16), make([]float32, 16), make([]float32, 16)
	model.Embed(x, pixels, 1, 16)
	same.Embed(y, pixels, 1, 16)
	base.Embed(z, pixels, 1, 16)
	if !slices.Equal(x, y) || slices.Equal(x, z) {
		t.Errorf("embeddings: through a file the same %t, without changes the same %t", slices.Equal(x, y), slices.Equal(x, z))
	}
	if none, err := Apply(base, nil); none != base || err != nil {
		t.Error("no changes make a copy")
	}
	for name, c := range map[string]Change{
		"another backbone":  {Tensor: "blocks.9.attn.qkv.weight", At: []int{0}, Values: []float32{1}},
		"behind the end":    {Tensor: vector, At: []int{16}, Values: []float32{1}},
		"not finite":        {Tensor: vector, At: []int{1}, Values: []float32{float32(math.NaN())}},
		"values for places": {Tensor: vector, At: []int{1, 2}, Values: []float32{1}},
	} {
		if model, err := Apply(base, []Change{c}); model != nil || !(errors.Is(err, ErrMismatch) || errors.Is(err, ErrNumbers) || errors.Is(err, ErrFormat)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRound: codes are within half a step of the values, and rounding twice changes nothing.
func TestRound(t *testing.T) {
	c := Change{Tensor: "x", At: []int{1, 2, 9}, Values: []float32{0.5, -1.27, 0.003}}
	r := c.Round()
	for i, v := range c.Values {
		if d := math.Abs(float64(r.value(i) - v)); d > 0.00501 {
			t.Errorf("%v became %v", v, r.value(i))
		}
	}
	if zero := (Change{Tensor: "x", At: []int{1}, Values: []float32{0}}).Round(); zero.check() != nil || zero.value(0) != 0 {
		t.Errorf("%+v", zero)
	}
}

// TestHeadByHand: a head of prototypes is fewshot's cosines to the bit; another one is linear.
func TestHeadByHand(t *testing.T) {
	prototypes := []float32{0.6, 0.8, 1, 0}
	embed := []float32{3, 4, -1, 2}
	h := Head{Kind: "prototypes", Normalized: true, Scale: fewshot.LogitScale, Temperature: 1, Dim: 2, Weight: prototypes, Bias: make([]float32, 2)}
	have, want := make([]float32, 4), make([]float32, 4)
	h.Logits(have, embed, 2)
	fewshot.CosineLogits(want, embed, prototypes, 2, 2, 2, fewshot.LogitScale)
	if !slices.Equal(have, want) {
		t.Errorf("have %v, want %v", have, want)
	}
	h.Probabilities(have, have, 2)
	fewshot.Probabilities(want, want, 2, 2)
	if !slices.Equal(have, want) {
		t.Errorf("probabilities %v, want %v", have, want)
	}
	h = Head{Kind: "ridge", Scale: 2, Temperature: 2, Dim: 2, Weight: []float32{1, 2, -1, 0.5}, Bias: []float32{10, 0}}
	h.Logits(have[:2], embed[:2], 1)
	if !slices.Equal(have[:2], []float32{2*11 + 20, 2 * -1}) {
		t.Errorf("linear: %v", have[:2])
	}
	h.Normalized = true
	h.Logits(have[:2], embed[:2], 1)
	if math.Abs(float64(have[0])-(2*11.0/5+20)) > 1e-5 || math.Abs(float64(have[1])-2*-1.0/5) > 1e-6 {
		t.Errorf("normalized: %v", have[:2])
	}
	h.Bias = []float32{0, 0}
	h.Probabilities(have[:2], []float32{2, 0}, 1) // temperature 2: 1 and 0
	if p := 1 / (1 + math.Exp(-1)); math.Abs(float64(have[0])-p) > 1e-6 {
		t.Errorf("temperature: %v, want %v", have[0], p)
	}
}
