package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"
)

// peaks are here, where they are measured: programs go without their code.
var peaks = []peak{
	{"mul+add", peakMulAdd, 8 * peakVectors},
	{"dot16", peakDot16, 16 * peakVectors},
}

// BenchmarkViTS is every product of a ViT-S/16 at 224 pixels on every body, between runs of the loops that do nothing but the arithmetic:
// what share of the peak a product reaches. Everything is measured in rounds, one of each, and of each the fastest counts.
func BenchmarkViTS(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	type measured struct {
		name string
		ops  float64
		run  func()
		peak *measured // what it is set against; nil for a peak
		best time.Duration
	}
	var all []*measured
	var settle func()
	add := func(name string, ops float64, peak *measured, run func()) *measured {
		m := &measured{name: name, ops: ops, run: run, peak: peak}
		all = append(all, m)
		return m
	}
	var out [4]float32
	in := [8]float32{1, 1, 1, 1, 1, 1, 1, 1}
	limits := map[string]*measured{}
	for _, p := range peaks {
		const loops = 20000
		limits[p.name] = add("peak/"+p.name, float64(p.ops*loops), nil, func() { p.run(unsafe.Pointer(&out), unsafe.Pointer(&in), loops) })
	}
	peakOf := map[string]string{"int8 wasm-simd": "dot16", "int8 wasm-relaxed-split": "relaxed-dot", "int8 wasm-relaxed-fused": "relaxed-dot", "int8 wasm-relaxed": "relaxed-dot", "float32 wasm-simd": "mul+add", "float32 wasm-relaxed": "relaxed-madd"}
	for _, s := range [][3]int{{197, 1152, 384}, {197, 384, 384}, {197, 1536, 384}, {197, 384, 1536}} {
		m, n, k := s[0], s[1], s[2]
		ops, shape := 2*float64(m*n*k), fmt.Sprintf("%dx%dx%d", m, k, n)
		c := newInt8Case(rng, m, n, k, anyActivation(rng), anyWeight(rng))
		for _, body := range int8Bodies[1:] {
			packed, y := make([]int8, body.packLen(n, k)), make([]float32, m*n)
			body.pack(packed, c.w, n, k)
			p := int8Product{y, c.a, c.aScale, c.aZero, packed, c.wScale, c.wSum, c.bias, m, n, k, Epilogue{}}
			run := func() { body.matmul(p) }
			add("int8/"+shape+"/"+body.name, ops, limits[peakOf["int8 "+body.name]], run)
			if n == k {
				settle = run // of the last body, and the smallest product
			}
		}
		x, w, y := make([]float32, m*k), make([]float32, n*k), make([]float32, m*n)
		fill(rng, x)
		fill(rng, w)
		for _, body := range bodies[1:] {
			add("float32/"+shape+"/"+body.name, ops, limits[peakOf["float32 "+body.name]], func() { body.matmul(y, x, w, m, n, k, formNT, false) })
		}
	}
	// The kernel of wasm-relaxed is chosen by then: see choice_wasm.go.
	for range 6000 {
		settle()
	}
	for b.Loop() {
		for _, m := range all {
			for range 3 {
				// Long against the grain of the clock of an isolated page, 5 microseconds.
				start, runs := time.Now(), 0
				for ; runs == 0 || time.Since(start) < time.Millisecond; runs++ {
					m.run()
				}
				if took := time.Since(start) / time.Duration(runs); m.best == 0 || took < m.best {
					m.best = took
				}
			}
		}
	}
	for _, m := range all {
		b.Run(m.name, func(b *testing.B) {
			rate := m.ops / m.best.Seconds() / 1e9
			b.ReportMetric(rate, "GOP/s")
			if m.peak != nil {
				b.ReportMetric(100*rate/(m.peak.ops/m.peak.best.Seconds()/1e9), "%peak")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
