package main

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"

	"haguruma/core/kernel"
	"haguruma/core/picture"
	"haguruma/core/quant"
	"haguruma/core/vit"
)

// median returns the median seconds that fn takes: at least three samples of
// at least a millisecond each, for as long as budget lasts.
func median(budget time.Duration, fn func()) float64 { return medians(budget, fn)[0] }

// medians is median of several functions in turn, sample by sample: what slows
// the machine down for a while slows all of them, and their ratios stay.
func medians(budget time.Duration, fns ...func()) []float64 {
	calls, samples := make([]int, len(fns)), make([][]float64, len(fns))
	timed := func(i int) float64 {
		begin := time.Now()
		for range calls[i] {
			fns[i]()
		}
		return time.Since(begin).Seconds()
	}
	for i, fn := range fns {
		fn() // fills caches and buffers
		for calls[i] = 1; timed(i) <= 1e-3; calls[i] *= 2 {
		}
	}
	for end := time.Now().Add(budget); len(samples[0]) < 3 || time.Now().Before(end); {
		for i := range fns {
			samples[i] = append(samples[i], timed(i)/float64(calls[i]))
		}
	}
	out := make([]float64, len(fns))
	for i, s := range samples {
		slices.Sort(s)
		out[i] = s[len(s)/2]
	}
	return out
}

// everyCore runs fn on as many goroutines as there are cores.
func everyCore(fn func(core int)) {
	var wait sync.WaitGroup
	for core := range runtime.GOMAXPROCS(0) {
		wait.Go(func() { fn(core) })
	}
	wait.Wait()
}

// peak is a loop of multiply-adds in registers, on one core and on all.
type peak struct {
	method string
	flops  float64 // of a call, on one core; 10^9 operations
	one    func()
	all    func()
}

func newPeak() *peak {
	method, operations, loop := peakLoop()
	sinks := make([]float32, runtime.GOMAXPROCS(0))
	return &peak{
		method: method, flops: float64(operations) * peakRounds / 1e9,
		one: func() { sinks[0] += loop(peakRounds) },
		all: func() { everyCore(func(core int) { sinks[core] += loop(peakRounds) }) },
	}
}

// peakReport is the fused multiply-add rate of float32, in 10^9 operations a
// second: a multiply-add is two.
type peakReport struct {
	Method   string  `json:"method"`
	OneCore  float64 `json:"oneCoreGflops"`
	AllCores float64 `json:"allCoresGflops"`
}

// peakRounds makes one call of the peak loop long against starting goroutines.
const peakRounds = 1 << 16

func (p *peak) measure(budget time.Duration) peakReport {
	one, all := median(budget, p.one), median(budget, p.all)
	return peakReport{p.method, p.flops / one, p.flops * float64(runtime.GOMAXPROCS(0)) / all}
}

// product is a matrix product C (m, n) that the backbone does.
type product struct {
	name    string
	form    string // NT: forward, NN and TN: backward
	m, n, k int
}

// shapes lists the products of one forward of a batch, and the two of the
// backward of the largest.
func shapes(c vit.Config, batch int) []product {
	rows := batch * c.Tokens(c.ImageSize)
	patches := batch * (c.ImageSize / c.PatchSize) * (c.ImageSize / c.PatchSize)
	patch := 3 * c.PatchSize * c.PatchSize
	if n := len(c.Stem); n > 1 {
		patch = 9 * c.Stem[n-2]
	} else if n == 1 {
		patch = 9 * 3
	}
	return []product{
		{"patches", "NT", patches, c.Dim, patch},
		{"qkv", "NT", rows, 3 * c.Dim, c.Dim},
		{"proj", "NT", rows, c.Dim, c.Dim},
		{"fc1", "NT", rows, c.MLPDim, c.Dim},
		{"fc2", "NT", rows, c.Dim, c.MLPDim},
		{"fc1 dx", "NN", rows, c.Dim, c.MLPDim},
		{"fc1 dW", "TN", c.MLPDim, c.Dim, rows},
	}
}

// productReport is in 10^9 operations a second; the shares are of the peak
// with the same number of cores, measured in turn with the product.
type productReport struct {
	Name     string  `json:"name"`
	Form     string  `json:"form"`
	M        int     `json:"m"`
	N        int     `json:"n"`
	K        int     `json:"k"`
	FloatOne float64 `json:"floatOneCoreGflops"`
	ShareOne float64 `json:"floatOneCoreShare"`
	FloatAll float64 `json:"floatAllCoresGflops"`
	ShareAll float64 `json:"floatAllCoresShare"`
	Int8One  float64 `json:"int8OneCoreGops,omitempty"` // activations already quantized
	Int8All  float64 `json:"int8AllCoresGops,omitempty"`
}

