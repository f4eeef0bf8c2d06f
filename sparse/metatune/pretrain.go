package metatune

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"haguruma/core/fewshot"
	"haguruma/core/kernel"
	"haguruma/core/nn"
	"haguruma/core/vit"
)

// trainer is a run under way.
type trainer struct {
	cfg    PretrainConfig
	sets   []*pixels
	params *vit.Params[float32]
	model  *vit.Model[float32]
	opt    *optimizer
	heads  []*head
	step   int
	micros []*micro
	spent  time.Duration // CPU-bound time of earlier sittings
	coarse *coarse       // nil: from nothing, by labels
	start  string        // sha256 of Start
}

// head is the classifier of one set with the state of its optimiser.
type head struct {
	cosineHead
	m, v  []float32
	steps int // updates taken: a head moves only when its set was drawn
}

// micro is one micro-batch: its pictures, labels and gradients. The sums over
// micro-batches run in their order, so the result does not depend on which
// core took which.
type micro struct {
	set    int
	labels []int
	images []float32
	embed  []float32
	dEmbed []float32
	grad   *vit.Params[float32]
	dHead  []float32
	loss   float64
	right  int
}

// worker is what one core needs.
type worker struct {
	act     *vit.Activations[float32]
	teach   *vit.Activations[float32] // of coarse
	target  []float32
	scratch headScratch
	aug     augmenter
}

// Pretrain trains a backbone from nothing, or goes on from the checkpoint in
// cfg.Out, and leaves there: checkpoint.safetensors (resumable),
// weights.safetensors (the backbone), bundle.safetensors.zst (the same in
// int8) with bundle.json, log.jsonl, loss.svg, validation.svg and config.json.
//
// It trains on train classes only: fewshot.Splits hands out no others. The
// loss is cross-entropy of a cosine classifier per set plus a supervised
// contrastive loss inside each micro-batch, whose pictures come from one set.
// Cancelling ctx writes a checkpoint and returns ctx's error.
func Pretrain(ctx context.Context, cfg PretrainConfig, progress Progress) (*vit.Params[float32], error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	splits, err := fewshot.LoadSplits(filepath.Join(cfg.Data, "datasets.json"))
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Out, 0o755); err != nil {
		return nil, err
	}
	t, err := newTrainer(cfg)
	if err != nil {
		return nil, err
	}
	cfg = t.cfg
	saved, err := openCheckpoint(cfg, t.identity())
	if err != nil {
		return nil, err
	}
	if t.sets, err = loadPixels(ctx, splits, cfg.Sets, 64, progress); err != nil {
		return nil, err
	}
	if t.coarse == nil {
		t.addHeads()
	}
	if err := t.resume(saved); err != nil {
		return nil, err
	}
	t.round()
	// Only now: a run that is refused leaves the files of the other as they were.
	log, err := openLog(cfg.Out, cfg)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	val, err := newValidation(ctx, cfg, splits, progress)
	if err != nil {
		return nil, err
	}
	old := kernel.SetParallel(1) // the cores are taken by micro-batches
	defer kernel.SetParallel(old)
	if err := t.run(ctx, log, val, progress); err != nil {
		return nil, err
	}
	return t.weights(), t.finish(log)
}

func newTrainer(cfg PretrainConfig) (*trainer, error) {
	t := &trainer{}
	if cfg.Start != "" {
		var err error
		if t.params, t.start, err = readStart(cfg.Start); err != nil {
			return nil, err
		}
		if t.coarse, err = newCoarse(t.params, cfg.Levels, cfg.Bits); err != nil {
			return nil, err
		}
		cfg.Model = t.params.Config
		if err := cfg.Check(); err != nil {
			return nil, err
		}
		t.model = vit.NewModel(t.coarse.rounded)
	} else {
		t.params = vit.NewParams[float32](cfg.Model)
		t.params.Init(rand.New(rand.NewPCG(cfg.Seed, 0)))
		t.model = vit.NewModel(t.params)
	}
	t.cfg = cfg
	t.opt = newOptimizer(cfg, t.params)
	for range cfg.Micro {
		t.micros = append(t.micros, &micro{
			labels: make([]int, cfg.Batch), embed: make([]float32, cfg.Batch*cfg.Model.Dim), dEmbed: make([]float32, cfg.Batch*cfg.Model.Dim),
			grad: vit.NewParams[float32](cfg.Model),
		})
	}
	return t, nil
}

