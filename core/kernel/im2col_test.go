package kernel

import (
	"math/rand/v2"
	"testing"
)

// TestInterleave: every length, into a slice between guards.
func TestInterleave(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	for n := range 100 {
		var planes [3][]float32
		for i := range planes {
			planes[i], _ = guarded(n+rng.IntN(3), rng.IntN(16))
			fill(rng, planes[i])
		}
		planes[0] = planes[0][:n]
		dst, whole := guarded(3*n, rng.IntN(16))
		Interleave(dst, planes[0], planes[1], planes[2])
		for i, v := range dst {
			if v != planes[i%3][i/3] {
				t.Fatalf("length %d: element %d is %v, want %v", n, i, v, planes[i%3][i/3])
			}
		}
		if !whole() {
			t.Fatalf("length %d: wrote outside", n)
		}
	}
}
