package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"haguruma/core/kernel"
)

func random(seed uint64, n int) []float64 {
	rng := rand.New(rand.NewPCG(seed, 1))
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return x
}

// checkGradient compares dx with central differences of loss, element by element.
func checkGradient(t *testing.T, what string, x, dx []float64, loss func() float64) {
	t.Helper()
	const h = 1e-5
	for i := range x {
		start := x[i]
		x[i] = start + h
		up := loss()
		x[i] = start - h
		down := loss()
		x[i] = start
		want := (up - down) / (2 * h)
		diff := math.Abs(want-dx[i]) / math.Max(1, math.Abs(want))
		if !(diff <= 1e-7) {
			t.Fatalf("%s[%d]: want %v, have %v", what, i, want, dx[i])
		}
	}
	if len(x) == 0 || slices.Max(dx) == 0 && slices.Min(dx) == 0 {
		t.Fatalf("%s: the gradient is zero everywhere, nothing was tested", what)
	}
}

// TestLinearBackward: x, weight, bias; parameter gradients are added to what is there.
func TestLinearBackward(t *testing.T) {
	const rows, in, out = 5, 4, 3
	l := Linear[float64]{Weight: random(1, out*in), Bias: random(2, out), In: in, Out: out}
	x, dy, y := random(3, rows*in), random(4, rows*out), make([]float64, rows*out)
	loss := func() float64 { l.Forward(y, x, rows); return kernel.Dot(y, dy) }
	g := Linear[float64]{Weight: make([]float64, out*in), Bias: make([]float64, out), In: in, Out: out}
	dx := random(5, rows*in)
	l.Backward(&g, dx, dy, x, rows)
	checkGradient(t, "x", x, dx, loss)
	checkGradient(t, "weight", l.Weight, g.Weight, loss)
	checkGradient(t, "bias", l.Bias, g.Bias, loss)
	once := slices.Clone(g.Weight)
	l.Backward(&g, nil, dy, x, rows)
	for i, v := range g.Weight {
		if !(math.Abs(v-2*once[i]) <= 1e-12) {
			t.Fatalf("weight[%d] is not added to: %v after %v", i, v, once[i])
		}
	}
}

// TestLayerNormBackward: x, gain, bias; dx is added to what is there.
func TestLayerNormBackward(t *testing.T) {
	const rows, dim = 4, 7
	l := LayerNorm[float64]{Gain: random(1, dim), Bias: random(2, dim), Dim: dim, Eps: 1e-6}
	x, dy, y := random(3, rows*dim), random(4, rows*dim), make([]float64, rows*dim)
	mean, rstd := make([]float64, rows), make([]float64, rows)
	loss := func() float64 { l.Forward(y, mean, rstd, x, rows); return kernel.Dot(y, dy) + kernel.Dot(x, dy) }
	loss()
	g := LayerNorm[float64]{Gain: make([]float64, dim), Bias: make([]float64, dim), Dim: dim}
	dx := slices.Clone(dy) // the gradient of the second term: a residual path around the norm
	l.Backward(&g, dx, dy, x, mean, rstd, rows)
	checkGradient(t, "x", x, dx, loss)
	checkGradient(t, "gain", l.Gain, g.Gain, loss)
	checkGradient(t, "bias", l.Bias, g.Bias, loss)
}

// TestMLPBackward: x and all four parameters.
func TestMLPBackward(t *testing.T) {
	const rows, dim, hidden = 3, 4, 6
	make4 := func(at func(seed uint64, n int) []float64) MLP[float64] {
		return MLP[float64]{
			FC1: Linear[float64]{Weight: at(1, hidden*dim), Bias: at(2, hidden), In: dim, Out: hidden},
			FC2: Linear[float64]{Weight: at(3, dim*hidden), Bias: at(4, dim), In: hidden, Out: dim},
		}
	}
	m, g := make4(random), make4(func(_ uint64, n int) []float64 { return make([]float64, n) })
	x, dy, y := random(5, rows*dim), random(6, rows*dim), make([]float64, rows*dim)
	pre, act := make([]float64, rows*hidden), make([]float64, rows*hidden)
	loss := func() float64 { m.Forward(y, pre, act, x, rows); return kernel.Dot(y, dy) }
	loss()
	dx := make([]float64, rows*dim)
	m.Backward(&g, dx, make([]float64, rows*hidden), dy, x, pre, act, rows)
	checkGradient(t, "x", x, dx, loss)
	checkGradient(t, "fc1.weight", m.FC1.Weight, g.FC1.Weight, loss)
	checkGradient(t, "fc1.bias", m.FC1.Bias, g.FC1.Bias, loss)
	checkGradient(t, "fc2.weight", m.FC2.Weight, g.FC2.Weight, loss)
	checkGradient(t, "fc2.bias", m.FC2.Bias, g.FC2.Bias, loss)
}

