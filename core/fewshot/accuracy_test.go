package fewshot

import (
	"errors"
	"math"
	"testing"
)

func accuracyOf(values ...float64) *Accuracy {
	a := &Accuracy{}
	for _, v := range values {
		a.Add(v)
	}
	return a
}

// By hand: mean 0.75; deviations .25 .05 .05 .25 squared sum 0.13; s = sqrt(0.13/3); half width 1.96 s/2.
func TestAccuracyByHand(t *testing.T) {
	a := accuracyOf(0.5, 0.7, 0.8, 1)
	if !near(a.Mean(), 0.75, 1e-15) || !near(a.Interval(), 0.204003268, 1e-9) || a.N() != 4 || len(a.Values()) != 4 {
		t.Errorf("mean %v, interval %v of %d", a.Mean(), a.Interval(), a.N())
	}
	if got := a.String(); got != "75.00 ± 20.40" {
		t.Errorf("have %q", got)
	}
	if a := accuracyOf(0.4, 0.4, 0.4); !near(a.Interval(), 0, 1e-16) {
		t.Errorf("interval %v of equal values", a.Interval())
	}
	none, one := accuracyOf(), accuracyOf(1)
	if !math.IsNaN(none.Mean()) || !math.IsNaN(none.Interval()) || one.Mean() != 1 || !math.IsNaN(one.Interval()) {
		t.Errorf("none %v %v, one %v %v", none.Mean(), none.Interval(), one.Mean(), one.Interval())
	}
}

// By hand: differences .1 .2 .3, mean .2, s = .1, half width 1.96 * .1/sqrt(3) = 0.113160653.
func TestPairedDifferenceByHand(t *testing.T) {
	d, half, err := PairedDifference(accuracyOf(0.6, 0.9, 0.5), accuracyOf(0.5, 0.7, 0.2))
	if err != nil || !near(d, 0.2, 1e-15) || !near(half, 0.113160653, 1e-8) {
		t.Errorf("have %v ± %v, %v", d, half, err)
	}
	if _, _, err := PairedDifference(accuracyOf(1), accuracyOf(1, 1)); !errors.Is(err, ErrUnpaired) {
		t.Errorf("different lengths: %v, want ErrUnpaired", err)
	}
}

// Wilson's bounds solve |p - hits/n| = 1.96 sqrt(p(1-p)/n); that is checked, not the closed form again.
// The values of 8 in 10 are the familiar 0.4902 and 0.9433.
func TestWilson(t *testing.T) {
	for n := 1; n <= 60; n++ {
		for hits := 0; hits <= n; hits++ {
			low, high := Wilson(hits, n)
			for _, p := range []float64{low, high} {
				if !near(math.Abs(p-float64(hits)/float64(n)), 1.96*math.Sqrt(p*(1-p)/float64(n)), 1e-9) {
					t.Fatalf("%d of %d: bound %v", hits, n, p)
				}
			}
			if !(low >= 0 && low <= float64(hits)/float64(n) && high >= float64(hits)/float64(n) && high <= 1 && low < high) {
				t.Fatalf("%d of %d: %v..%v", hits, n, low, high)
			}
		}
	}
	if low, high := Wilson(8, 10); !near(low, 0.4902, 5e-5) || !near(high, 0.9433, 5e-5) {
		t.Errorf("8 of 10: %v..%v", low, high)
	}
	if low, high := Wilson(0, 0); low != 0 || high != 1 {
		t.Errorf("0 of 0: %v..%v", low, high)
	}
}
