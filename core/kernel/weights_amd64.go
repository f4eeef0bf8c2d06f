//go:build goexperiment.simd

package kernel

import (
	"simd/archsimd"
	"unsafe"
)

// hasMasks: AVX-512 with its mask registers of 64 bits.
var hasMasks = archsimd.X86.AVX512()

// mergeConstants are those of mergeBlocks, and its result.
type mergeConstants struct {
	base, delta float32     // scales
	magnitudes  [16]float32 // written: the largest, lane by lane
}

// mergeMask is one mask as mergeBlocks reads it.
type mergeMask struct {
	bits  unsafe.Pointer // of the first element
	score float32
	_     float32
}

// mergeRowBody is mergeRow32 for rows that begin at a byte of the masks and cannot overflow: the first whole blocks of 64 elements, in order. A word of a mask
// goes to a mask register as it is, which is what makes it fast.
func mergeRowBody(w []float32, base, delta []int8, baseScale, deltaScale float32, mix *Mix) (whole int, largest float32) {
	var masks [64]mergeMask
	blocks := len(w) / 64
	if !hasMasks || blocks == 0 || mix.From%8 != 0 || len(mix.Masks) == 0 || len(mix.Masks) > len(masks) {
		return 0, 0
	}
	var sum float32
	for m, mask := range mix.Masks {
		score := mix.Scores[m]
		masks[m] = mergeMask{bits: unsafe.Add(unsafe.Pointer(unsafe.SliceData(mask)), mix.From/8), score: score}
		sum += score
	}
	if most := float64(baseScale)*128 + float64(sum)*float64(deltaScale)*128; !(most < quantizeLimit) {
		return 0, 0
	}
	c := mergeConstants{base: baseScale, delta: deltaScale}
	mergeBlocks(&w[0], &base[0], &delta[0], &masks[0], &c, uintptr(len(mix.Masks)), uintptr(blocks))
	for _, v := range c.magnitudes {
		largest = max(largest, v)
	}
	return 64 * blocks, largest
}

// weightCodesBody is weightCodesGeneric of what mergeRowBody wrote, all of it.
func weightCodesBody(q []int8, w []float32, scale float32) (whole int) {
	blocks := len(w) / 64
	if blocks > 0 {
		weightBlocks(&q[0], &w[0], scale, uintptr(blocks))
	}
	return 64 * blocks
}

//go:noescape
func mergeBlocks(w *float32, base, delta *int8, masks *mergeMask, constants *mergeConstants, count, blocks uintptr)

//go:noescape
func weightBlocks(q *int8, w *float32, scale float32, blocks uintptr)
