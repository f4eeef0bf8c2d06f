package kernel

import (
	"math"
	"testing"
)

// TestSigmoid: 1/(1 + e^-x) to a relative 2e-7 over all that float32 tells from 0 and 1, in the body in use.
func TestSigmoid(t *testing.T) {
	const bound = 2e-7
	var x []float32
	for v := float32(-86); v < 40; v += 1.0 / 512 {
		x = append(x, v)
	}
	y := make([]float32, len(x))
	Sigmoid(y, x, 1)
	worst := 0.0
	for i, v := range x {
		want := 1 / (1 + math.Exp(-float64(v)))
		err := math.Abs(float64(y[i])-want) / want
		if !(err <= bound) {
			t.Fatalf("Sigmoid(%v) = %v, want %v: relative error %.1e, allowed %.1e", v, y[i], want, err, bound)
		}
		worst = max(worst, err)
	}
	t.Logf("largest relative error %.2e", worst)
	Sigmoid(y[:3], []float32{float32(math.Inf(-1)), 0, float32(math.Inf(1))}, 1)
	if y[0] != 0 || y[1] != 0.5 || y[2] != 1 {
		t.Fatalf("Sigmoid(-Inf, 0, Inf) = %v, want 0, 0.5, 1", y[:3])
	}
}
