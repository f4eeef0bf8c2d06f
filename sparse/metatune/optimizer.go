package metatune

import (
	"runtime"

	"haguruma/core/kernel"
	"haguruma/core/nn"
	"haguruma/core/vit"
)

// optimizer moves the backbone: Muon on the weight matrices when asked, AdamW
// on everything else. Its state lies in two flat vectors beside the
// parameters.
type optimizer struct {
	cfg   PretrainConfig
	muon  bool
	m, v  []float32 // momentum and second moment, as long as Params.Flat
	steps int
	orth  []nn.Muon // scratch, one a core
}

func newOptimizer(cfg PretrainConfig, p *vit.Params[float32]) *optimizer {
	return &optimizer{
		cfg: cfg, muon: cfg.Optimizer == "muon", m: make([]float32, len(p.Flat)), v: make([]float32, len(p.Flat)), orth: make([]nn.Muon, runtime.GOMAXPROCS(0)),
	}
}

// step clips the gradient, moves p and returns the norm before clipping.
func (o *optimizer) step(p, grad *vit.Params[float32], lr float64) float64 {
	norm := clip(grad.Flat, o.cfg.Clip)
	o.steps++
	tensors, grads := p.Tensors(), grad.Tensors()
	// The tensors are independent of each other: each core takes the next one.
	deal(len(o.orth), len(tensors), func(core int) func(i int) {
		return func(i int) { o.move(tensors[i], grads[i].Data, lr, &o.orth[core]) }
	})
	return norm
}

// move updates one tensor.
func (o *optimizer) move(t vit.Tensor[float32], g []float32, lr float64, orth *nn.Muon) {
	n := len(t.Data)
	m, v := o.m[t.Start:][:n], o.v[t.Start:][:n]
	decay := 0.0
	if t.Decay {
		decay = o.cfg.WeightDecay
	}
	if o.muon && t.Decay && len(t.Shape) >= 2 {
		rows := t.Shape[0]
		orth.Step(t.Data, g, m, rows, n/rows, float32(lr), 0.95, float32(decay))
		return
	}
	kernel.AdamW(t.Data, g, m, v, float32(lr), 0.9, 0.98, 1e-8, float32(decay), correction(0.9, o.steps), correction(0.98, o.steps))
}
