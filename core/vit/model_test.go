package vit

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"haguruma/core/nn"
)

// smallConfigs are every combination of stem and pool that a config can have, and two with LayerScale, one of them with
// registers; small enough for float64.
func smallConfigs() map[string]Config {
	configs := map[string]Config{}
	for _, pool := range []string{PoolClass, PoolMean} {
		for name, stem := range map[string][]int{"linear": nil, "stem": {5, 12}} {
			configs[name+"/"+pool] = Config{
				ImageSize: 12, PatchSize: 4, Stem: stem, Dim: 12, Depth: 2, Heads: 3, MLPDim: 20, Pool: pool,
				Eps: 1e-6, Mean: [3]float32{0.5, 0.5, 0.5}, Std: [3]float32{0.25, 0.25, 0.25},
			}
		}
	}
	scaled := configs["stem/mean"]
	scaled.LayerScale = 0.5
	configs["stem/mean/scaled"] = scaled
	registers := configs["linear/cls"]
	registers.LayerScale, registers.Registers = 1, 2
	configs["linear/cls/registers"] = registers
	return configs
}

func randomParams[F nn.Float](c Config, seed uint64) *Params[F] {
	rng := rand.New(rand.NewPCG(seed, 2))
	p := NewParams[F](c)
	p.Init(rng)
	// Move every parameter away from its start, so that no gradient hides behind a zero bias or a gain of one.
	for i := range p.Flat {
		p.Flat[i] += F(0.1 * rng.NormFloat64())
	}
	return p
}

func randomSlice[F nn.Float](n int, seed uint64) []F {
	rng := rand.New(rand.NewPCG(seed, 1))
	x := make([]F, n)
	for i := range x {
		x[i] = F(rng.NormFloat64())
	}
	return x
}

// TestBackward checks the gradient of the whole model along random directions: (L(p+hu) - L(p-hu)) / 2h = <grad, u>,
// at the size of the config and at others, with and without drop path.
func TestBackward(t *testing.T) {
	const batch = 2
	for name, c := range smallConfigs() {
		for _, size := range []int{12, 8, 20} {
			for _, drop := range []float64{0, 0.5} {
				t.Run(fmt.Sprintf("%s/%d/drop%v", name, size, drop), func(t *testing.T) {
					p := randomParams[float64](c, 3)
					m, act, grad := NewModel(p), NewActivations[float64](true), NewParams[float64](c)
					images, dEmbed := randomSlice[float64](batch*3*size*size, 5), randomSlice[float64](batch*c.Dim, 6)
					embed := make([]float64, batch*c.Dim)
					loss := func() float64 {
						act.SetDropPath(drop, rand.New(rand.NewPCG(7, 8)))
						m.Forward(embed, images, batch, size, act)
						sum := 0.0
						for i, v := range embed {
							sum += v * dEmbed[i]
						}
						return sum
					}
					loss()
					m.Backward(grad, dEmbed, act)
					start := slices.Clone(p.Flat)
					along := func(what string, u []float64) {
						const h = 1e-5
						var sums [2]float64
						for s, sign := range []float64{1, -1} {
							for i := range p.Flat {
								p.Flat[i] = start[i] + sign*h*u[i]
							}
							sums[s] = loss()
						}
						copy(p.Flat, start)
						want, have := (sums[0]-sums[1])/(2*h), 0.0
						for i, g := range grad.Flat {
							have += g * u[i]
						}
						if !(math.Abs(want-have) <= 1e-6*math.Max(math.Abs(want), 1)) {
							t.Errorf("%s: want slope %v, have %v", what, want, have)
						}
					}
					along("all", randomSlice[float64](len(p.Flat), 9))
					for _, tensor := range p.Tensors() {
						u := make([]float64, len(p.Flat))
						copy(u[tensor.Start:], randomSlice[float64](len(tensor.Data), 10))
						along(tensor.Name, u)
					}
				})
			}
		}
	}
}

