package finetune

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"haguruma/core/fewshot"
	"haguruma/core/kernel"
	"haguruma/core/vit"
	"haguruma/sparse"
)

// Vote is what a part of the change of a learning rate did for the examples that its trials left out, by the head that adapting makes of the others.
type Vote struct {
	Rate     float64
	Part     float64 // of the change
	Right    int
	Expected float64 // right ones to expect: the sum of the probabilities of their own classes
	Loss     float64 // mean cross-entropy; infinite where a trial left the finite numbers
}

// Result is what Tune found.
type Result struct {
	Change *sparse.Change
	Rate   float64        // the one chosen; 0: nothing changes
	Part   float64        // of what the steps changed, that is taken
	Votes  []Vote         // of no change, then of every rate and part; none without folds
	Held   int            // examples that the votes are about
	Folds  []Fold         // of the vote that was chosen; none without votes
	Tuned  int            // numbers that training could move
	Loss   float64        // of the last step; 0 at rate 0
	Model  *vit.Int8Model // with the change applied; the base itself where nothing changes
}

// Progress is told after each step: how many are done, of how many, and the loss of the last. It may be nil.
type Progress func(done, of int, loss float64)

// Tuner tunes one int8 backbone.
type Tuner struct {
	Base *vit.Int8Model // not written to, but its buffers are used
	// Demand (N) is how much experts want of each weight (sparse.Experts.Demand), for Sparse; nil: the gradient says.
	Demand []float32
	// Pause is called between pieces of work of a fraction of a second, on the goroutine of Tune: a front that has one thread looks there
	// for what else came. Its error ends Tune at once and is returned; a context's Err will do. It may be nil.
	Pause    func() error
	Progress Progress
}

// Tune takes gradient steps on a support. The same task, config and base give the same result for any number of workers; float32 products
// are not the same on every machine, so another machine may find another change, but what a change does is the same everywhere.
//
// Examples that are the only one of their class cannot be left out: where all are, there is no vote and nothing changes, unless Config.Folds is 0.
// Errors: ErrConfig, ErrTask, ErrNotFinite, those of Pause.
func (u *Tuner) Tune(task Task, cfg Config) (*Result, error) {
	c := u.Base.Config()
	if err := cfg.Check(c.Depth); err != nil {
		return nil, err
	}
	if err := c.CheckSize(task.Size); err != nil {
		return nil, fmt.Errorf("finetune: %w: %w", err, ErrTask)
	}
	if err := task.check(); err != nil {
		return nil, err
	}
	r, err := u.open(task, cfg)
	if err != nil {
		return nil, err
	}
	return r.run()
}

// run is one Tune.
type run struct {
	cfg      Config
	base     *vit.Int8Model
	first    []float32 // (N) weights before the first step
	train    *trainer
	progress Progress
	done, of int
	kept     []map[float64]*sparseMove // by fold and rate, where there are views to embed by the one that is chosen
}

func (u *Tuner) open(task Task, cfg Config) (*run, error) {
	pause := u.Pause
	if pause == nil {
		pause = func() error { return nil }
	}
	if cfg.Mode == None {
		cfg.Rates = []float64{0}
	}
	if cfg.Mode != Full || browser {
		cfg.From = max(cfg.From, 0)
	}
	v, err := newViews(u.Base, task, cfg, pause)
	if err != nil {
		return nil, err
	}
	theta := u.Base.Params()
	r := &run{cfg: cfg, base: u.Base, first: slices.Clone(theta.Flat), train: newTrainer(theta, v, cfg, pause), progress: u.Progress}
	s, err := u.space(r.train, cfg)
	if err != nil {
		return nil, err
	}
	r.train.use(s)
	return r, nil
}

// space chooses what moves.
func (u *Tuner) space(t *trainer, cfg Config) (space, error) {
	theta := t.theta
	all := func(string) bool { return true }
	switch cfg.Mode {
	case None:
		return newPicked(nil, theta), nil
	case Norm:
		return newPicked(within(theta, cfg.From, isNorm), theta), nil
	case LoRA:
		return newFactors(theta, cfg.From, rand.New(rand.NewPCG(cfg.Seed, streamFactors))), nil
	case Full:
		return newPicked(within(theta, cfg.From, all), theta), nil
	}
	index := within(theta, cfg.From, all)
	budget := int(cfg.Share * float64(len(theta.Flat)))
	if u.Demand != nil {
		if len(u.Demand) != len(theta.Flat) {
			return nil, fmt.Errorf("finetune: want the demand for %d weights, have %d: %w", len(theta.Flat), len(u.Demand), ErrConfig)
		}
		return newPicked(strongest(index, u.Demand, budget), theta), nil
	}
	score, err := t.saliency(cfg)
	if err != nil {
		return nil, err
	}
	// Gains and biases are a hundredth of all weights and worth more than their share: they come first.
	vectors := within(theta, cfg.From, isVector)
	for _, at := range vectors {
		score[at] = math.MaxFloat32
	}
	return newPicked(strongest(index, score, budget), theta), nil
}

