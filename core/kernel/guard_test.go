//go:build linux

package kernel

import (
	"fmt"
	"runtime/debug"
	"syscall"
	"testing"
	"unsafe"
)

// atMemoryEnd returns a function that gives slices of n float32 of 0.5 which end where memory ends: the next byte may not be read.
func atMemoryEnd(t *testing.T) func(n int) []float32 {
	page := syscall.Getpagesize()
	return func(n int) []float32 {
		t.Helper()
		size := (4*n + page - 1) / page * page
		memory, err := syscall.Mmap(-1, 0, size+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := syscall.Munmap(memory); err != nil {
				t.Error(err)
			}
		})
		if err := syscall.Mprotect(memory[size:], syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
		s := unsafe.Slice((*float32)(unsafe.Pointer(&memory[size-4*n])), n)
		for i := range s {
			s[i] = 0.5
		}
		return s
	}
}

// TestNothingIsReadBehindASlice: every kernel of rows and elements on slices that end at the end of memory, for lengths around every vector.
func TestNothingIsReadBehindASlice(t *testing.T) {
	const rows = 2
	for n := 1; n <= 35; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // of this goroutine
			get := atMemoryEnd(t)
			dim, all := func() []float32 { return get(n) }, func() []float32 { return get(rows * n) }
			stats := func() []float32 { return get(rows) }
			for name, call := range map[string]func(){
				"Add":               func() { Add(dim(), dim()) },
				"Axpy":              func() { Axpy(dim(), 0.5, dim()) },
				"Scale":             func() { Scale(dim(), 0.5) },
				"Dot":               func() { Dot(dim(), dim()) },
				"Mul":               func() { Mul(dim(), dim(), dim()) },
				"MulAdd":            func() { MulAdd(dim(), dim(), dim()) },
				"AddBias":           func() { AddBias(all(), dim(), rows, n) },
				"SumRows":           func() { SumRows(dim(), all(), rows, n) },
				"GELU":              func() { GELU(dim(), dim()) },
				"geluShort":         func() { geluShort(dim(), dim()) },
				"powerCodes":        func() { powerCodes(make([]uint8, n), dim()) },
				"Attention":         func() { Attention(dim(), get(3*n), 1, 1, 1, n) },
				"GELUBackward":      func() { GELUBackward(dim(), dim(), dim()) },
				"Sigmoid":           func() { Sigmoid(dim(), dim(), 1) },
				"SigmoidBackward":   func() { SigmoidBackward(dim(), dim(), dim()) },
				"Softmax":           func() { Softmax(all(), all(), rows, n) },
				"SoftmaxBackward":   func() { SoftmaxBackward(all(), all(), all(), rows, n) },
				"LayerNorm":         func() { LayerNorm(all(), stats(), stats(), all(), dim(), dim(), rows, n, 1e-5) },
				"LayerNormBackward": func() { LayerNormBackward(all(), dim(), dim(), all(), all(), stats(), stats(), dim(), rows, n) },
				"AdamW":             func() { AdamW(dim(), dim(), dim(), dim(), 0.1, 0.9, 0.99, 1e-8, 0.1, 0.1, 0.1) },
				"MatmulNT":          func() { MatmulNT(get(rows*3), all(), get(3*n), rows, 3, n, false) },
				"MatmulNN":          func() { MatmulNN(all(), get(rows*3), get(3*n), rows, n, 3, false) },
				"MatmulTN":          func() { MatmulTN(get(3*n), get(rows*3), all(), 3, n, rows, false) },
			} {
				func() {
					defer func() {
						if r := recover(); r != nil {
							t.Errorf("%s: %v", name, r)
						}
					}()
					call()
				}()
			}
		})
	}
}
