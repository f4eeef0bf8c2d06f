package metatune

import (
	"math"

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
	orth  nn.Muon
}

func newOptimizer(cfg PretrainConfig, p *vit.Params[float32]) *optimizer {
	return &optimizer{cfg: cfg, muon: cfg.Optimizer == "muon", m: make([]float32, len(p.Flat)), v: make([]float32, len(p.Flat))}
}

// step clips the gradient, moves p and returns the norm before clipping.
func (o *optimizer) step(p, grad *vit.Params[float32], lr float64) float64 {
	norm := math.Sqrt(float64(kernel.Dot(grad.Flat, grad.Flat)))
	if o.cfg.Clip > 0 && norm > o.cfg.Clip {
		kernel.Scale(grad.Flat, float32(o.cfg.Clip/norm))
	}
	o.steps++
	at := 0
	grads := grad.Tensors()
	for i, t := range p.Tensors() {
		n := len(t.Data)
		g, m, v := grads[i].Data, o.m[at:][:n], o.v[at:][:n]
		at += n
		decay := 0.0
		if t.Decay {
			decay = o.cfg.WeightDecay
		}
		if o.muon && t.Decay && len(t.Shape) >= 2 {
			rows := t.Shape[0]
			o.orth.Step(t.Data, g, m, rows, n/rows, float32(lr), 0.95, float32(decay))
			continue
		}
		kernel.AdamW(t.Data, g, m, v, float32(lr), 0.9, 0.98, 1e-8, float32(decay), correction(0.9, o.steps), correction(0.98, o.steps))
	}
	return norm
}
