package tune

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"haguruma/adapt"
	"haguruma/core/picture"
	"haguruma/core/tensorfile"
	"haguruma/core/vit"
	"haguruma/sparse"
	"haguruma/sparse/finetune"
)

var half = [3]float32{0.5, 0.5, 0.5}

var small = vit.Config{ImageSize: 16, PatchSize: 4, Stem: []int{8, 24}, Dim: 24, Depth: 3, Heads: 2, MLPDim: 48, Pool: vit.PoolMean, Eps: 1e-6, Mean: half, Std: half}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// stripes is a noisy picture with stripes of a direction.
func stripes(class int, rng *rand.Rand) *picture.Picture {
	pic := &picture.Picture{Width: 16, Height: 16, Pix: make([]uint8, 3*16*16)}
	angle, phase := math.Pi*float64(class)/4, 2*math.Pi*rng.Float64()
	for i := range 16 * 16 {
		wave := math.Sin(1.2*(float64(i%16)*math.Cos(angle)+float64(i/16)*math.Sin(angle)) + phase)
		for c := range 3 {
			pic.Pix[3*i+c] = uint8(min(max(128+60*wave+40*rng.NormFloat64(), 0), 255))
		}
	}
	return pic
}

// newTask has four classes of five pictures.
func newTask(experts bool) (*adapt.Task, *adapt.Backbone) {
	p := vit.NewParams[float32](small)
	p.Init(rand.New(rand.NewPCG(1, 2)))
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range p.Flat {
		p.Flat[i] += float32(0.05 * rng.NormFloat64())
	}
	b := adapt.NewBackbone(vit.NewInt8(p))
	task := adapt.NewTask(b)
	if experts {
		task.SetExperts(must(b.Experts(sparse.RandomExperts(sparse.BackboneTensors(p), 3, 0.2, 0.05, small.Dim, rng), "")))
	}
	for class, name := range []string{"a", "b", "c", "d"} {
		id := must(task.AddClass(name))
		for range 5 {
			must(task.AddExample(id, stripes(class, rng)))
		}
	}
	return task, b
}

func config(mode finetune.Mode) finetune.Config {
	c := finetune.Default(mode)
	c.From, c.Steps, c.Views, c.Rates = 1, 6, 3, []float64{0, 1e-2}
	return c
}

func bits(m *vit.Int8Model) string { return tensorfile.Hash(must(tensorfile.Encode(m.File()))) }

func model(task *adapt.Task) *vit.Int8Model { return task.Merged().(*adapt.Backbone).Model() }

// TestTuner: with experts and without, a task takes what fine-tuning found; the change in its report, put on what it was made from, is the network in use to
// the bit; so it is when the copy was put away and when the change is put back without steps; going back is exact.
func TestTuner(t *testing.T) {
	for _, experts := range []bool{false, true} {
		for _, mode := range []finetune.Mode{finetune.Sparse, finetune.LoRA} {
			task, base := newTask(experts)
			before := bits(base.Model())
			must(task.Adapt(context.Background(), adapt.Options{}))
			from, rng := model(task), rand.New(rand.NewPCG(9, 9))
			query := stripes(1, rng)
			plain := must(task.Classify(query))
			cfg := config(mode)
			cfg.Folds, cfg.Rates = 0, cfg.Rates[1:] // no vote: there is something to look at
			done := 0
			out := must(task.Adapt(context.Background(), adapt.Options{Tuner: Tuner{cfg}, Progress: func(p adapt.Progress) {
				if p.Step == adapt.StepTune && p.Total == cfg.Steps {
					done = p.Done
				}
			}}))
			r := out.Version.Tuning
			if !out.Taken || out.Version.Verdict.Code != adapt.VerdictNotCompared || done != cfg.Steps || r.Rate != 1e-2 || r.Moved.Changed == 0 || len(r.Parts) == 0 {
				t.Fatalf("%s, experts %t: %d steps done, %+v, %+v", mode, experts, done, out.Version.Verdict, r)
			}
			if most := int(cfg.Share * float64(r.Moved.Total)); mode == finetune.Sparse && r.Moved.Changed > most {
				t.Errorf("%d weights move, the budget is %d", r.Moved.Changed, most)
			}
			_, again, err := Apply(r.Change, from)
			if err != nil || bits(again) != bits(model(task)) || bits(again) == bits(from) || bits(base.Model()) != before {
				t.Errorf("%s, experts %t: not the network wanted: %v", mode, experts, err)
			}
			tuned := must(task.Classify(query))
			// Two more versions put the copy of this one away.
			stored := must(task.Adapt(context.Background(), adapt.Options{Tuner: Stored{string(mode), r.Change}, Force: true}))
			if bits(model(task)) != bits(again) || stored.Version.Tuning.Mode != string(mode) || stored.Version.Tuning.Moved != r.Moved {
				t.Errorf("%s, experts %t: put back: %+v", mode, experts, stored.Version.Tuning)
			}
			cfg.Seed++
			must(task.Adapt(context.Background(), adapt.Options{Tuner: Tuner{cfg}, Force: true}))
			if err := task.Use(2); err != nil || !task.Tuned() || !slices.Equal(must(task.Classify(query)), tuned) || bits(model(task)) != bits(again) {
				t.Errorf("%s, experts %t: version 2 is not what it was: %v", mode, experts, err)
			}
			if err := task.Use(1); err != nil || task.Tuned() || !slices.Equal(must(task.Classify(query)), plain) || bits(model(task)) != bits(from) {
				t.Errorf("%s, experts %t: version 1 is not what it was: %v", mode, experts, err)
			}
		}
	}
}

