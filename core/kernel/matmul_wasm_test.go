package kernel

import (
	"math/rand/v2"
	"testing"
)

// TestMatmulWasmBlocks: A is packed in blocks of rows; products of several blocks, the last one and its tiles not full.
func TestMatmulWasmBlocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 4))
	eachBody(t, func(t *testing.T) {
		for _, s := range [][3]int{{33, 9, 4099}, {7, 16, 9000}, {6, 8, packBlock}} {
			if k := s[2]; s[0] <= max(packBlock/roundUp(k, tileStep)/tileRows, 1)*tileRows {
				t.Fatalf("(%d, %d, %d) is one block only", s[0], s[1], k)
			}
			checkMatmul(t, rng, s[0], s[1], s[2])
		}
	})
	if block := 2 * packBlock / 4096 / tileRows * tileRows; block >= 67 {
		t.Fatalf("one block of %d rows", block)
	}
	newInt8Case(rng, 67, 19, 4096, anyActivation(rng), anyWeight(rng)).each(t)
}

// TestMatmulWasmAllocations: packing memory is reused.
func TestMatmulWasmAllocations(t *testing.T) {
	const m, n, k = 65, 65, 32
	a, b, c := make([]float32, m*k), make([]float32, n*k), make([]float32, m*n)
	if got := leastAllocations(func() { MatmulNTStrict(c, a, b, m, n, k) }); got > 0 {
		t.Errorf("%g allocations a product, want 0", got)
	}
}
