package sparse

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// testTensors are a matrix, a vector, a convolution and a scalar-like tensor.
func testTensors() []Tensor {
	var out []Tensor
	at := 0
	for _, t := range []Tensor{{Name: "blocks.0.mlp.fc1.weight", Shape: []int{4, 3}}, {Name: "blocks.0.mlp.fc1.bias", Shape: []int{4}},
		{Name: "patch_embed.proj.weight", Shape: []int{2, 2, 2, 3}}, {Name: "norm.weight", Shape: []int{1}}} {
		t.Start = at
		at += t.Len()
		out = append(out, t)
	}
	return out
}

// TestGateConstants: the thresholds of METHOD section 1.3 and 1.4.
func TestGateConstants(t *testing.T) {
	if want := gateBeta * math.Log(-gateGamma/gateZeta); math.Abs(gateShift-want) > 1e-7 {
		t.Fatalf("gateShift is %v, want %v", gateShift, want)
	}
	z := make([]float64, 1)
	for _, c := range []struct {
		gate     Gate
		la       float64
		training bool
		want     float64
	}{
		{GateParity, -1.5987, true, 0}, {GateParity, -1.598, true, 8.2e-5}, {GateParity, 1.5987, true, 1},
		{GateParity, -2.39791, false, 0}, {GateParity, -2.39, false, 7.3e-4}, {GateParity, 0, true, 0.5}, {GateParity, 0, false, 0.5},
		{GateConcrete, -1.5987, false, 0}, {GateConcrete, -1.598, false, 8.2e-5}, {GateConcrete, 0, true, 0.5},
		{GateBinary, 0, true, 0}, {GateBinary, 1e-9, true, 1}, {GateBinary, 1e-9, false, 1}, {GateBinary, -3, false, 0},
	} {
		Open(c.gate, z, []float64{c.la}, c.training)
		if !(math.Abs(z[0]-c.want) <= 0.1*c.want+1e-12) {
			t.Errorf("%s gate of %v, training %v: %v, want %v", c.gate, c.la, c.training, z[0], c.want)
		}
	}
	scratch := make([]float64, 1)
	if got := ExpectedDensity(GateParity, []float64{0}, scratch); math.Abs(got-0.8318) > 1e-4 {
		t.Errorf("expected density of logAlpha 0: %v, want 0.8318", got)
	}
	if got := ExpectedDensity(GateParity, []float64{MinLogAlpha}, scratch); math.Abs(got-0.047) > 1e-3 {
		t.Errorf("expected density of the lowest logAlpha: %v, want 0.047", got)
	}
}

// TestExpectedDensityIsTheNoisyOne: P(z != 0) against 100,000 samples of the hard-concrete distribution.
func TestExpectedDensityIsTheNoisyOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, la := range []float64{-3, -1, 0, 0.7} {
		open := 0
		const n = 100000
		for range n {
			u := rng.Float64()
			s := 1 / (1 + math.Exp(-(math.Log(u)-math.Log(1-u)+la)/gateBeta))
			if s*(gateZeta-gateGamma)+gateGamma > 0 {
				open++
			}
		}
		got := ExpectedDensity(GateConcrete, []float64{la}, make([]float64, 1))
		if want := float64(open) / n; math.Abs(got-want) > 4*math.Sqrt(want*(1-want)/n) {
			t.Errorf("logAlpha %v: %v, sampled %v", la, got, want)
		}
	}
}

// TestOpenBackward: central differences where the gate has a slope, the median's slope where it goes straight through, 0 where parity clips.
func TestOpenBackward(t *testing.T) {
	const h = 1e-6
	median := func(la float64) float64 { return 1.2/(1+math.Exp(-la/gateBeta)) - 0.1 }
	for _, gate := range []Gate{GateBinary, GateConcrete, GateParity} {
		for _, la := range []float64{-4, -1.7, -1, 0.3, 1.2, 2.5} {
			got := make([]float64, 1)
			OpenBackward(gate, got, []float64{1.5}, []float64{la}, make([]float64, 1))
			want := 1.5 * (median(la+h) - median(la-h)) / (2 * h)
			if gate == GateParity && (median(la) <= 0 || median(la) >= 1) {
				want = 0
			}
			if math.Abs(got[0]-want) > 1e-8 {
				t.Errorf("%s gate at %v: %v, want %v", gate, la, got[0], want)
			}
		}
	}
}

