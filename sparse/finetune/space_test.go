package finetune

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"haguruma/core/kernel"
	"haguruma/core/vit"
)

// TestGradientIsExact: the gradient of every kind of numbers, from a block on, over micro-batches, is that of the whole model's backward taken
// through what the numbers stand for: along a random direction u of the numbers, <pull(grad), u> is the slope of <grad, theta(numbers)>.
func TestGradientIsExact(t *testing.T) {
	base, task := smallBackbone(), stripes(4, 5, 1)
	for _, mode := range []Mode{Sparse, Norm, LoRA, Full} {
		c := smallTuning(mode)
		r, err := (&Tuner{Base: base}).open(task, c)
		if err != nil {
			t.Fatal(err)
		}
		tr := r.train
		tr.start(0)
		numbers := tr.space.numbers()
		for i, v := range randomSlice[float32](len(numbers), 9) { // away from the start, where B is zero
			numbers[i] += 0.01 * v
		}
		tr.space.put(tr.theta.Flat)
		tr.draw(members(task, nil), rand.New(rand.NewPCG(1, 1)))
		if _, err := tr.gradient(len(numbers), tr.space.pull); err != nil {
			t.Fatal(err)
		}
		have := slices.Clone(tr.slots[0])
		for i := microViews; i < len(tr.batch); i += microViews {
			kernel.Add(have, tr.slots[i/microViews])
		}

		// The whole batch at once, every weight, in float64.
		model := vit.NewModel(vit.Convert[float64](tr.theta))
		act, whole := vit.NewActivations[float64](true), vit.NewParams[float64](small)
		var stream []float64
		for _, v := range tr.batch {
			for _, x := range tr.views.of(v) {
				stream = append(stream, float64(x))
			}
		}
		n := len(tr.batch)
		embed, d := make([]float64, n*small.Dim), make([]float64, n*small.Dim)
		model.ForwardFrom(embed, stream, n, task.Size, c.From, act)
		var l loss[float64]
		l.backward(d, embed, tr.labels, task.Way, small.Dim, 0)
		model.BackwardFrom(whole, d, act)

		value := func() (sum float64) {
			theta := slices.Clone(tr.theta.Flat)
			tr.space.put(theta)
			for i, v := range theta {
				sum += whole.Flat[i] * float64(v)
			}
			return sum
		}
		u, kept := randomSlice[float32](len(numbers), 10), slices.Clone(numbers)
		const h = 0.05
		for i := range numbers {
			numbers[i] = kept[i] + h*u[i]
		}
		up := value()
		for i := range numbers {
			numbers[i] = kept[i] - h*u[i]
		}
		want, slope := (up-value())/(2*h), 0.0
		for i, v := range u {
			slope += float64(have[i]) * float64(v)
		}
		if !(math.Abs(slope-want) <= 2e-3*math.Max(0.1, math.Abs(want))) {
			t.Errorf("%s: want a slope of %v, have %v", mode, want, slope)
		}
		// And number by number where a number is a weight.
		if p, ok := tr.space.(*picked); ok {
			for i, at := range p.index {
				if want := float64(p.scale[i]) * whole.Flat[at]; !(math.Abs(float64(have[i])-want) <= 1e-4*math.Max(0.1, math.Abs(want))) {
					t.Fatalf("%s, weight %d: want %v, have %v", mode, at, want, have[i])
				}
			}
		}
	}
}
