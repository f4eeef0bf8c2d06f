package sparse

import "fmt"

// Experts are what meta-tuning learned, for use: masks, the delta they share, and who chooses.
type Experts struct {
	Tensors     []Tensor         // of the backbone: names, shapes and places in the flat vector
	Masks       []*Mask          // (M) of (N)
	Delta       *Delta           // of the same tensors; 0 where every mask is closed
	Router      *Router[float32] // nil: with one expert, or where none was learned; scores are then uniform
	Temperature float32          // of the router's scores in use
	// Steps rounds scores to multiples of 1/Steps that sum to 1; 0 leaves them as they are. Rounded scores do not depend on the last bits of
	// an embedding, and equal tasks share one merge.
	Steps int
	// Free: there is no router, and a task's own examples say what is taken of each expert; see FreeRouter. Route, which sees no examples,
	// then gives uniform scores.
	Free bool
	// RouterInt8: a file has the router's matrices in int8, as Compact left them.
	RouterInt8 bool
	// Backbone is the sha256 of the bundle that the experts were learned on, as their file says; empty: it does not say.
	Backbone string
}

// DefaultSteps is the rounding of scores of bundles made here.
const DefaultSteps = 16

// Check reports the first part whose length does not fit the others.
func (e *Experts) Check() error {
	n := scalars(e.Tensors)
	if len(e.Masks) < 1 || len(e.Masks) > maxExperts {
		return fmt.Errorf("sparse: experts: want 1..%d masks, have %d: %w", maxExperts, len(e.Masks), ErrConfig)
	}
	for i, m := range e.Masks {
		if m.Len() != n {
			return fmt.Errorf("sparse: expert %d: want a mask of %d scalars, have %d: %w", i, n, m.Len(), ErrConfig)
		}
	}
	if e.Delta == nil || len(e.Delta.parts) != len(e.Tensors) || e.Delta.Len() != n {
		return fmt.Errorf("sparse: delta: want one of %d tensors and %d scalars: %w", len(e.Tensors), n, ErrConfig)
	}
	if e.Free && e.Router != nil {
		return fmt.Errorf("sparse: experts that a task's examples choose: want no router, have one: %w", ErrConfig)
	}
	if e.Router != nil {
		if e.Router.Config.Experts != len(e.Masks) {
			return fmt.Errorf("sparse: router: want scores for %d experts, have %d: %w", len(e.Masks), e.Router.Config.Experts, ErrConfig)
		}
		if !(e.Temperature > 0) {
			return fmt.Errorf("sparse: temperature: want above 0, have %v: %w", e.Temperature, ErrConfig)
		}
	}
	if e.Steps < 0 || e.Steps > maxSteps {
		return fmt.Errorf("sparse: steps: want 0..%d, have %d: %w", maxSteps, e.Steps, ErrConfig)
	}
	return nil
}

const maxSteps = 1 << 16

// Route writes the scores of a task, METHOD section 2.
//
//	scores      (M)         not negative, sum 1; all equal where the router gives numbers that are not finite
//	prototypes  (way, dim)  class means of the support as the backbone alone embeds it, not normalized
func (e *Experts) Route(scores, prototypes []float32, way int) {
	if e.Router == nil || len(e.Masks) == 1 {
		for m := range scores {
			scores[m] = 1 / float32(len(scores))
		}
	} else {
		var tape RouterTape[float32]
		logits := make([]float32, len(scores))
		e.Router.Logits(logits, prototypes, way, &tape)
		Scores(scores, logits, nil, e.Temperature)
		for _, s := range scores {
			if !(s >= 0 && s <= 1) { // of prototypes or weights that overflow
				for m := range scores {
					scores[m] = 1 / float32(len(scores))
				}
				break
			}
		}
	}
	if e.Steps > 0 {
		RoundScores(scores, e.Steps)
	}
}

// RoundScores rounds scores that sum to 1 to multiples of 1/steps that sum to 1, by largest remainders; of equal remainders the first. What is
// no share, below 0, above 1 or NaN, is taken as the nearest of 0 and 1, NaN as 0.
func RoundScores(scores []float32, steps int) {
	count := make([]int, len(scores))
	rest := make([]float64, len(scores))
	left := steps
	for m, s := range scores {
		x := 0.0
		if s > 0 {
			x = min(float64(s), 1) * float64(steps)
		}
		count[m] = int(x)
		rest[m] = x - float64(count[m])
		left -= count[m]
	}
	for ; left > 0; left-- {
		best := 0
		for m := range rest {
			if rest[m] > rest[best] {
				best = m
			}
		}
		count[best]++
		rest[best]--
	}
	for ; left < 0; left++ { // scores above 1 by a rounding error
		best := 0
		for m := range rest {
			if count[m] > count[best] {
				best = m
			}
		}
		count[best]--
	}
	for m := range scores {
		scores[m] = float32(count[m]) / float32(steps)
	}
}

// Merge writes theta = pre + (sum_m scores[m] mask_m) * delta for the scalars of every tensor. theta may alias pre.
//
//	theta, pre  (N)
//	scores      (M)
func (e *Experts) Merge(theta, pre, scores []float32) {
	for i, t := range e.Tensors {
		e.mergeTensor(theta[t.Start:t.Start+t.Len()], pre[t.Start:t.Start+t.Len()], scores, i)
	}
}

// mergeTensor merges tensor i; theta and pre are its own.
func (e *Experts) mergeTensor(theta, pre, scores []float32, i int) {
	const piece = 1024
	var mask, delta [piece]float32
	for at := 0; at < len(pre); at += piece {
		end := min(at+piece, len(pre))
		part := mask[:end-at]
		clear(part)
		for m, s := range scores {
			if s != 0 {
				e.Masks[m].AddTo(part, e.Tensors[i].Start+at, s)
			}
		}
		e.Delta.readRange(delta[:len(part)], i, at)
		Merge(theta[at:end], pre[at:end], part, delta[:len(part)])
	}
}