// TestDensityBackward: N times the derivative of the expected density.
func TestDensityBackward(t *testing.T) {
	const h = 1e-6
	rng := rand.New(rand.NewPCG(3, 4))
	la, scratch := make([]float64, 7), make([]float64, 7)
	for i := range la {
		la[i] = rng.NormFloat64()
	}
	for _, gate := range []Gate{GateBinary, GateConcrete, GateParity} {
		grad := make([]float64, 7)
		DensityBackward(gate, grad, la, 0.7, scratch)
		for i := range la {
			old := la[i]
			la[i] = old + h
			up := ExpectedDensity(gate, la, scratch)
			la[i] = old - h
			down := ExpectedDensity(gate, la, scratch)
			la[i] = old
			if want := 0.7 * 7 * (up - down) / (2 * h); math.Abs(grad[i]-want) > 1e-8 {
				t.Errorf("%s gate %d: %v, want %v", gate, i, grad[i], want)
			}
		}
	}
}

// TestMergeGradients: the loss <dTheta, theta> by central differences in every logAlpha, delta and score, for each unit.
func TestMergeGradients(t *testing.T) {
	const h = 1e-5
	rng := rand.New(rand.NewPCG(5, 6))
	tensors := testTensors()
	n := scalars(tensors)
	uniform := func(n int) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = 2.4*rng.Float64() - 1.2 // inside the range where a gate has a slope
		}
		return x
	}
	for _, unit := range []Unit{UnitScalar, UnitColumn, UnitRow} {
		g, err := NewGates[float64](GatesConfig{Experts: 3, Gate: GateConcrete, Unit: unit}, tensors)
		if err != nil {
			t.Fatal(err)
		}
		for m := range g.LogAlpha {
			copy(g.LogAlpha[m], uniform(g.Len()))
		}
		pre, delta, dTheta, scores := uniform(n), uniform(n), uniform(n), []float64{0.2, 0.5, 0.3}
		mask, theta := make([]float64, n), make([]float64, n)
		loss := func() float64 {
			g.RefreshAll(true)
			Mix(mask, g.Z, scores)
			Merge(theta, pre, mask, delta)
			sum := 0.0
			for i, v := range theta {
				sum += v * dTheta[i]
			}
			return sum
		}
		loss()
		dDelta, dMask, dScores := make([]float64, n), make([]float64, n), make([]float64, 3)
		MergeBackward(dDelta, dMask, dScores, dTheta, mask, delta, g.Z)
		check := func(what string, x []float64, i int, got float64) {
			t.Helper()
			old := x[i]
			x[i] = old + h
			up := loss()
			x[i] = old - h
			down := loss()
			x[i] = old
			if want := (up - down) / (2 * h); math.Abs(got-want) > 1e-7*(1+math.Abs(want)) {
				t.Errorf("%s, %s %d: %v, want %v", unit, what, i, got, want)
			}
		}
		for i := range delta {
			check("delta", delta, i, dDelta[i])
		}
		for m := range scores {
			check("score", scores, m, dScores[m])
			dz, dla := make([]float64, n), make([]float64, g.Len())
			for i, v := range dMask {
				dz[i] = scores[m] * v
			}
			g.Backward(m, dla, []float64{1}, [][]float64{dz}, make([]float64, len(dz)))
			for i := range dla {
				check("logAlpha", g.LogAlpha[m], i, dla[i])
			}
		}
	}
}

