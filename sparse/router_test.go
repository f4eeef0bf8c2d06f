package sparse

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"haguruma/core/kernel"
)

func testRouterConfig(read string) RouterConfig {
	return RouterConfig{Dim: 8, Experts: 3, Heads: 2, MLPDim: 12, Tokens: 4, Read: read, Eps: 1e-5}
}

// randomRouter has weights that are far from those of Init, so that no term is small.
func randomRouter(c RouterConfig, seed uint64) *Router[float64] {
	r := NewRouter[float64](c)
	rng := rand.New(rand.NewPCG(seed, 1))
	r.Init(rng)
	for i := range r.Flat {
		r.Flat[i] += 0.3 * rng.NormFloat64()
	}
	return r
}

func normals(seed uint64, n int) []float64 {
	rng := rand.New(rand.NewPCG(seed, 2))
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return x
}

// checkCentral compares dx with central differences of loss, element by element.
func checkCentral(t *testing.T, what string, x, dx []float64, loss func() float64) {
	t.Helper()
	const h = 1e-5
	for i := range x {
		start := x[i]
		x[i] = start + h
		up := loss()
		x[i] = start - h
		down := loss()
		x[i] = start
		want := (up - down) / (2 * h)
		if !(math.Abs(want-dx[i]) <= 1e-7*math.Max(1, math.Abs(want))) {
			t.Fatalf("%s[%d]: want %v, have %v", what, i, want, dx[i])
		}
	}
	if slices.Max(dx) == 0 && slices.Min(dx) == 0 {
		t.Fatalf("%s: the gradient is zero everywhere, nothing was tested", what)
	}
}

// TestRouterBackward: every parameter, by both read-outs, with and without spectral normalization, for one class and for several; the
// gradient is added to what is there, and a tape that served another number of classes gives the same.
func TestRouterBackward(t *testing.T) {
	for _, read := range []string{ReadSkills, ReadFirst} {
		for _, spectral := range []bool{false, true} {
			for _, way := range []int{5, 1} {
				t.Run(fmt.Sprintf("%s,spectral=%t,way=%d", read, spectral, way), func(t *testing.T) {
					c := testRouterConfig(read)
					r := randomRouter(c, 1)
					if spectral {
						r.SpectralNorm(rand.New(rand.NewPCG(3, 1)))
						r.PowerStep()
					}
					prototypes, dLogits := normals(2, way*c.Dim), normals(3, c.Experts)
					logits := make([]float64, c.Experts)
					tape := &RouterTape[float64]{}
					r.Logits(logits, normals(4, 9*c.Dim), 9, tape)
					loss := func() float64 {
						r.Logits(logits, prototypes, way, tape)
						return kernel.Dot(logits, dLogits)
					}
					loss()
					grad := NewRouter[float64](c)
					start := normals(5, len(grad.Flat))
					copy(grad.Flat, start)
					r.Backward(grad, dLogits, tape)
					for i := range start {
						grad.Flat[i] -= start[i]
					}
					for _, x := range r.Tensors() {
						end := x.Start + x.Len()
						checkCentral(t, x.Name, r.Flat[x.Start:end], grad.Flat[x.Start:end], loss)
					}
				})
			}
		}
	}
}

// TestRouterOrder: the order of the classes does not count for the skill tokens, and does for the first class's token.
func TestRouterOrder(t *testing.T) {
	const way = 6
	for _, read := range []string{ReadSkills, ReadFirst} {
		c := testRouterConfig(read)
		r := randomRouter(c, 7)
		prototypes := normals(8, way*c.Dim)
		var turned []float64
		for _, class := range []int{4, 2, 0, 5, 3, 1} {
			turned = append(turned, prototypes[class*c.Dim:(class+1)*c.Dim]...)
		}
		x, y := make([]float64, c.Experts), make([]float64, c.Experts)
		r.Logits(x, prototypes, way, &RouterTape[float64]{})
		r.Logits(y, turned, way, &RouterTape[float64]{})
		most := 0.0
		for m := range x {
			most = max(most, math.Abs(x[m]-y[m]))
		}
		if read == ReadSkills && !(most <= 1e-12) || read == ReadFirst && !(most > 1e-3) {
			t.Errorf("%s: logits change by %g with the order of the classes: %v, %v", read, most, x, y)
		}
	}
}

// TestRouterLayout: names, shapes and places, and the size of the paper's router for ViT-S without keys and tokens (METHOD: 1,182,720).
func TestRouterLayout(t *testing.T) {
	c := RouterConfig{Dim: 384, Experts: 8, Heads: 4, MLPDim: 768, Tokens: 4, Read: ReadFirst, Eps: 1e-5}
	if have := c.Len() - (c.Experts+c.Tokens)*c.Dim; have != 1182720 {
		t.Errorf("want 1182720 parameters, have %d", have)
	}
	r := NewRouter[float32](testRouterConfig(ReadSkills))
	want := []Tensor{
		{"norm1.weight", []int{8}, 0}, {"norm1.bias", []int{8}, 8}, {"attn.qkv.weight", []int{24, 8}, 16},
		{"attn.proj.weight", []int{8, 8}, 208}, {"attn.proj.bias", []int{8}, 272}, {"norm2.weight", []int{8}, 280}, {"norm2.bias", []int{8}, 288},
		{"mlp.fc1.weight", []int{12, 8}, 296}, {"mlp.fc1.bias", []int{12}, 392}, {"mlp.fc2.weight", []int{8, 12}, 404}, {"mlp.fc2.bias", []int{8}, 500},
		{"keys", []int{3, 8}, 508}, {"tokens", []int{4, 8}, 532},
	}
	have := r.Tensors()
	if len(have) != len(want) || len(r.Flat) != 564 || r.Config.Len() != 564 {
		t.Fatalf("%d tensors, %d parameters", len(have), len(r.Flat))
	}
	for i := range want {
		if have[i].Name != want[i].Name || !slices.Equal(have[i].Shape, want[i].Shape) || have[i].Start != want[i].Start {
			t.Errorf("want %v, have %v", want[i], have[i])
		}
	}
}

