package kernel

import (
	"math/bits"
	"sync"
)

// maxWeight is the largest code of a weight: -128 stays unused, so that weights are symmetric.
const maxWeight = 127

// QuantizeWeights quantizes the weights of one output channel to 8 bits signed: w is about scale*q.
//
//	q      (len(w))  -127..127
//	scale            largest magnitude over 127, at least 2^-126; 1 for a row of zeros
//	w
//
// q is w/scale, divided in float32 and rounded half to even, so the error is at most half a scale. NaN counts as 0 and magnitudes over
// 2^126, infinities included, as 2^126. Every body returns the same bits. It panics if q is too short.
func QuantizeWeights(q []int8, w []float32) (scale float32) {
	need(q, len(w), "kernel: QuantizeWeights: insufficient length of q")
	q = q[:len(w)]
	largest, ok := largest32(w)
	if !ok {
		largest = largestGeneric(w)
	}
	scale = weightScale(largest)
	if !weightCodes32(q, w, scale) {
		weightCodesGeneric(q, w, scale)
	}
	return scale
}

// weightScale is the scale of a row of that largest magnitude.
func weightScale(largest float32) float32 {
	if largest == 0 {
		return 1
	}
	return max(largest/maxWeight, minQuantizeScale)
}

func largestGeneric(w []float32) (largest float32) {
	for _, v := range w {
		v = finite(v)
		largest = max(largest, v, -v)
	}
	return largest
}

func weightCodesGeneric(q []int8, w []float32, scale float32) {
	for i, v := range w {
		q[i] = int8(min(max(roundEven(float32(finite(v)/scale)), -maxWeight), maxWeight))
	}
}

// Mix is a weighted sum of bit masks: element i of a row is the sum, in order, of the scores of the masks whose bit From+i is set.
type Mix struct {
	Masks  [][]uint64 // the first bit is the lowest of the first word; each has all bits of the row
	Scores []float32  // one a mask, not negative
	From   int        // bit of the first element
}

// MergeRow adds what masks open of a delta to one output channel of int8 weights and quantizes it again:
//
//	w[i] = baseScale*base[i] + mix[i]*(deltaScale*delta[i])
//	scale = QuantizeWeights(q, w)
//
// with every operation rounded for itself, so every body returns the same bits.
//
//	q, base, delta  (dim)   q must not overlap the others
//
// Where no mask has an open bit it returns false and writes nothing: the row stays what it is. It panics if a slice is too short.
func MergeRow(q, base, delta []int8, baseScale, deltaScale float32, mix Mix) (scale float32, changed bool) {
	dim := len(base)
	need(q, dim, "kernel: MergeRow: insufficient length of q")
	need(delta, dim, "kernel: MergeRow: insufficient length of delta")
	need(mix.Scores, len(mix.Masks), "kernel: MergeRow: insufficient length of mix.Scores")
	for _, m := range mix.Masks {
		need(m, (mix.From+dim+63)/64, "kernel: MergeRow: insufficient length of a mask")
	}
	if !mix.open(dim) {
		return 0, false
	}
	s := mergeScratch.Get().(*[]float32)
	w := take(s, dim)
	whole, largest := mergeRowBody(w, base, delta[:dim], baseScale, deltaScale, &mix)
	codes := weightCodesBody
	if whole == 0 {
		whole, largest = mergeRow32(w, base, delta[:dim], baseScale, deltaScale, &mix)
		codes = blockCodes32
	}
	mergeRowGeneric(w, base, delta, baseScale, deltaScale, &mix, whole)
	scale = weightScale(max(largest, largestGeneric(w[whole:])))
	codes(q[:whole], w[:whole], scale)
	weightCodesGeneric(q[whole:dim], w[whole:], scale)
	mergeScratch.Put(s)
	return scale, true
}

var mergeScratch = sync.Pool{New: func() any { return new([]float32) }}

// open reports whether some mask has an open bit in the row.
func (x *Mix) open(dim int) bool {
	for at := 0; at < dim; at += 64 {
		var all uint64
		for m := range x.Masks {
			all |= x.window(m, at)
		}
		if rest := dim - at; rest < 64 {
			all &= 1<<rest - 1
		}
		if all != 0 {
			return true
		}
	}
	return false
}

// window is 64 bits of a mask from element at on; bits behind the mask are 0.
func (x *Mix) window(m, at int) uint64 {
	mask, bit := x.Masks[m], x.From+at
	word, shift := bit/64, uint(bit%64)
	w := mask[word] >> shift
	if shift > 0 && word+1 < len(mask) {
		w |= mask[word+1] << (64 - shift)
	}
	return w
}

// mergeRowGeneric writes w[from:].
func mergeRowGeneric(w []float32, base, delta []int8, baseScale, deltaScale float32, mix *Mix, from int) {
	var sum [64]float32
	for at := from; at < len(w); at += 64 {
		n := min(64, len(w)-at)
		clear(sum[:])
		for m, score := range mix.Scores[:len(mix.Masks)] {
			word := mix.window(m, at)
			if n < 64 {
				word &= 1<<n - 1
			}
			for ; word != 0; word &= word - 1 {
				sum[bits.TrailingZeros64(word)&63] += score
			}
		}
		for i := range n {
			change := float32(sum[i] * float32(deltaScale*float32(delta[at+i])))
			w[at+i] = float32(baseScale*float32(base[at+i])) + change
		}
	}
}
