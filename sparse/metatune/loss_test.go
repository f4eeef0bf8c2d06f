package metatune

import (
	"math"
	"math/rand/v2"
	"testing"
)

// checkGradient compares a loss's gradient of x along random directions with
// central differences. float32 losses carry about 1e-6 of noise, so the step
// is large and the bound is 2 per cent.
func checkGradient(t *testing.T, what string, x, grad []float32, rng *rand.Rand, loss func() float64) {
	t.Helper()
	for range 5 {
		dir := make([]float32, len(x))
		var along float64
		for i := range dir {
			dir[i] = float32(rng.NormFloat64())
			along += float64(dir[i]) * float64(grad[i])
		}
		const h = 2e-3
		move := func(by float32) {
			for i := range x {
				x[i] += by * dir[i]
			}
		}
		move(h)
		up := loss()
		move(-2 * h)
		down := loss()
		move(h)
		want := (up - down) / (2 * h)
		if diff := math.Abs(along - want); !(diff <= 0.02*math.Abs(want)+2e-3) {
			t.Errorf("%s: want %g along the direction by difference, have %g", what, want, along)
		}
	}
}

func randomRows(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

func TestCosineHeadGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const n, dim, classes = 6, 16, 5
	h := &cosineHead{classes: classes, dim: dim, scale: 4, smoothing: 0.1, w: randomRows(rng, classes*dim)}
	embed := randomRows(rng, n*dim)
	labels := []int{0, 1, 2, 3, 4, 2}
	var s headScratch
	dEmbed, dHead := make([]float32, n*dim), make([]float32, classes*dim)
	h.loss(dEmbed, dHead, embed, labels, 1, &s)
	loss := func() float64 {
		l, _ := h.loss(make([]float32, n*dim), make([]float32, classes*dim), embed, labels, 1, &s)
		return l
	}
	checkGradient(t, "embed", embed, dEmbed, rng, loss)
	checkGradient(t, "head", h.w, dHead, rng, loss)
}

// A classifier that knows nothing has loss log(classes); one whose weights
// are the embeddings themselves is right everywhere.
func TestCosineHeadKnownValues(t *testing.T) {
	const dim, classes = 8, 8
	embed := make([]float32, classes*dim)
	labels := make([]int, classes)
	for i := range classes {
		embed[i*dim+i] = 2
		labels[i] = i
	}
	var s headScratch
	flat := &cosineHead{classes: classes, dim: dim, scale: 10, w: make([]float32, classes*dim)}
	for i := range flat.w {
		flat.w[i] = 1
	}
	l, _ := flat.loss(make([]float32, len(embed)), make([]float32, len(flat.w)), embed, labels, 1, &s)
	if !(math.Abs(l-math.Log(classes)) < 1e-5) {
		t.Errorf("equal weights: want loss %g, have %g", math.Log(classes), l)
	}
	sure := &cosineHead{classes: classes, dim: dim, scale: 10, w: append([]float32(nil), embed...)}
	l, right := sure.loss(make([]float32, len(embed)), make([]float32, len(flat.w)), embed, labels, 1, &s)
	if want := math.Log(1 + 7*math.Exp(-10)); right != classes || !(math.Abs(l-want) < 1e-5) {
		t.Errorf("own embeddings: want loss %g and %d right, have %g and %d", want, classes, l, right)
	}
}

func TestContrastLossGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const n, dim = 7, 12
	embed := randomRows(rng, n*dim)
	labels := []int{0, 0, 1, 1, 2, 2, 3} // the last has no partner
	var s headScratch
	dEmbed := make([]float32, n*dim)
	contrastLoss(dEmbed, embed, labels, dim, 0.5, 1, &s)
	checkGradient(t, "embed", embed, dEmbed, rng, func() float64 {
		return contrastLoss(make([]float32, n*dim), embed, labels, dim, 0.5, 1, &s)
	})
	alone := make([]float32, 2*dim)
	if l := contrastLoss(alone, embed[:2*dim], []int{1, 2}, dim, 0.5, 1, &s); l != 0 {
		t.Errorf("no pairs: want loss 0, have %g", l)
	}
	for i, v := range alone {
		if v != 0 {
			t.Fatalf("no pairs: want gradient 0, have %g at %d", v, i)
		}
	}
}
