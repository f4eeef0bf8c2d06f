package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
)

// int8Case is one product with its operands.
type int8Case struct {
	m, n, k int
	a       []uint8
	aScale  []float32
	aZero   []int32
	w       []int8
	wScale  []float32
	wSum    []int32
	bias    []float32
	then    Epilogue
}

// offset returns a slice of n elements that starts at element off of its buffer and has cap == len.
func offset[T any](n, off int) []T {
	b := make([]T, n+off)
	return b[off : off+n : off+n]
}

// newInt8Case draws a product whose slices start at odd offsets. activation and weight give the values.
func newInt8Case(rng *rand.Rand, m, n, k int, activation func() uint8, weight func() int8) *int8Case {
	off := rng.IntN(4)
	c := &int8Case{m: m, n: n, k: k,
		a: offset[uint8](m*k, off), aScale: offset[float32](m, off), aZero: offset[int32](m, off),
		w: offset[int8](n*k, off), wScale: offset[float32](n, off), wSum: offset[int32](n, off),
	}
	if rng.IntN(4) > 0 {
		c.bias = offset[float32](n, off)
	}
	for i := range c.a {
		c.a[i] = activation()
	}
	for i := range c.w {
		c.w[i] = weight()
	}
	for i := range m {
		c.aScale[i] = float32(math.Exp(rng.Float64()*20 - 10))
		c.aZero[i] = int32(rng.IntN(128))
	}
	for j := range n {
		c.wScale[j] = float32(math.Exp(rng.Float64()*20 - 10))
		for _, v := range c.w[j*k : (j+1)*k] {
			c.wSum[j] += int32(v)
		}
	}
	for j := range c.bias {
		c.bias[j] = rng.Float32()*2 - 1
	}
	c.then.GELU = rng.IntN(4) == 0
	if rng.IntN(2) == 0 {
		c.then.Add = offset[float32](m*n, off)
		fill(rng, c.then.Add)
	}
	return c
}

// want computes the product as the documentation of MatmulInt8 has it, with sums in int64.
func (c *int8Case) want() []float32 {
	y := make([]float32, c.m*c.n)
	for i := range c.m {
		for j := range c.n {
			var acc int64
			for x := range c.k {
				acc += int64(c.a[i*c.k+x]) * int64(c.w[j*c.k+x])
			}
			acc -= int64(c.aZero[i]) * int64(c.wSum[j])
			scale := c.aScale[i] * c.wScale[j]
			v := scale * float32(acc)
			var b float32
			if c.bias != nil {
				b = c.bias[j]
			}
			y[i*c.n+j] = float32(float64(v) + float64(b)) // exact sum, one rounding
		}
	}
	if c.then.GELU {
		geluShortGeneric(y, y)
	}
	for i, v := range c.then.Add {
		y[i] += v
	}
	return y
}

const guards = 9

// run packs and multiplies on one body and fails on a wrong bit of Y or a touched guard.
func (c *int8Case) run(t *testing.T, b *int8Body, want []float32) {
	t.Helper()
	old := int8Used
	int8Used = b
	defer func() { int8Used = old }()

	length := PackInt8Len(c.n, c.k)
	packed := make([]int8, length+2*guards)
	for i := range packed {
		packed[i] = 85
	}
	PackInt8(packed[guards:guards+length:guards+length], c.w, c.n, c.k)
	y := make([]float32, c.m*c.n+2*guards)
	for i := range y {
		y[i] = float32(math.NaN())
	}
	MatmulInt8(y[guards:guards+c.m*c.n:guards+c.m*c.n], c.a, c.aScale, c.aZero, packed[guards:guards+length:guards+length], c.wScale, c.wSum, c.bias, c.m, c.n, c.k, c.then)
	for i := range guards {
		if packed[i] != 85 || packed[guards+length+i] != 85 {
			t.Fatalf("%s: (%d, %d, %d): packing wrote outside", b.name, c.m, c.n, c.k)
		}
		if y[i] == y[i] || y[guards+c.m*c.n+i] == y[guards+c.m*c.n+i] {
			t.Fatalf("%s: (%d, %d, %d): the product wrote outside", b.name, c.m, c.n, c.k)
		}
	}
	for i, v := range want {
		if got := y[guards+i]; math.Float32bits(got) != math.Float32bits(v) {
			t.Fatalf("%s: (%d, %d, %d) bias %v, GELU %v, add %v: y[%d][%d] = %g, want %g", b.name, c.m, c.n, c.k, c.bias != nil, c.then.GELU, c.then.Add != nil, i/c.n, i%c.n, got, v)
		}
	}
}

