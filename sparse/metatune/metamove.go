package metatune

import (
	"math"
	"runtime"

	"haguruma/core/kernel"
	"haguruma/core/nn"
	"haguruma/sparse"
)

func (t *metaTuner) moveDelta(factor float64) {
	rate := float32(t.cfg.LR * factor)
	switch t.cfg.Optimizer {
	case "muon":
		t.moveTensors(rate)
	case "sgd":
		kernel.Axpy(t.dDelta, float32(t.cfg.Decay), t.delta)
		kernel.Scale(t.delta1, 0.9)
		kernel.Add(t.delta1, t.dDelta)
		kernel.Axpy(t.delta, -rate, t.delta1)
	default:
		t.adamW(rate, 0, len(t.delta))
	}
}

// adamW takes a step of AdamW on the n scalars of the delta from at on.
func (t *metaTuner) adamW(rate float32, at, n int) {
	kernel.AdamW(t.delta[at:at+n], t.dDelta[at:at+n], t.delta1[at:at+n], t.delta2[at:at+n], rate, 0.9, 0.99, 1e-8, float32(t.cfg.Decay),
		correction(0.9, t.update+1), correction(0.99, t.update+1))
}

// moveTensors takes a step of Muon on each matrix of the delta, whose update is then as large in every direction, and one of AdamW on the other
// tensors, over all cores; tensors of one row, such as position embeddings, are no matrices.
func (t *metaTuner) moveTensors(rate float32) {
	tensors := t.network.Tensors()
	deal(runtime.GOMAXPROCS(0), len(tensors), func(int) func(i int) {
		var muon nn.Muon
		return func(i int) {
			at, n, shape := tensors[i].Start, tensors[i].Len(), tensors[i].Shape
			if len(shape) > 1 && shape[0] > 1 {
				muon.Step(t.delta[at:at+n], t.dDelta[at:at+n], t.delta1[at:at+n], shape[0], n/shape[0], rate, 0.95, float32(t.cfg.Decay))
				return
			}
			t.adamW(rate, at, n)
		}
	})
}

// moveGates takes a step of Adam on each expert's own loss gradient, scaled to a root mean square of 1 so that its size does not depend on
// how small the delta still is, and beside it, decoupled as AdamW decouples decay, the push of the density constraint: multiplier times the
// slope of the expected density. Parity descends on the plain sum of both, the density term divided by G and weighted by the scores.
//
// Multipliers rise while the mask is too dense and are set to 0 before the push once it is not (METHOD section 3.1, step 8). Parity's ascent
// then goes on below 0 for an update, as plain descent on the paper's loss does.
func (t *metaTuner) moveGates(factor float64) {
	rate := float32(t.cfg.GateLR * factor)
	means := t.meanScores()
	t.eachExpert(func(m int, grad, scratch []float32) {
		squares := t.gateGradient(m, grad, scratch)
		excess := t.densities[m] - t.cfg.Density
		if excess < 0 {
			t.lambda[m] = 0
		}
		push, scale := 1.0, float32(0)
		if t.cfg.Parity {
			push = means[m]
		} else if rms := math.Sqrt(squares / float64(len(grad))); rms > 0 {
			scale = float32(1 / rms)
		}
		for at := 0; at < len(grad); at += sparse.PieceLen {
			t.moveGatePiece(m, at, grad[at:min(at+sparse.PieceLen, len(grad))], scratch, rate, scale, push)
		}
		if excess >= 0 || t.cfg.Parity {
			t.lambda[m] += t.cfg.DualLR * factor * excess * push
		}
	})
}

// moveGatePiece moves the gates of expert m from at on by their gradient, which it overwrites. scale is what brings a gradient to a root mean square of
// 1; 0: there is none.
func (t *metaTuner) moveGatePiece(m, at int, grad, scratch []float32, rate, scale float32, push float64) {
	gate, to := t.cfg.Gates.Gate, at+len(grad)
	la := t.gates.LogAlpha[m][at:to]
	if t.cfg.Parity {
		sparse.DensityBackward(gate, grad, la, float32(t.lambda[m]*push/float64(t.gates.Len())), scratch)
		kernel.Axpy(la, -rate, grad)
		return
	}
	if scale > 0 {
		kernel.Scale(grad, scale)
		kernel.AdamW(la, grad, t.gate1[m][at:to], t.gate2[m][at:to], rate, 0.9, 0.99, 1, 0, correction(0.9, t.update+1), correction(0.99, t.update+1))
	}
	if t.lambda[m] > 0 {
		clear(grad)
		sparse.DensityBackward(gate, grad, la, float32(t.lambda[m]), scratch)
		kernel.Axpy(la, -rate, grad)
	}
}

// gateGradient writes the gradient of the tasks' mean loss with respect to expert m's logAlpha, and returns the sum of its squares.
//
//	grad     (G)
//	scratch  (N)
func (t *metaTuner) gateGradient(m int, grad, scratch []float32) (squares float64) {
	weights, masks := make([]float32, len(t.results)), make([][]float32, len(t.results))
	for i, r := range t.results {
		weights[i], masks[i] = r.scores[m]/float32(len(t.results)), r.dMask
	}
	return t.gates.Backward(m, grad, weights, masks, scratch)
}

func (t *metaTuner) meanScores() []float64 {
	means := make([]float64, t.cfg.Gates.Experts)
	for _, r := range t.results {
		for m, s := range r.scores {
			means[m] += float64(s) / float64(len(t.results))
		}
	}
	return means
}

// routerGradient writes the gradient of everything that depends on the router: the tasks' mean loss through the scores, the balance of their
// means and the pull on the logits.
func (t *metaTuner) routerGradient() {
	experts, n := t.cfg.Gates.Experts, float32(len(t.results))
	means := t.meanScores()
	clear(t.routerGrad.Flat)
	d := make([]float32, experts)
	for _, r := range t.results {
		for m := range d {
			d[m] = r.dScores[m] / n
			if t.cfg.Balance > 0 { // KL(means || uniform) = sum means log(M means)
				d[m] += float32(t.cfg.Balance*(math.Log(max(means[m]*float64(experts), 1e-6))+1)) / n
			}
		}
		sparse.ScoresBackward(d, d, r.logits, r.noise, t.temperature)
		for m, l := range r.logits {
			d[m] += float32(2*t.cfg.RouterPull) * l / (float32(experts) * n)
		}
		t.router.Backward(t.routerGrad, d, &r.tape)
	}
}
