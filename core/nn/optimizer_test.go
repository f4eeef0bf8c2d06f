package nn

import (
	"math"
	"testing"
)

// TestAdamW: against the formulas of the paper in float64, decay only where a span says so, nothing outside the spans.
func TestAdamW(t *testing.T) {
	const n, steps, rate, decay = 12, 20, 0.01, 0.1
	spans := []Span{{0, 4, true}, {4, 9, false}} // 9..12 is frozen
	a := NewAdamW(n, decay)
	w, want := make([]float32, n), make([]float64, n)
	for i := range w {
		w[i] = float32(i) - 5.5
		want[i] = float64(w[i])
	}
	m, v, g := make([]float64, n), make([]float64, n), make([]float32, n)
	for step := 1; step <= steps; step++ {
		for i := range g {
			g[i] = float32(math.Sin(float64(step*(i+1)))) + 0.2
		}
		a.Update(w, g, spans, rate)
		for i := range 9 {
			m[i] = 0.9*m[i] + 0.1*float64(g[i])
			v[i] = 0.999*v[i] + 0.001*float64(g[i])*float64(g[i])
			mHat := m[i] / (1 - math.Pow(0.9, float64(step)))
			vHat := v[i] / (1 - math.Pow(0.999, float64(step)))
			if i < 4 {
				want[i] -= rate * decay * want[i]
			}
			want[i] -= rate * mHat / (math.Sqrt(vHat) + 1e-8)
		}
	}
	for i := range w {
		near(t, "w", want[i], float64(w[i]), 1e-5)
	}
	if a.Step != steps {
		t.Errorf("step: want %d, have %d", steps, a.Step)
	}
}

// TestClipNorm: longer vectors are scaled to the limit, shorter ones untouched, broken ones dropped.
func TestClipNorm(t *testing.T) {
	g := make([]float32, 10000) // several blocks
	for i := range g {
		g[i] = 0.03
	}
	near(t, "norm", 3, ClipNorm(g, 0), 1e-6)
	near(t, "norm", 3, ClipNorm(g, 4), 1e-6)
	if g[0] != 0.03 {
		t.Errorf("clipped below the limit: %v", g[0])
	}
	near(t, "norm", 3, ClipNorm(g, 1.5), 1e-6)
	near(t, "clipped norm", 1.5, ClipNorm(g, 0), 1e-6)
	g[9999] = float32(math.NaN())
	if norm := ClipNorm(g, 1); !math.IsNaN(norm) || g[0] != 0 || g[9999] != 0 {
		t.Errorf("NaN: norm %v, gradient %v", norm, g[0])
	}
}

// TestSchedule: the corners and the middle.
func TestSchedule(t *testing.T) {
	s := Schedule{Peak: 1, Floor: 0.1, Warmup: 4, Total: 14}
	for step, want := range map[int]float64{0: 0.25, 3: 1, 4: 1, 9: 0.55, 14: 0.1, 99: 0.1} {
		near(t, "rate", want, s.At(step), 1e-12)
	}
	if rate := (Schedule{Peak: 1, Total: 2}).At(0); rate != 1 {
		t.Errorf("without warm-up: want 1, have %v", rate)
	}
}
