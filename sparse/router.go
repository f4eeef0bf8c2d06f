package sparse

import (
	"fmt"
	"math"
	"math/rand/v2"

	"haguruma/core/kernel"
	"haguruma/core/nn"
)

// What a router reads the task embedding from.
const (
	ReadSkills = "skills" // the mean of the output skill tokens: the order of the classes does not count
	ReadFirst  = "first"  // the output of the first class's prototype, as the paper's code does: the order counts
)

// Bounds on a RouterConfig that comes from a file; the widths are those of a backbone.
const (
	maxDim    = 4096
	maxMLPDim = 16384
	maxSkills = 64
)

// RouterConfig is the shape of a router.
type RouterConfig struct {
	Dim     int     `json:"dim"`     // of the prototypes
	Experts int     `json:"experts"` // M
	Heads   int     `json:"heads"`   // attention heads, a divisor of Dim; 4 in the paper
	MLPDim  int     `json:"mlpDim"`  // 2 Dim in the paper
	Tokens  int     `json:"tokens"`  // skill tokens; 4 in the paper
	Read    string  `json:"read"`    // ReadSkills or ReadFirst
	Eps     float64 `json:"eps"`     // of both LayerNorms; 1e-5 in the paper
}

// Check returns an error that wraps ErrConfig and names the field when no router can be built from the config.
func (c RouterConfig) Check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("sparse: router: "+format+": %w", append(args, ErrConfig)...)
	}
	for _, f := range []struct {
		name         string
		value, limit int
	}{
		{"dim", c.Dim, maxDim}, {"experts", c.Experts, maxExperts}, {"heads", c.Heads, maxDim}, {"mlpDim", c.MLPDim, maxMLPDim},
		{"tokens", c.Tokens, maxSkills},
	} {
		if f.value < 1 || f.value > f.limit {
			return bad("%s: want 1..%d, have %d", f.name, f.limit, f.value)
		}
	}
	if c.Dim%c.Heads != 0 {
		return bad("dim %d is not a multiple of heads %d", c.Dim, c.Heads)
	}
	if c.Read != ReadSkills && c.Read != ReadFirst {
		return bad("read: want %q or %q, have %q", ReadSkills, ReadFirst, c.Read)
	}
	if !(c.Eps > 0 && c.Eps < 1) {
		return bad("eps: want above 0 and below 1, have %v", c.Eps)
	}
	return nil
}

// Len is the number of parameters of a checked config.
func (c RouterConfig) Len() int {
	return 4*c.Dim + 4*c.Dim*c.Dim + c.Dim + 2*c.Dim*c.MLPDim + c.MLPDim + c.Dim + (c.Experts+c.Tokens)*c.Dim
}

// Router turns the class prototypes of a task into one logit for each expert:
//
//	x      = prototypes (way, Dim), then the learned skill tokens (Tokens, Dim)
//	H      = x + proj(attention(qkv(norm1(x)))), then H + mlp(norm2(H))    no positions, qkv without bias
//	e      = mean of the skill tokens' rows of H, or its first row          Config.Read
//	l_m    = <key_m, e>
//
// Source: Chen et al. 2024, arXiv:2403.08477, section 3; the read-out by the first row is their code's. A Router is also the gradient
// of one. Calls that only read it may share it, each with a tape of its own.
type Router[F Float] struct {
	Config RouterConfig
	Flat   []F // write into it, but do not replace it: the tensors are views
	// Spectral is nil, or the spectral normalization of the matrices in the order of spectralNames: then Flat holds the weights before
	// it, Logits normalizes them with the vectors as they are and Backward differentiates through that.
	Spectral []Spectral[F]

	tensors      []Tensor
	norm1, norm2 nn.LayerNorm[F]
	weights      routerWeights[F]
	keys, tokens []F // (Experts, Dim), (Tokens, Dim)
}

// routerWeights are the matrices that spectral normalization applies to, and their biases.
type routerWeights[F Float] struct {
	qkv  []F // (3 Dim, Dim), no bias
	proj nn.Linear[F]
	mlp  nn.MLP[F]
}

