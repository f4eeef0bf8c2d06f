package vit

import (
	"math"
	"math/rand/v2"

	"haguruma/core/nn"
)

// Params are the weights of a backbone, or a gradient of the same shape: one flat vector that every tensor is a view
// into. Write into Flat, but do not replace it: the views would keep the old one.
type Params[F nn.Float] struct {
	Config  Config
	Flat    []F
	net     network[F]
	tensors []Tensor[F]
}

// NewParams returns zeros. It panics when the config does not pass Check.
func NewParams[F nn.Float](c Config) *Params[F] {
	if c.Check() != nil {
		panic("vit: NewParams: config does not pass Check")
	}
	_, n := list[F](c)
	p := &Params[F]{Config: c, Flat: make([]F, n)}
	p.net, p.tensors = bind(c, p.Flat)
	return p
}

// Tensors returns the tensors in their fixed order, which is also the order in Flat. The slice is the caller's to read.
func (p *Params[F]) Tensors() []Tensor[F] { return p.tensors }

// Only returns the same memory as a gradient that leaves out all but the wanted tensors: Backward does not compute what is left out. It is for
// Backward alone.
func (p *Params[F]) Only(want func(name string) bool) *Params[F] {
	b := &binder[F]{named: map[string][]F{}}
	for i := range p.tensors {
		if t := &p.tensors[i]; want(t.Name) {
			b.named[t.Name] = t.Data
		}
	}
	q := &Params[F]{Config: p.Config, Flat: p.Flat}
	q.net = b.network(p.Config)
	q.tensors = b.tensors
	return q
}

// Spans returns where weight decay applies, for nn.AdamW: neighbors that agree are one span.
func (p *Params[F]) Spans() []nn.Span {
	var spans []nn.Span
	for _, t := range p.tensors {
		if n := len(spans); n > 0 && spans[n-1].Decay == t.Decay {
			spans[n-1].End += len(t.Data)
			continue
		}
		spans = append(spans, nn.Span{Start: t.Start, End: t.Start + len(t.Data), Decay: t.Decay})
	}
	return spans
}

// Init draws the weights of an untrained backbone: matrices and embeddings truncated normal with deviation 0.02,
// convolutions truncated normal with deviation 1/sqrt(fan in), gains 1, factors of LayerScale as the config says, biases 0.
// Source: timm vision_transformer.py, init_weights_vit_timm; LeCun et al. 1998 for the fan in.
func (p *Params[F]) Init(rng *rand.Rand) {
	for _, t := range p.tensors {
		switch t.kind {
		case kindMatrix, kindEmbedding:
			truncatedNormal(t.Data, 0.02, rng)
		case kindConv:
			fanIn := t.Shape[1] * t.Shape[2] * t.Shape[3]
			truncatedNormal(t.Data, 1/math.Sqrt(float64(fanIn)), rng)
		case kindGain:
			fill(t.Data, 1)
		case kindScale:
			fill(t.Data, F(p.Config.LayerScale))
		default:
			clear(t.Data)
		}
	}
}

func fill[F nn.Float](x []F, v F) {
	for i := range x {
		x[i] = v
	}
}

// truncatedNormal draws from a normal of the deviation, cut at two deviations.
func truncatedNormal[F nn.Float](x []F, deviation float64, rng *rand.Rand) {
	for i := range x {
		z := rng.NormFloat64()
		for math.Abs(z) > 2 {
			z = rng.NormFloat64()
		}
		x[i] = F(z * deviation)
	}
}

// Convert returns a copy in another precision.
func Convert[To, From nn.Float](p *Params[From]) *Params[To] {
	q := NewParams[To](p.Config)
	for i, v := range p.Flat {
		q.Flat[i] = To(v)
	}
	return q
}

// FoldLayerScale returns parameters without LayerScale that give the same embeddings but for rounding: the factors are
// multiplied into the rows of proj and fc2 and into their biases. Without LayerScale it returns p itself.
func (p *Params[F]) FoldLayerScale() *Params[F] {
	if p.Config.LayerScale == 0 {
		return p
	}
	c := p.Config
	c.LayerScale = 0
	q := NewParams[F](c)
	source := make(map[string][]F, len(p.tensors))
	for i := range p.tensors {
		source[p.tensors[i].Name] = p.tensors[i].Data
	}
	for i := range q.tensors {
		copy(q.tensors[i].Data, source[q.tensors[i].Name])
	}
	for i := range q.net.blocks {
		from, to := &p.net.blocks[i], &q.net.blocks[i]
		from.ls1.Fold(&to.proj)
		from.ls2.Fold(&to.mlp.FC2)
	}
	return q
}
