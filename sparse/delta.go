package sparse

import (
	"math"
	"math/bits"
)

// CloseDelta writes 0 where every mask is closed: those scalars are never merged, and so are not stored.
func (e *Experts) CloseDelta() {
	open := e.union()
	for i := range e.Delta {
		if open[i/64]>>(i%64)&1 == 0 {
			e.Delta[i] = 0
		}
	}
}

// union is the bits of the scalars that some mask opens.
func (e *Experts) union() []uint64 {
	open := make([]uint64, (len(e.Delta)+63)/64)
	for _, m := range e.Masks {
		for i, w := range m.bits {
			open[i] |= w
		}
	}
	return open
}

// Union is the share of scalars that some mask opens: what there is of the delta in a file.
func (e *Experts) Union() float64 {
	n := 0
	for _, w := range e.union() {
		n += bits.OnesCount64(w)
	}
	return float64(n) / float64(max(len(e.Delta), 1))
}

// deltaMax is the largest code of a delta in int8.
const deltaMax = 127

// quantizeDelta writes the codes of a row and returns its scale: the largest magnitude is deltaMax, a row of zeros has scale 0.
func quantizeDelta(codes []int8, row []float32) (scale float32) {
	var largest float32
	for _, v := range row {
		largest = max(largest, max(v, -v))
	}
	if largest < 0x1p-100 { // codes of less than that would divide by a denormal
		clear(codes)
		return 0
	}
	scale = largest / deltaMax
	for i, v := range row {
		codes[i] = int8(min(max(math.RoundToEven(float64(v/scale)), -deltaMax), deltaMax))
	}
	return scale
}

// RoundDelta replaces the delta of every tensor of two or more dimensions by what its int8 codes stand for, as a file holds it: after it
// Save and OpenExperts change nothing more.
func (e *Experts) RoundDelta() {
	for _, t := range e.Tensors {
		if len(t.Shape) < 2 {
			continue
		}
		rows, cols := t.rowsCols()
		codes := make([]int8, cols)
		for r := range rows {
			row := e.Delta[t.Start+r*cols:][:cols]
			scale := quantizeDelta(codes, row)
			for i, c := range codes {
				row[i] = scale * float32(c)
			}
		}
	}
}
