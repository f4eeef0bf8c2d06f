package finetune

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"haguruma/core/kernel"
	"haguruma/core/vit"
)

// space is what training moves: some numbers, and how they become weights.
type space interface {
	// numbers are what the optimizer writes to.
	numbers() []float32
	// reset puts the numbers back to where they started.
	reset()
	// put writes the weights that the numbers stand for into theta (N); all others are left alone.
	put(theta []float32)
	// pull writes the gradient of the numbers, from that of the weights (N).
	pull(dst, grad []float32)
	// wants tells whether the gradient of a tensor is read.
	wants(name string) bool
}

// picked is a space of single weights, as the changes of them: weight decay pulls back to where they started.
type picked struct {
	index []int32   // ascending
	start []float32 // (index)
	scale []float32 // (index) of a change
	moves []float32 // (index)
	names map[string]bool
}

// vectorScale is how much further a step moves gains and biases than the weights of matrices: they are fewer and larger.
const vectorScale = 10

func newPicked(index []int32, p *vit.Params[float32]) *picked {
	n := len(index)
	s := &picked{index: index, start: make([]float32, n), scale: make([]float32, n), moves: make([]float32, n), names: map[string]bool{}}
	for i, at := range index {
		s.start[i] = p.Flat[at]
	}
	tensors := p.Tensors()
	for t, i := 0, 0; i < n; t++ {
		scale := float32(1)
		if len(tensors[t].Shape) == 1 {
			scale = vectorScale
		}
		end := tensors[t].Start + len(tensors[t].Data)
		for ; i < n && int(index[i]) < end; i++ {
			s.scale[i] = scale
			s.names[tensors[t].Name] = true
		}
	}
	return s
}

func (s *picked) numbers() []float32     { return s.moves }
func (s *picked) reset()                 { clear(s.moves) }
func (s *picked) wants(name string) bool { return s.names[name] }

func (s *picked) put(theta []float32) {
	for i, at := range s.index {
		theta[at] = s.start[i] + s.scale[i]*s.moves[i]
	}
}

func (s *picked) pull(dst, grad []float32) {
	for i, at := range s.index {
		dst[i] = s.scale[i] * grad[at]
	}
}

// above is the space that only looks at gradients, of the blocks from its number on.
type above int

func (s above) numbers() []float32     { return nil }
func (s above) reset()                 {}
func (s above) put([]float32)          {}
func (s above) pull(_, _ []float32)    {}
func (s above) wants(name string) bool { return blockOf(name) >= int(s) }

// factors is a space of low-rank changes of the query and value weights of blocks: W + B A, B zeros at first. Source: Hu et al. 2021,
// arXiv:2106.09685.
type factors struct {
	layers      []factor
	first, flat []float32
}

// factor is one changed matrix: rows of dim numbers of theta from at on.
type factor struct {
	name    string
	at, dim int       // (dim, dim) of theta
	start   []float32 // (dim, dim)
	a, b    []float32 // (rank, dim), (dim, rank), views of flat
}

// loraRank is the rank of the factors, loraAlpha/loraRank their scale: those that SMAT's and PMF's comparisons use.
const (
	loraRank  = 8
	loraAlpha = 32
)

const loraScale = float32(loraAlpha) / loraRank

// newFactors makes factors for the blocks from the given one on.
func newFactors(p *vit.Params[float32], from int, rng *rand.Rand) *factors {
	s := &factors{}
	dim := p.Config.Dim
	tensors := p.Tensors()
	for i := range tensors {
		t := &tensors[i]
		if block := blockOf(t.Name); block < max(from, 0) || !strings.HasSuffix(t.Name, ".attn.qkv.weight") {
			continue
		}
		for _, row := range []int{0, 2 * dim} { // queries and values
			at := t.Start + row*dim
			s.layers = append(s.layers, factor{name: t.Name, at: at, dim: dim, start: slices.Clone(p.Flat[at : at+dim*dim])})
		}
	}
	half := loraRank * dim
	s.first = make([]float32, len(s.layers)*2*half)
	s.flat = make([]float32, len(s.first))
	for i := range s.layers {
		at := i * 2 * half
		s.layers[i].a, s.layers[i].b = s.flat[at:at+half], s.flat[at+half:at+2*half]
		for j := range half { // uniform with the variance 1/(3 dim) of torch's default for A
			s.first[at+j] = float32((2*rng.Float64() - 1) / math.Sqrt(float64(dim)))
		}
	}
	s.reset()
	return s
}

func (s *factors) numbers() []float32 { return s.flat }
func (s *factors) reset()             { copy(s.flat, s.first) }

func (s *factors) wants(name string) bool {
	return slices.ContainsFunc(s.layers, func(l factor) bool { return l.name == name })
}

func (s *factors) put(theta []float32) {
	for i := range s.layers {
		l := &s.layers[i]
		w := theta[l.at : l.at+l.dim*l.dim]
		kernel.MatmulNN(w, l.b, l.a, l.dim, l.dim, loraRank, false)
		kernel.Scale(w, loraScale)
		kernel.Add(w, l.start)
	}
}

func (s *factors) pull(dst, grad []float32) {
	for i := range s.layers {
		l := &s.layers[i]
		g := grad[l.at : l.at+l.dim*l.dim]
		half := loraRank * l.dim
		da, db := dst[i*2*half:][:half], dst[i*2*half+half:][:half]
		kernel.MatmulTN(da, l.b, g, loraRank, l.dim, l.dim, false) // dA = Bᵀ dW
		kernel.MatmulNT(db, g, l.a, l.dim, loraRank, l.dim, false) // dB = dW Aᵀ
	}
	kernel.Scale(dst[:len(s.flat)], loraScale)
}
