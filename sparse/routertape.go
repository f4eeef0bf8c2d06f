package sparse

// RouterTape is the buffers of one forward of a Router, for its Backward. The zero value is ready; buffers grow as needed and are kept, so
// a tape that is used again does not allocate. It fits one router's config at a time.
type RouterTape[F Float] struct {
	rows, out int // tokens of the last forward and how many are read; rows is 0 when there is nothing for Backward
	first     int // the first that is read

	x, normed1, mean1, rstd1          []F // (rows, dim), (rows, dim), (rows), (rows)
	qkv, probs, attended, scratch     []F // (rows, 3 dim), (heads, rows, rows), (rows, dim)
	mid, normed2, mean2, rstd2, y     []F // (out, dim), (out)
	pre, hidden                       []F // (out, mlpDim)
	embed                             []F // (dim), the task embedding
	dembed, dmid, dbranch, dhidden    []F
	dattended, dqkv, dnormed1, dx     []F
	normalized, dnormalized           [4][]F // the matrices under spectral normalization, and their gradients
	sigma                             [4]F
	normalizedWeights, normalizedGrad routerWeights[F]
}

// Embedding is the task embedding of the last Logits, (Dim). It is the tape's and changes with the next.
func (t *RouterTape[F]) Embedding() []F { return t.embed }

func grow[F Float](x *[]F, n int) {
	if cap(*x) < n {
		*x = make([]F, n)
	}
	*x = (*x)[:n]
}

func (t *RouterTape[F]) prepare(c RouterConfig, way int) {
	t.rows, t.first, t.out = way+c.Tokens, way, c.Tokens
	if c.Read == ReadFirst {
		t.first, t.out = 0, 1
	}
	for _, x := range []*[]F{&t.x, &t.normed1, &t.attended} {
		grow(x, t.rows*c.Dim)
	}
	for _, x := range []*[]F{&t.mid, &t.normed2, &t.y} {
		grow(x, t.out*c.Dim)
	}
	grow(&t.mean1, t.rows)
	grow(&t.rstd1, t.rows)
	grow(&t.mean2, t.out)
	grow(&t.rstd2, t.out)
	grow(&t.qkv, t.rows*3*c.Dim)
	grow(&t.probs, c.Heads*t.rows*t.rows)
	grow(&t.scratch, c.attention().ScratchLen(t.rows))
	grow(&t.pre, t.out*c.MLPDim)
	grow(&t.hidden, t.out*c.MLPDim)
	grow(&t.embed, c.Dim)
}

func (t *RouterTape[F]) prepareBackward(c RouterConfig) {
	for _, x := range []*[]F{&t.dattended, &t.dnormed1, &t.dx} {
		grow(x, t.rows*c.Dim)
	}
	grow(&t.dqkv, t.rows*3*c.Dim)
	grow(&t.dmid, t.out*c.Dim)
	grow(&t.dbranch, t.out*c.Dim)
	grow(&t.dhidden, t.out*c.MLPDim)
	grow(&t.dembed, c.Dim)
}

// read is the part of (rows, dim) that belongs to the rows that are read.
func (t *RouterTape[F]) read(c RouterConfig, x []F) []F {
	return x[t.first*c.Dim : (t.first+t.out)*c.Dim]
}

// effective returns the weights that the forward multiplies with: the router's own, or those under spectral normalization.
func (t *RouterTape[F]) effective(r *Router[F]) *routerWeights[F] {
	if r.Spectral == nil {
		return &r.weights
	}
	t.normalizedWeights = r.weights
	own, to := r.weights.matrices(), t.normalizedWeights.matrices()
	for i := range r.Spectral {
		grow(&t.normalized[i], len(*own[i]))
		t.sigma[i] = r.Spectral[i].Normalize(t.normalized[i], *own[i])
		*to[i] = t.normalized[i]
	}
	return &t.normalizedWeights
}

// effectiveGradient returns where the gradients of those weights are added.
func (t *RouterTape[F]) effectiveGradient(r, grad *Router[F]) *routerWeights[F] {
	if r.Spectral == nil {
		return &grad.weights
	}
	t.normalizedGrad = grad.weights
	to := t.normalizedGrad.matrices()
	for i := range r.Spectral {
		grow(&t.dnormalized[i], len(*to[i]))
		clear(t.dnormalized[i])
		*to[i] = t.dnormalized[i]
	}
	return &t.normalizedGrad
}

// spectralBackward adds the gradients of the matrices before spectral normalization.
func (t *RouterTape[F]) spectralBackward(r, grad *Router[F]) {
	to := grad.weights.matrices()
	for i := range r.Spectral {
		r.Spectral[i].Backward(*to[i], t.dnormalized[i], t.normalized[i], t.sigma[i])
	}
}
