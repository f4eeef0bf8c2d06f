package kernel

import (
	"runtime"
	"sync/atomic"
)

// body is one implementation of the float32 products. Each registers itself from an init function in its own file.
type body struct {
	name  string
	width int // bytes of its vectors; of the bodies that are available the widest is used

	// available reports whether this machine can run it; nil: always.
	available func() bool

	// matmul writes or accumulates C (m, n) of the given form on one thread. All dimensions are positive.
	matmul func(c, a, b []float32, m, n, k int, f form, accumulate bool)
}

// generic is the body that is everywhere.
var generic = &body{
	name:   "generic",
	matmul: matmulGeneric[float32],
}

var (
	bodies = []*body{generic} // all registered bodies, available or not
	active = generic          // the one in use; written by init functions and by tests only
)

// register adds a body and takes it into use when it is available and wider than the one in use. Call it from init functions only.
func register(b *body) {
	bodies = append(bodies, b)
	if (b.available == nil || b.available()) && b.width > active.width {
		active = b
	}
}

// Body names the body of the float32 products in use: "avx512", "avx2", "wasm-relaxed", "wasm-simd" or "generic".
func Body() string { return active.name }

// threads is how many goroutines one product may use.
var threads atomic.Int64

func init() { threads.Store(int64(runtime.GOMAXPROCS(0))) }

// SetParallel sets how many threads one matrix product may use (values below 1 count as 1) and returns the number before. It starts as
// GOMAXPROCS. Programs that run many products side by side set 1. On wasm there is one thread, whatever the number.
func SetParallel(n int) (old int) { return int(threads.Swap(int64(max(n, 1)))) }

// Parallel returns the number of threads one matrix product may use.
func Parallel() int {
	if runtime.GOARCH == "wasm" {
		return 1
	}
	return int(threads.Load())
}

// matmul32 runs a product on the body in use.
func matmul32(c, a, b []float32, m, n, k int, f form, accumulate bool) {
	if m == 0 || n == 0 {
		return
	}
	if k == 0 {
		if !accumulate {
			clear(c[:m*n])
		}
		return
	}
	active.matmul(c, a, b, m, n, k, f, accumulate)
}
