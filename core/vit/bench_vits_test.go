package vit

import (
	"math/rand/v2"
	"testing"
	"time"

	"haguruma/core/kernel"
	"haguruma/core/quant"
)

// viTS is ViT-S/16 at 224 pixels: 197 tokens.
var viTS = Config{ImageSize: 224, PatchSize: 16, Dim: 384, Depth: 12, Heads: 6, MLPDim: 1536, Pool: PoolClass, Eps: 1e-6, Mean: half, Std: half}

// part is one piece of work and its fastest run.
type part struct {
	run  func()
	best time.Duration
}

// BenchmarkViTS is one image through ViT-S/16 with random weights, int8 and float32, and in the same rounds the matrix products of the same
// sizes alone (weights times activations, and those of attention, in int8 with what makes its codes), which gives the share of everything else. Of each the fastest run counts.
//
//	go test -run - -bench ViTS ./core/vit
func BenchmarkViTS(b *testing.B) {
	defer kernel.SetParallel(kernel.SetParallel(1))
	c := viTS
	p := NewParams[float32](c)
	p.Init(rand.New(rand.NewPCG(1, 2)))
	m, act := NewModel(p), NewActivations[float32](false)
	quantized := NewInt8(p)
	w := quantized.weights
	images, embed := randomSlice[float32](3*224*224, 1), make([]float32, c.Dim)
	tokens := c.Tokens(224)
	wide := randomSlice[float32](tokens*c.MLPDim, 3)
	y, scores := make([]float32, tokens*c.MLPDim), make([]float32, tokens*tokens)
	a := attention(c)

	// products runs the products of the model at their numbers of rows: all tokens, patches, and one in the last block after attention.
	products := func(product func(matrix, rows int)) {
		product(-1, tokens-1)
		for i := range c.Depth {
			rows := tokens
			if i == c.Depth-1 {
				rows = 1
			}
			product(4*i, tokens)
			for j := 1; j < 4; j++ {
				product(4*i+j, rows)
			}
		}
	}
	matrix := func(i int) *quant.Matrix {
		if i < 0 {
			return w.conv[0]
		}
		block := w.blocks[i/4]
		return []*quant.Matrix{block.qkv, block.proj, block.fc1, block.fc2}[i%4]
	}
	rows := map[[2]int]*quant.Rows{} // quantized inputs by shape
	products(func(i, n int) {
		if shape := [2]int{n, matrix(i).Cols}; rows[shape] == nil {
			rows[shape] = new(quant.Rows)
			rows[shape].Quantize(wide, n, matrix(i).Cols)
		}
	})
	products32 := func() {
		products(func(i, n int) {
			q := matrix(i)
			kernel.MatmulNT(y, wide, p.Flat[:q.Rows*q.Cols], n, q.Rows, q.Cols, false)
		})
	}
	heads := func(product func(queries int)) {
		for i := range c.Depth {
			for range c.Heads {
				product(map[bool]int{true: 1, false: tokens}[i == c.Depth-1])
			}
		}
	}
	parts := []*part{
		{run: func() { quantized.Embed(embed, images, 1, 224) }},
		{run: func() {
			products(func(i, n int) { matrix(i).MulRows(y, rows[[2]int{n, matrix(i).Cols}], nil, kernel.Epilogue{}) })
		}},
		{run: func() {
			for i := range c.Depth {
				kernel.Attention(y, wide, map[bool]int{true: 1, false: tokens}[i == c.Depth-1], tokens, a.Heads, a.HeadDim)
			}
		}},
		{run: func() { m.Forward(embed, images, 1, 224, act) }},
		{run: products32},
		{run: func() {
			heads(func(queries int) {
				kernel.MatmulNT(scores, wide, wide, queries, tokens, a.HeadDim, false)
				kernel.MatmulNN(y, scores, wide, queries, a.HeadDim, tokens, false)
			})
		}},
	}
	for b.Loop() {
		for _, part := range parts {
			start := time.Now()
			part.run()
			if took := time.Since(start); part.best == 0 || took < part.best {
				part.best = took
			}
		}
	}
	for i, name := range []string{"int8/" + kernel.Int8Body(), "float32/" + kernel.Body()} {
		b.Run(name, func(b *testing.B) {
			ms := func(p *part) float64 { return p.best.Seconds() * 1000 }
			all, linear, attended := ms(parts[3*i]), ms(parts[3*i+1]), ms(parts[3*i+2])
			b.ReportMetric(all, "ms/image")
			b.ReportMetric(linear, "ms-weights")
			b.ReportMetric(attended, "ms-attention-products")
			b.ReportMetric(100*(1-(linear+attended)/all), "%rest")
			b.ReportMetric(0, "ns/op")
		})
	}
}
