package nn

import (
	"math"

	"haguruma/core/kernel"
)

// Span is a run of a flat parameter vector that weight decay applies to, or not: matrices decay, norms, biases and
// embeddings do not.
type Span struct {
	Start, End int
	Decay      bool
}

// AdamW is the optimizer's state over one flat parameter vector.
// Source: Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2.
//
//	M, V   (len of the vector)   first and second moment; with Step they are all there is to save and resume
type AdamW struct {
	Beta1, Beta2, Eps, Decay float64
	M, V                     []float32
	Step                     int // updates done
}

// NewAdamW returns the optimizer of n parameters at step 0 with betas 0.9 and 0.999, eps 1e-8.
func NewAdamW(n int, decay float64) *AdamW {
	return &AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Decay: decay, M: make([]float32, n), V: make([]float32, n)}
}

// Update does one step: w from the gradient g. Spans say which parameters there are; parameters outside every span are
// frozen. Decay is decoupled: w loses learningRate*Decay*w.
func (a *AdamW) Update(w, g []float32, spans []Span, learningRate float64) {
	if len(w) != len(a.M) || len(g) != len(a.M) {
		panic("nn: AdamW: len(w), len(g) != len(M)")
	}
	a.Step++
	bias1 := 1 - math.Pow(a.Beta1, float64(a.Step))
	bias2 := 1 - math.Pow(a.Beta2, float64(a.Step))
	for _, s := range spans {
		decay := 0.0
		if s.Decay {
			decay = a.Decay
		}
		kernel.AdamW(w[s.Start:s.End], g[s.Start:s.End], a.M[s.Start:s.End], a.V[s.Start:s.End],
			float32(learningRate), float32(a.Beta1), float32(a.Beta2), float32(a.Eps), float32(decay),
			float32(bias1), float32(bias2))
	}
}

// ClipNorm scales g so that its Euclidean norm is at most limit, and returns the norm it had. A limit of 0 clips nothing.
// A norm that is not finite clears g, so that one bad batch costs a step and not the run.
func ClipNorm(g []float32, limit float64) (norm float64) {
	// A block is summed in float32 and the blocks in float64: the sum over millions of squares keeps its digits.
	const block = 4096
	sum := 0.0
	for at := 0; at < len(g); at += block {
		part := g[at:min(at+block, len(g))]
		sum += float64(kernel.Dot(part, part))
	}
	norm = math.Sqrt(sum)
	switch {
	case math.IsNaN(norm) || math.IsInf(norm, 0):
		clear(g)
	case limit > 0 && norm > limit:
		kernel.Scale(g, float32(limit/norm))
	}
	return norm
}
