package finetune

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"haguruma/core/tensorfile"
	"haguruma/core/vit"
	"haguruma/sparse"
)

var half = [3]float32{0.5, 0.5, 0.5}

var small = vit.Config{ImageSize: 16, PatchSize: 4, Stem: []int{8, 24}, Dim: 24, Depth: 3, Heads: 2, MLPDim: 48, Pool: vit.PoolMean, Eps: 1e-6, Mean: half, Std: half}

func smallBackbone() *vit.Int8Model {
	p := vit.NewParams[float32](small)
	p.Init(rand.New(rand.NewPCG(1, 2)))
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range p.Flat {
		p.Flat[i] += float32(0.05 * rng.NormFloat64())
	}
	return vit.NewInt8(p)
}

// stripes is a task of pictures of noise, with stripes of a direction of their own for each class.
func stripes(way, shot int, seed uint64) Task {
	const size = 16
	rng := rand.New(rand.NewPCG(seed, 5))
	task := Task{Way: way, Size: size}
	for label := range way {
		angle := math.Pi * float64(label) / float64(way)
		for range shot {
			phase := 2 * math.Pi * rng.Float64()
			for range 3 {
				for y := range size {
					for x := range size {
						wave := math.Sin(1.2*(float64(x)*math.Cos(angle)+float64(y)*math.Sin(angle)) + phase)
						task.Images = append(task.Images, float32(wave+0.7*rng.NormFloat64()))
					}
				}
			}
			task.Labels = append(task.Labels, label)
		}
	}
	return task
}

func smallTuning(mode Mode) Config {
	c := Default(mode)
	c.From, c.Steps, c.Views, c.Workers, c.Rates = 1, 6, 3, 1, []float64{0, 3e-3}
	return c
}

