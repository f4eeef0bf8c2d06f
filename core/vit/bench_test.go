package vit

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"haguruma/core/kernel"
)

// benchConfig is the size of the default bundle.
var benchConfig = Config{ImageSize: 64, PatchSize: 8, Stem: []int{32, 64, 192}, Dim: 192, Depth: 6, Heads: 6, MLPDim: 576,
	Pool: PoolMean, Eps: 1e-6, Mean: half, Std: half}

// BenchmarkStep is one training step (forward and backward) of 8 and of 32 images on one goroutine:
// go test -run - -bench Step ./core/vit
func BenchmarkStep(b *testing.B) {
	defer kernel.SetParallel(kernel.SetParallel(1))
	p := NewParams[float32](benchConfig)
	p.Init(rand.New(rand.NewPCG(1, 2)))
	m, act, grad := NewModel(p), NewActivations[float32](true), NewParams[float32](benchConfig)
	for _, size := range []int{32, 48, 64} {
		for _, batch := range []int{8, 32} {
			b.Run(fmt.Sprintf("%d/%d/%s", size, batch, kernel.Body()), func(b *testing.B) {
				images, embed := randomSlice[float32](batch*3*size*size, 1), make([]float32, batch*benchConfig.Dim)
				dEmbed := randomSlice[float32](len(embed), 2)
				for b.Loop() {
					m.Forward(embed, images, batch, size, act)
					m.Backward(grad, dEmbed, act)
				}
				b.ReportMetric(float64(batch)*float64(b.N)/b.Elapsed().Seconds(), "images/s")
			})
		}
	}
}

// BenchmarkEmbed is inference of 1 and 32 images, float32 and int8, with all threads a matmul may use.
func BenchmarkEmbed(b *testing.B) {
	defer kernel.SetParallel(kernel.SetParallel(runtime.GOMAXPROCS(0)))
	const size = 64
	p := NewParams[float32](benchConfig)
	p.Init(rand.New(rand.NewPCG(1, 2)))
	m, quantized, act := NewModel(p), NewInt8(p), NewActivations[float32](false)
	for _, batch := range []int{1, 32} {
		images, embed := randomSlice[float32](batch*3*size*size, 1), make([]float32, batch*benchConfig.Dim)
		for name, run := range map[string]func(){
			"float32/" + kernel.Body():  func() { m.Forward(embed, images, batch, size, act) },
			"int8/" + kernel.Int8Body(): func() { quantized.Embed(embed, images, batch, size) },
		} {
			b.Run(fmt.Sprintf("%d/%s", batch, name), func(b *testing.B) {
				for b.Loop() {
					run()
				}
				b.ReportMetric(float64(batch)*float64(b.N)/b.Elapsed().Seconds(), "images/s")
			})
		}
	}
}
