package fewshot

import (
	"math"

	"haguruma/core/kernel"
)

// fitScale returns the factor on logits (n, way) whose softmax predicts the labels best: it minimises
//
//	sum of -log p(label)  +  pseudo (x/usual - log(x/usual))
//
// in x > 0: the second term is what pseudo examples that ask for the usual factor would say, without which a support that is told apart
// faultlessly has no best factor. Both terms are convex; Newton's steps are kept from leaving half to double.
func fitScale(logits []float64, labels []int, way int, usual, pseudo float64) float64 {
	n := len(labels)
	p := make([]float32, n*way)
	x := usual
	for range 30 {
		probabilities(p, logits, x, way)
		slope := pseudo * (1/usual - 1/x)
		bend := pseudo / float64(x*x)
		for i, label := range labels {
			l := logits[i*way : (i+1)*way]
			var mean, square float64
			for c, v := range l {
				weighted := float64(float64(p[i*way+c]) * v)
				mean += weighted
				square += float64(weighted * v)
			}
			slope += mean - l[label]
			bend += max(0, square-float64(mean*mean))
		}
		next := min(max(x-slope/bend, x/2), 2*x)
		if done := math.Abs(next-x) <= 1e-6*x; done || !(next > 0) {
			break
		}
		x = next
	}
	return x
}

// humble returns the largest factor up to x at which the mean probability of the class said is no more than n examples can bear out: 1 - 1/(2n+4), half the
// error that Laplace's rule expects of n examples without one. Pictures of one burst, nearly the same, would be told apart with certainty else.
func humble(logits []float64, way int, x float64) float64 {
	n := len(logits) / way
	most := float64(n) * (1 - 1/float64(2*n+4))
	p := make([]float32, len(logits))
	sure := func(x float64) bool {
		probabilities(p, logits, x, way)
		var sum float64
		for i := range n {
			row := p[i*way : (i+1)*way]
			sum += float64(row[Argmax(row)])
		}
		return sum > most
	}
	if !sure(x) {
		return x
	}
	low := 0.0
	for range 40 {
		if middle := (low + x) / 2; sure(middle) {
			x = middle
		} else {
			low = middle
		}
	}
	return low
}

// probabilities writes the softmax of x times each row of logits (n, way).
func probabilities(p []float32, logits []float64, x float64, way int) {
	for i := 0; i < len(logits); i += way {
		row := logits[i : i+way]
		most := row[0]
		for _, v := range row {
			most = max(most, v)
		}
		for c, v := range row {
			p[i+c] = float32(x * (v - most))
		}
	}
	kernel.Softmax(p, p, len(logits)/way, way)
}

// leastProbability bounds the loss of one example: float32 probabilities end in 0.
const leastProbability = 0x1p-40
