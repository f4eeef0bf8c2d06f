package finetune

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"

	"haguruma/core/kernel"
	"haguruma/core/nn"
	"haguruma/core/vit"
)

// microViews is how many views go through the backbone at once: a fraction of a second in a browser, where nothing is answered meanwhile.
const microViews = 4

// keptMicro is how many micro-batches of a step keep their activations from forward to backward; the others run forward twice. One view of
// the default bundle takes 5 MB of them, which a browser does not have 32 times.
var keptMicro = batchViews / microViews

// browser is where views are never pictures; a constant, so that its engine does not hold what only they need.
const browser = runtime.GOARCH == "wasm"

func init() {
	if browser {
		keptMicro = 1
	}
}

// trainer takes steps on the weights theta, from views that are cached.
type trainer struct {
	theta  *vit.Params[float32]
	model  *vit.Model[float32]
	from   int // first block, or -1: views are pictures
	views  *views
	space  space
	pause  func() error
	smooth float32

	batch   []view
	labels  []int
	rows, d []float32 // (batch, dim)
	loss    loss[float32]
	acts    []*vit.Activations[float32] // of micro-batches that are kept
	workers []worker
	slots   [][]float32 // gradients of the numbers, one a micro-batch
	opt     *nn.AdamW
}

// worker is what one goroutine writes to.
type worker struct {
	grad, only *vit.Params[float32] // only is grad without what space does not want
	input      []float32
	act        *vit.Activations[float32] // of micro-batches that are not kept
}

func newTrainer(theta *vit.Params[float32], v *views, cfg Config, pause func() error) *trainer {
	n := cfg.Workers
	if n == 0 {
		n = runtime.GOMAXPROCS(0)
	}
	t := &trainer{theta: theta, model: vit.NewModel(theta), from: cfg.From, views: v, pause: pause, smooth: float32(cfg.Smooth), workers: make([]worker, n)}
	for i := range t.workers {
		t.workers[i].grad, t.workers[i].act = vit.NewParams[float32](theta.Config), vit.NewActivations[float32](true)
	}
	for range keptMicro {
		t.acts = append(t.acts, vit.NewActivations[float32](true))
	}
	return t
}

// use makes s what steps move.
func (t *trainer) use(s space) {
	t.space = s
	for i := range t.workers {
		t.workers[i].only = t.workers[i].grad.Only(s.wants)
	}
}

// start goes back to the weights before the first step.
func (t *trainer) start(decay float64) {
	t.space.reset()
	t.space.put(t.theta.Flat)
	t.opt = nn.NewAdamW(len(t.space.numbers()), decay)
}

// each runs do for every micro-batch of n views over the workers. Which worker takes which changes nothing: each writes to places of its own.
func (t *trainer) each(n int, do func(w *worker, micro, from, to int)) error {
	total := (n + microViews - 1) / microViews
	one := func(w *worker, micro int) {
		do(w, micro, micro*microViews, min((micro+1)*microViews, n))
	}
	if len(t.workers) == 1 || total == 1 {
		for i := range total {
			if err := t.pause(); err != nil {
				return err
			}
			one(&t.workers[0], i)
		}
		return nil
	}
	old := kernel.SetParallel(1)
	defer kernel.SetParallel(old)
	var next atomic.Int64
	var wg sync.WaitGroup
	work := func(w *worker, pause func() error) error {
		for {
			if err := pause(); err != nil {
				next.Store(int64(total)) // the others end after what they are at
				return err
			}
			micro := int(next.Add(1)) - 1
			if micro >= total {
				return nil
			}
			one(w, micro)
		}
	}
	for i := 1; i < min(len(t.workers), total); i++ {
		wg.Go(func() { work(&t.workers[i], func() error { return nil }) })
	}
	err := work(&t.workers[0], t.pause)
	wg.Wait()
	return err
}

