package finetune

import (
	"math"
	"math/rand/v2"
	"testing"
)

func randomSlice[F float32 | float64](n int, seed uint64) []F {
	rng, x := rand.New(rand.NewPCG(seed, 1)), make([]F, n)
	for i := range x {
		x[i] = F(rng.NormFloat64())
	}
	return x
}

// TestLossGradient: central differences in float64, with classes of two and more views, with and without smoothing.
func TestLossGradient(t *testing.T) {
	const way, dim, h = 3, 7, 1e-6
	labels := []int{0, 1, 2, 0, 2, 1, 2}
	for _, smooth := range []float64{0, 0.1} {
		var l loss[float64]
		embed, d := randomSlice[float64](len(labels)*dim, 1), make([]float64, len(labels)*dim)
		scratch := make([]float64, len(d))
		l.backward(d, embed, labels, way, dim, smooth)
		largest := 0.0
		for i := range embed {
			start := embed[i]
			embed[i] = start + h
			up := l.backward(scratch, embed, labels, way, dim, smooth)
			embed[i] = start - h
			down := l.backward(scratch, embed, labels, way, dim, smooth)
			embed[i] = start
			want := (up - down) / (2 * h)
			if !(math.Abs(want-d[i]) <= 1e-7*math.Max(1, math.Abs(want))) {
				t.Fatalf("smoothing %v, embed[%d]: want %v, have %v", smooth, i, want, d[i])
			}
			largest = max(largest, math.Abs(d[i]))
		}
		if largest < 1e-3 {
			t.Error("the gradient is zero everywhere, nothing was tested")
		}
	}
}

// TestLossByHand: two classes of two views at right angles. Each view is at cosine 1 to the other of its class and 0 to the other class.
func TestLossByHand(t *testing.T) {
	var l loss[float64]
	embed := []float64{2, 0, 3, 0, 0, 1, 0, 5}
	have := l.backward(make([]float64, 8), embed, []int{0, 0, 1, 1}, 2, 2, 0)
	if want := math.Log1p(math.Exp(-10)); !(math.Abs(have-want) <= 1e-9) {
		t.Errorf("want log(1+exp(-10)) = %v, have %v", want, have)
	}
}

// TestLossLeavesOut: a view that is alone on its side is not told by itself, although the mean of its class lies nearly on it: (100, 0) is at
// right angles to both classes without it, (0, 1) lies on the other class.
func TestLossLeavesOut(t *testing.T) {
	var l loss[float64]
	embed := []float64{100, 0, 0, 1, 0, 2, 0, 2}
	want := (math.Log(2) + math.Log1p(math.Exp(10)) + 2*math.Log1p(math.Exp(0.1-10))) / 4
	if have := l.backward(make([]float64, 8), embed, []int{0, 0, 1, 1}, 2, 2, 0); !(math.Abs(have-want) <= 1e-4) {
		t.Errorf("want %v, have %v", want, have)
	}
}
