package nn

import "haguruma/core/kernel"

// Linear is y = x Wᵀ + b.
//
//	Weight  (Out, In)
//	Bias    (Out)
type Linear[F Float] struct {
	Weight, Bias []F
	In, Out      int
}

// Forward writes y from x.
//
//	y  (rows, Out)   must not alias x
//	x  (rows, In)
func (l *Linear[F]) Forward(y, x []F, rows int) {
	kernel.MatmulNT(y, x, l.Weight, rows, l.Out, l.In, false)
	kernel.AddBias(y, l.Bias, rows, l.Out)
}

// Backward writes dx and adds dy's share of the weight and bias gradients into grad; one that is nil there is not computed.
//
//	dx  (rows, In)   nil when the gradient of the input is not wanted
//	dy  (rows, Out)
//	x   (rows, In)   the input of Forward
func (l *Linear[F]) Backward(grad *Linear[F], dx, dy, x []F, rows int) {
	if grad.Weight != nil {
		kernel.MatmulTN(grad.Weight, dy, x, l.Out, l.In, rows, true)
	}
	if grad.Bias != nil {
		kernel.SumRows(grad.Bias, dy, rows, l.Out)
	}
	if dx != nil {
		kernel.MatmulNN(dx, dy, l.Weight, rows, l.In, l.Out, false)
	}
}