// TestRouterInit: the deviations of the draws, measured; gains 1 and biases of norms 0.
func TestRouterInit(t *testing.T) {
	c := RouterConfig{Dim: 128, Experts: 64, Heads: 4, MLPDim: 256, Tokens: 64, Read: ReadSkills, Eps: 1e-5}
	r := NewRouter[float64](c)
	r.Init(rand.New(rand.NewPCG(1, 2)))
	for _, x := range r.Tensors() {
		data := r.Flat[x.Start : x.Start+x.Len()]
		switch x.Name {
		case "norm1.weight", "norm2.weight", "norm1.bias", "norm2.bias":
			want := 0.0
			if x.Name[6:] == "weight" {
				want = 1
			}
			if slices.Min(data) != want || slices.Max(data) != want {
				t.Errorf("%s: want %v, have %v..%v", x.Name, want, slices.Min(data), slices.Max(data))
			}
			continue
		}
		want := map[string]float64{"tokens": 1e-3, "keys": 0.125, "mlp.fc2.weight": 1 / math.Sqrt(3*256), "mlp.fc2.bias": 1 / math.Sqrt(3*256)}[x.Name]
		if want == 0 {
			want = 1 / math.Sqrt(3*128) // uniform in ±b has deviation b/sqrt(3)
		}
		deviation := math.Sqrt(kernel.Dot(data, data) / float64(len(data)))
		if !(math.Abs(deviation/want-1) < 0.15) {
			t.Errorf("%s: want deviation %g, have %g", x.Name, want, deviation)
		}
	}
}

// TestRouterFloat32: float32 follows float64.
func TestRouterFloat32(t *testing.T) {
	c := RouterConfig{Dim: 96, Experts: 8, Heads: 4, MLPDim: 192, Tokens: 4, Read: ReadSkills, Eps: 1e-5}
	wide, narrow := NewRouter[float64](c), NewRouter[float32](c)
	wide.Init(rand.New(rand.NewPCG(1, 2)))
	for i, v := range wide.Flat {
		narrow.Flat[i] = float32(v)
		wide.Flat[i] = float64(narrow.Flat[i])
	}
	const way = 20
	x := normals(3, way*c.Dim)
	x32 := make([]float32, len(x))
	for i, v := range x {
		x32[i] = float32(v)
		x[i] = float64(x32[i])
	}
	want, have := make([]float64, c.Experts), make([]float32, c.Experts)
	wide.Logits(want, x, way, &RouterTape[float64]{})
	narrow.Logits(have, x32, way, &RouterTape[float32]{})
	for m := range want {
		if !(math.Abs(want[m]-float64(have[m])) <= 1e-5) {
			t.Errorf("logit %d: want %v, have %v", m, want[m], have[m])
		}
	}
}

// TestRouterTapeReuse: the second forward and backward with a tape allocate nothing.
func TestRouterTapeReuse(t *testing.T) {
	c := testRouterConfig(ReadSkills)
	r, grad := randomRouter(c, 1), NewRouter[float64](c)
	r.SpectralNorm(rand.New(rand.NewPCG(3, 1)))
	prototypes, logits, tape := normals(2, 5*c.Dim), make([]float64, c.Experts), &RouterTape[float64]{}
	if n := testing.AllocsPerRun(10, func() {
		r.PowerStep()
		r.Logits(logits, prototypes, 5, tape)
		r.Backward(grad, logits, tape)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestRouterConfigCheck: each field out of bounds is an error that names it.
func TestRouterConfigCheck(t *testing.T) {
	good := testRouterConfig(ReadSkills)
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(c *RouterConfig){
		"dim":     func(c *RouterConfig) { c.Dim = 0 },
		"dim big": func(c *RouterConfig) { c.Dim = 1 << 40 },
		"experts": func(c *RouterConfig) { c.Experts = -1 },
		"heads":   func(c *RouterConfig) { c.Heads = 3 },
		"mlpDim":  func(c *RouterConfig) { c.MLPDim = 0 },
		"tokens":  func(c *RouterConfig) { c.Tokens = 0 },
		"read":    func(c *RouterConfig) { c.Read = "last" },
		"eps":     func(c *RouterConfig) { c.Eps = math.NaN() },
	} {
		c := good
		spoil(&c)
		field, _, _ := strings.Cut(name, " ")
		if err := c.Check(); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: want ErrConfig that names it, have %v", name, err)
		}
	}
}
