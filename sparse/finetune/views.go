package finetune

import (
	"math/rand/v2"

	"haguruma/core/vit"
)

// view is one view of an example; number 0 is the example itself.
type view struct{ example, number int }

// views are all views of a support, as far as they can be computed before anything changes: the residual stream before the first block that
// may change, or the pictures themselves.
type views struct {
	task   Task
	each   int // views of an example
	length int // numbers of a view
	data   []float32
}

// viewNumbers bounds the memory of all views, in numbers: 64 MiB.
const viewNumbers = 16 << 20

func (v *views) of(at view) []float32 {
	return v.data[(at.example*v.each+at.number)*v.length:][:v.length]
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
	v.data = make([]float32, len(task.Labels)*v.each*v.length)
	rng := rand.New(rand.NewPCG(cfg.Seed, streamViews))
	images := make([]float32, v.each*plane)
	for i := range task.Labels {
		if err := pause(); err != nil {
			return nil, err
		}
		src := task.Images[i*plane : (i+1)*plane]
		copy(images, src)
		for n := 1; n < v.each; n++ {
			cfg.Augment.draw(images[n*plane:(n+1)*plane], src, task.Size, rng)
		}
		to := v.data[i*v.each*v.length : (i+1)*v.each*v.length]
		if cfg.From < 0 {
			copy(to, images)
			continue
		}
		base.Stream(to, images, v.each, task.Size, cfg.From)
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
