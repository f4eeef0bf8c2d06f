package sparse

import "math"

// Delta is the change that all experts share, tensor by tensor: numbers as training leaves them, or int8 codes with one scale a row, as a
// file holds tensors of two or more dimensions. The codes take a quarter of the memory.
type Delta struct {
	tensors []Tensor
	parts   []deltaPart // one a tensor
}

// deltaPart is the delta of one tensor: values, or codes and scales.
type deltaPart struct {
	values []float32 // (Len)
	codes  []int8    // (rows, cols)
	scales []float32 // (rows)
}

// NewDelta keeps values (N), which it copies.
func NewDelta(tensors []Tensor, values []float32) *Delta {
	d := &Delta{tensors: tensors, parts: make([]deltaPart, len(tensors))}
	for i, t := range tensors {
		d.parts[i].values = append([]float32(nil), values[t.Start:t.Start+t.Len()]...)
	}
	return d
}

// Len is N, as the tensors have it.
func (d *Delta) Len() int { return scalars(d.tensors) }

// Values returns the delta as numbers (N), a copy; what lies between tensors is 0.
func (d *Delta) Values() []float32 {
	values := make([]float32, d.Len())
	for i, t := range d.tensors {
		d.readRange(values[t.Start:t.Start+t.Len()], i, 0)
	}
	return values
}

// readRange writes the scalars from..from+len(dst)-1 of tensor i.
func (d *Delta) readRange(dst []float32, i, from int) {
	p := &d.parts[i]
	if p.values != nil {
		copy(dst, p.values[from:])
		return
	}
	cols := len(p.codes) / len(p.scales)
	for len(dst) > 0 {
		row := from / cols
		n := min(len(dst), (row+1)*cols-from)
		scale := p.scales[row]
		for j, c := range p.codes[from : from+n] {
			dst[j] = scale * float32(c)
		}
		dst, from = dst[n:], from+n
	}
}

// round replaces the values of every matrix by codes up to most and scales; codes stay as they are.
func (d *Delta) round(most float32) {
	for i, t := range d.tensors {
		p := &d.parts[i]
		if len(t.Shape) < 2 || p.codes != nil {
			continue
		}
		rows, cols := t.rowsCols()
		p.codes, p.scales = make([]int8, rows*cols), make([]float32, rows)
		for r := range rows {
			p.scales[r] = quantizeDelta(p.codes[r*cols:(r+1)*cols], p.values[r*cols:(r+1)*cols], most)
		}
		p.values = nil
	}
}

// closeWhere writes 0 for the scalars whose bit is not set.
func (d *Delta) closeWhere(open []uint64) {
	for i, t := range d.tensors {
		p := &d.parts[i]
		for j := range t.Len() {
			if at := t.Start + j; open[at/64]>>(at%64)&1 != 0 {
				continue
			}
			if p.values != nil {
				p.values[j] = 0
			} else {
				p.codes[j] = 0
			}
		}
	}
}

// CloseDelta writes 0 where every mask is closed: those scalars are never merged, and so are not stored.
func (e *Experts) CloseDelta() { e.Delta.closeWhere(e.UnionMask().bits) }

// UnionMask opens the scalars that some mask opens.
func (e *Experts) UnionMask() *Mask { return union(scalars(e.Tensors), e.Masks) }

// union opens those of n scalars that some mask opens.
func union(n int, masks []*Mask) *Mask {
	open := &Mask{n: n, bits: make([]uint64, (n+63)/64)}
	for _, m := range masks {
		for i, w := range m.bits {
			open.bits[i] |= w
		}
	}
	return open
}

// Union is the share of scalars that some mask opens: what there is of the delta in a file.
func (e *Experts) Union() float64 { return e.UnionMask().Density() }

// deltaMax is the largest code of a delta in int8.
const deltaMax = 127

// quantizeDelta writes the codes of a row and returns its scale: the largest magnitude is most, up to deltaMax, a row of zeros has scale 0. A
// scale has 17 significant bits, so that scale times code is exact and quantizing the rounded row again gives the same codes and scale.
func quantizeDelta(codes []int8, row []float32, most float32) (scale float32) {
	var largest float32
	for _, v := range row {
		largest = max(largest, max(v, -v))
	}
	scale = math.Float32frombits((math.Float32bits(largest/most) + 1<<6) &^ (1<<7 - 1))
	if scale < 0x1p-107 { // codes of less than that would divide by a denormal
		clear(codes)
		return 0
	}
	for i, v := range row {
		codes[i] = int8(min(max(math.RoundToEven(float64(v/scale)), -float64(most)), float64(most)))
	}
	return scale
}

// RoundDelta replaces the delta of every tensor of two or more dimensions by int8 codes, as a file holds it: after it Save and OpenExperts
// change nothing more.
func (e *Experts) RoundDelta() { e.Delta.round(deltaMax) }