// matrices returns the places of the matrices, in the order of spectralNames.
func (w *routerWeights[F]) matrices() [4]*[]F {
	return [4]*[]F{&w.qkv, &w.proj.Weight, &w.mlp.FC1.Weight, &w.mlp.FC2.Weight}
}

// NewRouter returns zeros. It panics when the config does not pass Check.
func NewRouter[F Float](c RouterConfig) *Router[F] {
	if c.Check() != nil {
		panic("sparse: NewRouter: config does not pass Check")
	}
	r := &Router[F]{Config: c, Flat: make([]F, c.Len())}
	at := 0
	take := func(name string, shape ...int) []F {
		t := Tensor{Name: name, Shape: shape, Start: at}
		r.tensors = append(r.tensors, t)
		at += t.Len()
		return r.Flat[t.Start:at:at]
	}
	norm := func(name string) nn.LayerNorm[F] {
		return nn.LayerNorm[F]{Gain: take(name+".weight", c.Dim), Bias: take(name+".bias", c.Dim), Dim: c.Dim, Eps: F(c.Eps)}
	}
	linear := func(name string, in, out int) nn.Linear[F] {
		return nn.Linear[F]{Weight: take(name+".weight", out, in), Bias: take(name+".bias", out), In: in, Out: out}
	}
	r.norm1 = norm("norm1")
	r.weights.qkv = take("attn.qkv.weight", 3*c.Dim, c.Dim)
	r.weights.proj = linear("attn.proj", c.Dim, c.Dim)
	r.norm2 = norm("norm2")
	r.weights.mlp = nn.MLP[F]{FC1: linear("mlp.fc1", c.Dim, c.MLPDim), FC2: linear("mlp.fc2", c.MLPDim, c.Dim)}
	r.keys = take("keys", c.Experts, c.Dim)
	r.tokens = take("tokens", c.Tokens, c.Dim)
	return r
}

// Tensors returns the tensors in their fixed order, which is also the order in Flat. The slice is the caller's to read.
func (r *Router[F]) Tensors() []Tensor { return r.tensors }

// Keys are the experts' keys (Experts, Dim), a view into Flat.
func (r *Router[F]) Keys() []F { return r.keys }

// Init draws an untrained router as the paper's code does: skill tokens normal with deviation 1e-3, keys Kaiming normal (deviation
// sqrt(2/Dim)), matrices and biases of the linear layers uniform in ±1/sqrt(inputs) (torch's default), gains 1, biases of norms 0.
func (r *Router[F]) Init(rng *rand.Rand) {
	normal := func(x []F, deviation float64) {
		for i := range x {
			x[i] = F(rng.NormFloat64() * deviation)
		}
	}
	uniform := func(x []F, inputs int) {
		bound := 1 / math.Sqrt(float64(inputs))
		for i := range x {
			x[i] = F((2*rng.Float64() - 1) * bound)
		}
	}
	for _, norm := range []*nn.LayerNorm[F]{&r.norm1, &r.norm2} {
		for i := range norm.Gain {
			norm.Gain[i] = 1
		}
		clear(norm.Bias)
	}
	uniform(r.weights.qkv, r.Config.Dim)
	for _, l := range []*nn.Linear[F]{&r.weights.proj, &r.weights.mlp.FC1, &r.weights.mlp.FC2} {
		uniform(l.Weight, l.In)
		uniform(l.Bias, l.In)
	}
	normal(r.keys, math.Sqrt(2/float64(r.Config.Dim)))
	normal(r.tokens, 1e-3)
}