func measureProduct(p product, top *peak, budget time.Duration) productReport {
	r := productReport{Name: p.name, Form: p.form, M: p.m, N: p.n, K: p.k}
	a, b, c := noise(p.m*p.k), noise(p.n*p.k), make([]float32, p.m*p.n)
	multiply := map[string]func(c, a, b []float32, m, n, k int, accumulate bool){
		"NT": kernel.MatmulNT[float32], "NN": kernel.MatmulNN[float32], "TN": kernel.MatmulTN[float32],
	}[p.form]
	giga := 2 * float64(p.m) * float64(p.n) * float64(p.k) / 1e9
	run := func() { multiply(c, a, b, p.m, p.n, p.k, false) }
	onCores(1, func() {
		t := medians(budget, run, top.one)
		r.FloatOne = giga / t[0]
		r.ShareOne = r.FloatOne / (top.flops / t[1])
	})
	onCores(runtime.GOMAXPROCS(0), func() {
		t := medians(budget, run, top.all)
		r.FloatAll = giga / t[0]
		r.ShareAll = r.FloatAll / (top.flops * float64(runtime.GOMAXPROCS(0)) / t[1])
	})
	if p.form != "NT" {
		return r
	}
	w := quant.Quantize(b, p.n, p.k)
	packed := make([]int8, kernel.PackInt8Len(p.n, p.k))
	kernel.PackInt8(packed, w.Data, p.n, p.k)
	q, scale, zero := make([]uint8, p.m*p.k), make([]float32, p.m), make([]int32, p.m)
	kernel.QuantizeRows(q, scale, zero, a, p.m, p.k)
	run = func() {
		kernel.MatmulInt8(c, q, scale, zero, packed, w.Scale, w.Sum, nil, p.m, p.n, p.k, kernel.Epilogue{})
	}
	onCores(1, func() { r.Int8One = giga / median(budget, run) })
	onCores(runtime.GOMAXPROCS(0), func() { r.Int8All = giga / median(budget, run) })
	return r
}

// onCores runs fn with n threads a product.
func onCores(n int, fn func()) {
	defer kernel.SetParallel(kernel.SetParallel(n))
	fn()
}

// noise returns n numbers in -1..1, the same ones each time.
func noise(n int) []float32 {
	rng := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, n)
	for i := range x {
		x[i] = 2*rng.Float32() - 1
	}
	return x
}

type embedReport struct {
	FloatPerSecond float64 `json:"floatPerSecond"` // batches, one product thread a core
	Int8PerSecond  float64 `json:"int8PerSecond"`
	FloatMs        float64 `json:"floatMs"` // one picture, products over all cores
	Int8Ms         float64 `json:"int8Ms"`
	PictureMs      float64 `json:"pictureMs"` // decode, square, normalize
}

const samplePhotoWidth, samplePhotoHeight = 640, 480

func measureEmbed(b *bundle, batch int, budget time.Duration) (embedReport, error) {
	var r embedReport
	c := b.model.Config()
	size := c.ImageSize
	cores := runtime.GOMAXPROCS(0)
	images := noise(batch * 3 * size * size)
	embeds := make([][]float32, cores)
	models := make([]*vit.Int8Model, cores)
	activations := make([]*vit.Activations[float32], cores)
	for core := range cores {
		embeds[core] = make([]float32, batch*c.Dim)
		models[core] = b.model.Share()
		activations[core] = vit.NewActivations[float32](false)
	}
	float := vit.NewModel(b.model.Params())

	old := kernel.SetParallel(1)
	defer kernel.SetParallel(old)
	pictures := float64(batch * cores)
	r.FloatPerSecond = pictures / median(budget, func() {
		everyCore(func(core int) { float.Forward(embeds[core], images, batch, size, activations[core]) })
	})
	r.Int8PerSecond = pictures / median(budget, func() {
		everyCore(func(core int) { models[core].Embed(embeds[core], images, batch, size) })
	})

	kernel.SetParallel(cores)
	r.FloatMs = 1e3 * median(budget, func() { float.Forward(embeds[0], images, 1, size, activations[0]) })
	r.Int8Ms = 1e3 * median(budget, func() { models[0].Embed(embeds[0], images, 1, size) })

	photo, err := samplePhoto()
	if err != nil {
		return r, err
	}
	var failed error
	pixels := make([]float32, 3*size*size)
	r.PictureMs = 1e3 * median(budget, func() {
		pic, err := picture.Decode(photo, picture.DefaultLimits)
		if err != nil {
			failed = err
			return
		}
		pic.Square(size).Tensor(pixels, c.Mean, c.Std)
	})
	return r, failed
}

// samplePhoto is a JPEG with smooth and busy parts.
func samplePhoto() ([]byte, error) {
	m := image.NewRGBA(image.Rect(0, 0, samplePhotoWidth, samplePhotoHeight))
	rng := rand.New(rand.NewPCG(3, 4))
	for y := range samplePhotoHeight {
		for x := range samplePhotoWidth {
			busy := uint8(rng.IntN(1 + 60*x/samplePhotoWidth))
			m.SetRGBA(x, y, color.RGBA{uint8(x/3) + busy, uint8(y/2) + busy, uint8((x+y)/5) + busy, 255})
		}
	}
	var data bytes.Buffer
	err := jpeg.Encode(&data, m, &jpeg.Options{Quality: 90})
	return data.Bytes(), err
}
