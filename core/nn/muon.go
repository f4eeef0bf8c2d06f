package nn

import (
	"math"

	"haguruma/core/kernel"
)

// Muon is an optimiser for weight matrices: momentum whose update is replaced
// by the nearest semi-orthogonal matrix, so that every direction moves alike.
// The zero value is ready; it holds scratch and is not safe for concurrent
// use.
//
// Source: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural
// networks" (the quintic Newton-Schulz iteration and its coefficients); the
// factor 0.2*sqrt(max(rows, cols)), which gives updates the size of AdamW's,
// is Liu et al. 2025, arXiv:2502.16982, eq. 4.
type Muon struct {
	x, a, b, y []float32
}

// Coefficients and iterations of the Newton-Schulz iteration
// X <- aX + (b XX^T + c (XX^T)^2) X, tuned by Jordan et al. for speed: the
// singular values end in about 0.7..1.2, not at 1.
const (
	muonA, muonB, muonC = 3.4445, -4.7750, 2.0315
	muonIterations      = 5
)

// Step moves w (rows, cols) by one update. g is the gradient and is
// overwritten; m (rows, cols) is the momentum, kept by the caller.
func (o *Muon) Step(w, g, m []float32, rows, cols int, lr, momentum, weightDecay float32) {
	// m = momentum m + (1-momentum) g; Nesterov: g = (1-momentum) g + momentum m.
	kernel.Scale(m, momentum)
	kernel.Axpy(m, 1-momentum, g)
	kernel.Scale(g, 1-momentum)
	kernel.Axpy(g, momentum, m)
	update := o.Orthogonalize(g, rows, cols)
	if weightDecay > 0 {
		kernel.Scale(w, 1-lr*weightDecay)
	}
	kernel.Axpy(w, -lr*0.2*float32(math.Sqrt(float64(max(rows, cols)))), update)
}

// Orthogonalize returns U V^T, roughly, of g (rows, cols) = U S V^T, in
// scratch that the next call overwrites.
func (o *Muon) Orthogonalize(g []float32, rows, cols int) []float32 {
	n := rows * cols
	small := min(rows, cols)
	o.x, o.y = resize(o.x, n), resize(o.y, n)
	o.a, o.b = resize(o.a, small*small), resize(o.b, small*small)
	copy(o.x, g)
	norm := float32(math.Sqrt(float64(kernel.Dot(g, g)))) + 1e-12
	kernel.Scale(o.x, 1/norm)
	for range muonIterations {
		// The Gram matrix on the smaller side: XX^T or X^TX.
		if rows <= cols {
			kernel.MatmulNT(o.a, o.x, o.x, rows, rows, cols, false)
		} else {
			kernel.MatmulTN(o.a, o.x, o.x, cols, cols, rows, false)
		}
		kernel.MatmulNN(o.b, o.a, o.a, small, small, small, false)
		kernel.Scale(o.b, muonC)
		kernel.Axpy(o.b, muonB, o.a)
		if rows <= cols {
			kernel.MatmulNN(o.y, o.b, o.x, rows, cols, rows, false)
		} else {
			kernel.MatmulNN(o.y, o.x, o.b, rows, cols, cols, false)
		}
		kernel.Axpy(o.y, muonA, o.x)
		o.x, o.y = o.y, o.x
	}
	return o.x
}

func resize(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}
