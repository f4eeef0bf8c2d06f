package finetune

import (
	"math/rand/v2"

	"haguruma/core/vit"
)

// view is one view of an example; number 0 is the example itself, and those behind what steps draw from are its Task.Views.
type view struct{ example, number int }

// views are all views of a support, as far as they can be computed before anything changes: the residual stream before the first block that
// may change, or the pictures themselves.
type views struct {
	task   Task
	each   int // views of an example, for steps
	more   int // Task.Views of it
	length int // numbers of a view
	data   []float32
}

// viewNumbers bounds the memory of all views for steps, in numbers: 64 MiB.
const viewNumbers = 16 << 20

func (v *views) of(at view) []float32 {
	return v.data[(at.example*(v.each+v.more)+at.number)*v.length:][:v.length]
}

// newViews draws the views and runs the int8 backbone up to the block from.
func newViews(base *vit.Int8Model, task Task, cfg Config, pause func() error) (*views, error) {
	c := base.Config()
	plane := 3 * task.Size * task.Size
	v := &views{task: task, length: plane}
	if cfg.From >= 0 {
		v.length = c.Tokens(task.Size) * c.Dim
	}
	v.each = max(2, min(cfg.Views, viewNumbers/(v.length*len(task.Labels))))
	v.more = len(task.Views) / (len(task.Labels) * plane)
	all := v.each + v.more
	v.data = make([]float32, len(task.Labels)*all*v.length)
	rng := rand.New(rand.NewPCG(cfg.Seed, streamViews))
	images := make([]float32, all*plane)
	for i := range task.Labels {
		if err := pause(); err != nil {
			return nil, err
		}
		src := task.Images[i*plane : (i+1)*plane]
		copy(images, src)
		for n := 1; n < v.each; n++ {
			cfg.Augment.draw(images[n*plane:(n+1)*plane], src, task.Size, rng)
		}
		copy(images[v.each*plane:], task.Views[i*v.more*plane:(i+1)*v.more*plane])
		to := v.data[i*all*v.length : (i+1)*all*v.length]
		if cfg.From < 0 {
			copy(to, images)
			continue
		}
		base.Stream(to, images, all, task.Size, cfg.From)
	}
	return v, nil
}

// Streams of chance of one seed.
const (
	streamViews = iota + 1
	streamFolds
	streamFactors
	streamSteps
	streamSaliency
)