func (t *trainer) addHeads() {
	rng := rand.New(rand.NewPCG(t.cfg.Seed, 1))
	for _, s := range t.sets {
		n := s.labels * t.cfg.Model.Dim
		h := &head{
			cosineHead: cosineHead{classes: s.labels, dim: t.cfg.Model.Dim, scale: float32(t.cfg.LogitScale), smoothing: float32(t.cfg.Smoothing), w: make([]float32, n)},
			m:          make([]float32, n), v: make([]float32, n),
		}
		std := 1 / math.Sqrt(float64(t.cfg.Model.Dim))
		for i := range h.w {
			h.w[i] = float32(rng.NormFloat64() * std)
		}
		t.heads = append(t.heads, h)
	}
}

func (t *trainer) run(ctx context.Context, log *runLog, val *validation, progress Progress) error {
	workers := make([]*worker, runtime.GOMAXPROCS(0))
	for i := range workers {
		workers[i] = &worker{act: vit.NewActivations[float32](true), teach: vit.NewActivations[float32](false), aug: augmenter{Augment: t.cfg.Augment, mean: t.cfg.Model.Mean, std: t.cfg.Model.Std}}
	}
	begin, saved := time.Now(), time.Now()
	for t.step < t.cfg.Steps {
		if ctx.Err() != nil {
			t.spent += time.Since(begin)
			if err := t.checkpoint(); err != nil {
				return err
			}
			return ctx.Err()
		}
		started := time.Now()
		size := t.cfg.size(t.step)
		t.runMicros(workers, size)
		stats := t.update()
		stats.Size, stats.Seconds = size, time.Since(started).Seconds()
		t.step++
		stats.Step = t.step
		stats.Elapsed = (t.spent + time.Since(begin)).Seconds()
		if !finite(stats.Loss) || !finite(stats.GradNorm) {
			return fmt.Errorf("metatune: step %d: the loss is %v and its gradient's norm %v: %w", t.step, stats.Loss, stats.GradNorm, ErrDiverged)
		}
		if t.cfg.ValidateEvery > 0 && t.step%t.cfg.ValidateEvery == 0 || t.step == t.cfg.Steps {
			stats.Validation = val.run(t.weights(), t.cfg.size(t.step-1))
		}
		if err := log.write(stats); err != nil {
			return err
		}
		progress.report("pretrain", t.step, t.cfg.Steps, fmt.Sprintf("loss %.3f at %d px", log.smooth, size))
		if time.Since(saved) > t.cfg.CheckpointEvery {
			spent := t.spent
			t.spent += time.Since(begin)
			if err := t.checkpoint(); err != nil {
				return err
			}
			t.spent, saved = spent, time.Now()
		}
	}
	t.spent += time.Since(begin)
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// runMicros fills every micro-batch with its loss and gradients, over all
// cores.
func (t *trainer) runMicros(workers []*worker, size int) {
	deal(len(workers), len(t.micros), func(k int) func(i int) {
		return func(i int) {
			t.runMicro(t.micros[i], workers[k], size, rand.New(rand.NewPCG(t.cfg.Seed+2, uint64(t.step*t.cfg.Micro+i))))
		}
	})
}

func (t *trainer) runMicro(m *micro, w *worker, size int, rng *rand.Rand) {
	cfg := t.cfg
	m.set = drawSet(t.sets, rng)
	t.drawImages(m, w, size, rng)
	clear(m.grad.Flat)
	clear(m.dEmbed)
	if t.coarse != nil {
		w.target = grow(&w.target, len(m.embed))
		t.coarse.teacher.Forward(w.target, m.images, cfg.Batch, size, w.teach)
		t.model.Forward(m.embed, m.images, cfg.Batch, size, w.act)
		m.loss, m.right = cosineLoss(m.dEmbed, m.embed, w.target, cfg.Batch, cfg.Model.Dim, &w.scratch), 0
		t.model.Backward(m.grad, m.dEmbed, w.act)
		return
	}
	h := t.heads[m.set]
	m.dHead = grow(&m.dHead, len(h.w))
	clear(m.dHead)
	w.act.SetDropPath(cfg.DropPath, rng)
	t.model.Forward(m.embed, m.images, cfg.Batch, size, w.act)
	m.loss, m.right = h.loss(m.dEmbed, m.dHead, m.embed, m.labels, 1, &w.scratch)
	if cfg.Contrast > 0 {
		m.loss += cfg.Contrast * contrastLoss(m.dEmbed, m.embed, m.labels, cfg.Model.Dim, float32(cfg.Temperature), float32(cfg.Contrast), &w.scratch)
	}
	t.model.Backward(m.grad, m.dEmbed, w.act)
}

func drawSet(sets []*pixels, rng *rand.Rand) int {
	var total float64
	for _, s := range sets {
		total += s.Weight
	}
	x := rng.Float64() * total
	for i, s := range sets {
		if x -= s.Weight; x < 0 {
			return i
		}
	}
	return len(sets) - 1
}

// drawImages draws Batch/PerClass different labels and PerClass pictures of
// each.
func (t *trainer) drawImages(m *micro, w *worker, size int, rng *rand.Rand) {
	s := t.sets[m.set]
	plane := 3 * size * size
	m.images = grow(&m.images, t.cfg.Batch*plane)
	used := map[int]bool{}
	for i := 0; i < t.cfg.Batch; i += t.cfg.PerClass {
		label := rng.IntN(s.labels)
		for used[label] && len(used) < s.labels {
			label = rng.IntN(s.labels)
		}
		used[label] = true
		class, quarter := label, 0
		if s.Kind == Character {
			class, quarter = label/4, label%4
		}
		for j := range t.cfg.PerClass {
			src := s.images[class][rng.IntN(len(s.images[class]))]
			w.aug.draw(m.images[(i+j)*plane:][:plane], src, s.size, size, s.Kind, quarter, rng)
			m.labels[i+j] = label
		}
	}
}

// update adds up the micro-batches and takes one step of the optimiser.
func (t *trainer) update() StepStats {
	stats := StepStats{Sets: map[string]SetStats{}}
	total := t.micros[0].grad
	n := float32(len(t.micros))
	for _, m := range t.micros[1:] {
		kernel.Add(total.Flat, m.grad.Flat)
	}
	kernel.Scale(total.Flat, 1/n)
	lr := nn.Schedule{Peak: t.cfg.LR, Warmup: t.cfg.Warmup, Total: t.cfg.Steps}.At(t.step)
	stats.LR = lr
	stats.GradNorm = t.opt.step(t.params, total, lr)
	t.round()
	for i, s := range t.sets {
		var sum []float32
		count := 0
		set := SetStats{}
		for _, m := range t.micros {
			if m.set != i {
				continue
			}
			count++
			set.Loss += m.loss
			set.Accuracy += float64(m.right) / float64(t.cfg.Batch)
			stats.Loss += m.loss / float64(n)
			if t.coarse != nil {
				continue // no head
			}
			if sum == nil {
				sum = m.dHead
			} else {
				kernel.Add(sum, m.dHead)
			}
		}
		if count == 0 {
			continue
		}
		set.Loss /= float64(count)
		set.Accuracy /= float64(count)
		stats.Sets[s.Name] = set
		if t.coarse != nil {
			continue
		}
		h := t.heads[i]
		kernel.Scale(sum, 1/float32(count))
		h.steps++
		kernel.AdamW(h.w, sum, h.m, h.v, float32(lr), 0.9, 0.98, 1e-8, 0, correction(0.9, h.steps), correction(0.98, h.steps))
	}
	return stats
}

// correction is Adam's bias correction 1 - beta^t.
func correction(beta float64, t int) float32 { return float32(1 - math.Pow(beta, float64(t))) }
