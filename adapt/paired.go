package adapt

import (
	"fmt"
	"math"
)

// Paired compares two adaptations, a new one and the one in use, example by example, each by what has not seen the example. It is all that the rule of
// the guard needs to know, so it can be kept between examples.
type Paired struct {
	Compared           int     // examples
	Hits, Before       int     // of the new one, of the one in use
	LogLoss, LogBefore float64 // sums of -log of the probability of an example's own class, nats
	Difference, Square float64 // sums of LogLoss - LogBefore of each example, and of its square
}

// guardProbability bounds what one example can add to either log-loss when two adaptations are compared, so that one odd example does not decide.
const guardProbability = 1e-3

// Add takes one example into account: the probability of its own class, and whether that is the answer. A class that an adaptation does not know has
// probability 0 with it.
func (p *Paired) Add(now, before float32, hit, hitBefore bool) {
	a, b := -math.Log(max(float64(now), guardProbability)), -math.Log(max(float64(before), guardProbability))
	p.Compared++
	p.LogLoss, p.LogBefore = p.LogLoss+a, p.LogBefore+b
	p.Difference += a - b
	p.Square += float64((a - b) * (a - b))
	if hit {
		p.Hits++
	}
	if hitBefore {
		p.Before++
	}
}

// Verdict says whether the new one is worse: it hits fewer examples and its log-loss is not lower, or its log-loss is higher by more than one standard
// error of the difference. Without an example it is VerdictNotCompared.
func (p *Paired) Verdict() Verdict {
	if p.Compared == 0 {
		return Verdict{Code: VerdictNotCompared, Reason: "the one in use has seen every example, and none can be held out of it"}
	}
	n := float64(p.Compared)
	v := Verdict{Code: VerdictBetter, Compared: p.Compared, Hits: p.Hits, Before: p.Before, LogLoss: p.LogLoss / n, LogBefore: p.LogBefore / n}
	difference := p.Difference / n
	deviation := math.Sqrt(max(0, p.Square/n-float64(difference*difference)) / max(1, n-1))
	how := "no worse than"
	if v.Hits < v.Before && difference >= 0 || difference > deviation {
		v.Code, how = VerdictWorse, "worse than"
	}
	v.Reason = fmt.Sprintf("%s what is in use: it gets %d of %d held-out examples right, log-loss %.3f; what is in use gets %d, log-loss %.3f",
		how, v.Hits, v.Compared, v.LogLoss, v.Before, v.LogBefore)
	return v
}
