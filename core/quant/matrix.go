package quant

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"haguruma/core/kernel"
)

// Errors of FromInt8, wrapped with the numbers.
var (
	// ErrShape: the lengths do not belong to (rows, cols).
	ErrShape = errors.New("shape")
	// ErrValue: a code of -128, or a scale that is negative or not finite.
	ErrValue = errors.New("value")
)

// maxWeight is the largest code, as kernel.QuantizeWeights has it: -128 stays unused.
const maxWeight = 127

// Matrix is a weight matrix (out, in) in int8.
//
//	Data   (Rows, Cols)  -127..127
//	Scale  (Rows)        real = Scale[c] * code
//	Sum    (Rows)        sum of the codes of the row: the zero points of the activations need it
//
// Data, Scale and Sum are for reading: Mul uses a packed copy that was made with them. A Matrix may be used by many goroutines at once.
type Matrix struct {
	Rows, Cols int
	Data       []int8
	Scale      []float32
	Sum        []int32
	packed     []int8
}

// Quantize returns w (rows, cols) in int8. The scale of a row is its largest magnitude over 127, so the error of a weight is at most half a
// scale. A row of zeros has scale 1. NaN counts as 0 and magnitudes over 2^126, infinities included, as 2^126. w is not kept.
// It panics if len(w) is not rows*cols or cols > 65536.
func Quantize(w []float32, rows, cols int) *Matrix {
	if rows < 0 || cols < 0 || len(w) != rows*cols {
		panic("quant: Quantize: len(w) != rows*cols")
	}
	if cols > maxCols {
		panic("quant: Quantize: too many columns for exact sums")
	}
	m := &Matrix{Rows: rows, Cols: cols, Data: make([]int8, rows*cols), Scale: make([]float32, rows)}
	for r := range rows {
		m.Scale[r] = kernel.QuantizeWeights(m.Data[r*cols:(r+1)*cols], w[r*cols:(r+1)*cols])
	}
	m.prepare()
	return m
}

// FromInt8 returns the matrix of stored codes and scales, which it keeps: do not write to them afterwards.
//
//	data   (rows, cols)
//	scale  (rows)
//
// Errors: ErrShape, ErrValue.
func FromInt8(data []int8, scale []float32, rows, cols int) (*Matrix, error) {
	if rows < 0 || cols < 0 || (cols > 0 && rows > math.MaxInt/cols) {
		return nil, fmt.Errorf("quant: matrix (%d, %d): %w", rows, cols, ErrShape)
	}
	if len(data) != rows*cols {
		return nil, fmt.Errorf("quant: matrix (%d, %d): want %d weights, have %d: %w", rows, cols, rows*cols, len(data), ErrShape)
	}
	if len(scale) != rows {
		return nil, fmt.Errorf("quant: matrix (%d, %d): want %d scales, have %d: %w", rows, cols, rows, len(scale), ErrShape)
	}
	if cols > maxCols {
		return nil, fmt.Errorf("quant: matrix (%d, %d): want at most %d columns: %w", rows, cols, maxCols, ErrShape)
	}
	for r := range rows {
		row := data[r*cols : (r+1)*cols]
		if _, least := kernel.SumInt8(row); least < -maxWeight {
			return nil, fmt.Errorf("quant: matrix (%d, %d): weight (%d, %d) is %d, want -127..127: %w", rows, cols, r, slices.Index(row, least), least, ErrValue)
		}
	}
	for r, s := range scale {
		if !(s >= 0 && s <= math.MaxFloat32) {
			return nil, fmt.Errorf("quant: matrix (%d, %d): scale %d is %g, want finite and not negative: %w", rows, cols, r, s, ErrValue)
		}
	}
	m := &Matrix{Rows: rows, Cols: cols, Data: data, Scale: scale}
	m.prepare()
	return m, nil
}

// Derive returns a matrix that differs in some rows, or m itself when none does. m is not written to.
//
//	row  writes the codes of row r, -127..127, and returns its scale and true; or it returns false, and the row of m is copied
//
// It panics if a scale is negative or not finite.
func (m *Matrix) Derive(row func(q []int8, r int) (scale float32, changed bool)) *Matrix {
	d := &Matrix{Rows: m.Rows, Cols: m.Cols, Data: make([]int8, len(m.Data)), Scale: make([]float32, m.Rows)}
	any := false
	for r := range m.Rows {
		q := d.Data[r*m.Cols : (r+1)*m.Cols]
		scale, changed := row(q, r)
		if !changed {
			copy(q, m.Data[r*m.Cols:])
			scale = m.Scale[r]
		}
		if !(scale >= 0 && scale <= math.MaxFloat32) {
			panic("quant: Derive: scale negative or not finite")
		}
		d.Scale[r] = scale
		any = any || changed
	}
	if !any {
		return m
	}
	d.prepare()
	return d
}

// maxCols keeps the int32 sums of kernel.MatmulInt8 exact.
const maxCols = 1 << 16

// Dequantize writes the real weights (Rows, Cols). It panics if w is too short.
func (m *Matrix) Dequantize(w []float32) {
	if len(w) < m.Rows*m.Cols {
		panic("quant: Dequantize: len(w) < Rows*Cols")
	}
	for r := range m.Rows {
		row := w[r*m.Cols : (r+1)*m.Cols]
		for c, v := range m.Data[r*m.Cols : (r+1)*m.Cols] {
			row[c] = m.Scale[r] * float32(v)
		}
	}
}

// Mul computes y = x Wᵀ + bias: it quantizes each row of x and multiplies in int8.
//
//	y     (rows, Rows)
//	x     (rows, Cols)
//	bias  (Rows)        nil is a bias of zeros
//	buf                 grows to the largest x it has seen; one a goroutine
//
// y must not overlap x or bias. The same bits on every machine. It panics if a slice is too short.
func (m *Matrix) Mul(y, x, bias []float32, rows int, buf *Rows) {
	buf.Quantize(x, rows, m.Cols)
	m.MulRows(y, buf, bias, kernel.Epilogue{})
}

// MulRows is Mul for rows that are quantized already, and then does to y what the epilogue says.
// It panics if the rows are not Cols wide.
func (m *Matrix) MulRows(y []float32, x *Rows, bias []float32, then kernel.Epilogue) {
	if x.dim != m.Cols {
		panic("quant: MulRows: rows are not Cols wide")
	}
	kernel.MatmulInt8(y, x.Q, x.Scale, x.Zero, m.packed, m.Scale, m.Sum, bias, x.rows, m.Rows, m.Cols, then)
}

// prepare fills in what follows from Data.
func (m *Matrix) prepare() {
	m.Sum = make([]int32, m.Rows)
	for r := range m.Rows {
		m.Sum[r], _ = kernel.SumInt8(m.Data[r*m.Cols : (r+1)*m.Cols])
	}
	m.packed = make([]int8, kernel.PackInt8Len(m.Rows, m.Cols))
	kernel.PackInt8(m.packed, m.Data, m.Rows, m.Cols)
}