// each runs a case on every body.
func (c *int8Case) each(t *testing.T) {
	t.Helper()
	want := c.want()
	for _, b := range int8Bodies {
		c.run(t, b, want)
	}
}

func anyActivation(rng *rand.Rand) func() uint8 { return func() uint8 { return uint8(rng.IntN(128)) } }
func anyWeight(rng *rand.Rand) func() int8      { return func() int8 { return int8(rng.IntN(255) - 127) } }

// TestMatmulInt8Small: every size 0..99 of each dimension beside small others, and random triples; each body gives the same bits.
func TestMatmulInt8Small(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	draw := func(m, n, k int) {
		newInt8Case(rng, m, n, k, anyActivation(rng), anyWeight(rng)).each(t)
	}
	for s := range 100 {
		draw(s, 1+rng.IntN(40), 1+rng.IntN(20))
		draw(1+rng.IntN(14), s, 1+rng.IntN(20))
		draw(1+rng.IntN(14), 1+rng.IntN(40), s)
		draw(rng.IntN(100), rng.IntN(100), rng.IntN(100))
	}
}

// TestMatmulInt8Model: the sizes of real backbones, and a long k.
func TestMatmulInt8Model(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	sizes := [][3]int{{64, 576, 192}, {64, 192, 192}, {64, 768, 192}, {64, 192, 768}, {197, 1152, 384}, {5, 33, 4096}}
	if testing.Short() {
		sizes = sizes[:2]
	}
	for _, s := range sizes {
		c := newInt8Case(rng, s[0], s[1], s[2], anyActivation(rng), anyWeight(rng))
		if s[0] < 64 {
			c.each(t)
			continue
		}
		want := make([]float32, c.m*c.n) // of the generic body, which keeps weights as they are: half the time of c.want
		matmulInt8Generic(int8Product{want, c.a, c.aScale, c.aZero, c.w, c.wScale, c.wSum, c.bias, c.m, c.n, c.k, c.then})
		for _, b := range int8Bodies {
			if b != &int8Generic {
				c.run(t, b, want)
			}
		}
	}
}

// TestMatmulInt8Extremes: sums at the ends of their range, where 16-bit steps would saturate and a sign would flip.
func TestMatmulInt8Extremes(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	ends := func() uint8 { return uint8(rng.IntN(2) * 127) }
	signs := func() int8 { return int8(rng.IntN(2)*254 - 127) }
	for _, k := range []int{1, 2, 3, 4, 7, 8, 9, 31, 100, 1024, 4096} {
		for _, activation := range []func() uint8{func() uint8 { return 127 }, func() uint8 { return 0 }, ends} {
			for _, weight := range []func() int8{func() int8 { return 127 }, func() int8 { return -127 }, signs} {
				newInt8Case(rng, 13, 35, k, activation, weight).each(t)
			}
		}
	}
}

// TestMatmulInt8Parallel: the bits do not depend on the number of threads, and nothing is allocated once a product of the size has run.
func TestMatmulInt8Parallel(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	m := 901 // 36 M multiply-adds: 4 threads on the fastest body
	if runtime.GOARCH == "wasm" {
		m = 61
	}
	c := newInt8Case(rng, m, 200, 203, anyActivation(rng), anyWeight(rng))
	defer SetParallel(SetParallel(1))
	for _, n := range []int{1, 2, 5} {
		SetParallel(n)
		c.each(t)
		packed, y := make([]int8, PackInt8Len(c.n, c.k)), make([]float32, c.m*c.n)
		PackInt8(packed, c.w, c.n, c.k)
		allocations := leastAllocations(func() {
			MatmulInt8(y, c.a, c.aScale, c.aZero, packed, c.wScale, c.wSum, c.bias, c.m, c.n, c.k, c.then)
		})
		if allocations > 0 {
			t.Errorf("%d threads: %g allocations a product, want 0", n, allocations)
		}
	}
}

// leastAllocations returns the allocations of the best of ten calls of f: a garbage collection, and the race detector at random, empty the
// pools of reused memory.
func leastAllocations(f func()) float64 {
	least := math.Inf(1)
	for range 10 {
		least = min(least, testing.AllocsPerRun(1, f))
	}
	return least
}

// TestInt8Body: where vector instructions are always there, the generic body must not be the one in use.
func TestInt8Body(t *testing.T) {
	t.Logf("int8 %s, quantize %s, float32 %s", Int8Body(), quantizeUsed.name, Body())
	if runtime.GOARCH == "wasm" && (Int8Body() != wasmBody || quantizeUsed.name != "wasm-simd" || Body() != wasmBody) {
		t.Errorf("int8 %s, quantize %s, float32 %s: want %s", Int8Body(), quantizeUsed.name, Body(), wasmBody)
	}
}

