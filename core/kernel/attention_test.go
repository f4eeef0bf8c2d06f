package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
)

// checkAttention holds every body to the bits of the generic one, its output between guards. With wild some inputs are extreme.
func checkAttention(t *testing.T, rng *rand.Rand, queries, tokens, heads, headDim int, wild bool) {
	t.Helper()
	qkv, whole := guarded(tokens*3*heads*headDim, rng.IntN(16))
	fill(rng, qkv)
	if wild {
		for range min(len(qkv), 5) {
			qkv[rng.IntN(len(qkv))] = extremes[rng.IntN(len(extremes))]
		}
	}
	before := append([]float32(nil), qkv...)
	want := make([]float32, queries*heads*headDim)
	defer func(old *attentionBody) { attentionUsed = old }(attentionUsed)
	for _, body := range attentionBodies {
		attentionUsed = body
		y, check := guarded(len(want), rng.IntN(16))
		Attention(y, qkv, queries, tokens, heads, headDim)
		if body == &attentionGeneric {
			copy(want, y)
		}
		what := fmt.Sprintf("%s: %d queries, %d tokens, %d heads of %d", body.name, queries, tokens, heads, headDim)
		wantSame(t, what, len(want), y, want)
		wantSame(t, what+": qkv", len(qkv), qkv, before)
		if !check() || !whole() {
			t.Fatalf("%s: wrote outside", what)
		}
	}
}

// TestAttention: every number of tokens across the edges of tiles, panels and blocks, a part of them as queries, odd heads, extremes.
func TestAttention(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 32))
	for tokens := range 100 {
		checkAttention(t, rng, tokens, tokens, 1+rng.IntN(3), 1+rng.IntN(20), false)
		checkAttention(t, rng, rng.IntN(tokens+1), tokens, 2, 8, true)
	}
	for headDim := 1; headDim <= 40; headDim++ {
		checkAttention(t, rng, 11, 19, 2, headDim, headDim%2 == 0)
	}
	for _, headDim := range []int{16, 32, 48, 64} { // those of the assembly
		for tokens := 1; tokens < 40; tokens++ {
			checkAttention(t, rng, tokens, tokens, 1+rng.IntN(2), headDim, tokens%3 == 0)
			checkAttention(t, rng, 1+rng.IntN(tokens), tokens, 2, headDim, false)
		}
	}
	checkAttention(t, rng, 0, 0, 0, 0, false)
	checkAttention(t, rng, 197, 197, 2, 64, false)
	checkAttention(t, rng, 1, 197, 3, 64, false)
	checkAttention(t, rng, 64, 64, 6, 32, false)
	checkAttention(t, rng, 257, 257, 1, 64, false)
}

// TestAttentionBody: in WebAssembly the assembly must be what runs.
func TestAttentionBody(t *testing.T) {
	if want := int8Used.name; runtime.GOARCH == "wasm" && attentionUsed.name != want {
		t.Errorf("attention runs on %s, want %s", attentionUsed.name, want)
	}
}

// TestAttentionAllocations: working memory is reused.
func TestAttentionAllocations(t *testing.T) {
	qkv, y := make([]float32, 33*3*32), make([]float32, 33*32)
	defer SetParallel(SetParallel(1))
	if got := leastAllocations(func() { Attention(y, qkv, 33, 33, 2, 16) }); got > 0 {
		t.Errorf("%g allocations a call, want 0", got)
	}
}

// TestAttentionPanics: short slices and impossible sizes are programmer errors.
func TestAttentionPanics(t *testing.T) {
	for name, run := range map[string]func(){
		"y":       func() { Attention(make([]float32, 23), make([]float32, 144), 3, 6, 2, 4) },
		"qkv":     func() { Attention(make([]float32, 24), make([]float32, 143), 3, 6, 2, 4) },
		"queries": func() { Attention(make([]float32, 56), make([]float32, 144), 7, 6, 2, 4) },
		"heads":   func() { Attention(nil, nil, 0, 0, -1, 4) },
		"headDim": func() { Attention(nil, nil, 0, 0, 1, -4) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			run()
		}()
	}
}

// BenchmarkAttention is a layer of ViT-S at 224 pixels.
func BenchmarkAttention(b *testing.B) {
	const tokens, heads, headDim = 197, 6, 64
	qkv, y := make([]float32, tokens*3*heads*headDim), make([]float32, tokens*heads*headDim)
	fill(rand.New(rand.NewPCG(1, 2)), qkv)
	defer func(old *attentionBody) { attentionUsed = old }(attentionUsed)
	for _, body := range attentionBodies[1:] {
		attentionUsed = body
		b.Run(body.name, func(b *testing.B) {
			reportBest(b, "GFLOP/s", 4*tokens*tokens*heads*headDim, func() { Attention(y, qkv, tokens, tokens, heads, headDim) })
		})
	}
}

// TestAttentionError: how far the codes are from real numbers, for scores as wide as those of trained models: the error of a row in its length.
func TestAttentionError(t *testing.T) {
	const tokens, headDim = 197, 64
	rng := rand.New(rand.NewPCG(51, 52))
	for _, c := range []struct{ spread, bound float64 }{{0.5, 0.02}, {1, 0.03}, {2, 0.05}, {3, 0.05}} {
		qkv, y := make([]float32, tokens*3*headDim), make([]float32, tokens*headDim)
		for i := range qkv {
			qkv[i] = float32(rng.NormFloat64())
			if i%(3*headDim) < headDim {
				qkv[i] *= float32(c.spread)
			}
		}
		Attention(y, qkv, tokens, tokens, 1, headDim)
		var off, all float64
		for i := range tokens {
			p, sum := make([]float64, tokens), 0.0
			for u := range tokens {
				s := 0.0
				for x := range headDim {
					s += float64(qkv[i*3*headDim+x]) * float64(qkv[u*3*headDim+headDim+x])
				}
				p[u] = math.Exp(s / math.Sqrt(headDim))
				sum += p[u]
			}
			for x := range headDim {
				want := 0.0
				for u := range tokens {
					want += p[u] / sum * float64(qkv[u*3*headDim+2*headDim+x])
				}
				d := float64(y[i*headDim+x]) - want
				off, all = off+d*d, all+want*want
			}
		}
		if got := math.Sqrt(off / all); !(got <= c.bound && got > c.bound/8) {
			t.Errorf("scores of deviation %g: error %.4f of the result, want at most %g", c.spread, got, c.bound)
		} else {
			t.Logf("scores of deviation %g: error %.4f of the result", c.spread, got)
		}
	}
}