func mustTune(t *testing.T, u *Tuner, task Task, c Config) *Result {
	t.Helper()
	r, err := u.Tune(task, c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func bits(t *testing.T, m *vit.Int8Model) string {
	t.Helper()
	data, err := tensorfile.Encode(m.File())
	if err != nil {
		t.Fatal(err)
	}
	return tensorfile.Hash(data)
}

// TestModes: each moves what it should and nothing else, within its budget; the loss falls; the base is not written to; and the result does not
// depend on the number of workers.
func TestModes(t *testing.T) {
	base, task := smallBackbone(), stripes(4, 5, 1)
	before, n := bits(t, base), len(base.Params().Flat)
	for _, mode := range []Mode{Sparse, Norm, LoRA, Full} {
		t.Run(string(mode), func(t *testing.T) {
			c := smallTuning(mode)
			c.Folds, c.Steps, c.Rates = 0, 15, []float64{1e-2}
			c.Augment = Augment{}
			if mode == LoRA {
				c.Rates[0] = 1e-2
			}
			var losses []float64
			u := &Tuner{Base: base, Progress: func(done, of int, loss float64) {
				if losses = append(losses, loss); done != len(losses) || of != c.Steps {
					t.Errorf("progress %d of %d", done, of)
				}
			}}
			r := mustTune(t, u, task, c)
			if len(losses) != c.Steps || !(losses[len(losses)-1] < 0.9*losses[0]) || r.Loss != losses[len(losses)-1] || r.Rate != c.Rates[0] {
				t.Errorf("rate %v, losses %v", r.Rate, losses)
			}
			if r.Change.Len() == 0 || r.Model == base || bits(t, base) != before {
				t.Error("nothing changed, or the base did")
			}
			values := r.Change.Values()
			for _, tensor := range sparse.BackboneTensors(base.Params()) {
				moved := slices.ContainsFunc(values[tensor.Start:tensor.Start+tensor.Len()], func(v float32) bool { return v != 0 })
				may := blockOf(tensor.Name) >= c.From
				switch mode {
				case Norm:
					may = may && strings.Contains(tensor.Name, "norm")
				case LoRA:
					may = may && strings.HasSuffix(tensor.Name, "attn.qkv.weight")
					for i, v := range values[tensor.Start : tensor.Start+tensor.Len()] {
						if row := i / small.Dim; may && v != 0 && row >= small.Dim && row < 2*small.Dim {
							t.Fatalf("%s: the keys moved", tensor.Name)
						}
					}
				}
				if moved && !may {
					t.Errorf("%s moved", tensor.Name)
				}
			}
			if mode == Sparse && (r.Tuned != int(c.Share*float64(n)) || r.Change.Len() > r.Tuned) {
				t.Errorf("want %d of %d weights to move, have %d and %d", int(c.Share*float64(n)), n, r.Tuned, r.Change.Len())
			}
			if mode == LoRA && r.Tuned != 2*2*2*loraRank*small.Dim {
				t.Errorf("%d numbers", r.Tuned)
			}
			for _, workers := range []int{3} {
				c.Workers = workers
				other := mustTune(t, &Tuner{Base: base}, task, c)
				if bits(t, other.Model) != bits(t, r.Model) || other.Loss != r.Loss {
					t.Errorf("%d workers: another result", workers)
				}
			}
			c.Seed, c.Augment = c.Seed+1, Default(mode).Augment
			if other := mustTune(t, &Tuner{Base: base}, task, c); bits(t, other.Model) == bits(t, r.Model) {
				t.Error("another seed gives the same weights")
			}
		})
	}
}

// TestVotes: rate 0 is always among them, a rate that destroys the backbone is not chosen, and what rate 0 gives is the base itself.
func TestVotes(t *testing.T) {
	base, task := smallBackbone(), stripes(4, 5, 1)
	c := smallTuning(Sparse)
	c.Rates = []float64{1, 1}
	done := 0
	r := mustTune(t, &Tuner{Base: base, Progress: func(d, of int, _ float64) {
		if done++; d != done && d != of || of != 3*c.Steps {
			t.Errorf("progress %d of %d", d, of)
		}
		done = d
	}}, task, c)
	if done != 3*c.Steps {
		t.Errorf("progress ends at %d of %d", done, 3*c.Steps)
	}
	if len(r.Votes) != 4 || r.Votes[0].Rate != 0 || r.Votes[1].Rate != 1 || r.Votes[1].Part != 0.25 || r.Votes[3].Part != 1 || r.Held != len(task.Labels) {
		t.Fatalf("%d held, votes %+v", r.Held, r.Votes)
	}
	for _, v := range r.Votes {
		if v.Right < 0 || v.Right > r.Held || v.Expected < 0 || v.Expected > float64(r.Held) || !(v.Loss > 0) {
			t.Errorf("have %+v", v)
		}
		if v.Rate == r.Rate && v.Part == r.Part && v.Rate > 0 && (v.Expected < r.Votes[0].Expected || v.Part > 0.25 && v.Expected <= r.Votes[0].Expected+float64(r.Held)/25) {
			t.Errorf("chosen: %+v, which is not good enough beside %+v", v, r.Votes[:2])
		}
	}
	c.Rates = []float64{0}
	if r = mustTune(t, &Tuner{Base: base}, task, c); r.Rate != 0 || r.Model != base || r.Change.Len() != 0 {
		t.Errorf("rate 0: %+v", r)
	}
	c.Mode, c.Rates = None, []float64{1e-2}
	if r = mustTune(t, &Tuner{Base: base}, task, c); r.Rate != 0 || r.Model != base {
		t.Errorf("none: %+v", r)
	}
}

// TestNothingToGain: where every held-out example is right already, no rate is tried and the base stays.
func TestNothingToGain(t *testing.T) {
	base, task := smallBackbone(), stripes(4, 5, 1)
	plane := len(task.Images) / len(task.Labels)
	for i, label := range task.Labels { // all examples of a class are its first one
		copy(task.Images[i*plane:(i+1)*plane], task.Images[slices.Index(task.Labels, label)*plane:][:plane])
	}
	c, calls, last := smallTuning(Sparse), 0, 0
	r := mustTune(t, &Tuner{Base: base, Progress: func(done, of int, _ float64) {
		if calls, last = calls+1, of-done; of != (1+2*(len(c.Rates)-1))*c.Steps {
			t.Errorf("progress %d of %d", done, of)
		}
	}}, task, c)
	if len(r.Votes) != 1 || r.Votes[0].Right != r.Held || r.Held != 20 || !(r.Votes[0].Loss > 0) || r.Rate != 0 || r.Model != base || calls != 1 || last != 0 {
		t.Errorf("%d calls, %d steps left, %+v", calls, last, r)
	}
	if len(r.Folds) != 2 || len(r.Folds[0].Embed) != 20*base.Config().Dim {
		t.Errorf("folds to judge by: %d", len(r.Folds))
	}
}

// TestWorthTrying: steps are taken where more than a twentieth of the held-out examples is wrong, and one at least.
func TestWorthTrying(t *testing.T) {
	for _, c := range []struct {
		held, right int
		want        bool
	}{{10, 9, true}, {10, 10, false}, {25, 23, true}, {25, 24, false}, {40, 37, true}, {40, 38, false}} {
		if have := worthTrying(Vote{Right: c.right}, c.held); have != c.want {
			t.Errorf("%d of %d: want %t, have %t", c.right, c.held, c.want, have)
		}
	}
}

// TestElect: the smallest change unless no change expects more right; a larger one for more than one in 25 of the held-out examples.
func TestElect(t *testing.T) {
	for _, c := range []struct {
		held, want int
		expected   []float64
	}{
		{25, 0, []float64{15}},
		{25, 1, []float64{15, 15}},
		{25, 0, []float64{15, 14.9}},
		{25, 1, []float64{15, 15.1, 16.1}},
		{25, 2, []float64{15, 15.1, 16.2}},
		{25, 0, []float64{15, 14.9, 16}},
		{25, 2, []float64{15, 14.9, 16.1}},
		{25, 3, []float64{15, 15.1, 17, 17.1}},
		{25, 2, []float64{15, 15.1, 17, 17}},
		{25, 2, []float64{15, 15.1, 17, 16.9}},
		{50, 1, []float64{30, 30.2, 32.1}},
		{50, 2, []float64{30, 30.2, 32.3}},
	} {
		var votes []Vote
		for _, e := range c.expected {
			votes = append(votes, Vote{Rate: 1, Expected: e, Loss: 1})
		}
		if have := elect(votes, c.held); have != c.want {
			t.Errorf("%v of %d: want %d, have %d", c.expected, c.held, c.want, have)
		}
	}
	if have := elect([]Vote{{Loss: 1}, {Rate: 1, Loss: math.Inf(1)}}, 10); have != 0 {
		t.Errorf("what is not finite is chosen")
	}
}

// TestFolds: each example of a class of two or more is left out once, and each class keeps one in every fold.
func TestFolds(t *testing.T) {
	task := Task{Way: 3, Labels: []int{0, 0, 1, 2, 2, 2, 2, 2}}
	for _, n := range []int{2, 3, 7} {
		out, held := folds(task, n, rand.New(rand.NewPCG(1, uint64(n))))
		if held != 7 || len(out) != n {
			t.Errorf("%d folds: %d held, %d lists", n, held, len(out))
		}
		for i, label := range task.Labels {
			times := 0
			for _, left := range out {
				if left[i] {
					times++
				}
			}
			if want := 1; label == 1 && times != 0 || label != 1 && times != want {
				t.Errorf("%d folds: example %d is left out %d times", n, i, times)
			}
		}
		for _, left := range out {
			for label, list := range members(task, left) {
				if len(list) == 0 {
					t.Errorf("%d folds: class %d has nothing to learn from", n, label)
				}
			}
		}
	}
}

// TestOneShot: pairs of views stand for a second example; there is nothing to vote with, so nothing changes unless the caller says how fast.
func TestOneShot(t *testing.T) {
	base, task := smallBackbone(), stripes(4, 1, 1)
	c := smallTuning(Norm)
	if r := mustTune(t, &Tuner{Base: base}, task, c); r.Rate != 0 || r.Held != 0 || r.Model != base {
		t.Errorf("with votes: %+v", r)
	}
	c.Folds = 0
	if r := mustTune(t, &Tuner{Base: base}, task, c); r.Rate != c.Rates[len(c.Rates)-1] || r.Change.Len() == 0 || !(r.Loss > 0) {
		t.Errorf("without: %+v", r)
	}
}

// TestManyExamples: a step takes a share of a large support, and more micro-batches than keep their activations.
func TestManyExamples(t *testing.T) {
	base := smallBackbone()
	c := smallTuning(Norm)
	c.Folds, c.Steps = 0, 2
	for _, task := range []Task{stripes(3, 40, 1), stripes(25, 2, 1)} {
		r := mustTune(t, &Tuner{Base: base}, task, c)
		c.Workers = 2
		if other := mustTune(t, &Tuner{Base: base}, task, c); bits(t, other.Model) != bits(t, r.Model) {
			t.Error("two workers: another result")
		}
	}
}

// TestDemand: with experts, what they want most moves, and nothing they do not want.
func TestDemand(t *testing.T) {
	base := smallBackbone()
	theta := base.Params()
	demand := make([]float32, len(theta.Flat))
	index := within(theta, 2, func(name string) bool { return strings.HasSuffix(name, "fc1.weight") })
	for i, at := range index {
		demand[at] = float32(i)
	}
	demand[0] = 1e9 // below the first block that may change
	c := smallTuning(Sparse)
	c.Folds, c.Share = 0, 100/float64(len(demand))
	r := mustTune(t, &Tuner{Base: base, Demand: demand}, stripes(3, 4, 1), c)
	for i, v := range r.Change.Values() {
		if v != 0 && !slices.Contains(index[len(index)-100:], int32(i)) {
			t.Fatalf("weight %d moved", i)
		}
	}
	if r.Tuned != 100 || r.Change.Len() < 50 {
		t.Errorf("%d may move, %d did", r.Tuned, r.Change.Len())
	}
	if _, err := (&Tuner{Base: base, Demand: demand[1:]}).Tune(stripes(3, 4, 1), c); !errors.Is(err, ErrConfig) {
		t.Errorf("a demand of another length: %v", err)
	}
}

// TestCancel: a cancel is answered at the next pause, wherever it comes.
func TestCancel(t *testing.T) {
	base, task := smallBackbone(), stripes(4, 5, 1)
	c := smallTuning(Sparse)
	pauses := 0
	mustTune(t, &Tuner{Base: base, Pause: func() error { pauses++; return nil }}, task, c)
	if want := 3 * c.Steps * 2; pauses < want {
		t.Fatalf("%d pauses, want %d or more", pauses, want)
	}
	for at := 1; at <= pauses; at += 7 {
		ctx, cancel := context.WithCancel(t.Context())
		seen := 0
		u := &Tuner{Base: base, Pause: func() error {
			if seen++; seen == at {
				cancel()
			}
			return ctx.Err()
		}}
		if _, err := u.Tune(task, c); !errors.Is(err, context.Canceled) || seen != at {
			t.Errorf("cancelled at pause %d: %v after %d", at, err, seen)
		}
		cancel()
	}
}

// TestRefusals: what cannot be tuned is said before any work.
func TestRefusals(t *testing.T) {
	base := smallBackbone()
	good := func() (Task, Config) { return stripes(3, 2, 1), smallTuning(Norm) }
	for name, spoil := range map[string]func(*Task, *Config) error{
		"mode":        func(_ *Task, c *Config) error { c.Mode = "some"; return ErrConfig },
		"share":       func(_ *Task, c *Config) error { c.Share = math.NaN(); return ErrConfig },
		"block":       func(_ *Task, c *Config) error { c.From = 3; return ErrConfig },
		"steps":       func(_ *Task, c *Config) error { c.Steps = 0; return ErrConfig },
		"folds":       func(_ *Task, c *Config) error { c.Folds = 1; return ErrConfig },
		"fixed views": func(_ *Task, c *Config) error { c.Views = 1; return ErrConfig },
		"no rates":    func(_ *Task, c *Config) error { c.Rates = nil; return ErrConfig },
		"no parts":    func(_ *Task, c *Config) error { c.Parts = nil; return ErrConfig },
		"part":        func(_ *Task, c *Config) error { c.Parts = []float64{0, 0.5}; return ErrConfig },
		"parts order": func(_ *Task, c *Config) error { c.Parts = []float64{1, 0.25}; return ErrConfig },
		"rates order": func(_ *Task, c *Config) error { c.Rates = []float64{1e-3, 0}; return ErrConfig },
		"rate":        func(_ *Task, c *Config) error { c.Rates = []float64{-1}; return ErrConfig },
		"smoothing":   func(_ *Task, c *Config) error { c.Smooth = 1; return ErrConfig },
		"decay":       func(_ *Task, c *Config) error { c.Decay = -1; return ErrConfig },
		"mirror":      func(_ *Task, c *Config) error { c.Mirror = 2; return ErrConfig },
		"zoom":        func(_ *Task, c *Config) error { c.Zoom = math.Inf(1); return ErrConfig },
		"workers":     func(_ *Task, c *Config) error { c.Workers = -1; return ErrConfig },
		"pixel":       func(t *Task, _ *Config) error { t.Images[5] = float32(math.NaN()); return ErrNotFinite },
		"pixels":      func(t *Task, _ *Config) error { t.Images = t.Images[1:]; return ErrTask },
		"views":       func(t *Task, _ *Config) error { t.Views = make([]float32, len(t.Images)+1); return ErrTask },
		"a NaN view": func(t *Task, _ *Config) error {
			t.Views = slices.Clone(t.Images)
			t.Views[7] = float32(math.NaN())
			return ErrNotFinite
		},
		"size":        func(t *Task, _ *Config) error { t.Size = 15; return ErrTask },
		"label":       func(t *Task, _ *Config) error { t.Labels[0] = 3; return ErrTask },
		"empty class": func(t *Task, _ *Config) error { t.Way = 4; return ErrTask },
		"one class":   func(t *Task, _ *Config) error { t.Way = 1; return ErrTask },
	} {
		task, c := good()
		want := spoil(&task, &c)
		if _, err := (&Tuner{Base: base}).Tune(task, c); !errors.Is(err, want) {
			t.Errorf("%s: want %v, have %v", name, want, err)
		}
	}
}

// TestNotFinite: pixels so large that the loss is no number are an error, and no model.
func TestNotFinite(t *testing.T) {
	task := stripes(3, 2, 1)
	for i := range task.Images {
		task.Images[i] *= 3e37
	}
	c := smallTuning(Norm)
	c.Folds = 0
	if r, err := (&Tuner{Base: smallBackbone()}).Tune(task, c); err == nil {
		for _, v := range r.Change.Values() {
			if v-v != 0 {
				t.Fatal("a change that is not finite")
			}
		}
	} else if !errors.Is(err, ErrNotFinite) {
		t.Errorf("have %v", err)
	}
}
