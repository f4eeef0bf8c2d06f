package metatune

import (
	"math"
	"math/rand/v2"
	"testing"

	"haguruma/core/kernel"
	"haguruma/sparse"
)

// TestSetKeys: with tasks in four clusters of embeddings around a common mean, each cluster has an expert of its own, whose logit is half
// the margin above 0 on average, the others' half below.
func TestSetKeys(t *testing.T) {
	const dim, clusters = 16, 4
	rng := rand.New(rand.NewPCG(1, 2))
	var embeds [][]float32
	for i := range 80 {
		e := make([]float32, dim)
		for k := range e {
			e[k] = 3 + 0.1*float32(rng.NormFloat64())
		}
		e[2+i%clusters]++
		embeds = append(embeds, e)
	}
	router := sparse.NewRouter[float32](sparse.RouterConfig{Dim: dim, Experts: clusters, Heads: 2, MLPDim: 8, Tokens: 2, Read: sparse.ReadSkills, Eps: 1e-5})
	const startMargin = 8
	setKeys(router, embeds, startMargin, rng)
	keys := router.Keys()
	expert := map[int]int{}
	own, others := 0.0, 0.0
	for i, e := range embeds {
		best, sum := 0, float32(0)
		logits := make([]float32, clusters)
		for m := range logits {
			logits[m] = kernel.Dot(keys[m*dim:][:dim], e)
			sum += logits[m]
			if logits[m] > logits[best] {
				best = m
			}
		}
		own += float64(logits[best]) / float64(len(embeds))
		others += float64(sum-logits[best]) / (clusters - 1) / float64(len(embeds))
		if was, ok := expert[i%clusters]; ok && was != best {
			t.Fatalf("task %d of cluster %d goes to expert %d, others of it to %d", i, i%clusters, best, was)
		}
		expert[i%clusters] = best
	}
	if len(expert) != clusters || math.Abs(own-startMargin/2) > 0.05 || math.Abs(others+startMargin/2) > 0.05 {
		t.Errorf("experts of the clusters: %v, logits of the own %v and of the others %v, want %v and its negative", expert, own, others, startMargin/2)
	}
}

// TestStartFromTasks: it is the same on any number of workers, its masks have the density asked for, differ between experts, and open weights
// with a stronger gradient; a run from it learns.
func TestStartFromTasks(t *testing.T) {
	cfg := shortConfig(t.TempDir())
	cfg.StartTasks = 24
	var first *metaTuner
	for _, workers := range []int{1, 3} {
		tuner, err := newMetaTuner(cfg, convNetwork{}, shortStart(), toyTrain())
		if err != nil {
			t.Fatal(err)
		}
		tuner.workers = tuner.workers[:1]
		tuner.needWorkers(workers)
		tuner.startFromTasks()
		if first == nil {
			first = tuner
			continue
		}
		for m, la := range tuner.gates.LogAlpha {
			for i := range la {
				if la[i] != first.gates.LogAlpha[m][i] {
					t.Fatalf("expert %d: gate %d depends on the number of workers", m, i)
				}
			}
		}
	}
	first.refresh(true)
	for m, d := range first.densities {
		if math.Abs(d-cfg.InitDensity) > 0.01 {
			t.Errorf("expert %d: density %v, want %v", m, d, cfg.InitDensity)
		}
	}
	if overlap := sparse.Overlap(sparse.NewMask(first.gates.Z[0]), sparse.NewMask(first.gates.Z[1])); overlap > 0.95 || overlap < cfg.InitDensity/2 {
		t.Errorf("overlap of the experts: %v", overlap)
	}
	if _, err := shortRun(cfg, toyTrain(), 0); err != nil {
		t.Error(err)
	}
}

func TestOwnPull(t *testing.T) {
	pull := [][]float32{{4, -2, 0}, {0, 2, 0}, {0, 0, 0}}
	ownPull(pull)
	for m, want := range [][]float32{{4, 1, 0}, {0, 1, 0}, {0, 0, 0}} {
		for i, v := range want {
			if pull[m][i] != v {
				t.Errorf("expert %d, weight %d: want %v, have %v", m, i, v, pull[m][i])
			}
		}
	}
}