// act is the working memory of a micro-batch: kept to the backward, or the worker's own.
func (t *trainer) act(w *worker, micro int) (act *vit.Activations[float32], kept bool) {
	if micro < keptMicro {
		return t.acts[micro], true
	}
	return w.act, false
}

// forward embeds views of the batch.
func (t *trainer) forward(w *worker, embed []float32, batch []view, act *vit.Activations[float32]) {
	w.input = room(w.input, len(batch)*t.views.length)
	for i, v := range batch {
		copy(w.input[i*t.views.length:], t.views.of(v))
	}
	if !browser && t.from < 0 {
		t.model.Forward(embed, w.input, len(batch), t.views.task.Size, act)
		return
	}
	t.model.ForwardFrom(embed, w.input, len(batch), t.views.task.Size, t.from, act)
}

// gradient leaves the gradients of the micro-batches of a batch, by what pull writes, in slots and returns the loss.
func (t *trainer) gradient(length int, pull func(dst, grad []float32)) (float64, error) {
	n, dim := len(t.batch), t.theta.Config.Dim
	t.rows, t.d = room(t.rows, n*dim), room(t.d, n*dim)
	err := t.each(n, func(w *worker, micro, from, to int) {
		act, _ := t.act(w, micro)
		t.forward(w, t.rows[from*dim:to*dim], t.batch[from:to], act)
	})
	if err != nil {
		return 0, err
	}
	l := t.loss.backward(t.d, t.rows, t.labels, t.views.task.Way, dim, t.smooth)
	if math.IsNaN(l) || math.IsInf(l, 0) {
		return l, fmt.Errorf("finetune: the loss is %v: %w", l, ErrNotFinite)
	}
	for micros := (n + microViews - 1) / microViews; len(t.slots) < micros; {
		t.slots = append(t.slots, nil)
	}
	return l, t.each(n, func(w *worker, micro, from, to int) {
		act, kept := t.act(w, micro)
		if !kept {
			t.forward(w, t.rows[from*dim:to*dim], t.batch[from:to], act)
		}
		for _, tensor := range w.only.Tensors() {
			clear(tensor.Data)
		}
		if !browser && t.from < 0 {
			t.model.Backward(w.only, t.d[from*dim:to*dim], act)
		} else {
			t.model.BackwardFrom(w.only, t.d[from*dim:to*dim], act)
		}
		t.slots[micro] = room(t.slots[micro], length)
		pull(t.slots[micro], w.grad.Flat)
	})
}

// step takes one step at a learning rate and returns the loss before it.
func (t *trainer) step(rate float64) (float64, error) {
	numbers := t.space.numbers()
	l, err := t.gradient(len(numbers), t.space.pull)
	if err != nil {
		return l, err
	}
	g := t.slots[0]
	for i := microViews; i < len(t.batch); i += microViews {
		kernel.Add(g, t.slots[i/microViews])
	}
	t.opt.Update(numbers, g, []nn.Span{{End: len(g), Decay: true}}, rate)
	t.space.put(t.theta.Flat)
	return l, nil
}

// draw takes the views of a step: one of each example, two where it is the only one of its class; of large supports as many examples of each
// class as fit, two or more.
//
//	members  (way) the examples of each class that take part
func (t *trainer) draw(members [][]int, rng *rand.Rand) {
	t.batch, t.labels = t.batch[:0], t.labels[:0]
	most := max(2, batchViews/len(members))
	total := 0
	for _, list := range members {
		total += len(list)
	}
	for label, list := range members {
		take := list
		if total > batchViews && len(list) > most {
			rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
			take = list[:most]
		}
		for _, example := range take {
			view := view{example, rng.IntN(t.views.each)}
			t.batch, t.labels = append(t.batch, view), append(t.labels, label)
			if len(list) == 1 {
				view.number = (view.number + 1 + rng.IntN(t.views.each-1)) % t.views.each
				t.batch, t.labels = append(t.batch, view), append(t.labels, label)
			}
		}
	}
}
