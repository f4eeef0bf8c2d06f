package nn

import "haguruma/core/kernel"

// MLP is fc2(gelu(fc1(x))), applied to each row.
type MLP[F Float] struct{ FC1, FC2 Linear[F] }

// Forward writes y and the two hidden activations that Backward reads.
//
//	y, x     (rows, dim)
//	pre      (rows, hidden)   fc1(x)
//	hidden   (rows, hidden)   gelu(pre); may alias pre when there will be no Backward
func (m *MLP[F]) Forward(y, pre, hidden, x []F, rows int) {
	m.FC1.Forward(pre, x, rows)
	kernel.GELU(hidden, pre)
	m.FC2.Forward(y, hidden, rows)
}

// Backward writes dx and adds into grad; dhidden is scratch.
//
//	dx, dy, x              (rows, dim)      dx may alias dy
//	dhidden, pre, hidden   (rows, hidden)
func (m *MLP[F]) Backward(grad *MLP[F], dx, dhidden, dy, x, pre, hidden []F, rows int) {
	m.FC2.Backward(&grad.FC2, dhidden, dy, hidden, rows)
	kernel.GELUBackward(dhidden, dhidden, pre)
	m.FC1.Backward(&grad.FC1, dx, dhidden, x, rows)
}
