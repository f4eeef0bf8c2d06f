package metatune

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"

	"haguruma/core/kernel"
	"haguruma/core/nn"
	"haguruma/sparse"
)

// metaTuner is a run under way.
type metaTuner struct {
	metaState
	tasks   Tasks
	workers []*metaWorker
	results []*taskResult

	rooms [][2][]float32 // a goroutine's, of eachExpert

	lambda []float64 // (M) multipliers of the density constraints
	update int
	// pending is the update that was taken and not yet validated and logged: an interrupted validation is repeated.
	pending *MetaStats
	spent   time.Duration // of earlier sittings

	delta1, delta2   []float32   // (N) moments of the delta's optimizer; SGD has the first only
	gate1, gate2     [][]float32 // (M) of (G)
	router1, router2 []float32
	dDelta, dRouter  []float32
	routerGrad       *sparse.Router[float32]

	best      *metaBest
	worse     int // validations since the best
	densities []float64
}

// metaBest is the state that validated best.
type metaBest struct {
	mean          float64
	update        int
	temperature   float32
	delta, router []float32
	logAlpha      [][]float32
}

// ErrDiverged: a loss, a gradient or a weight is not finite. The last checkpoint is from before that.
var ErrDiverged = errors.New("training diverged: lower the learning rates and resume")

// newMetaTuner starts a run from the weights pre (N) of a network.
func newMetaTuner(cfg MetaConfig, network Network, pre []float32, tasks Tasks) (*metaTuner, error) {
	n := 0
	for _, t := range network.Tensors() {
		n = max(n, t.Start+t.Len())
	}
	if len(pre) != n {
		return nil, fmt.Errorf("metatune: weights to start from: want %d, have %d: %w", n, len(pre), ErrConfig)
	}
	if i := notFinite(pre); i >= 0 {
		return nil, fmt.Errorf("metatune: weights to start from: want finite numbers, have %v at %d: %w", pre[i], i, ErrConfig)
	}
	t := &metaTuner{metaState: metaState{cfg: cfg, network: network, pre: pre, delta: make([]float32, len(pre))}, tasks: tasks}
	var err error
	if t.gates, err = sparse.NewGates[float32](cfg.Gates, network.Tensors()); err != nil {
		return nil, err
	}
	experts := cfg.Gates.Experts
	if g := t.gates.Gated(); cfg.Masks != MasksDense && cfg.Density > g {
		return nil, fmt.Errorf("metatune: density: want at most %.3f, the share of the weights that have gates, have %v: %w", g, cfg.Density, ErrConfig)
	}
	rng := rand.New(rand.NewPCG(cfg.Seed, 10))
	t.startMasks(rng)
	if cfg.Routing == RoutingLearned && experts > 1 {
		rc := sparse.RouterConfig{Dim: network.Dim(), Experts: experts, Heads: 4, MLPDim: 2 * network.Dim(), Tokens: 4, Read: sparse.ReadSkills, Eps: 1e-5}
		if cfg.Parity {
			rc.Read = sparse.ReadFirst
		}
		if err := rc.Check(); err != nil {
			return nil, err
		}
		t.router, t.routerGrad = sparse.NewRouter[float32](rc), sparse.NewRouter[float32](rc)
		t.router.Init(rng)
		t.router1, t.router2 = make([]float32, len(t.router.Flat)), make([]float32, len(t.router.Flat))
	}
	t.lambda, t.densities = make([]float64, experts), make([]float64, experts)
	t.delta1, t.delta2, t.dDelta = make([]float32, len(pre)), make([]float32, len(pre)), make([]float32, len(pre))
	if cfg.Masks == MasksLearned {
		for range experts {
			t.gate1, t.gate2 = append(t.gate1, make([]float32, t.gates.Len())), append(t.gate2, make([]float32, t.gates.Len()))
		}
	}
	t.needWorkers(min(runtime.GOMAXPROCS(0), cfg.Batch))
	for range cfg.Batch {
		t.results = append(t.results, &taskResult{})
	}
	return t, nil
}

