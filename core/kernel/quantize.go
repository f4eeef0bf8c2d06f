package kernel

import (
	"math"
	"sync"
)

// Activations are 7 bit so that a product pair fits 16 bits and a relaxed dot product is exact on every engine.
const maxActivation = 127

// quantizeLimit bounds what a row may hold: beyond it, infinities included, a value counts as the limit.
// hi - lo then stays finite.
const quantizeLimit = 0x1p126

// minQuantizeScale is the least normal float32: 1/scale stays finite.
const minQuantizeScale = 0x1p-126

// roundMagic added to a float32 of magnitude below 2^22 leaves the nearest integer, ties to even, in the low mantissa bits.
const roundMagic = 0x1.8p23

// QuantizeRows quantizes each row by itself to 7 bits unsigned: x is about scale*(q-zero).
//
//	q      (rows, dim)  0..127
//	scale  (rows)       (hi-lo)/127, hi = max(0, x...), lo = min(0, x...); 1 for a row of zeros
//	zero   (rows)       0..127: the code of 0, which is always exact
//	x      (rows, dim)
//
// Rounding is half to even, and the error is at most half a scale. NaN counts as 0 and magnitudes over 2^126, infinities
// included, as 2^126. Every body returns the same bits. It panics if a slice is too short.
func QuantizeRows(q []uint8, scale []float32, zero []int32, x []float32, rows, dim int) {
	dims(rows, dim, 0, "kernel: QuantizeRows: negative dimension")
	need(q, rows*dim, "kernel: QuantizeRows: insufficient length of q")
	need(scale, rows, "kernel: QuantizeRows: insufficient length of scale")
	need(zero, rows, "kernel: QuantizeRows: insufficient length of zero")
	need(x, rows*dim, "kernel: QuantizeRows: insufficient length of x")
	for r := range rows {
		xr, qr := x[r*dim:(r+1)*dim], q[r*dim:(r+1)*dim]
		lo, hi := quantizeUsed.span(xr)
		var inv float32
		scale[r], inv, zero[r] = quantizeParameters(lo, hi)
		quantizeUsed.codes(qr, xr, lo, hi, inv, zero[r])
	}
}

// NormalizeRows is LayerNorm and then QuantizeRows of its result, which is not kept: shapes as in either, the same bits.
func NormalizeRows(q []uint8, scale []float32, zero []int32, x, gain, bias []float32, rows, dim int, eps float32) {
	dims(rows, dim, 0, "kernel: NormalizeRows: negative dimension")
	need(q, rows*dim, "kernel: NormalizeRows: insufficient length of q")
	need(scale, rows, "kernel: NormalizeRows: insufficient length of scale")
	need(zero, rows, "kernel: NormalizeRows: insufficient length of zero")
	need(x, rows*dim, "kernel: NormalizeRows: insufficient length of x")
	need(gain, dim, "kernel: NormalizeRows: insufficient length of gain")
	need(bias, dim, "kernel: NormalizeRows: insufficient length of bias")
	if dim == 0 {
		QuantizeRows(q, scale, zero, x, rows, dim)
		return
	}
	if normalizeRowsWasm(q, scale, zero, x, gain, bias, rows, dim, eps) {
		return
	}
	block := min(rows, normalizeBlock)
	s := normalizeScratch.Get().(*[]float32)
	y := take(s, block*dim)
	for r := 0; r < rows; r += block {
		n := min(block, rows-r)
		LayerNorm(y, nil, nil, x[r*dim:(r+n)*dim], gain, bias, n, dim, eps)
		QuantizeRows(q[r*dim:], scale[r:], zero[r:], y, n, dim)
	}
	normalizeScratch.Put(s)
}

// normalizeBlock is how many rows lie between the two halves of NormalizeRows, in normalizeScratch.
const normalizeBlock = 8

var normalizeScratch = sync.Pool{New: func() any { return new([]float32) }}

// take returns a slice of length n in the memory of s where it fits.
func take[T any](s *[]T, n int) []T {
	if cap(*s) < n {
		*s = make([]T, n)
	}
	return (*s)[:n]
}

// quantizeBody is one implementation of the two passes over a row.
type quantizeBody struct {
	name  string
	span  func(x []float32) (lo, hi float32)                            // min and max of 0 and the row
	codes func(q []uint8, x []float32, lo, hi, inv float32, zero int32) // len(q) == len(x); lo, hi of span
}

var quantizeGeneric = quantizeBody{name: "generic", span: spanGeneric, codes: codesGeneric}

// quantizeBodies are those that this machine can run; quantizeUsed is what the package calls.
var (
	quantizeBodies = []*quantizeBody{&quantizeGeneric}
	quantizeUsed   = &quantizeGeneric
)

// registerQuantize takes a body that this machine can run into use. Call it from init functions only.
func registerQuantize(b *quantizeBody) {
	quantizeBodies = append(quantizeBodies, b)
	quantizeUsed = b
}

// quantizeParameters turns the span of a row into its scale, the inverse of it and its zero point.
func quantizeParameters(lo, hi float32) (scale, inv float32, zero int32) {
	if lo == hi {
		return 1, 1, 0
	}
	scale = max((hi-lo)/maxActivation, minQuantizeScale)
	inv = 1 / scale
	return scale, inv, min(roundEven(-lo*inv), maxActivation)
}

// finite is what a value of a row counts as.
func finite(v float32) float32 {
	switch {
	case v != v:
		return 0
	case v > quantizeLimit:
		return quantizeLimit
	case v < -quantizeLimit:
		return -quantizeLimit
	}
	return v
}

// roundEven rounds half to even. |v| < 2^22.
func roundEven(v float32) int32 {
	return int32(math.Float32bits(float32(v)+roundMagic)) - roundMagicBits
}

// roundMagicBits is the bit pattern of roundMagic.
const roundMagicBits = 0x4b400000

func spanGeneric(x []float32) (lo, hi float32) {
	for _, v := range x {
		v = finite(v)
		lo, hi = min(lo, v), max(hi, v)
	}
	return lo, hi
}

func codesGeneric(q []uint8, x []float32, lo, hi, inv float32, zero int32) {
	for i, v := range x {
		q[i] = uint8(min(max(roundEven(float32(finite(v)*inv))+zero, 0), maxActivation))
	}
}