// TestAttentionBackward: qkv, over images and heads.
func TestAttentionBackward(t *testing.T) {
	const batch, tokens = 2, 5
	a := Attention{Heads: 2, HeadDim: 3}
	dim := a.Heads * a.HeadDim
	qkv, dy, y := random(1, batch*tokens*3*dim), random(2, batch*tokens*dim), make([]float64, batch*tokens*dim)
	probs, scratch := make([]float64, batch*a.Heads*tokens*tokens), make([]float64, a.ScratchLen(tokens))
	loss := func() float64 {
		AttentionForward(a, y, probs, qkv, scratch, batch, tokens)
		return kernel.Dot(y, dy)
	}
	loss()
	dqkv := random(3, len(qkv))
	AttentionBackward(a, dqkv, dy, qkv, probs, scratch, batch, tokens)
	checkGradient(t, "qkv", qkv, dqkv, loss)
}

// TestConvBackward: the stem's and the patch embedding's geometry, odd sizes included.
func TestConvBackward(t *testing.T) {
	for _, c := range []Conv[float64]{
		{In: 2, Out: 3, Size: 3, Stride: 2, Pad: 1},
		{In: 3, Out: 2, Size: 2, Stride: 2, Pad: 0},
	} {
		for _, size := range []int{4, 7} {
			t.Run(fmt.Sprintf("%dx%d/%d", c.Size, c.Size, size), func(t *testing.T) {
				const batch = 2
				out := c.OutSize(size)
				c.Weight, c.Bias = random(1, c.Out*c.Patch()), random(2, c.Out)
				g := c
				g.Weight, g.Bias = make([]float64, len(c.Weight)), make([]float64, len(c.Bias))
				x, dy := random(3, batch*size*size*c.In), random(4, batch*out*out*c.Out)
				y, col := make([]float64, len(dy)), make([]float64, batch*out*out*c.Patch())
				loss := func() float64 { c.Forward(y, col, x, batch, size); return kernel.Dot(y, dy) }
				loss()
				dx := random(5, len(x))
				c.Backward(&g, dx, col, dy, col, batch, size)
				checkGradient(t, "x", x, dx, loss)
				checkGradient(t, "weight", c.Weight, g.Weight, loss)
				checkGradient(t, "bias", c.Bias, g.Bias, loss)
			})
		}
	}
}

// TestMeanPoolBackward: the tokens.
func TestMeanPoolBackward(t *testing.T) {
	const batch, tokens, dim = 2, 3, 4
	x, dy, y := random(1, batch*tokens*dim), random(2, batch*dim), make([]float64, batch*dim)
	loss := func() float64 { MeanPool(y, x, batch, tokens, dim); return kernel.Dot(y, dy) }
	dx := random(3, len(x))
	MeanPoolBackward(dx, dy, batch, tokens, dim)
	checkGradient(t, "x", x, dx, loss)
}

// TestResizePositionsBackward: larger, smaller and equal grids; the gradient is added to what is there.
func TestResizePositionsBackward(t *testing.T) {
	const dim = 2
	for _, sizes := range [][2]int{{3, 5}, {5, 2}, {1, 3}, {4, 4}} {
		in, out := sizes[0], sizes[1]
		src, ddst, dst := random(1, in*in*dim), random(2, out*out*dim), make([]float64, out*out*dim)
		scratch, dsrc := make([]float64, in*out*dim), random(3, in*in*dim)
		start := slices.Clone(dsrc)
		loss := func() float64 {
			ResizePositions(dst, src, scratch, in, out, dim)
			return kernel.Dot(dst, ddst) + kernel.Dot(src, start)
		}
		ResizePositionsBackward(dsrc, ddst, scratch, in, out, dim)
		checkGradient(t, fmt.Sprint(sizes), src, dsrc, loss)
	}
}