// needWorkers makes workers until there are n; tasks and validation take turns with them.
func (t *metaTuner) needWorkers(n int) {
	for len(t.workers) < n {
		t.workers = append(t.workers, newMetaWorker(&t.metaState))
	}
}

// startMasks sets every logAlpha; masks that are not learned stay so.
func (t *metaTuner) startMasks(rng *rand.Rand) {
	cfg := t.cfg
	share := 1 / t.gates.Gated() // densities are of all weights, gates of the gated ones
	switch cfg.Masks {
	case MasksDense:
		for _, la := range t.gates.LogAlpha {
			fill32(la, sparse.MaxLogAlpha)
		}
	case MasksLearned:
		t.gates.Init(rng, min(cfg.InitDensity, 0.999))
	case MasksRandom:
		t.gates.Init(rng, min(cfg.Density*share, 1-1e-9))
		for m := range t.gates.LogAlpha {
			t.gates.Settle(m, cfg.Density)
		}
	case MasksMagnitude:
		t.gates.InitMagnitude(t.pre)
		for m := range t.gates.LogAlpha {
			t.gates.Settle(m, cfg.Density)
		}
	}
	t.gates.RefreshAll(true)
}

// notFinite is the index of the first number that is NaN or infinite, or -1.
func notFinite(x []float32) int {
	for i, v := range x {
		if v-v != 0 {
			return i
		}
	}
	return -1
}

func fill32(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}

// run takes updates until the last one, the end of patience or the end of ctx, which leaves a checkpoint.
func (t *metaTuner) run(ctx context.Context, log *metaLog, val *metaValidation, progress Progress) error {
	old := kernel.SetParallel(1) // the cores are taken by tasks
	defer kernel.SetParallel(old)
	begin, saved := time.Now(), time.Now()
	if t.update == 0 && t.cfg.StartTasks > 0 {
		t.startFromTasks()
	}
	earlier := t.spent
	defer func() { t.spent = earlier + time.Since(begin) }()
	save := func() error {
		t.spent, saved = earlier+time.Since(begin), time.Now()
		return t.checkpoint()
	}
	for t.pending != nil || t.update < t.cfg.Updates && (t.cfg.Patience == 0 || t.worse < t.cfg.Patience) {
		if ctx.Err() != nil {
			return cmp.Or(save(), ctx.Err())
		}
		if t.pending == nil {
			stats, err := t.advance()
			if err != nil {
				return err
			}
			stats.Elapsed = (earlier + time.Since(begin)).Seconds()
			t.pending = stats
		}
		if val != nil && (t.cfg.ValidateEvery > 0 && t.update%t.cfg.ValidateEvery == 0 || t.update == t.cfg.Updates) {
			if !t.refresh(false) {
				return errGate(t.update)
			}
			if err := t.validate(ctx, val, t.pending, progress); err != nil {
				return cmp.Or(save(), err)
			}
		}
		if err := log.write(*t.pending); err != nil {
			return err
		}
		t.pending = nil
		progress.report("metatune", t.update, t.cfg.Updates, fmt.Sprintf("loss %.3f, accuracy %.1f%%, density %.3f", log.loss, log.accuracy, mean64(t.densities)))
		if t.cfg.CheckpointEvery > 0 && time.Since(saved) > t.cfg.CheckpointEvery {
			if err := save(); err != nil {
				return err
			}
		}
	}
	return nil
}

// advance takes one update.
func (t *metaTuner) advance() (*MetaStats, error) {
	if !t.refresh(true) {
		return nil, errGate(t.update)
	}
	t.temperature = t.temperatureAt(t.update)
	t.runTasks()
	stats, err := t.step()
	if err != nil {
		return nil, err
	}
	t.update++
	stats.Update = t.update
	return &stats, nil
}

// temperatureAt is that of an update's scores: it falls with the tasks seen before.
func (t *metaTuner) temperatureAt(update int) float32 {
	total := t.cfg.Updates * t.cfg.Batch
	return float32(sparse.Temperature(t.cfg.Temperature[0], t.cfg.Temperature[1], max(1, int(t.cfg.Cooling*float64(total))), update*t.cfg.Batch))
}

