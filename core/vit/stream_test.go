package vit

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// streamBefore runs the whole model and returns the residual stream before a block.
func streamBefore[F float32 | float64](m *Model[F], images []F, batch, size, block int) []F {
	act := NewActivations[F](true)
	m.Forward(make([]F, batch*m.Config().Dim), images, batch, size, act)
	x, _, _ := act.streams(block)
	return slices.Clone(x)
}

// TestForwardFrom: a model that starts at a block gives what the whole one gives, and the same gradients from that block on and none below it;
// also when the activations have run something else before.
func TestForwardFrom(t *testing.T) {
	const batch = 3
	for name, c := range smallConfigs() {
		c.Depth = 3
		for _, size := range []int{12, 20} {
			m, act := NewModel(randomParams[float64](c, 1)), NewActivations[float64](true)
			images, dEmbed := randomSlice[float64](batch*3*size*size, 2), randomSlice[float64](batch*c.Dim, 3)
			want, whole := make([]float64, batch*c.Dim), NewParams[float64](c)
			m.Forward(want, images, batch, size, act)
			m.Backward(whole, dEmbed, act)
			for from := range c.Depth {
				t.Run(fmt.Sprintf("%s/%d/%d", name, size, from), func(t *testing.T) {
					stream := streamBefore(m, images, batch, size, from)
					kept, have, grad := slices.Clone(stream), make([]float64, batch*c.Dim), NewParams[float64](c)
					for _, a := range []*Activations[float64]{act, NewActivations[float64](true), NewActivations[float64](false), nil} {
						m.ForwardFrom(have, stream, batch, size, from, a)
						if !slices.Equal(have, want) || !slices.Equal(stream, kept) {
							t.Fatal("another embedding, or the stream was written to")
						}
						if a != act {
							continue
						}
						m.BackwardFrom(grad, dEmbed, a)
					}
					for i, tensor := range grad.Tensors() {
						expect := whole.Tensors()[i].Data
						if blockOf(tensor.Name) < from {
							expect = make([]float64, len(expect))
						}
						for j, v := range tensor.Data {
							if !(math.Abs(v-expect[j]) <= 1e-12*math.Max(1, math.Abs(expect[j]))) {
								t.Fatalf("%s[%d]: want %v, have %v", tensor.Name, j, expect[j], v)
							}
						}
					}
				})
			}
		}
	}
}

// blockOf is the number in the name of a tensor of a block, -1 below the blocks and large behind them.
func blockOf(name string) int {
	number := -1
	if strings.HasPrefix(name, "norm.") {
		return 1 << 30
	}
	fmt.Sscanf(name, "blocks.%d.", &number)
	return number
}

// TestOnly: a gradient that leaves tensors out has the others as the whole one has them, and does not touch those.
func TestOnly(t *testing.T) {
	const batch, size = 2, 20
	for name, c := range smallConfigs() {
		m, act := NewModel(randomParams[float64](c, 1)), NewActivations[float64](true)
		images, dEmbed, embed := randomSlice[float64](batch*3*size*size, 2), randomSlice[float64](batch*c.Dim, 3), make([]float64, batch*c.Dim)
		whole := NewParams[float64](c)
		m.Forward(embed, images, batch, size, act)
		m.Backward(whole, dEmbed, act)
		for kind := range 5 {
			part, want := NewParams[float64](c), slices.Clone(whole.Flat)
			wanted := map[string]bool{}
			for i, tensor := range part.Tensors() {
				if wanted[tensor.Name] = i%5 == kind; !wanted[tensor.Name] {
					clear(want[tensor.Start : tensor.Start+len(tensor.Data)])
				}
			}
			m.Forward(embed, images, batch, size, act)
			m.Backward(part.Only(func(name string) bool { return wanted[name] }), dEmbed, act)
			if !slices.Equal(part.Flat, want) {
				t.Errorf("%s, every fifth tensor from %d on: another gradient", name, kind)
			}
		}
	}
}

// TestStream: int8 up to a block, and from it on by the same blocks, is the int8 embedding, bit for bit, in batches of more than one chunk.
func TestStream(t *testing.T) {
	const size, batch = 12, 40
	for name, c := range smallConfigs() {
		c.Depth = 3
		m := NewInt8(randomParams[float32](c, 3))
		images, embed := randomSlice[float32](batch*3*size*size, 5), make([]float32, batch*c.Dim)
		m.Embed(embed, images, batch, size)
		n := c.Tokens(size) * c.Dim
		stream := make([]float32, batch*n)
		for to := range c.Depth {
			m.Stream(stream, images, batch, size, to)
			for b := range batch {
				act := &m.act
				act.prepare(m.Config(), &m.weights.net, 1, size)
				x, _, _ := act.streams(to)
				copy(x, stream[b*n:(b+1)*n])
				for i := to; i < c.Depth; i++ {
					m.block(i)
				}
				have := make([]float32, c.Dim)
				poolTokens(m.Config(), &m.weights.net, act, have)
				if !slices.Equal(have, embed[b*c.Dim:(b+1)*c.Dim]) {
					t.Fatalf("%s, image %d before block %d: another embedding", name, b, to)
				}
			}
		}
	}
}

// TestStreamPanics: what does not fit is refused before anything is written.
func TestStreamPanics(t *testing.T) {
	c := smallConfigs()["stem/mean"]
	p := randomParams[float32](c, 1)
	m, q := NewModel(p), NewInt8(p)
	n := c.Tokens(12) * c.Dim
	for name, call := range map[string]func(){
		"no such block":      func() { m.ForwardFrom(make([]float32, c.Dim), make([]float32, n), 1, 12, c.Depth, nil) },
		"block below 0":      func() { q.Stream(make([]float32, n), make([]float32, 3*12*12), 1, 12, -1) },
		"a short stream":     func() { m.ForwardFrom(make([]float32, c.Dim), make([]float32, n-1), 1, 12, 0, nil) },
		"a short embedding":  func() { m.ForwardFrom(make([]float32, c.Dim-1), make([]float32, n), 1, 12, 0, nil) },
		"too few pixels":     func() { q.Stream(make([]float32, n), make([]float32, 3*12*12-1), 1, 12, 0) },
		"a size of no patch": func() { q.Stream(make([]float32, n), make([]float32, 3*13*13), 1, 13, 0) },
		"no picture":         func() { m.ForwardFrom(nil, nil, 0, 12, 0, nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: want a panic", name)
				}
			}()
			call()
		}()
	}
}
