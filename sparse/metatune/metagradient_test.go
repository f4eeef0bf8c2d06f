package metatune

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"haguruma/core/kernel"
	"haguruma/core/vit"
	"haguruma/sparse"
)

// rgbTasks are the pictures of toyTasks in three equal planes.
type rgbTasks struct{ *toyTasks }

func (r rgbTasks) Draw(t *Task, rng *rand.Rand) {
	r.toyTasks.Draw(t, rng)
	const plane = convSide * convSide
	for _, x := range []*[]float32{&t.Support, &t.Query} {
		var planes []float32
		for at := 0; at < len(*x); at += plane {
			for range 3 {
				planes = append(planes, (*x)[at:at+plane]...)
			}
		}
		*x = planes
	}
}

// TestUpdateGradient: the objective of an update, whole (tasks through router, gates, merge and network to both losses, the balance of the scores
// and the pull on the logits) by central differences along a direction, with noise and temperature held: for the delta, the router and every
// expert's logAlpha, for two networks, and for both gates that have a slope. In float32 a difference of the objective is good to about 1e-6.
func TestUpdateGradient(t *testing.T) {
	tiny := vit.Config{ImageSize: 8, PatchSize: 4, Dim: 16, Depth: 1, Heads: 2, MLPDim: 24, Pool: vit.PoolMean, Eps: 1e-6, Std: [3]float32{1, 1, 1}}
	start := vit.NewParams[float32](tiny)
	start.Init(rand.New(rand.NewPCG(5, 6)))
	for _, c := range []struct {
		name    string
		network Network
		start   []float32
		tasks   Tasks
		gate    sparse.Gate
	}{
		{"convolutions", convNetwork{}, shortStart(), toyTrain(), sparse.GateConcrete},
		{"transformer", ViT(tiny, convSide), start.Flat, rgbTasks{toyTrain()}, sparse.GateParity}, // positions are interpolated
	} {
		cfg := shortConfig("out")
		cfg.Gates.Experts, cfg.Gates.Gate = 3, c.gate
		cfg.Balance, cfg.RouterPull, cfg.Clip, cfg.Distill = 0.3, 0.2, 0, 0.4
		cfg.Noiseless = c.gate == sparse.GateParity
		u, err := newMetaTuner(cfg, c.network, c.start, c.tasks)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(7, 8))
		for i := range u.delta {
			u.delta[i] = float32(0.05 * rng.NormFloat64())
		}
		for _, la := range u.gates.LogAlpha {
			for i := range la {
				la[i] = 2.4*rng.Float32() - 1.2 // where the gates do not clip
			}
		}
		u.temperature = 0.8
		u.runTasks()
		for i, r := range u.results {
			inUse := make([]float32, len(r.logits))
			sparse.Scores(inUse, r.logits, nil, u.temperature)
			if slices.Equal(inUse, r.scores) != cfg.Noiseless {
				t.Errorf("%s, task %d: scores %v in training, %v in use", c.name, i, r.scores, inUse)
			}
		}
		objective := func() float64 {
			u.refresh(true)
			u.runTasks()
			sum, n := 0.0, float64(len(u.results))
			for _, r := range u.results {
				sum += ((1-cfg.Distill)*r.ce + cfg.Distill*r.kd) / n
				for _, l := range r.logits {
					sum += cfg.RouterPull * float64(l) * float64(l) / float64(len(r.logits)) / n
				}
			}
			for _, p := range u.meanScores() {
				sum += cfg.Balance * p * math.Log(p*float64(cfg.Gates.Experts))
			}
			return sum
		}
		objective()
		dDelta := make([]float32, len(u.delta))
		for _, r := range u.results {
			kernel.Axpy(dDelta, 1/float32(len(u.results)), r.dDelta)
		}
		u.routerGradient()
		dRouter := append([]float32(nil), u.routerGrad.Flat...)
		var dGates [][]float32
		for m := range u.gates.LogAlpha {
			grad := make([]float32, u.gates.Len())
			u.gateGradient(m, grad, make([]float32, len(u.pre)))
			dGates = append(dGates, grad)
		}
		check := func(what string, x, grad []float32, step float64) {
			t.Helper()
			length := math.Sqrt(float64(kernel.Dot(grad, grad)))
			if !(length > 1e-5) {
				t.Errorf("%s, %s: the gradient is of length %v", c.name, what, length)
				return
			}
			// Half the gradient's own direction, so that there is something to measure, half any.
			v, slope := make([]float64, len(x)), 0.0
			for i := range v {
				v[i] = float64(grad[i])/length + rng.NormFloat64()/math.Sqrt(float64(len(x)))
				slope += v[i] * float64(grad[i])
			}
			old := append([]float32(nil), x...)
			at := func(h float64) float64 {
				for i := range x {
					x[i] = old[i] + float32(h*v[i])
				}
				defer copy(x, old)
				return objective()
			}
			step = min(step, 0.02/length) // so that the objective moves by a hundredth or less
			measured := (at(step) - at(-step)) / (2 * step)
			t.Logf("%s, %s: slope %v, measured %v", c.name, what, slope, measured)
			if math.Abs(measured-slope) > 0.01*math.Abs(slope)+1e-6/step {
				t.Errorf("%s, %s: want %v, have %v", c.name, what, measured, slope)
			}
		}
		check("delta", u.delta, dDelta, 0.02)
		check("router", u.router.Flat, dRouter, 2e-4) // its skill tokens are of size 1e-3, under a norm
		for m, grad := range dGates {
			check("logAlpha", u.gates.LogAlpha[m], grad, 0.3)
		}
	}
}