func errGate(update int) error {
	return fmt.Errorf("metatune: update %d: a gate is not finite: %w", update+1, ErrDiverged)
}

// refresh brings masks and densities up to date with logAlpha, over all cores; false: a logAlpha was not finite. training tells the two
// forms of GateParity apart.
func (t *metaTuner) refresh(training bool) bool {
	if t.cfg.Masks != MasksLearned {
		for m := range t.densities {
			t.densities[m] = t.gates.Density(m)
		}
		return true
	}
	var broken atomic.Bool
	t.eachExpert(func(m int, _, scratch []float32) {
		if !t.gates.Refresh(m, training, scratch) {
			broken.Store(true)
		}
		t.densities[m] = t.gates.Density(m)
	})
	return !broken.Load()
}

// eachExpert runs f for every expert over all cores, with room for its gates (G) and for a backbone (N).
func (t *metaTuner) eachExpert(f func(m int, gates, scratch []float32)) {
	n := min(runtime.GOMAXPROCS(0), t.cfg.Gates.Experts)
	for len(t.rooms) < n {
		t.rooms = append(t.rooms, [2][]float32{make([]float32, t.gates.Len()), make([]float32, len(t.pre))})
	}
	deal(n, t.cfg.Gates.Experts, func(k int) func(m int) {
		return func(m int) { f(m, t.rooms[k][0], t.rooms[k][1]) }
	})
}

// eachTask calls f for n tasks over all workers. Task i has a generator of its own, number first+i of the seed.
func (t *metaTuner) eachTask(seed uint64, first, n int, f func(w *metaWorker, i int, rng *rand.Rand)) {
	deal(len(t.workers), n, func(k int) func(i int) {
		return func(i int) { f(t.workers[k], i, rand.New(rand.NewPCG(seed, uint64(first+i)))) }
	})
}

// runTasks fills results. Task i of update u depends on (seed, u, i) alone.
func (t *metaTuner) runTasks() {
	t.eachTask(t.cfg.Seed+11, t.update*t.cfg.Batch, len(t.results), func(w *metaWorker, i int, rng *rand.Rand) {
		w.run(&t.metaState, t.tasks, t.results[i], rng)
	})
}

// step adds up the tasks' gradients and moves delta, gates, multipliers and router. It wraps ErrDiverged, and has moved nothing then, when the
// loss or a gradient is not finite.
func (t *metaTuner) step() (MetaStats, error) {
	stats := t.figures()
	factor := nn.Schedule{Peak: 1, Warmup: t.cfg.Warmup, Total: t.cfg.Updates}.At(t.update)
	n := float32(len(t.results))
	clear(t.dDelta)
	for _, r := range t.results {
		kernel.Axpy(t.dDelta, 1/n, r.dDelta)
	}
	stats.GradNorm = clip(t.dDelta, t.cfg.Clip)
	routerNorm := 0.0
	if t.router != nil {
		t.routerGradient()
		routerNorm = clip(t.routerGrad.Flat, t.cfg.Clip)
	}
	for _, f := range []struct {
		name  string
		value float64
	}{{"loss", stats.Loss}, {"norm of the delta's gradient", stats.GradNorm}, {"norm of the router's gradient", routerNorm}} {
		if math.IsNaN(f.value) || math.IsInf(f.value, 0) {
			return stats, fmt.Errorf("metatune: update %d: the %s is %v: %w", t.update+1, f.name, f.value, ErrDiverged)
		}
	}
	if t.router != nil {
		kernel.AdamW(t.router.Flat, t.routerGrad.Flat, t.router1, t.router2, float32(t.cfg.RouterLR*factor), 0.9, 0.999, 1e-8, 1e-2,
			correction(0.9, t.update+1), correction(0.999, t.update+1))
	}
	if t.cfg.Masks == MasksLearned {
		t.moveGates(factor)
	}
	t.moveDelta(factor)
	return stats, nil
}

func clip(g []float32, most float64) float64 {
	norm := math.Sqrt(float64(kernel.Dot(g, g)))
	if most > 0 && norm > most {
		kernel.Scale(g, float32(most/norm))
	}
	return norm
}
