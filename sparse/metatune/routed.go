package metatune

import (
	"fmt"
	"math"

	"haguruma/core/picture"
)

// Routed is an Embedder whose weights depend on the task: a router reads the
// class means of the frozen embeddings of the support and scores the experts,
// and the weights merged by those scores embed support and queries. One
// goroutine uses one Routed; all that a Method makes are alike.
type Routed interface {
	Embedder // Embed: by the frozen backbone, what the router reads

	// Experts is how many experts there are, M.
	Experts() int
	// Route writes scores (M) for the task whose classes have the means
	// prototypes (way, Dim), not scaled. Scores are finite, not negative, and
	// rounded to multiples of 1/16, so that like tasks share their weights.
	Route(scores, prototypes []float32, way int)
	// Adapt merges the weights by scores (M), which it does not keep.
	Adapt(scores []float32)
	// EmbedAdapted is Embed by the weights of the last Adapt. A picture has the
	// same embedding whatever else is in the batch.
	EmbedAdapted(embed []float32, pics []*picture.Picture)
}

// TaskRouting says where the router sent the tasks of a cell.
type TaskRouting struct {
	Scores        []float64 `json:"scores"`        // (experts) mean over the episodes
	EntropyOfMean float64   `json:"entropyOfMean"` // nats, of Scores: 0 one expert for all tasks, ln M all alike
	MeanEntropy   float64   `json:"meanEntropy"`   // nats, mean over the episodes: 0 each task has one expert
	Kinds         int       `json:"kinds"`         // how many different scores the episodes got
}

// newRouting sums up the scores of the episodes, each (experts).
func newRouting(scores [][]float32) *TaskRouting {
	r := &TaskRouting{Scores: make([]float64, len(scores[0]))}
	kinds := map[string]bool{}
	p := make([]float64, len(r.Scores))
	for _, s := range scores {
		kinds[scoresKey(s)] = true
		for m, v := range s {
			p[m] = float64(v)
			r.Scores[m] += float64(v)
		}
		r.MeanEntropy += entropy(p)
	}
	n := float64(len(scores))
	for m := range r.Scores {
		r.Scores[m] /= n
	}
	r.MeanEntropy /= n
	r.EntropyOfMean = entropy(r.Scores)
	r.Kinds = len(kinds)
	return r
}

// entropy returns the entropy in nats of p scaled to sum 1; 0 for all zeros.
func entropy(p []float64) float64 {
	sum, h := 0.0, 0.0
	for _, v := range p {
		sum += v
	}
	for _, v := range p {
		if v > 0 {
			h -= v / sum * math.Log(v/sum)
		}
	}
	return max(h, 0) // not -0
}

// scoresKey is equal for equal scores.
func scoresKey(scores []float32) string {
	key := make([]byte, 0, 4*len(scores))
	for _, v := range scores {
		bits := math.Float32bits(v)
		key = append(key, byte(bits>>24), byte(bits>>16), byte(bits>>8), byte(bits))
	}
	return string(key)
}

func checkScores(scores []float32) error {
	for m, v := range scores {
		if !(v >= 0) || math.IsInf(float64(v), 1) {
			return fmt.Errorf("score of expert %d: want 0 or more, have %v: %w", m, v, ErrNotFinite)
		}
	}
	return nil
}

func checkFinite(embed []float32) error {
	for i, v := range embed {
		if v-v != 0 {
			return fmt.Errorf("value %d of the embedding is %v: %w", i, v, ErrNotFinite)
		}
	}
	return nil
}
