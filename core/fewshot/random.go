package fewshot

import (
	"math/bits"
	"math/rand/v2"
)

// random is the one source of chance: PCG-DXSM with bounded integers and choices of our own, so
// that an episode is the same on every platform and with every later Go release.
type random struct{ pcg *rand.PCG }

// newRandom starts stream number index of a seed. kind keeps samplers with one seed apart.
func newRandom(seed, kind uint64, index int) random {
	return random{rand.NewPCG(mix(seed^mix(kind)), mix(uint64(index)))}
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014): neighbouring indices become unrelated states.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// intN returns a uniform integer in 0..n-1 without bias (Lemire 2019, arXiv:1805.10941, algorithm 5).
func (r random) intN(n int) int {
	hi, lo := bits.Mul64(r.pcg.Uint64(), uint64(n))
	if lo < uint64(n) {
		for threshold := -uint64(n) % uint64(n); lo < threshold; {
			hi, lo = bits.Mul64(r.pcg.Uint64(), uint64(n))
		}
	}
	return int(hi)
}

// float returns a uniform number in [0, 1), a multiple of 2^-53.
func (r random) float() float64 { return float64(r.pcg.Uint64()>>11) * 0x1p-53 }

// choose returns k distinct integers of 0..n-1 in random order; scratch grows to n and is reused.
func (r random) choose(k, n int, scratch *[]int) []int {
	s := (*scratch)[:0]
	for i := range n {
		s = append(s, i)
	}
	for i := range k {
		j := i + r.intN(n-i)
		s[i], s[j] = s[j], s[i]
	}
	*scratch = s
	return s[:k]
}
