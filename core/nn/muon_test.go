package nn

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The quintic iteration drives every singular value into about 0.7..1.2, so
// for the result Y of a full-rank matrix, |Yv| / |v| stays in that band for
// every v of the row space, whichever side is the longer.
func TestOrthogonalizeEvensOutSingularValues(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, shape := range [][2]int{{8, 8}, {8, 32}, {32, 8}, {1, 5}} {
		rows, cols := shape[0], shape[1]
		g := make([]float32, rows*cols)
		for i := range g {
			g[i] = float32(rng.NormFloat64())
		}
		// Uneven: the first row is a hundred times the others.
		for i := range cols {
			g[i] *= 100
		}
		var o Muon
		y := o.Orthogonalize(g, rows, cols)
		small := min(rows, cols)
		for range 20 {
			v := make([]float64, small)
			var lv, ly float64
			for i := range v {
				v[i] = rng.NormFloat64()
				lv += v[i] * v[i]
			}
			// v on the short side: vᵀY or Yv, the length is kept by a semi-orthogonal Y.
			for j := range max(rows, cols) {
				var s float64
				for i := range v {
					if rows <= cols {
						s += v[i] * float64(y[i*cols+j])
					} else {
						s += v[i] * float64(y[j*cols+i])
					}
				}
				ly += s * s
			}
			if r := math.Sqrt(ly / lv); !(r > 0.6 && r < 1.3) {
				t.Fatalf("%dx%d: want |Yv|/|v| in 0.6..1.3, have %g", rows, cols, r)
			}
		}
	}
}

// On a quadratic bowl Muon walks to the bottom with a falling rate.
func TestMuonMinimizes(t *testing.T) {
	const rows, cols = 6, 10
	rng := rand.New(rand.NewPCG(3, 4))
	w, target := make([]float32, rows*cols), make([]float32, rows*cols)
	g, m := make([]float32, rows*cols), make([]float32, rows*cols)
	for i := range target {
		target[i] = float32(rng.NormFloat64())
	}
	distance := func() (s float64) {
		for i := range w {
			d := float64(w[i] - target[i])
			s += d * d
		}
		return s
	}
	begin := distance()
	var o Muon
	const steps = 300
	for step := range steps {
		for i := range w {
			g[i] = w[i] - target[i]
		}
		o.Step(w, g, m, rows, cols, 0.2*float32(steps-step)/steps, 0.9, 0)
	}
	if end := distance(); !(end < 1e-3*begin) {
		t.Fatalf("want the distance to fall a thousandfold from %g, have %g", begin, end)
	}
}
