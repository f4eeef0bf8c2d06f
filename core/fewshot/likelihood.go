package fewshot

import "math"

// likelihood is a product of probabilities, as m 2^e with m in [1/2, 1), or 0: it neither ends in 0 nor takes a logarithm, whose last bit machines do not
// agree on.
type likelihood struct {
	m float64
	e int
}

// one is the empty product.
var one = likelihood{0.5, 1}

func (l likelihood) times(p float64) likelihood {
	m, e := math.Frexp(float64(l.m * max(p, leastProbability)))
	return likelihood{m, l.e + e}
}

func (l likelihood) less(o likelihood) bool { return l.e < o.e || l.e == o.e && l.m < o.m }

// fourthRootOver is the fourth root of l/o.
func (l likelihood) fourthRootOver(o likelihood) float64 {
	e := l.e - o.e
	rest := e & 3 // also of a negative e: e - rest is a multiple of 4
	return math.Ldexp(math.Sqrt(math.Sqrt(math.Ldexp(l.m/o.m, rest))), (e-rest)/4)
}
