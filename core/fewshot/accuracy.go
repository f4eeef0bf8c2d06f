package fewshot

import (
	"fmt"
	"math"
)

// z95 is the two-sided 95% point of the normal distribution as the few-shot literature rounds it.
const z95 = 1.96

// Accuracy collects one value an episode, each in 0..1, in the order of the episodes. The zero value is
// ready to use. Not safe for concurrent use: gather by index first, then Add in order.
type Accuracy struct {
	values []float64
}

// Add appends the accuracy of the next episode.
func (a *Accuracy) Add(v float64) { a.values = append(a.values, v) }

// N returns the number of episodes.
func (a *Accuracy) N() int { return len(a.values) }

// Values returns the values in order; the slice is not a copy.
func (a *Accuracy) Values() []float64 { return a.values }

// Mean returns the mean, NaN of no value.
func (a *Accuracy) Mean() float64 { return mean(a.values) }

// Interval returns half the width of the 95% interval of the mean over episodes: 1.96 s/sqrt(n) with s
// the sample standard deviation (n-1). NaN of fewer than two values.
func (a *Accuracy) Interval() float64 { return interval(a.values) }

// String returns the mean and its interval in percent: "93.42 ± 0.31".
func (a *Accuracy) String() string {
	return fmt.Sprintf("%.2f ± %.2f", 100*a.Mean(), 100*a.Interval())
}

// PairedDifference returns the mean of a-b over the episodes and half its 95% interval. Pairing
// removes what the two share, the difficulty of each episode. ErrUnpaired: different numbers of
// episodes. That they are the same episodes is the caller's duty.
func PairedDifference(a, b *Accuracy) (difference, halfWidth float64, err error) {
	if len(a.values) != len(b.values) {
		return 0, 0, fmt.Errorf("fewshot: %d episodes against %d: %w", len(a.values), len(b.values), ErrUnpaired)
	}
	d := make([]float64, len(a.values))
	for i := range d {
		d[i] = a.values[i] - b.values[i]
	}
	return mean(d), interval(d), nil
}

// Wilson returns the 95% interval of a proportion of hits in n trials (Wilson 1927, JASA 22:209). Unlike
// the normal one it stays inside 0..1 and means something for small n. It is 0..1 for n = 0.
func Wilson(hits, n int) (low, high float64) {
	if hits < 0 || hits > n {
		panic("fewshot: Wilson: hits out of range")
	}
	if n == 0 {
		return 0, 1
	}
	total, p := float64(n), float64(hits)/float64(n)
	center := (p + z95*z95/(2*total)) / (1 + z95*z95/total)
	half := z95 / (1 + z95*z95/total) * math.Sqrt(p*(1-p)/total+z95*z95/(4*total*total))
	low, high = center-half, center+half
	if hits == 0 {
		low = 0 // exactly; rounding leaves 1e-17
	}
	if hits == n {
		high = 1
	}
	return low, high
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

func interval(x []float64) float64 {
	if len(x) < 2 {
		return math.NaN()
	}
	m, square := mean(x), 0.0
	for _, v := range x {
		square += (v - m) * (v - m)
	}
	n := float64(len(x))
	return z95 * math.Sqrt(square/(n-1)/n)
}