// TestMatmulInt8Panics: short slices and negative or too large sizes are programmer errors.
func TestMatmulInt8Panics(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	fresh := func() (*int8Case, []int8, []float32) {
		c := newInt8Case(rng, 3, 5, 7, anyActivation(rng), anyWeight(rng))
		c.bias, c.then = make([]float32, 5), Epilogue{}
		packed := make([]int8, PackInt8Len(5, 7))
		PackInt8(packed, c.w, 5, 7)
		return c, packed, make([]float32, 15)
	}
	for name, spoil := range map[string]func(c *int8Case, packed *[]int8, y *[]float32){
		"y":        func(c *int8Case, packed *[]int8, y *[]float32) { *y = (*y)[1:] },
		"a":        func(c *int8Case, packed *[]int8, y *[]float32) { c.a = c.a[1:] },
		"aScale":   func(c *int8Case, packed *[]int8, y *[]float32) { c.aScale = c.aScale[1:] },
		"aZero":    func(c *int8Case, packed *[]int8, y *[]float32) { c.aZero = c.aZero[1:] },
		"packed":   func(c *int8Case, packed *[]int8, y *[]float32) { *packed = (*packed)[1:] },
		"wScale":   func(c *int8Case, packed *[]int8, y *[]float32) { c.wScale = c.wScale[1:] },
		"wSum":     func(c *int8Case, packed *[]int8, y *[]float32) { c.wSum = c.wSum[1:] },
		"add":      func(c *int8Case, packed *[]int8, y *[]float32) { c.then.Add = make([]float32, 14) },
		"bias":     func(c *int8Case, packed *[]int8, y *[]float32) { c.bias = c.bias[1:] },
		"negative": func(c *int8Case, packed *[]int8, y *[]float32) { c.m = -1 },
		"k":        func(c *int8Case, packed *[]int8, y *[]float32) { c.m, c.k = 0, maxInt8K+1 },
	} {
		c, packed, y := fresh()
		spoil(c, &packed, &y)
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			MatmulInt8(y, c.a, c.aScale, c.aZero, packed, c.wScale, c.wSum, c.bias, c.m, c.n, c.k, c.then)
		}()
	}
}

func BenchmarkMatmulInt8(b *testing.B) {
	rng := rand.New(rand.NewPCG(11, 12))
	for _, s := range [][3]int{{64, 576, 192}, {64, 192, 192}, {64, 768, 192}, {64, 192, 768}, {197, 1152, 384}} {
		m, n, k := s[0], s[1], s[2]
		c := newInt8Case(rng, m, n, k, anyActivation(rng), anyWeight(rng))
		for _, body := range int8Bodies {
			for threads := 1; threads <= runtime.GOMAXPROCS(0); threads *= 2 {
				b.Run(fmt.Sprintf("m=%d,k=%d,n=%d/%s/threads=%d", m, k, n, body.name, threads), func(b *testing.B) {
					defer func(old *int8Body) { int8Used = old }(int8Used)
					int8Used = body
					defer SetParallel(SetParallel(threads))
					packed, y := make([]int8, PackInt8Len(n, k)), make([]float32, m*n)
					PackInt8(packed, c.w, n, k)
					for b.Loop() {
						MatmulInt8(y, c.a, c.aScale, c.aZero, packed, c.wScale, c.wSum, c.bias, m, n, k, Epilogue{})
					}
					b.ReportMetric(2*float64(m)*float64(n)*float64(k)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GOP/s")
				})
			}
		}
	}
}

func BenchmarkPackInt8(b *testing.B) {
	const n, k = 768, 192
	w := make([]int8, n*k)
	for _, body := range int8Bodies {
		b.Run(body.name, func(b *testing.B) {
			packed := make([]int8, body.packLen(n, k))
			b.SetBytes(n * k)
			for b.Loop() {
				body.pack(packed, w, n, k)
			}
		})
	}
}

// TestSumInt8: every length across the blocks, the ends of the range alone and among others, and a length whose sum is the largest.
func TestSumInt8(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	lengths := []int{384, 1536, maxInt8K}
	for n := range 100 {
		lengths = append(lengths, n)
	}
	for _, n := range lengths {
		for _, draw := range []func() int8{anyWeight(rng), func() int8 { return 127 }, func() int8 { return -128 }, func() int8 { return int8(-rng.IntN(2) * 128) }} {
			w := offset[int8](n, rng.IntN(16))
			for i := range w {
				w[i] = draw()
			}
			want, low := sumInt8Generic(w)
			if sum, least := SumInt8(w); sum != want || least != low {
				t.Fatalf("length %d: %d and %d, want %d and %d", n, sum, least, want, low)
			}
		}
	}
}
