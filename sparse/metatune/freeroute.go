package metatune

import (
	"fmt"
	"math/rand/v2"

	"haguruma/core/fewshot"
	"haguruma/sparse"
)

// freeViews are the changed copies of each example that FreeRoute looks at.
const freeViews = 2

// FreeRoute scores the experts of a task without a learned router: with each expert alone, at score 1, the network embeds the support and
// two DiffAugment copies of it, the same for all experts, and router judges how well its classes come apart. It costs three times the
// embedding of the support for each expert.
//
//	scores  (M)              written
//	run                      its weights are written
//	start   (N)              the network's weights without experts
//	inputs  (n, 3, S, S)     the support, n = len(labels)
//	labels  (n)              0..way-1, each there at least once
//
// The same seed gives the same scores. Errors wrap fewshot.ErrEpisode or sparse.ErrConfig.
func FreeRoute(router sparse.FreeRouter, scores []float32, e *sparse.Experts, run Run, start, inputs []float32, labels []int, way, dim, size int, seed uint64) error {
	n, length := len(labels), 3*size*size
	if len(scores) != len(e.Masks) || len(inputs) != n*length || len(start) != len(run.Weights()) || e.Delta.Len() != len(start) {
		return fmt.Errorf("metatune: free route: %d scores for %d experts, %d inputs for %d labels, %d weights for %d: %w",
			len(scores), len(e.Masks), len(inputs)/max(length, 1), n, len(start), e.Delta.Len(), sparse.ErrConfig)
	}
	examples := make([]int, way)
	for _, label := range labels {
		if label < 0 || label >= way {
			return fmt.Errorf("metatune: free route: label %d: want 0..%d: %w", label, way-1, fewshot.ErrEpisode)
		}
		examples[label]++
	}
	for label, count := range examples {
		if count == 0 {
			return fmt.Errorf("metatune: free route: class %d has no example: %w", label, fewshot.ErrEpisode)
		}
	}
	all := make([]float32, (1+freeViews)*len(inputs))
	copy(all, inputs)
	rng := rand.New(rand.NewPCG(seed, freeViews))
	var augmented []int
	for view := range freeViews {
		DiffAugment(all[(1+view)*len(inputs):(2+view)*len(inputs)], inputs, n, size, rng)
		augmented = append(augmented, labels...)
	}
	embed, alone := make([]float32, (1+freeViews)*n*dim), make([]float32, len(scores))
	return router.Route(scores, func(m int) (sparse.Support, error) {
		clear(alone)
		alone[m] = 1
		copy(run.Weights(), start)
		e.Merge(run.Weights(), start, alone)
		run.Forward(embed, all, (1+freeViews)*n, false)
		return sparse.Support{
			Clean: embed[:n*dim], Labels: labels, Augmented: embed[n*dim:], AugmentedLabels: augmented, Way: way, Dim: dim,
		}, nil
	})
}
