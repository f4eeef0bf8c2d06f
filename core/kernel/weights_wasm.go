package kernel

import "unsafe"

// mergeConstants are those of mergeBlocks, and its result.
type mergeConstants struct {
	bits       [16]uint32 // of the elements of a block, as twice 16 bits
	base       lanes4     // scales
	delta      lanes4
	magnitudes lanes4 // written: the largest, lane by lane
}

// mergeMask is one mask as mergeBlocks reads it.
type mergeMask struct {
	bits  unsafe.Pointer // of the first element
	score float32
	_     float32
}

// mergeRowBody is mergeRow32 for rows that begin at a byte of the masks and cannot overflow: the first whole blocks of 16 elements, in order.
func mergeRowBody(w []float32, base, delta []int8, baseScale, deltaScale float32, mix *Mix) (whole int, largest float32) {
	var masks [64]mergeMask
	blocks := len(w) / 16
	if blocks == 0 || mix.From%8 != 0 || len(mix.Masks) == 0 || len(mix.Masks) > len(masks) {
		return 0, 0
	}
	var sum float32
	for m, mask := range mix.Masks {
		score := mix.Scores[m]
		masks[m] = mergeMask{bits: unsafe.Add(at(mask, 0), mix.From/8), score: score}
		sum += score
	}
	if most := float64(baseScale)*128 + float64(sum)*float64(deltaScale)*128; !(most < quantizeLimit) {
		return 0, 0
	}
	c := mergeConstants{base: splat4(baseScale), delta: splat4(deltaScale)}
	for i := range c.bits {
		c.bits[i] = 0x10001 << i
	}
	mergeBlocks(at(w, 0), at(base, 0), at(delta, 0), unsafe.Pointer(&masks), unsafe.Pointer(&c), uintptr(len(mix.Masks)), uintptr(blocks))
	for _, v := range c.magnitudes {
		if v > largest {
			largest = v
		}
	}
	return 16 * blocks, largest
}

// weightCodesBody is weightCodesGeneric of weights that are within quantizeLimit, the first whole blocks of 16.
func weightCodesBody(q []int8, w []float32, scale float32) (whole int) {
	blocks := len(w) / 16
	if blocks > 0 {
		constants := [3]lanes4{splat4(scale), splat4(roundMagic), splat4(roundMagic)}
		weightBlocks(at(q, 0), at(w, 0), unsafe.Pointer(&constants), uintptr(blocks))
	}
	return 16 * blocks
}

//go:noescape
func mergeBlocks(w, base, delta, masks, constants unsafe.Pointer, count, blocks uintptr)

//go:noescape
func weightBlocks(q, w, constants unsafe.Pointer, blocks uintptr)