// saliency returns how strongly the loss pulls at each weight (N): the sum of the magnitudes of the gradients of the micro-batches of a step.
func (t *trainer) saliency(cfg Config) ([]float32, error) {
	score := make([]float32, len(t.theta.Flat))
	t.use(above(cfg.From))
	all := t.workers
	t.workers = all[:1] // sums in one order
	defer func() { t.workers = all }()
	t.draw(members(t.views.task, nil), rand.New(rand.NewPCG(cfg.Seed, streamSaliency)))
	_, err := t.gradient(0, func(_, grad []float32) {
		for i, g := range grad {
			score[i] += max(g, -g)
		}
	})
	return score, err
}

// members lists the examples of each class that are not left out.
func members(task Task, out []bool) [][]int {
	list := make([][]int, task.Way)
	for i, label := range task.Labels {
		if out == nil || !out[i] {
			list[label] = append(list[label], i)
		}
	}
	return list
}

func (r *run) run() (*Result, error) {
	result := &Result{Tuned: len(r.train.space.numbers()), Part: r.cfg.Parts[len(r.cfg.Parts)-1]}
	var rates []float64
	for _, rate := range r.cfg.Rates {
		if rate > 0 && !slices.Contains(rates, rate) {
			rates = append(rates, rate)
		}
	}
	if result.Rate = r.cfg.Rates[len(r.cfg.Rates)-1]; r.cfg.Folds > 0 {
		result.Rate = 0 // unless the votes say otherwise
	}
	task := r.train.views.task
	out, held := folds(task, r.cfg.Folds, rand.New(rand.NewPCG(r.cfg.Seed, streamFolds)))
	vote := r.cfg.Folds > 0 && held > 0 && len(rates) > 0
	if result.Rate > 0 || vote {
		r.of = r.cfg.Steps
	}
	if vote {
		r.of *= 1 + len(out)*len(rates)
		result.Held = held
		embeds, err := r.vote(result, rates, out)
		if err != nil {
			return nil, err
		}
		chosen := elect(result.Votes, held)
		result.Rate, result.Part = result.Votes[chosen].Rate, result.Votes[chosen].Part
		for i, left := range out {
			fold, err := r.fold(i, result, embeds[chosen][i])
			if err != nil {
				return nil, err
			}
			result.Folds = append(result.Folds, Fold{left, fold})
		}
	}
	values := make([]float32, len(r.train.theta.Flat))
	if result.Rate > 0 {
		var err error
		if result.Loss, err = r.steps(result.Rate, members(task, nil)); err != nil {
			return nil, err
		}
		r.moved(values)
		kernel.Scale(values, float32(result.Part))
	} else if vote && r.progress != nil {
		r.progress(r.of, r.of, result.Votes[0].Loss) // nothing changes: the steps on all examples are spared
	}
	return result, r.finish(result, values)
}

// moved writes what the steps have changed of each weight (N).
func (r *run) moved(values []float32) {
	copy(values, r.train.theta.Flat)
	kernel.Axpy(values, -1, r.first)
}

func (r *run) finish(result *Result, values []float32) (err error) {
	if result.Change, err = sparse.NewChange(sparse.BackboneTensors(r.train.theta), values); err != nil {
		return fmt.Errorf("finetune: %w: %w", err, ErrNotFinite)
	}
	result.Model, err = result.Change.Apply(r.base)
	return err
}

// elect returns the index of the vote that is taken, by how many held-out examples it is expected to have right: the smallest change, the first, unless no
// change expects more, for on validation sets it did good or nothing; of what changes more, that with the most, if it is above the bar of these two. Sums of
// probabilities tell close votes apart where counts of few examples are level, and one sure mistake does not weigh in them as it does in a log-loss.
func elect(votes []Vote, held int) (best int) {
	if len(votes) > 1 && votes[1].Expected >= votes[0].Expected && votes[1].finite() {
		best = 1
	}
	least := votes[best].Expected + float64(held)/barShare
	for i := 2; i < len(votes); i++ {
		if v := votes[i]; v.Expected > least {
			best, least = i, v.Expected
		}
	}
	return best
}

// barShare is what share of the held-out examples, one in so many, a larger change must be expected to gain beside a smaller one. Chosen on validation sets.
const barShare = 25

// worthTrying says whether rates are tried at all: a twentieth of the held-out examples is too little to gain for the cost of steps.
func worthTrying(plain Vote, held int) bool { return plain.Right+held/20 < held }

func (v Vote) finite() bool { return v.Loss <= math.MaxFloat64 }

