package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// product is the reference: the sum in float64 and the sum of magnitudes, to which rounding errors are relative.
func product(a, b []float32, i, j, m, n, k int, f form) (sum, size float64) {
	for p := range k {
		var x, y float32
		switch f {
		case formNT:
			x, y = a[i*k+p], b[j*k+p]
		case formNN:
			x, y = a[i*k+p], b[p*n+j]
		case formTN:
			x, y = a[p*m+i], b[p*n+j]
		}
		v := float64(x) * float64(y)
		sum += v
		size += math.Abs(v)
	}
	return sum, size
}

// guard is around and between the slices of a test; canary marks it.
const (
	guard  = 17
	canary = -777.25
)

// guarded returns a slice of n elements at the given offset in a larger buffer of canaries, cap == len, and a check that they are whole.
func guarded(n, offset int) (s []float32, check func() bool) {
	buf := make([]float32, guard+offset+n+guard)
	for i := range buf {
		buf[i] = canary
	}
	s = buf[guard+offset : guard+offset+n : guard+offset+n]
	return s, func() bool {
		for i, v := range buf {
			if (i < guard+offset || i >= guard+offset+n) && v != canary {
				return false
			}
		}
		return true
	}
}

func fill(rng *rand.Rand, s []float32) {
	for i := range s {
		s[i] = float32(rng.NormFloat64())
	}
}

func matmulForm(c, a, b []float32, m, n, k int, f form, accumulate bool) {
	switch f {
	case formNT:
		MatmulNT(c, a, b, m, n, k, accumulate)
	case formNN:
		MatmulNN(c, a, b, m, n, k, accumulate)
	case formTN:
		MatmulTN(c, a, b, m, n, k, accumulate)
	}
}

func checkMatmul(t *testing.T, rng *rand.Rand, m, n, k int) {
	t.Helper()
	for _, f := range []form{formNT, formNN, formTN} {
		for _, accumulate := range []bool{false, true} {
			a, checkA := guarded(m*k, rng.IntN(16))
			b, checkB := guarded(k*n, rng.IntN(16))
			c, checkC := guarded(m*n, rng.IntN(16))
			fill(rng, a)
			fill(rng, b)
			fill(rng, c)
			old := append([]float32(nil), c...)
			if !accumulate {
				for i := range c {
					c[i] = float32(math.NaN()) // must not be read
				}
			}
			matmulForm(c, a, b, m, n, k, f, accumulate)
			if !checkA() || !checkB() || !checkC() {
				t.Fatalf("m %d n %d k %d form %d: wrote outside", m, n, k, f)
			}
			for i := range m {
				for j := range n {
					want, size := product(a, b, i, j, m, n, k, f)
					if accumulate {
						want += float64(old[i*n+j])
						size += math.Abs(float64(old[i*n+j]))
					}
					// Every product and sum rounds by 2^-24 of at most the sum of magnitudes.
					if tol := float64(k+2) * 0x1p-24 * size; !(math.Abs(float64(c[i*n+j])-want) <= tol) {
						t.Fatalf("m %d n %d k %d form %d accumulate %v: c[%d][%d] = %v, want %v", m, n, k, f, accumulate, i, j, c[i*n+j], want)
					}
				}
			}
		}
	}
}

func TestMatmul(t *testing.T) {
	defer SetParallel(SetParallel(1))
	eachBody(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		checkMatmul(t, rng, 1, 1, 1)
		for n := range 100 {
			checkMatmul(t, rng, n, 7, 5)
			checkMatmul(t, rng, 7, n, 5)
			checkMatmul(t, rng, 7, 5, n)
			checkMatmul(t, rng, n, n, n%9)
		}
		for range 30 {
			checkMatmul(t, rng, 1+rng.IntN(70), 1+rng.IntN(150), 1+rng.IntN(300))
		}
		for _, s := range [][3]int{{64, 64, 32}, {64, 32, 64}, {50, 384, 128}, {3, 1000, 700}, {100, 10, 513}} {
			checkMatmul(t, rng, s[0], s[1], s[2])
		}
	})
}

// TestMatmulExtremes: infinities, NaN, zeros of either sign, numbers that are nearly none and nearly too large come out where the generic
// body has them and nowhere else: what a body reads beside a row, or pads it with, must not meet an infinity.
func TestMatmulExtremes(t *testing.T) {
	defer SetParallel(SetParallel(1))
	inf := float32(math.Inf(1))
	wild := []float32{inf, -inf, float32(math.NaN()), 0, float32(math.Copysign(0, -1)), 1e-45, -1e-40, 1e30, -1e30}
	eachBody(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 6))
		for range 60 {
			m, n, k := 1+rng.IntN(40), 1+rng.IntN(70), 1+rng.IntN(90)
			for _, f := range []form{formNT, formNN, formTN} {
				a, b := make([]float32, m*k), make([]float32, k*n)
				fill(rng, a)
				fill(rng, b)
				spoilt := [][]float32{a, b}[rng.IntN(2)] // one of them: two large ones overflow in one order of sums and not in another
				for range 3 {
					spoilt[rng.IntN(len(spoilt))] = wild[rng.IntN(len(wild))]
				}
				have, want := make([]float32, m*n), make([]float32, m*n)
				matmulForm(have, a, b, m, n, k, f, false)
				matmulGeneric(want, a, b, m, n, k, f, false)
				for i, w := range want {
					_, size := product(a, b, i/n, i%n, m, n, k, f)
					close := math.Abs(float64(have[i])-float64(w)) <= float64(k+2)*0x1p-23*size
					if w != w || math.IsInf(float64(w), 0) {
						close = same(have[i], w)
					}
					if !close {
						t.Fatalf("m %d n %d k %d form %d: c[%d] = %v, generic %v", m, n, k, f, i, have[i], w)
					}
				}
			}
		}
	})
}

func BenchmarkMatmul(b *testing.B) {
	defer SetParallel(SetParallel(1))
	rng := rand.New(rand.NewPCG(1, 2))
	for _, s := range [][3]int{
		{512, 128, 128}, {512, 512, 128}, {512, 128, 512}, {1024, 192, 192}, {1024, 768, 192}, {1024, 192, 768}, {1024, 384, 384}, {1024, 1152, 384}, {2048, 768, 768},
		{192, 192, 4096}, {768, 192, 4096}, {192, 768, 4096}, {128, 512, 2048}, {64, 64, 32}, {64, 32, 64},
	} {
		m, n, k := s[0], s[1], s[2]
		x, w, c := make([]float32, m*k), make([]float32, n*k), make([]float32, m*n)
		fill(rng, x)
		fill(rng, w)
		for f, name := range []string{"NT", "NN", "TN"} {
			b.Run(fmt.Sprintf("%s/%dx%dx%d", name, m, n, k), func(b *testing.B) {
				reportBest(b, "GFLOP/s", 2*float64(m*n*k), func() { matmulForm(c, x, w, m, n, k, form(f), false) })
			})
		}
	}
}

// reportBest runs f, which does `work` units, and reports the rate of its fastest run in 10^9 a second: on a machine that others use too, the mean says more of them than of f.
func reportBest(b *testing.B, unit string, work float64, f func()) {
	best := time.Duration(math.MaxInt64)
	for b.Loop() {
		start := time.Now()
		f()
		best = min(best, time.Since(start))
	}
	b.ReportMetric(work/best.Seconds()/1e9, unit)
}
