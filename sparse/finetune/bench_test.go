package finetune

import (
	"math/rand/v2"
	"testing"

	"haguruma/core/vit"
)

// BenchmarkStep is one step on 25 pictures at the size of the default bundle, in int8 passes of one picture (passes/op): measured in turn, so
// that other work on the machine slows both alike.
func BenchmarkStep(b *testing.B) {
	c := vit.Config{ImageSize: 64, PatchSize: 8, Stem: []int{32, 64, 192}, Dim: 192, Depth: 6, Heads: 6, MLPDim: 576, Pool: vit.PoolMean, Eps: 1e-6, Mean: half, Std: half}
	p := vit.NewParams[float32](c)
	p.Init(rand.New(rand.NewPCG(1, 2)))
	base := vit.NewInt8(p)
	task := Task{Way: 5, Size: 64, Images: randomSlice[float32](25*3*64*64, 1)}
	for i := range 25 {
		task.Labels = append(task.Labels, i/5)
	}
	for name, x := range map[string]struct {
		mode Mode
		from int
	}{"sparse/0": {Sparse, 0}, "sparse/3": {Sparse, 3}, "norm/0": {Norm, 0}, "full/-1": {Full, -1}} {
		b.Run(name, func(b *testing.B) {
			cfg := Default(x.mode)
			cfg.From, cfg.Workers, cfg.Views = x.from, 1, 2
			r, err := (&Tuner{Base: base}).open(task, cfg)
			if err != nil {
				b.Fatal(err)
			}
			r.train.start(0)
			list, rng := members(task, nil), rand.New(rand.NewPCG(1, 2))
			embed := make([]float32, c.Dim)
			step := func() {
				r.train.draw(list, rng)
				if _, err := r.train.step(1e-6); err != nil {
					b.Fatal(err)
				}
			}
			step()
			const passes = 25
			var steps, int8 watch
			for b.Loop() {
				steps.time(step)
				int8.time(func() {
					for i := range passes {
						base.Embed(embed, task.Images[i*3*64*64:], 1, 64)
					}
				})
			}
			b.ReportMetric(steps.least.Seconds()*1e3, "ms/step")
			b.ReportMetric(steps.least.Seconds()/int8.least.Seconds()*passes, "passes/step")
		})
	}
}
