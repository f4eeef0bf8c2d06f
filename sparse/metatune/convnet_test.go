package metatune

import (
	"math"
	"math/rand/v2"
	"testing"

	"haguruma/core/kernel"
	"haguruma/core/nn"
	"haguruma/sparse"
)

// convNet is a small convolutional backbone without batch norm: pictures of one channel through three convolutions, each under a LayerNorm
// over its channels and a GELU but the last, then the mean over the places. It shares no code with core/vit.
type convNet[F sparse.Float] struct {
	flat    []F
	tensors []sparse.Tensor
	layers  []convLayer[F]

	n int // inputs of the last forward
}

// convLayer is one convolution, its norm and what its last forward left.
type convLayer[F sparse.Float] struct {
	conv nn.Conv[F]
	norm nn.LayerNorm[F]
	size int // side of its input
	gelu bool

	x, col, y, mean, rstd, normed, out []F
}

const (
	convSide = 16
	convDim  = 32
)

var convShapes = []struct{ in, out, stride int }{{1, 8, 2}, {8, 16, 2}, {16, convDim, 2}}

// newConvNet lays the network over flat, or over new zeros when that is nil.
func newConvNet[F sparse.Float](flat []F) *convNet[F] {
	c := &convNet[F]{}
	length, at := 0, 0
	for _, s := range convShapes {
		length += s.out * (9*s.in + 3)
	}
	if flat == nil {
		flat = make([]F, length)
	}
	c.flat = flat[:length]
	take := func(layer int, name string, shape ...int) []F {
		t := sparse.Tensor{Name: "layers." + string(rune('0'+layer)) + "." + name, Shape: shape, Start: at}
		c.tensors = append(c.tensors, t)
		at += t.Len()
		return c.flat[t.Start:at:at]
	}
	size := convSide
	for i, s := range convShapes {
		l := convLayer[F]{size: size, gelu: i < len(convShapes)-1}
		l.conv = nn.Conv[F]{Weight: take(i, "conv.weight", s.out, 3, 3, s.in), Bias: take(i, "conv.bias", s.out), In: s.in, Out: s.out, Size: 3, Stride: s.stride, Pad: 1}
		l.norm = nn.LayerNorm[F]{Gain: take(i, "norm.weight", s.out), Bias: take(i, "norm.bias", s.out), Dim: s.out, Eps: 1e-5}
		size = l.conv.OutSize(size)
		c.layers = append(c.layers, l)
	}
	return c
}

// init draws He-normal convolutions; gains are 1.
func (c *convNet[F]) init(rng *rand.Rand) {
	for i := range c.layers {
		l := &c.layers[i]
		for j := range l.conv.Weight {
			l.conv.Weight[j] = F(rng.NormFloat64() * math.Sqrt(2/float64(l.conv.Patch())))
		}
		for j := range l.norm.Gain {
			l.norm.Gain[j] = 1
		}
	}
}

func (c *convNet[F]) forward(embed, inputs []F, n int) {
	c.n = n
	x := inputs
	for i := range c.layers {
		l := &c.layers[i]
		side := l.conv.OutSize(l.size)
		rows := n * side * side
		l.x, l.col = x, room(l.col, rows*l.conv.Patch())
		l.y, l.normed, l.out = room(l.y, rows*l.conv.Out), room(l.normed, rows*l.conv.Out), room(l.out, rows*l.conv.Out)
		l.mean, l.rstd = room(l.mean, rows), room(l.rstd, rows)
		l.conv.Forward(l.y, l.col, x, n, l.size)
		l.norm.Forward(l.normed, l.mean, l.rstd, l.y, rows)
		if x = l.normed; l.gelu {
			kernel.GELU(l.out, l.normed)
			x = l.out
		}
	}
	nn.MeanPool(embed, x, n, len(x)/(n*convDim), convDim)
}

// backward adds to grad, a network that is a gradient.
func (c *convNet[F]) backward(grad *convNet[F], dEmbed []F) {
	last := &c.layers[len(c.layers)-1]
	d := make([]F, len(last.normed))
	nn.MeanPoolBackward(d, dEmbed, c.n, len(d)/(c.n*convDim), convDim)
	for i := len(c.layers) - 1; i >= 0; i-- {
		l, g := &c.layers[i], &grad.layers[i]
		if l.gelu {
			kernel.GELUBackward(d, d, l.normed)
		}
		dy := make([]F, len(l.y))
		l.norm.Backward(&g.norm, dy, d, l.y, l.mean, l.rstd, len(l.mean))
		var dcol []F
		if d = nil; i > 0 {
			d, dcol = make([]F, len(l.x)), make([]F, len(l.col))
		}
		l.conv.Backward(&g.conv, d, dcol, dy, l.col, c.n, l.size)
	}
}

// convNetwork is convNet[float32] as meta-tuning takes it.
type convNetwork struct{}

func (convNetwork) Tensors() []sparse.Tensor { return newConvNet[float32](nil).tensors }
func (convNetwork) Dim() int                 { return convDim }
func (convNetwork) InputLen() int            { return convSide * convSide }
func (convNetwork) NewRun() Run              { return &convRun{kept: newConvNet[float32](nil)} }

// convRun keeps a forward for Backward; the others go through a network of their own over the same weights.
type convRun struct{ kept, plain *convNet[float32] }

func (r *convRun) Weights() []float32 { return r.kept.flat }

func (r *convRun) Forward(embed, inputs []float32, n int, keep bool) {
	if keep {
		r.kept.forward(embed, inputs, n)
		return
	}
	if r.plain == nil {
		r.plain = newConvNet(r.kept.flat)
	}
	r.plain.forward(embed, inputs, n)
}

func (r *convRun) Backward(grad, dEmbed []float32) { r.kept.backward(newConvNet(grad), dEmbed) }

// TestConvNetGradient: every weight by central differences in float64.
func TestConvNetGradient(t *testing.T) {
	const n, h = 2, 1e-5
	rng := rand.New(rand.NewPCG(1, 2))
	c := newConvNet[float64](nil)
	c.init(rng)
	for i := range c.flat { // biases and gains too
		c.flat[i] += 0.1 * rng.NormFloat64()
	}
	inputs, dEmbed, embed := make([]float64, n*convSide*convSide), make([]float64, n*convDim), make([]float64, n*convDim)
	for _, x := range [][]float64{inputs, dEmbed} {
		for i := range x {
			x[i] = rng.NormFloat64()
		}
	}
	loss := func() float64 {
		c.forward(embed, inputs, n)
		return kernel.Dot(embed, dEmbed)
	}
	loss()
	grad := newConvNet[float64](nil)
	c.backward(grad, dEmbed)
	for i := 0; i < len(c.flat); i += 23 { // a step that meets every place in every kernel
		old := c.flat[i]
		c.flat[i] = old + h
		up := loss()
		c.flat[i] = old - h
		down := loss()
		c.flat[i] = old
		if want := (up - down) / (2 * h); !(math.Abs(grad.flat[i]-want) <= 1e-6*(1+math.Abs(want))) {
			t.Fatalf("weight %d: want %v, have %v", i, want, grad.flat[i])
		}
	}
}
