package kernel

import (
	"math/rand/v2"
	"testing"
)

// TestMatmulWasmBlocks: A is packed in blocks of rows and of k; products of several blocks of either, the last ones and their tiles not full.
func TestMatmulWasmBlocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 4))
	eachBody(t, func(t *testing.T) {
		for _, s := range [][3]int{{7, 16, 2 * kBlock}, {33, 9, 3*kBlock + 1}, {packBlock/kBlock + 4, 13, 2*kBlock - 3}} {
			checkMatmul(t, rng, s[0], s[1], s[2])
		}
	})
	for _, rows := range []int{67, 131} { // of two bytes and of one
		newInt8Case(rng, rows, 19, 8192, anyActivation(rng), anyWeight(rng)).each(t)
	}
}

// TestMatmulWasmAllocations: packing memory is reused.
func TestMatmulWasmAllocations(t *testing.T) {
	const m, n, k = 65, 65, 32
	a, b, c := make([]float32, m*k), make([]float32, n*k), make([]float32, m*n)
	if got := leastAllocations(func() { MatmulNT(c, a, b, m, n, k, false) }); got > 0 {
		t.Errorf("%g allocations a product, want 0", got)
	}
}
