package nn

import "math"

// Schedule is a learning rate that rises linearly for Warmup steps and falls to Floor along half a cosine at Total.
// Source: Loshchilov and Hutter 2017, arXiv:1608.03983, eq. 5, without restarts.
type Schedule struct {
	Peak, Floor   float64
	Warmup, Total int
}

// At returns the rate of step (from 0). After Total it stays at Floor.
func (s Schedule) At(step int) float64 {
	switch {
	case step < s.Warmup:
		return s.Peak * float64(step+1) / float64(s.Warmup)
	case step >= s.Total:
		return s.Floor
	}
	share := float64(step-s.Warmup) / float64(s.Total-s.Warmup)
	return s.Floor + (s.Peak-s.Floor)*(1+math.Cos(math.Pi*share))/2
}