// Logits writes the logits of a task's experts. It panics when way is not 1 or more or a slice is short.
//
//	logits      (Experts)
//	prototypes  (way, Dim)   means of the frozen backbone's embeddings of each class, not normalized
//	tape        kept for Backward; must not be nil, and is one goroutine's at a time
//
// Logits that are not finite come of prototypes or weights that are not; callers that read either from outside check them.
func (r *Router[F]) Logits(logits, prototypes []F, way int, tape *RouterTape[F]) {
	c := r.Config
	if way < 1 || len(prototypes) < way*c.Dim || len(logits) < c.Experts {
		panic("sparse: Router.Logits: no class, or a slice too short")
	}
	t := tape
	t.prepare(c, way)
	w := t.effective(r)
	copy(t.x, prototypes[:way*c.Dim])
	copy(t.x[way*c.Dim:], r.tokens)

	r.norm1.Forward(t.normed1, t.mean1, t.rstd1, t.x, t.rows)
	kernel.MatmulNT(t.qkv, t.normed1, w.qkv, t.rows, 3*c.Dim, c.Dim, false)
	nn.AttentionForward(c.attention(), t.attended, t.probs, t.qkv, t.scratch, 1, t.rows)
	// Rows meet in the attention only: what follows is computed for the rows that are read.
	w.proj.Forward(t.mid, t.read(c, t.attended), t.out)
	kernel.Add(t.mid, t.read(c, t.x))

	r.norm2.Forward(t.normed2, t.mean2, t.rstd2, t.mid, t.out)
	w.mlp.Forward(t.y, t.pre, t.hidden, t.normed2, t.out)
	kernel.Add(t.y, t.mid)

	clear(t.embed)
	kernel.SumRows(t.embed, t.y, t.out, c.Dim)
	kernel.Scale(t.embed, 1/F(t.out))
	kernel.MatmulNT(logits, t.embed, r.keys, 1, c.Experts, c.Dim, false)
}

// Backward adds the gradient of every parameter into grad. Prototypes come from a frozen backbone and get none.
//
//	dLogits  (Experts)   gradient of the loss with respect to the logits of the last Logits with this tape
//
// The tape is consumed. It panics without a Logits before it or with a grad of another config.
func (r *Router[F]) Backward(grad *Router[F], dLogits []F, tape *RouterTape[F]) {
	c, t := r.Config, tape
	if t.rows == 0 || grad.Config != c || len(dLogits) < c.Experts {
		panic("sparse: Router.Backward: no Logits before it, grad of another config or dLogits too short")
	}
	t.prepareBackward(c)
	w, gw := t.effective(r), t.effectiveGradient(r, grad)

	clear(t.dembed)
	for m, d := range dLogits[:c.Experts] {
		at := m * c.Dim
		kernel.Axpy(grad.keys[at:at+c.Dim], d, t.embed)
		kernel.Axpy(t.dembed, d, r.keys[at:at+c.Dim])
	}
	kernel.Scale(t.dembed, 1/F(t.out))
	for row := range t.out {
		copy(t.dmid[row*c.Dim:], t.dembed)
	}

	w.mlp.Backward(&gw.mlp, t.dbranch, t.dhidden, t.dmid, t.normed2, t.pre, t.hidden, t.out)
	r.norm2.Backward(&grad.norm2, t.dmid, t.dbranch, t.mid, t.mean2, t.rstd2, t.out)

	clear(t.dattended)
	w.proj.Backward(&gw.proj, t.read(c, t.dattended), t.dmid, t.read(c, t.attended), t.out)
	nn.AttentionBackward(c.attention(), t.dqkv, t.dattended, t.qkv, t.probs, t.scratch, 1, t.rows)
	kernel.MatmulTN(gw.qkv, t.dqkv, t.normed1, 3*c.Dim, c.Dim, t.rows, true)
	kernel.MatmulNN(t.dnormed1, t.dqkv, w.qkv, t.rows, c.Dim, 3*c.Dim, false)
	clear(t.dx)
	copy(t.read(c, t.dx), t.dmid)
	r.norm1.Backward(&grad.norm1, t.dx, t.dnormed1, t.x, t.mean1, t.rstd1, t.rows)
	kernel.Add(grad.tokens, t.dx[(t.rows-c.Tokens)*c.Dim:])

	t.spectralBackward(r, grad)
	t.rows = 0
}

func (c RouterConfig) attention() nn.Attention {
	return nn.Attention{Heads: c.Heads, HeadDim: c.Dim / c.Heads}
}
