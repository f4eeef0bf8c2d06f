package nn

import "haguruma/core/kernel"

// LayerScale multiplies each channel of a residual branch by a learned factor. The zero value does nothing.
// Source: Touvron et al. 2021, arXiv:2103.17239, eq. 2.
//
//	Gain  (Dim)   nil: every factor is one
type LayerScale[F Float] struct {
	Gain []F
	Dim  int
}

// Forward scales y in place.
//
//	y         (rows, Dim)
//	unscaled  (rows, Dim)   receives y as it was, which Backward reads; empty when there will be no Backward
func (l *LayerScale[F]) Forward(y, unscaled []F, rows int) {
	if l.Gain == nil {
		return
	}
	copy(unscaled, y[:rows*l.Dim])
	scaleColumns(y, y, l.Gain, rows, l.Dim)
}

// Backward adds into grad, unless that has no Gain, and returns the gradient of the input: dx, which it writes, or dy itself when there is no Gain.
//
//	dx, dy    (rows, Dim)   dx may alias dy
//	unscaled  (rows, Dim)   as Forward left it
func (l *LayerScale[F]) Backward(grad *LayerScale[F], dx, dy, unscaled []F, rows int) []F {
	if l.Gain == nil {
		return dy
	}
	for r := range rows {
		if grad.Gain == nil {
			break
		}
		x, d := unscaled[r*l.Dim:(r+1)*l.Dim], dy[r*l.Dim:(r+1)*l.Dim]
		for i, v := range x {
			grad.Gain[i] += v * d[i]
		}
	}
	scaleColumns(dx, dy, l.Gain, rows, l.Dim)
	return dx
}

// Fold multiplies the factors into the layer whose output they scale: diag(Gain) (W x + b).
func (l *LayerScale[F]) Fold(linear *Linear[F]) {
	for i, g := range l.Gain {
		kernel.Scale(linear.Weight[i*linear.In:(i+1)*linear.In], g)
		linear.Bias[i] *= g
	}
}

// scaleColumns writes y = x * gain for each row; y may alias x.
func scaleColumns[F Float](y, x, gain []F, rows, dim int) {
	for r := range rows {
		from, to := x[r*dim:(r+1)*dim], y[r*dim:(r+1)*dim]
		for i, g := range gain[:dim] {
			to[i] = from[i] * g
		}
	}
}
