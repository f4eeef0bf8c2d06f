package finetune

import (
	"math"
	"strings"

	"haguruma/core/vit"
	"haguruma/sparse"
)

// blockOf is the number of the block that a tensor belongs to: -1 below the blocks, 1<<30 behind them.
func blockOf(name string) int {
	if n, ok := sparse.Block(name); ok {
		return n
	}
	if strings.HasPrefix(name, "norm.") {
		return 1 << 30
	}
	return -1
}

// within lists the weights of the blocks from the given one on and behind them, of the tensors that keep says yes to.
func within(p *vit.Params[float32], from int, keep func(name string) bool) (index []int32) {
	for _, t := range p.Tensors() {
		if blockOf(t.Name) < from || !keep(t.Name) {
			continue
		}
		for i := range t.Data {
			index = append(index, int32(t.Start+i))
		}
	}
	return index
}

// isVector tells whether a tensor is a gain or a bias of any layer.
func isVector(name string) bool { return isNorm(name) || strings.HasSuffix(name, ".bias") }

// isNorm tells whether a tensor is a gain or a bias of a norm.
func isNorm(name string) bool { return strings.Contains(name, "norm") }

// strongest returns those of index (ascending) with the largest score, at most budget and none with score 0; of equals the first.
//
//	score  (N)  not negative
func strongest(index []int32, score []float32, budget int) []int32 {
	threshold, equal := cutoff(index, score, budget)
	var out []int32
	for _, at := range index {
		v := score[at]
		switch {
		case v > threshold:
			out = append(out, at)
		case v == threshold && v > 0 && equal > 0:
			out = append(out, at)
			equal--
		}
	}
	return out
}

// cutoff finds the budget-th largest score and how many of those equal to it are within the budget. It counts bits of the scores from the
// top, 11 at a time: three passes over the index, in any order.
func cutoff(index []int32, score []float32, budget int) (threshold float32, equal int) {
	if budget >= len(index) {
		return 0, 0
	}
	var count [1 << 11]int32
	var threshold32 uint32
	left, above := budget, 32 // bits from above on are known
	for _, low := range []int{21, 10, 0} {
		clear(count[:])
		mask := uint32(1)<<(above-low) - 1
		for _, at := range index {
			if bits := math.Float32bits(score[at]); uint64(bits)>>above == uint64(threshold32)>>above {
				count[bits>>low&mask]++
			}
		}
		digit := mask
		for ; digit > 0 && int(count[digit]) <= left; digit-- {
			left -= int(count[digit])
		}
		threshold32 |= digit << low
		above = low
	}
	return math.Float32frombits(threshold32), left
}
