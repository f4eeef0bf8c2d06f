//go:build goexperiment.simd

package kernel

import (
	"slices"
	"testing"
)

// TestMergeRowBody: rows of the default bundle's widths go by the masks of AVX-512 where the machine has it, and all by mergeRow32 where a row does not begin
// at a byte.
func TestMergeRowBody(t *testing.T) {
	if !hasMasks {
		t.Log("no AVX-512 here")
	}
	for _, n := range []int{192, 576, 1728} {
		base, delta, w := make([]int8, n), slices.Repeat([]int8{3}, n), make([]float32, n)
		mix := &Mix{Masks: [][]uint64{slices.Repeat([]uint64{1 << 5}, n/64+1)}, Scores: []float32{0.5}, From: 8}
		want := 0
		if hasMasks {
			want = n
		}
		if whole, _ := mergeRowBody(w, base, delta, 1, 1, mix); whole != want {
			t.Errorf("%d weights: %d by masks, want %d", n, whole, want)
		}
		mix.From = 9
		if whole, _ := mergeRowBody(w, base, delta, 1, 1, mix); whole != 0 {
			t.Errorf("%d weights from bit 9: %d by masks, want 0", n, whole)
		}
		if whole, _ := mergeRow32(w, base, delta, 1, 1, mix); whole != n {
			t.Errorf("%d weights: %d by vectors, want all", n, whole)
		}
	}
}