// TestGuard: with votes, the guard compares by examples that the weights have not seen.
func TestGuard(t *testing.T) {
	task, _ := newTask(false)
	must(task.Adapt(context.Background(), adapt.Options{}))
	cfg := config(finetune.Sparse)
	cfg.Steps = 25
	out := must(task.Adapt(context.Background(), adapt.Options{Tuner: Tuner{cfg}, Force: true}))
	v, r := out.Version, out.Version.Tuning
	if r.Held != 20 || len(r.Trials) != 4 || r.Trials[0].Rate != 0 || r.Rate == 0 {
		t.Fatalf("%d held, rate %v, trials %+v", r.Held, r.Rate, r.Trials)
	}
	if v.Verdict.Compared != 20 || v.Verdict.Hits != v.Merged.LeaveOneOut.Hits || v.Merged.LeaveOneOut.Total != 20 {
		t.Errorf("%+v, %+v", v.Verdict, v.Merged.LeaveOneOut)
	}
	// With views, the head is of views of what was tuned, and so are those that judge.
	seen := must(task.Adapt(context.Background(), adapt.Options{Tuner: Tuner{cfg}, Views: true, Force: true})).Version
	if l := seen.Merged; l.Views != 8 || seen.Tuning.Rate != r.Rate || seen.Tuning.Moved != r.Moved || l.LeaveOneOut.Total != 20 || l.LeaveOneOut.LogLoss == v.Merged.LeaveOneOut.LogLoss {
		t.Errorf("of views: %+v, %+v", l.LeaveOneOut, seen.Tuning)
	}
	// A single example of a class is left out of nothing.
	lone := must(task.AddClass("lone"))
	must(task.AddExample(lone, stripes(6, rand.New(rand.NewPCG(1, 9)))))
	if out = must(task.Adapt(context.Background(), adapt.Options{Tuner: Tuner{cfg}})); out.Version.Verdict.Code != adapt.VerdictNotCompared {
		t.Errorf("%+v", out.Version.Verdict)
	}
	// Where no rate helps, nothing changes, and the version is as without a Tuner.
	cfg.Rates = []float64{0}
	out = must(task.Adapt(context.Background(), adapt.Options{Tuner: Tuner{cfg}}))
	if r = out.Version.Tuning; r.Rate != 0 || r.Moved.Changed != 0 || r.Change != nil || out.Version.Merged != nil {
		t.Errorf("%+v", out.Version)
	}
}

// TestStop: whatever is stopped, when the context ends or progress says so, the task is as it was and no goroutine stays.
func TestStop(t *testing.T) {
	task, _ := newTask(true)
	must(task.Adapt(context.Background(), adapt.Options{}))
	before, goroutines := task.Version(), runtime.NumGoroutine()
	for _, steps := range []int{0, 1, 7} {
		ctx, cancel := context.WithCancel(context.Background())
		_, err := task.Adapt(ctx, adapt.Options{Tuner: Tuner{config(finetune.Sparse)}, Progress: func(p adapt.Progress) {
			if p.Step == adapt.StepTune && p.Done == steps {
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) || task.Version() != before || len(task.History()) != 1 {
			t.Errorf("stopped at step %d: %v, %+v", steps, err, task.Version())
		}
	}
	for wait := 0; runtime.NumGoroutine() > goroutines; wait++ { // one that is done may still be ending
		if time.Sleep(time.Millisecond); wait == 1000 {
			t.Fatalf("%d goroutines, before %d", runtime.NumGoroutine(), goroutines)
		}
	}
	if _, err := task.Adapt(context.Background(), adapt.Options{Tuner: Tuner{finetune.Config{}}}); !errors.Is(err, finetune.ErrConfig) || task.Version() != before {
		t.Errorf("no config: %v", err)
	}
	foreign := Stored{Change: []tensorfile.Tensor{tensorfile.FromFloat32("delta.values", []int{1}, []float32{1})}}
	if _, err := task.Adapt(context.Background(), adapt.Options{Tuner: foreign}); !errors.Is(err, sparse.ErrFormat) || task.Version() != before {
		t.Errorf("a change of another backbone: %v", err)
	}
}
