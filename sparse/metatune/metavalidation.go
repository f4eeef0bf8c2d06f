package metatune

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"

	"haguruma/core/fewshot"
	"haguruma/core/picture"
	"haguruma/sparse"
)

// Trials are fixed tasks to choose by: the same ones at every validation. Trial may be called from several goroutines.
type Trials interface {
	Names() []string // of the sets
	Trial(t *Task, set, i int)
}

// metaValidation measures a run on trials, as use would: no noise in the scores, which are rounded, and masks at the density that they settle to.
type metaValidation struct {
	trials   Trials
	episodes int
}

func newMetaValidation(trials Trials, episodes int) *metaValidation {
	return &metaValidation{trials: trials, episodes: episodes}
}

// validate runs every trial with the masks as use has them and keeps the state when its mean is the best so far. It returns ctx's error and
// changes nothing when ctx ends.
func (t *metaTuner) validate(ctx context.Context, v *metaValidation, stats *MetaStats, progress Progress) error {
	best := t.snapshot(0) // of gates that are not settled, which may go on learning
	if t.cfg.settles() {
		t.eachExpert(func(m int, _, _ []float32) { t.gates.Settle(m, t.cfg.Density) })
		for m, la := range best.logAlpha {
			defer copy(t.gates.LogAlpha[m], la)
		}
	}
	names := v.trials.Names()
	right := make([]float64, len(names)*v.episodes)
	var made atomic.Int64
	t.needWorkers(runtime.GOMAXPROCS(0))
	err := eachCore(ctx, len(right), func() func(i int) {
		w := t.workers[made.Add(1)-1]
		return func(i int) {
			v.trials.Trial(&w.task, i/v.episodes, i%v.episodes)
			right[i] = w.accuracy(&t.metaState)
		}
	}, func(n int) { progress.report("validate", n, len(right), "") })
	if err != nil {
		return err
	}
	sum := 0.0
	for s, name := range names {
		acc := &fewshot.Accuracy{}
		for _, a := range right[s*v.episodes : (s+1)*v.episodes] {
			acc.Add(a)
		}
		stats.Validation = append(stats.Validation, Score{Set: name, Mean: 100 * acc.Mean(), Interval: 100 * acc.Interval()})
		sum += 100 * acc.Mean()
	}
	stats.Mean = sum / float64(len(names))
	if t.best == nil || stats.Mean > t.best.mean {
		best.mean = stats.Mean
		t.best, t.worse = best, 0
		return nil
	}
	t.worse++
	return nil
}

// accuracy of the worker's task under the state.
func (w *metaWorker) accuracy(s *metaState) float64 {
	t := &w.task
	dim, way := s.network.Dim(), t.Way
	nS, nQ := len(t.SupportLabels), len(t.QueryLabels)
	w.embedS, w.embedQ = room(w.embedS, nS*dim), room(w.embedQ, nQ*dim)
	w.means, w.frozenMeans = room(w.means, way*dim), room(w.frozenMeans, way*dim)
	scores := make([]float32, s.gates.Config.Experts)
	if s.router == nil {
		fill32(scores, 1/float32(len(scores)))
	} else {
		w.frozen.Forward(w.embedS, t.Support, nS, false)
		fewshot.ClassMeans(w.frozenMeans, w.embedS, t.SupportLabels, way, dim)
		var tape sparse.RouterTape[float32]
		s.router.Logits(scores, w.frozenMeans, way, &tape)
		sparse.Scores(scores, scores, nil, s.temperature)
	}
	if steps := s.cfg.steps(); steps > 0 {
		sparse.RoundScores(scores, steps)
	}
	sparse.Mix(w.mask, s.gates.Z, scores)
	sparse.Merge(w.query.Weights(), s.pre, w.mask, s.delta)
	w.query.Forward(w.embedS, t.Support, nS, false)
	w.query.Forward(w.embedQ, t.Query, nQ, false)
	fewshot.ClassMeans(w.means, w.embedS, t.SupportLabels, way, dim)
	w.student.forward(w.embedQ, w.means, nQ, way, dim)
	_, right := w.student.crossEntropy(t.QueryLabels, 0)
	return float64(right) / float64(nQ)
}

// pictureTrials are episodes of validation classes and of the meta-val sets: 5 ways (or as many as there are), 1 and 5 shots in turn, no
// augmentation.
type pictureTrials struct {
	size      int
	mean, std [3]float32
	names     []string
	pics      [][][]*picture.Picture
	samplers  [][2]*fewshot.Sampler
}

const (
	trialQueries = 10
	trialSeed    = 20240502
)

// newPictureTrials decodes the validation pictures of the sets (at most validationPerClass of a class) and of every meta-val set.
func newPictureTrials(ctx context.Context, splits fewshot.Splits, sets []string, size int, mean, std [3]float32, progress Progress) (*pictureTrials, error) {
	p := &pictureTrials{size: size, mean: mean, std: std}
	for _, name := range append(append([]string(nil), sets...), splits.Names(fewshot.RoleMetaVal)...) {
		d, err := splits.Open(name, fewshot.Val)
		if err != nil {
			return nil, err
		}
		for i := range d.Classes {
			d.Classes[i].Images = d.Classes[i].Images[:share(len(d.Classes[i].Images), 2*validationPerClass)]
		}
		pics, err := decodeAll(ctx, d, 0, progress)
		d.Close()
		if err != nil {
			return nil, err
		}
		var pair [2]*fewshot.Sampler
		for i, shot := range []int{1, 5} {
			if pair[i], err = fewshot.NewSampler(d, 5, shot, trialQueries, trialSeed); err != nil {
				return nil, fmt.Errorf("metatune: validation: %w", err)
			}
		}
		p.names, p.pics, p.samplers = append(p.names, name), append(p.pics, pics), append(p.samplers, pair)
	}
	return p, nil
}

func (p *pictureTrials) Names() []string { return p.names }

func (p *pictureTrials) Trial(t *Task, set, i int) {
	e := p.samplers[set][i%2].Episode(i / 2)
	length := 3 * p.size * p.size
	t.Set, t.Way = set, e.Way
	load := func(to []float32, examples []fewshot.Example) []float32 {
		to = room(to, len(examples)*length)
		for k, x := range examples {
			p.pics[set][x.Class][x.Image].Square(p.size).Tensor(to[k*length:][:length], p.mean, p.std)
		}
		return to
	}
	t.Support, t.Query = load(t.Support, e.Support), load(t.Query, e.Query)
	t.SupportLabels, t.QueryLabels = fewshot.Labels(e.Support), fewshot.Labels(e.Query)
}

// snapshot copies what use needs.
func (t *metaTuner) snapshot(mean float64) *metaBest {
	b := &metaBest{mean: mean, update: t.update, temperature: t.temperature, delta: append([]float32(nil), t.delta...)}
	for _, la := range t.gates.LogAlpha {
		b.logAlpha = append(b.logAlpha, append([]float32(nil), la...))
	}
	if t.router != nil {
		b.router = append([]float32(nil), t.router.Flat...)
	}
	return b
}
