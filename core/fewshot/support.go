package fewshot

import (
	"math"
	"slices"

	"haguruma/core/kernel"
)

// Support is a labelled support set together with the inner products of its examples: all that a head and its leave-one-out need, so that
// no cost grows with the length of an embedding after NewSupport. Not safe for concurrent use.
type Support struct {
	Way, Dim int
	Labels   []int // (n)

	embed  []float32 // (n, dim)
	unit   []float32 // (n, dim) rows of length one, or zero
	norm   []float64 // (n) lengths before
	gram   []float64 // (n, n) inner products of unit
	counts []int     // (way)
	work   []float64 // (n, n) that one fit leaves to the next

	views *Support // of all views of the examples; nil: of each there is the example alone
	each  int      // views of an example
}

// NewSupport computes the inner products once: n^2 dim/2 multiply-adds, in a kernel, the same bits on every body. The slices are copied.
//
//	embed   (n, dim)  n = len(labels)
//	labels  (n)       0..way-1
//
// It panics when a length or a label is out of range.
func NewSupport(embed []float32, labels []int, way, dim int) *Support {
	n := len(labels)
	if way < 1 || dim <= 0 || len(embed) != n*dim {
		panic("fewshot: NewSupport: slices do not fit way, dim and labels")
	}
	s := &Support{
		Way: way, Dim: dim, Labels: slices.Clone(labels), embed: slices.Clone(embed), unit: slices.Clone(embed),
		norm: make([]float64, n), gram: make([]float64, n*n), counts: make([]int, way), work: make([]float64, n*n),
	}
	for i, label := range labels {
		if label < 0 || label >= way {
			panic("fewshot: NewSupport: label out of range")
		}
		s.counts[label]++
		row := embed[i*dim : (i+1)*dim]
		s.norm[i] = math.Sqrt(float64(kernel.Dot(row, row)))
	}
	NormalizeRows(s.unit, n, dim)
	for i := range n {
		for j := range i + 1 {
			// kernel.Dot, not MatmulNT: its order of sums is fixed, so page and terminal agree to the bit.
			v := float64(kernel.Dot(s.unit[i*dim:(i+1)*dim], s.unit[j*dim:(j+1)*dim]))
			s.gram[i*n+j], s.gram[j*n+i] = v, v
		}
	}
	return s
}

// Len is the number of examples, n.
func (s *Support) Len() int { return len(s.Labels) }

// Paired reports whether every class has two examples or more and there are two classes or more: without, leaving one out is impossible.
func (s *Support) Paired() bool {
	for _, n := range s.counts {
		if n < 2 {
			return false
		}
	}
	return s.Way >= 2
}

// weights returns (n): 1 over the size of the example's class, times n/way, so that classes count alike and the mean is 1.
func (s *Support) weights() []float64 {
	w := make([]float64, s.Len())
	for i, label := range s.Labels {
		w[i] = float64(s.Len()) / float64(s.Way*s.counts[label])
	}
	return w
}

// spread returns the mean square of an example less the mean of all, what strengths of regularisation are measured in.
func (s *Support) spread() float64 {
	n := s.Len()
	var trace, all float64
	for i := range n {
		trace += s.gram[i*n+i]
		for _, v := range s.gram[i*n : (i+1)*n] {
			all += v
		}
	}
	return (trace - all/float64(n)) / float64(n)
}

// combine returns the weights (way, dim) of combinations of the examples: mix (way, n).
func (s *Support) combine(mix []float64) []float32 {
	n := s.Len()
	small := make([]float32, len(mix))
	for i, v := range mix {
		small[i] = float32(v)
	}
	w := make([]float32, s.Way*s.Dim)
	multiply(w, small, s.unit, s.Way, s.Dim, n)
	return w
}

// multiply writes c = a b, a (m, k), b (k, n): the same bits on every body of the kernels, unlike kernel.MatmulNN.
func multiply(c, a, b []float32, m, n, k int) {
	clear(c)
	for i := range m {
		for p := range k {
			kernel.Axpy(c[i*n:(i+1)*n], a[i*k+p], b[p*n:(p+1)*n])
		}
	}
}

// transposed returns x (n, way) as (way, n).
func transposed(x []float64, way int) []float64 {
	n := len(x) / way
	y := make([]float64, len(x))
	for i, v := range x {
		y[i%way*n+i/way] = v
	}
	return y
}

// dot is the inner product, each product rounded so that no machine fuses it.
func dot(x, y []float64) float64 {
	var sum float64
	for i, v := range x {
		sum += float64(v * y[i])
	}
	return sum
}
