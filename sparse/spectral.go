package sparse

import (
	"math"
	"math/rand/v2"

	"haguruma/core/kernel"
)

// spectralEps is the least norm that a vector of the power iteration is divided by: torch's.
const spectralEps = 1e-12

// spectralNames are the matrices of a router that the paper's code normalizes.
var spectralNames = [4]string{"attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"}

// Spectral is the spectral normalization of one matrix W (Rows, Cols): W/sigma with sigma = Uᵀ W V, an estimate of its largest singular
// value from below in absolute value, refined by power iteration. As in torch.nn.utils.spectral_norm, U and V are constants to the gradient.
// Source: Miyato et al. 2018, arXiv:1802.05957, section 2.1 and appendix A.
type Spectral[F Float] struct {
	Name       string // of the module, such as attn.qkv
	Rows, Cols int
	U, V       []F // (Rows), (Cols), of length one
}

// NewSpectral draws both vectors.
func NewSpectral[F Float](name string, rows, cols int, rng *rand.Rand) Spectral[F] {
	s := Spectral[F]{Name: name, Rows: rows, Cols: cols, U: make([]F, rows), V: make([]F, cols)}
	for _, x := range [][]F{s.U, s.V} {
		for i := range x {
			x[i] = F(rng.NormFloat64())
		}
		normalize(x)
	}
	return s
}

// Step is one power iteration, which a training step takes before its forward: V = normalize(Wᵀ U), U = normalize(W V).
func (s *Spectral[F]) Step(weight []F) {
	kernel.MatmulNN(s.V, s.U, weight, 1, s.Cols, s.Rows, false)
	normalize(s.V)
	kernel.MatmulNT(s.U, s.V, weight, 1, s.Rows, s.Cols, false)
	normalize(s.U)
}

// Sigma is Uᵀ W V.
//
//	weight  (Rows, Cols)
func (s *Spectral[F]) Sigma(weight []F) F {
	var sigma F
	for i, u := range s.U {
		sigma += u * kernel.Dot(s.V, weight[i*s.Cols:(i+1)*s.Cols])
	}
	return sigma
}

// Normalize writes weight/sigma and returns sigma. Where sigma is 0, and torch gives NaN, nothing is divided and 1 is returned.
//
//	y, weight  (Rows, Cols)   y may be weight
func (s *Spectral[F]) Normalize(y, weight []F) F {
	sigma := s.Sigma(weight)
	if sigma == 0 {
		sigma = 1
	}
	copy(y[:s.Rows*s.Cols], weight)
	kernel.Scale(y[:s.Rows*s.Cols], 1/sigma)
	return sigma
}

// Backward adds the gradient of weight. With y = W/(Uᵀ W V): dW += (dy - <dy, y> U Vᵀ)/sigma.
//
//	dweight, dy, y  (Rows, Cols)
//	sigma           what Normalize returned
func (s *Spectral[F]) Backward(dweight, dy, y []F, sigma F) {
	n := s.Rows * s.Cols
	along := kernel.Dot(dy[:n], y)
	kernel.Axpy(dweight, 1/sigma, dy[:n])
	for i, u := range s.U {
		kernel.Axpy(dweight[i*s.Cols:(i+1)*s.Cols], -along*u/sigma, s.V)
	}
}

// normalize divides x by its length, or by spectralEps when that is larger.
func normalize[F Float](x []F) {
	length := math.Sqrt(float64(kernel.Dot(x, x)))
	kernel.Scale(x, F(1/math.Max(length, spectralEps)))
}

// SpectralNorm gives the router spectral normalization of its four matrices, as the paper's code trains it, with vectors drawn from rng.
func (r *Router[F]) SpectralNorm(rng *rand.Rand) {
	c := r.Config
	shapes := [4][2]int{{3 * c.Dim, c.Dim}, {c.Dim, c.Dim}, {c.MLPDim, c.Dim}, {c.Dim, c.MLPDim}}
	r.Spectral = make([]Spectral[F], len(shapes))
	for i, shape := range shapes {
		r.Spectral[i] = NewSpectral[F](spectralNames[i], shape[0], shape[1], rng)
	}
}

// PowerStep is Step for every matrix under spectral normalization: once before each forward in training, never in use. Without
// normalization it does nothing.
func (r *Router[F]) PowerStep() {
	weights := r.weights.matrices()
	for i := range r.Spectral {
		r.Spectral[i].Step(*weights[i])
	}
}

// Fold writes the normalized matrices into Flat and drops the normalization: the logits stay the same.
func (r *Router[F]) Fold() {
	weights := r.weights.matrices()
	for i := range r.Spectral {
		r.Spectral[i].Normalize(*weights[i], *weights[i])
	}
	r.Spectral = nil
}
