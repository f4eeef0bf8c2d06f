package metatune

import (
	"math"
	"math/rand/v2"
	"slices"

	"haguruma/core/kernel"
	"haguruma/sparse"
)

// startFromTasks looks at cfg.StartTasks tasks before the first update. The router's keys become the centres of the clusters that the
// untrained router's task embeddings fall into, so that experts begin with tasks of their own; and the gates of an expert are ordered by how
// hard its tasks pull on each weight, more than those of others: by the sum of their gradients at the backbone's own weights. It is the
// saliency of Lee et al. 2019, arXiv:1810.02340, of a change instead of a weight. While the delta is 0 a gate has no gradient, so without this a mask first has
// to unlearn where it began by chance.
func (t *metaTuner) startFromTasks() {
	n, experts, seed := t.cfg.StartTasks, t.cfg.Gates.Experts, t.cfg.Seed+13
	t.temperature = t.temperatureAt(0)
	if t.router != nil {
		embeds := make([][]float32, n)
		t.eachTask(seed, 0, n, func(w *metaWorker, i int, rng *rand.Rand) {
			var r taskResult
			t.tasks.Draw(&w.task, rng)
			w.route(&t.metaState, &r, rng)
			embeds[i] = slices.Clone(r.tape.Embedding())
		})
		setKeys(t.router, embeds, float32(t.cfg.StartMargin), rand.New(rand.NewPCG(t.cfg.Seed, 12)))
	}
	if t.cfg.Masks != MasksLearned {
		return
	}
	pull := make([][]float32, experts)
	for m := range pull {
		pull[m] = make([]float32, len(t.pre))
	}
	for first := 0; first < n; first += len(t.results) {
		batch := t.results[:min(len(t.results), n-first)]
		t.eachTask(seed, first, len(batch), func(w *metaWorker, i int, rng *rand.Rand) {
			r := batch[i]
			w.run(&t.metaState, t.tasks, r, rng)
			copy(r.dDelta, w.grad) // of the merged weights, which are the backbone's own
			if t.router != nil {
				sparse.Scores(r.scores, r.logits, nil, t.temperature)
			}
		})
		t.eachExpert(func(m int, _, _ []float32) {
			for _, r := range batch {
				kernel.Axpy(pull[m], r.scores[m], r.dDelta)
			}
		})
	}
	ownPull(pull)
	t.eachExpert(func(m int, _, _ []float32) { t.gates.InitOrder(m, pull[m], min(t.cfg.InitDensity, 0.999)) })
}

// ownPull makes of the experts' pulls their squares over the sum of all magnitudes: what only one expert's tasks pull on counts whole, what
// all pull on alike counts a share, so that experts begin apart.
func ownPull(pull [][]float32) {
	for i := range pull[0] {
		sum := float32(0)
		for _, p := range pull {
			sum += max(p[i], -p[i])
		}
		for _, p := range pull {
			p[i] *= p[i] / max(sum, 1e-30)
		}
	}
}

// setKeys writes keys that point from the mean of the embeddings to the centres of their clusters, at right angles to the mean itself, so
// that no expert is above the others for every task, and then the same step back along the mean for all: over the tasks the logit of the
// own cluster's expert is margin/2, that of the others -margin/2. The step back is what makes scores differ: they are sigmoids over their
// sum, so experts that all have a logit above 0 share a task alike. With fewer distinct tasks than experts some centres are equal.
func setKeys(router *sparse.Router[float32], embeds [][]float32, margin float32, rng *rand.Rand) {
	dim, experts := router.Config.Dim, router.Config.Experts
	mean := make([]float32, dim)
	for _, e := range embeds {
		kernel.Axpy(mean, 1/float32(len(embeds)), e)
	}
	along := kernel.Dot(mean, mean)
	centred := make([][]float32, len(embeds))
	for i, e := range embeds {
		c := slices.Clone(e)
		kernel.Axpy(c, -kernel.Dot(e, mean)/max(along, 1e-30), mean)
		kernel.Scale(c, 1/max(float32(math.Sqrt(float64(kernel.Dot(c, c)))), 1e-30))
		centred[i] = c
	}
	centres, of := sphereMeans(centred, experts, rng)
	keys := router.Keys()
	own, others := float32(0), float32(0)
	for i, e := range embeds {
		for m, c := range centres {
			logit := kernel.Dot(c, e) / float32(len(embeds))
			if m == of[i] {
				own += logit
			} else {
				others += logit / float32(max(experts-1, 1))
			}
		}
	}
	scale := margin / max(own-others, 1e-6)
	back := scale * (own + others) / 2 / max(along, 1e-30)
	for m, c := range centres {
		key := keys[m*dim:][:dim]
		copy(key, c)
		kernel.Scale(key, scale)
		kernel.Axpy(key, -back, mean)
	}
}

// sphereMeans clusters unit vectors by cosine: k-means++ and 20 rounds of Lloyd's, centres of length one (Dhillon and Modha 2001,
// doi:10.1023/A:1007612920971). An empty cluster keeps its centre.
func sphereMeans(x [][]float32, k int, rng *rand.Rand) (centres [][]float32, of []int) {
	centres = append(centres, slices.Clone(x[rng.IntN(len(x))]))
	weight := make([]float64, len(x))
	for len(centres) < k {
		sum := 0.0
		for i, v := range x {
			nearest := float32(-1)
			for _, c := range centres {
				nearest = max(nearest, kernel.Dot(v, c))
			}
			weight[i] = max(0, float64(1-nearest))
			sum += weight[i]
		}
		at, pick := rng.Float64()*sum, 0
		for pick = 0; pick < len(x)-1 && at >= weight[pick]; pick++ {
			at -= weight[pick]
		}
		centres = append(centres, slices.Clone(x[pick]))
	}
	of = make([]int, len(x))
	for range 20 {
		for i, v := range x {
			of[i] = nearestCentre(centres, v)
		}
		for m, c := range centres {
			next := make([]float32, len(c))
			for i, v := range x {
				if of[i] == m {
					kernel.Add(next, v)
				}
			}
			if norm := math.Sqrt(float64(kernel.Dot(next, next))); norm > 1e-6 {
				kernel.Scale(next, float32(1/norm))
				copy(c, next)
			}
		}
	}
	return centres, of
}

func nearestCentre(centres [][]float32, v []float32) int {
	best, at := kernel.Dot(centres[0], v), 0
	for m, c := range centres[1:] {
		if cosine := kernel.Dot(c, v); cosine > best {
			best, at = cosine, m+1
		}
	}
	return at
}
