package quant

import "haguruma/core/kernel"

// Rows is a batch of quantized activations, reused from call to call: it grows and never shrinks. The zero value is ready to use.
//
//	Q      (rows, dim)  0..127
//	Scale  (rows)
//	Zero   (rows)       real = Scale[r] * (Q - Zero[r])
//
// A Rows belongs to one goroutine.
type Rows struct {
	Q     []uint8
	Scale []float32
	Zero  []int32

	rows, dim int
}

// Quantize fills b with x (rows, dim), replacing what it held. See kernel.QuantizeRows. It panics if x is too short.
func (b *Rows) Quantize(x []float32, rows, dim int) {
	b.size(rows, dim)
	kernel.QuantizeRows(b.Q, b.Scale, b.Zero, x, rows, dim)
}

// Normalize is Quantize of the LayerNorm of x; see kernel.NormalizeRows.
//
//	x           (rows, dim)
//	gain, bias  (dim)
func (b *Rows) Normalize(x, gain, bias []float32, rows, dim int, eps float32) {
	b.size(rows, dim)
	kernel.NormalizeRows(b.Q, b.Scale, b.Zero, x, gain, bias, rows, dim, eps)
}

func (b *Rows) size(rows, dim int) {
	b.rows, b.dim = rows, dim
	b.Q = grow(b.Q, rows*dim)
	b.Scale = grow(b.Scale, rows)
	b.Zero = grow(b.Zero, rows)
}

// grow returns a slice of length n in the memory of s where it fits.
func grow[T any](s []T, n int) []T {
	if n <= cap(s) {
		return s[:n]
	}
	return make([]T, n)
}