// TestGatesOfSomeTensors: masks of tensors that no pattern names are closed, and density counts all scalars.
func TestGatesOfSomeTensors(t *testing.T) {
	tensors := testTensors()
	g, err := NewGates[float32](GatesConfig{Experts: 1, Gate: GateBinary, Unit: UnitScalar, Tensors: []string{"blocks.*.mlp.fc1.*"}}, tensors)
	if err != nil {
		t.Fatal(err)
	}
	for i := range g.LogAlpha[0] {
		g.LogAlpha[0][i] = 1
	}
	g.RefreshAll(false)
	if g.Len() != 16 || g.Density(0) != 16.0/41 || g.Gated() != 16.0/41 {
		t.Fatalf("gates %d, density %v, gated %v", g.Len(), g.Density(0), g.Gated())
	}
	for i, z := range g.Z[0] {
		if (z == 1) != (i < 16) {
			t.Fatalf("mask %d is %v", i, z)
		}
	}
	g, err = NewGates[float32](GatesConfig{Experts: 1, Gate: GateBinary, Unit: UnitColumn, Tensors: []string{"blocks.0.mlp.fc1.weight#1/2"}}, tensors)
	if err != nil {
		t.Fatal(err)
	}
	copy(g.LogAlpha[0], []float32{1, -1, 1})
	g.RefreshAll(false)
	for i, z := range g.Z[0] {
		if want := i >= 6 && i < 12 && i%3 != 1; (z == 1) != want {
			t.Fatalf("half of the rows, by columns: mask %d is %v", i, z)
		}
	}
	for _, c := range []GatesConfig{
		{Experts: 1, Gate: GateBinary, Unit: UnitScalar, Tensors: []string{"norm.weight#2/2"}}, {Experts: 1, Gate: GateBinary, Unit: UnitScalar, Tensors: []string{"norm.weight#0/2"}},
		{Experts: 0, Gate: GateBinary, Unit: UnitScalar}, {Experts: 1, Gate: "soft", Unit: UnitScalar}, {Experts: 1, Gate: GateBinary, Unit: "block"},
		{Experts: 1, Gate: GateBinary, Unit: UnitScalar, Tensors: []string{"nothing"}}, {Experts: 1, Gate: GateBinary, Unit: UnitScalar, Tensors: []string{"["}},
	} {
		if _, err := NewGates[float32](c, tensors); !errors.Is(err, ErrConfig) {
			t.Errorf("%+v: %v, want ErrConfig", c, err)
		}
	}
}

// TestInitAndSettle: the density asked for at the start, and the exact one at the end, without a change of order.
func TestInitAndSettle(t *testing.T) {
	tensors := []Tensor{{Name: "w", Shape: []int{200, 100}}}
	for _, gate := range []Gate{GateBinary, GateConcrete} {
		g, err := NewGates[float32](GatesConfig{Experts: 2, Gate: gate, Unit: UnitScalar}, tensors)
		if err != nil {
			t.Fatal(err)
		}
		g.Init(rand.New(rand.NewPCG(7, 8)), 0.3)
		g.RefreshAll(true)
		for m := range g.Z {
			if d := g.Density(m); math.Abs(d-0.3) > 0.02 {
				t.Errorf("%s: density %v at the start, want 0.3", gate, d)
			}
		}
		before := append([]float32(nil), g.Z[0]...)
		g.Settle(0, 0.1)
		if d := g.Density(0); math.Abs(d-0.1) > 1e-3 {
			t.Errorf("%s: density %v after Settle, want 0.1", gate, d)
		}
		for i, z := range g.Z[0] {
			if z > before[i] {
				t.Fatalf("%s: gate %d opened while the mask was settled", gate, i)
			}
		}
	}
}

// TestInitOrder: the share asked for is open, those with the strongest pull of either sign.
func TestInitOrder(t *testing.T) {
	tensors := testTensors()
	g, err := NewGates[float64](GatesConfig{Experts: 2, Gate: GateBinary, Unit: UnitScalar}, tensors)
	if err != nil {
		t.Fatal(err)
	}
	pull := make([]float64, g.Len())
	for i := range pull {
		pull[i] = float64((i*7)%len(pull)) * float64(1-2*(i%2))
	}
	g.InitOrder(1, pull, 0.3)
	g.RefreshAll(true)
	open, least, most := 0, math.Inf(1), 0.0
	for i, z := range g.Z[1] {
		if z == 1 {
			open++
			least = min(least, math.Abs(pull[i]))
		} else {
			most = max(most, math.Abs(pull[i]))
		}
	}
	if want := int(math.Round(0.3 * float64(len(pull)))); open != want || least <= most {
		t.Errorf("%d of %d open, want %d; the weakest that is open pulls %v, the strongest that is not %v", open, len(pull), want, least, most)
	}
	for _, la := range g.LogAlpha[0] {
		if la != 0 {
			t.Fatal("the other expert moved")
		}
	}
}