// vote fills in the votes: of no change, then of each rate and part. A rate that leaves the finite numbers has an infinite loss and nothing right. It
// returns how each of them embeds the support (n, dim), fold by fold.
func (r *run) vote(result *Result, rates []float64, out [][]bool) (embeds [][][]float32, err error) {
	plain := Vote{Part: 1}
	r.train.start(0)
	embed, err := r.train.embedAll()
	if err != nil {
		return nil, err
	}
	for _, left := range out {
		r.train.judge(&plain, embed, left)
	}
	result.Votes = []Vote{plain}
	if worthTrying(plain, result.Held) {
		for _, rate := range rates {
			for _, part := range r.cfg.Parts {
				result.Votes = append(result.Votes, Vote{Rate: rate, Part: part})
			}
		}
	}
	embeds = make([][][]float32, len(result.Votes))
	for _, left := range out {
		embeds[0] = append(embeds[0], embed)
		r.kept = append(r.kept, map[float64]*sparseMove{})
		if err := r.try(result.Votes[1:], embeds[1:], left); err != nil {
			return nil, err
		}
	}
	for i := range result.Votes {
		v := &result.Votes[i]
		if v.Loss /= float64(result.Held); !v.finite() {
			v.Right, v.Expected, v.Loss = 0, 0, math.Inf(1)
		}
	}
	return embeds, nil
}

// try takes the steps of each rate without one fold, and adds to the votes of its parts, which stand together, and to their embeddings.
func (r *run) try(votes []Vote, embeds [][][]float32, left []bool) error {
	list, moved := members(r.train.views.task, left), []float32(nil)
	for first := 0; first < len(votes); first += len(r.cfg.Parts) {
		_, err := r.steps(votes[first].Rate, list)
		if err != nil && !errors.Is(err, ErrNotFinite) {
			return err
		}
		moved = room(moved, len(r.first))
		r.moved(moved)
		r.keep(votes[first].Rate, moved)
		for i := first; i < first+len(r.cfg.Parts); i++ {
			v, embed := &votes[i], []float32(nil)
			if err != nil {
				v.Loss = math.Inf(1) // never chosen
			} else {
				copy(r.train.theta.Flat, r.first)
				kernel.Axpy(r.train.theta.Flat, float32(v.Part), moved)
				var stopped error
				if embed, stopped = r.train.embedAll(); stopped != nil {
					return stopped
				}
				r.train.judge(v, embed, left)
			}
			embeds[i] = append(embeds[i], embed)
		}
	}
	return nil
}

// steps trains from the start on the members.
func (r *run) steps(rate float64, members [][]int) (last float64, err error) {
	r.train.start(r.cfg.Decay)
	rng := rand.New(rand.NewPCG(r.cfg.Seed, streamSteps))
	for i := range r.cfg.Steps {
		r.train.draw(members, rng)
		if last, err = r.train.step(rate * r.schedule(i)); err != nil {
			return last, err
		}
		r.done++
		if r.progress != nil {
			r.progress(r.done, r.of, last)
		}
	}
	return last, nil
}

// schedule is the share of the learning rate at step i: a cosine that ends near 0.
func (r *run) schedule(i int) float64 {
	return 0.5 * (1 + math.Cos(math.Pi*float64(i)/float64(r.cfg.Steps)))
}

// embedAll embeds the support as it is (n, dim).
func (t *trainer) embedAll() ([]float32, error) {
	var batch []view
	for i := range t.views.task.Labels {
		batch = append(batch, view{i, 0})
	}
	return t.embed(batch)
}

// embed returns the embeddings (batch, dim) of views.
func (t *trainer) embed(batch []view) ([]float32, error) {
	dim := t.theta.Config.Dim
	embed := make([]float32, len(batch)*dim)
	return embed, t.each(len(batch), func(w *worker, _, from, to int) {
		t.forward(w, embed[from*dim:to*dim], batch[from:to], nil)
	})
}

// judge classifies the examples that are left out by a head of the others, and adds up.
//
//	embed  (n, dim)
func (t *trainer) judge(v *Vote, embed []float32, left []bool) {
	if slices.ContainsFunc(embed, func(x float32) bool { return x-x != 0 }) {
		v.Loss = math.Inf(1)
		return
	}
	task, dim := t.views.task, t.theta.Config.Dim
	var support []float32
	var labels []int
	for label, list := range members(task, left) {
		for _, i := range list {
			support, labels = append(support, embed[i*dim:(i+1)*dim]...), append(labels, label)
		}
	}
	head, p := fewshot.Select(fewshot.NewSupport(support, labels, task.Way, dim), "").Head, make([]float32, task.Way)
	for i, out := range left {
		if !out {
			continue
		}
		label := task.Labels[i]
		head.Logits(p, embed[i*dim:(i+1)*dim])
		if fewshot.Argmax(p) == label {
			v.Right++
		}
		fewshot.Probabilities(p, p, 1, task.Way)
		v.Expected += float64(p[label])
		v.Loss -= math.Log(max(float64(p[label]), 1e-30))
	}
}