// TestBackwardAdds: two backward passes into one gradient give twice the gradient.
func TestBackwardAdds(t *testing.T) {
	c := smallConfigs()["stem/cls"]
	m, act := NewModel(randomParams[float64](c, 1)), NewActivations[float64](true)
	images, dEmbed, embed := randomSlice[float64](3*12*12, 2), randomSlice[float64](c.Dim, 3), make([]float64, c.Dim)
	once, twice := NewParams[float64](c), NewParams[float64](c)
	for i := range 2 {
		m.Forward(embed, images, 1, 12, act)
		m.Backward(twice, dEmbed, act)
		if i == 0 {
			copy(once.Flat, twice.Flat)
		}
	}
	for i := range once.Flat {
		if !(math.Abs(twice.Flat[i]-2*once.Flat[i]) <= 1e-12) {
			t.Fatalf("parameter %d: want %v, have %v", i, 2*once.Flat[i], twice.Flat[i])
		}
	}
}

// TestDropPath: block i drops rate*i/(depth-1) of its branches and scales the others so that the mean stays 1; without a
// rate, and in inference, nothing is drawn.
func TestDropPath(t *testing.T) {
	c := smallConfigs()["linear/mean"]
	c.Depth = 3
	const batch, rate, rounds = 50, 0.4, 40
	m, images, embed := NewModel(randomParams[float32](c, 1)), randomSlice[float32](batch*3*4*4, 2), make([]float32, batch*c.Dim)
	act, inference := NewActivations[float32](true), NewActivations[float32](false)
	act.SetDropPath(rate, rand.New(rand.NewPCG(3, 4)))
	inference.SetDropPath(rate, rand.New(rand.NewPCG(3, 4)))
	dropped := make([]float64, c.Depth)
	for range rounds {
		m.Forward(embed, images, batch, 4, act)
		for i, factor := range act.drop {
			block := i / (2 * batch)
			p := rate * float64(block) / 2
			if factor == 0 {
				dropped[block]++
			} else if want := float32(1 / (1 - p)); factor != want {
				t.Fatalf("block %d: want factor %v, have %v", block, want, factor)
			}
		}
	}
	for block, n := range dropped { // 4000 draws: five deviations are below 0.04
		if have, want := n/(2*batch*rounds), rate*float64(block)/2; !(math.Abs(have-want) <= 0.04) {
			t.Errorf("block %d: want %v dropped, have %v", block, want, have)
		}
	}
	m.Forward(embed, images, batch, 4, inference)
	act.SetDropPath(0, nil)
	m.Forward(embed, images, batch, 4, act)
	if len(inference.drop) != 0 || len(act.drop) != 0 {
		t.Error("paths dropped in inference or at rate 0")
	}
}

// TestForwardFloat32: float32 agrees with float64, and inference activations with training ones.
func TestForwardFloat32(t *testing.T) {
	const batch = 3
	for name, c := range smallConfigs() {
		for _, size := range []int{12, 20} {
			p := randomParams[float64](c, 3)
			images := randomSlice[float64](batch*3*size*size, 5)
			images32 := make([]float32, len(images))
			for i, v := range images {
				images32[i] = float32(v)
			}
			want, have := make([]float64, batch*c.Dim), make([]float32, batch*c.Dim)
			NewModel(p).Forward(want, images, batch, size, nil)
			m := NewModel(Convert[float32](p))
			m.Forward(have, images32, batch, size, NewActivations[float32](true))
			for i := range want {
				if !(math.Abs(float64(have[i])-want[i]) <= 1e-4*math.Max(1, math.Abs(want[i]))) {
					t.Fatalf("%s size %d: embed[%d]: want %v, have %v", name, size, i, want[i], have[i])
				}
			}
			inference := make([]float32, batch*c.Dim)
			m.Forward(inference, images32, batch, size, nil)
			if !slices.Equal(inference, have) {
				t.Errorf("%s size %d: inference differs from training forward", name, size)
			}
		}
	}
}

