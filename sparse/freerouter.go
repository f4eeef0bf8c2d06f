package sparse

import (
	"cmp"
	"fmt"
	"math"

	"haguruma/core/kernel"
	"haguruma/core/tensorfile"
)

// FreeRouter scores experts without anything learned: each is merged alone, and the better it separates the classes of a task's support, the
// more of it is taken. It is for experts that come without a Router.
//
//	separation_m = Balance * (mean cosine of an example to its own class's prototype)
//	             - (1-Balance) * (mean cosine of an example to another class's prototype)
//	w_m          = exp(Sharpness * (separation_m - 1)), 0 for all but the Top largest
//	score_m      = w_m / sum_j w_j
//
// Examples are augmented, prototypes are not: else an expert would be praised for the examples that it is judged by.
// Source: Yang, Liu, Wei 2024, "Mixture of Adversarial LoRAs" (AMT), NeurIPS 2024, section on test-time merging.
type FreeRouter struct {
	Balance   float64 // 0..1: what an example's own class counts against the others
	Sharpness float64 // 0: the Top experts count alike
	Top       int     // experts that are kept, 1 or more
}

// DefaultFreeRouter keeps two experts, as AMT does. Balance and sharpness are not AMT's: both kinds of cosine count alike, and the sharpness
// is that of the same kernel in Tip-Adapter (Zhang et al. 2022, arXiv:2207.09519).
var DefaultFreeRouter = FreeRouter{Balance: 0.5, Sharpness: 5.5, Top: 2}

// Check returns an error that wraps ErrConfig and names the field out of bounds.
func (f FreeRouter) Check() error {
	switch {
	case !(f.Balance >= 0 && f.Balance <= 1):
		return fmt.Errorf("sparse: free router: balance: want 0..1, have %v: %w", f.Balance, ErrConfig)
	case !(f.Sharpness >= 0 && f.Sharpness <= 1e6):
		return fmt.Errorf("sparse: free router: sharpness: want 0..1e6, have %v: %w", f.Sharpness, ErrConfig)
	case f.Top < 1:
		return fmt.Errorf("sparse: free router: top: want 1 or more, have %d: %w", f.Top, ErrConfig)
	}
	return nil
}

// Support is a task's examples as one backbone embeds them.
//
//	Clean, Augmented  (len(Labels), dim), (len(AugmentedLabels), dim)
type Support struct {
	Clean, Augmented        []float32
	Labels, AugmentedLabels []int // 0..way-1; every class has a clean example
	Way, Dim                int
}

// Separation is how well an embedding tells the classes of a support apart, -1..1. Prototypes are the means of the clean embeddings. Where
// there is but one class, there is no other and that mean is 0; a cosine with a vector of zeros is 0. It panics when lengths or labels do not fit.
func (f FreeRouter) Separation(s Support) float64 {
	if s.Way < 1 || s.Dim < 1 || len(s.Clean) != len(s.Labels)*s.Dim || len(s.Augmented) != len(s.AugmentedLabels)*s.Dim {
		panic("sparse: FreeRouter: lengths do not fit")
	}
	prototypes := make([]float32, s.Way*s.Dim)
	for i, label := range s.Labels {
		// The direction of a mean is the direction of the sum.
		kernel.Add(prototypes[label*s.Dim:(label+1)*s.Dim], s.Clean[i*s.Dim:(i+1)*s.Dim])
	}
	var own, other float64
	for i, label := range s.AugmentedLabels {
		x := s.Augmented[i*s.Dim : (i+1)*s.Dim]
		for class := range s.Way {
			c := cosine(x, prototypes[class*s.Dim:(class+1)*s.Dim])
			if class == label {
				own += c
			} else {
				other += c
			}
		}
	}
	n := float64(max(len(s.AugmentedLabels), 1))
	return f.Balance*own/n - (1-f.Balance)*other/(n*float64(max(s.Way-1, 1)))
}

func cosine(x, y []float32) float64 {
	square := float64(kernel.Dot(x, x)) * float64(kernel.Dot(y, y))
	if square == 0 {
		return 0
	}
	return float64(kernel.Dot(x, y)) / math.Sqrt(square)
}

// Scores turns separations into scores that are not negative and sum to 1; of equal experts at the edge of Top the first are kept.
// One whose separation is NaN counts as the worst.
//
//	scores, separations  (M)
func (f FreeRouter) Scores(scores []float32, separations []float64) {
	order := tensorfile.Order(len(separations), func(a, b int) int { return cmp.Or(cmp.Compare(separations[b], separations[a]), a-b) })
	clear(scores)
	kept, sum := order[:min(f.Top, len(order))], 0.0
	weights := make([]float64, len(kept))
	for i, m := range kept {
		// Against the best, not against 1: the same ratios, and never all of them zero.
		if w := math.Exp(f.Sharpness * (separations[m] - separations[kept[0]])); w == w {
			weights[i] = w
		}
		sum += weights[i]
	}
	for i, m := range kept {
		if sum == 0 { // no separation is a number
			scores[m] = 1 / float32(len(kept))
			continue
		}
		scores[m] = float32(weights[i] / sum)
	}
}

// Route scores the experts of a task.
//
//	scores  (M)
//	embed   returns the support as the backbone with expert m alone, at score 1, embeds it; it is called for 0..M-1 in order
//
// The error is embed's, or wraps ErrConfig when the router does not pass Check.
func (f FreeRouter) Route(scores []float32, embed func(m int) (Support, error)) error {
	if err := f.Check(); err != nil {
		return err
	}
	separations := make([]float64, len(scores))
	for m := range scores {
		s, err := embed(m)
		if err != nil {
			return err
		}
		separations[m] = f.Separation(s)
	}
	f.Scores(scores, separations)
	return nil
}
