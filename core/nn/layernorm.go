package nn

import "haguruma/core/kernel"

// LayerNorm is y = (x - mean) * rstd * gain + bias over each row; rstd = 1/sqrt(var + Eps), var biased.
// Source: Ba, Kiros, Hinton 2016, arXiv:1607.06450, eqs. 3-4.
//
//	Gain, Bias  (Dim)
type LayerNorm[F Float] struct {
	Gain, Bias []F
	Dim        int
	Eps        F
}

// Forward writes y, and the statistics that Backward reads.
//
//	y, x        (rows, Dim)
//	mean, rstd  (rows)        nil when there will be no Backward
func (l *LayerNorm[F]) Forward(y, mean, rstd, x []F, rows int) {
	kernel.LayerNorm(y, mean, rstd, x, l.Gain, l.Bias, rows, l.Dim, l.Eps)
}

// Backward ADDS into dx, because the input of a norm in a pre-norm block also feeds the residual path, and adds into grad
// what is not nil there.
//
//	dx, dy, x   (rows, Dim)
//	mean, rstd  (rows)        from Forward
func (l *LayerNorm[F]) Backward(grad *LayerNorm[F], dx, dy, x, mean, rstd []F, rows int) {
	kernel.LayerNormBackward(dx, grad.Gain, grad.Bias, dy, x, mean, rstd, l.Gain, rows, l.Dim)
}