// TestFoldLayerScale: without its factors, the model is the same; and a factor does what the paper says.
func TestFoldLayerScale(t *testing.T) {
	for _, name := range []string{"linear/cls/registers", "stem/mean/scaled"} {
		c := smallConfigs()[name]
		p := randomParams[float64](c, 3)
		folded := p.FoldLayerScale()
		if folded.Config.LayerScale != 0 || p.Config.LayerScale != c.LayerScale || folded.FoldLayerScale() != folded {
			t.Errorf("%s: folded %v, source %v", name, folded.Config.LayerScale, p.Config.LayerScale)
		}
		images := randomSlice[float64](2*3*12*12, 4)
		want, have := make([]float64, 2*c.Dim), make([]float64, 2*c.Dim)
		NewModel(p).Forward(want, images, 2, 12, nil)
		NewModel(folded).Forward(have, images, 2, 12, nil)
		for i := range want {
			if !(math.Abs(want[i]-have[i]) <= 1e-12*math.Max(1, math.Abs(want[i]))) {
				t.Fatalf("%s: embed[%d]: want %v, have %v", name, i, want[i], have[i])
			}
		}
		// Factors of zero leave the first stream as it is, whatever the blocks hold.
		for i := range p.net.blocks {
			clear(p.net.blocks[i].ls1.Gain)
			clear(p.net.blocks[i].ls2.Gain)
		}
		NewModel(p).Forward(want, images, 2, 12, nil)
		for i := range p.net.blocks {
			fill(p.net.blocks[i].proj.Weight, 7)
			fill(p.net.blocks[i].mlp.FC2.Bias, 7)
		}
		NewModel(p).Forward(have, images, 2, 12, nil)
		if !slices.Equal(want, have) {
			t.Errorf("%s: a branch with factors of zero is not zero", name)
		}
	}
}

// TestRegisters: registers are seen by the other tokens, carry no position, and their number is no part of the patches.
func TestRegisters(t *testing.T) {
	c := smallConfigs()["linear/cls/registers"]
	p := randomParams[float64](c, 3)
	images := randomSlice[float64](3*20*20, 4)
	first, second := make([]float64, c.Dim), make([]float64, c.Dim)
	NewModel(p).Forward(first, images, 1, 20, nil)
	// Attention does not know the order of tokens: registers that change places change nothing but rounding.
	d := c.Dim
	for i := range d {
		p.net.register[i], p.net.register[d+i] = p.net.register[d+i], p.net.register[i]
	}
	NewModel(p).Forward(second, images, 1, 20, nil)
	moved := 0.0
	for i := range first {
		moved = math.Max(moved, math.Abs(first[i]-second[i]))
	}
	if !(moved <= 1e-12) {
		t.Errorf("registers that change places change the embedding by %v", moved)
	}
	p.net.register[0] += 3
	NewModel(p).Forward(second, images, 1, 20, nil)
	if slices.Equal(first, second) {
		t.Error("another register gives the same embedding")
	}
}

// TestForwardBatch: an image's embedding does not depend on the images beside it or on what the activations held before,
// and goroutines that share a model do not disturb each other.
func TestForwardBatch(t *testing.T) {
	const batch, size = 5, 16
	for name, c := range smallConfigs() {
		m := NewModel(randomParams[float32](c, 3))
		images := randomSlice[float32](batch*3*size*size, 5)
		want := make([]float32, batch*c.Dim)
		m.Forward(want, images, batch, size, nil)

		act, one := NewActivations[float32](false), make([]float32, c.Dim)
		m.Forward(want[:2*c.Dim], images, 2, 8, act) // leaves other sizes behind
		m.Forward(want, images, batch, size, nil)
		for b := range batch {
			m.Forward(one, images[b*3*size*size:], 1, size, act)
			for i, v := range one {
				if w := want[b*c.Dim+i]; !(math.Abs(float64(v-w)) <= 1e-5*math.Max(1, math.Abs(float64(w)))) {
					t.Fatalf("%s: image %d alone: want %v, have %v", name, b, w, v)
				}
			}
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				have := make([]float32, batch*c.Dim)
				for range 3 {
					m.Forward(have, images, batch, size, nil)
					if !slices.Equal(have, want) {
						t.Errorf("%s: shared model: another result", name)
					}
				}
			})
		}
		wg.Wait()
	}
}

// TestAllocations: no allocation once the buffers have grown.
func TestAllocations(t *testing.T) {
	for name, c := range smallConfigs() {
		m, act, grad := NewModel(randomParams[float32](c, 1)), NewActivations[float32](true), NewParams[float32](c)
		act.SetDropPath(0.2, rand.New(rand.NewPCG(1, 2)))
		images, embed := randomSlice[float32](2*3*20*20, 2), make([]float32, 2*c.Dim)
		n := testing.AllocsPerRun(5, func() {
			m.Forward(embed, images, 2, 20, act)
			m.Backward(grad, embed, act)
			m.Forward(embed, images, 2, 12, act)
			m.Backward(grad, embed, act)
		})
		if n != 0 {
			t.Errorf("%s: %v allocations a step", name, n)
		}
	}
}

// TestTraining: a few AdamW steps on one batch lower the loss, with every piece in its place.
func TestTraining(t *testing.T) {
	c := smallConfigs()["stem/mean"]
	p := NewParams[float32](c)
	p.Init(rand.New(rand.NewPCG(1, 2)))
	m, act, grad, opt := NewModel(p), NewActivations[float32](true), NewParams[float32](c), nn.NewAdamW(len(p.Flat), 0.05)
	const batch = 4
	images, target := randomSlice[float32](batch*3*12*12, 3), randomSlice[float32](batch*c.Dim, 4)
	embed, dEmbed := make([]float32, batch*c.Dim), make([]float32, batch*c.Dim)
	schedule := nn.Schedule{Peak: 1e-2, Floor: 1e-4, Warmup: 5, Total: 60}
	var first, last float64
	for step := range 60 {
		m.Forward(embed, images, batch, 12, act)
		last = 0
		for i := range embed {
			dEmbed[i] = embed[i] - target[i]
			last += float64(dEmbed[i] * dEmbed[i])
		}
		if step == 0 {
			first = last
		}
		clear(grad.Flat)
		m.Backward(grad, dEmbed, act)
		nn.ClipNorm(grad.Flat, 10)
		opt.Update(p.Flat, grad.Flat, p.Spans(), schedule.At(step))
	}
	if !(last < first/4) {
		t.Errorf("loss went from %v to %v", first, last)
	}
}

// TestMisuse: programmer errors panic with this package's name in front.
func TestMisuse(t *testing.T) {
	c := smallConfigs()["stem/mean"]
	m, embed, images := NewModel(NewParams[float32](c)), make([]float32, 12), make([]float32, 3*12*12)
	for name, call := range map[string]func(){
		"size":     func() { m.Forward(embed, images, 1, 10, nil) },
		"batch":    func() { m.Forward(embed, images, 0, 12, nil) },
		"images":   func() { m.Forward(embed, images[1:], 1, 12, nil) },
		"embed":    func() { m.Forward(embed[1:], images, 1, 12, nil) },
		"backward": func() { m.Backward(NewParams[float32](c), embed, NewActivations[float32](true)) },
		"config":   func() { NewParams[float32](Config{}) },
		"drop":     func() { NewActivations[float32](true).SetDropPath(1, nil) },
	} {
		func() {
			defer func() {
				if text, ok := recover().(string); !ok || len(text) < 4 || text[:4] != "vit:" {
					t.Errorf("%s: want a panic of this package, have %v", name, text)
				}
			}()
			call()
		}()
	}
}
