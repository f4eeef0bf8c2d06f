package adapt

import (
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"haguruma/core/fewshot"
	"haguruma/core/picture"
)

// clouds is a task of classes that are clouds of a given width around points of their own, with pictures of one color.
func clouds(t *testing.T, way, shots, width int) (*Task, *rand.Rand) {
	t.Helper()
	rng := rand.New(rand.NewPCG(4, uint64(way)))
	task := NewTask(&colorEye{})
	for c := range way {
		id := must(task.AddClass(string(rune('a' + c))))
		for range shots {
			must(task.AddExample(id, cloud(rng, c, width)))
		}
	}
	return task, rng
}

func cloud(rng *rand.Rand, class, width int) *picture.Picture {
	center := [][3]int{{180, 40, 40}, {40, 180, 40}, {40, 40, 180}, {150, 150, 30}}[class]
	at := func(k int) uint8 { return uint8(center[k] + rng.IntN(2*width+1) - width) }
	return pixel(at(0), at(1), at(2))
}

// fog are experts that blind the network: all pictures are nearly alike.
type fog struct{ colorExperts }

func (x *fog) Merge([]float32) Embedder { return &blindEye{} }

type blindEye struct{ turnedEye }

func (*blindEye) Embed(pic *picture.Picture) ([]float32, error) {
	return []float32{9, 9, 9 + float32(pic.Pix[0]^pic.Pix[1]^pic.Pix[2])/5}, nil
}

// The guard: an adaptation that predicts left-out examples worse is not taken until it is forced.
func TestGuard(t *testing.T) {
	task, rng := clouds(t, 3, 5, 39)
	out, err := task.Adapt(context.Background(), Options{})
	check(t, err)
	if v := out.Version.Verdict; !out.Taken || v.Code != VerdictFirst || out.Version.Number != 1 {
		t.Fatalf("first: %+v", out)
	}
	must(task.AddExample(1, cloud(rng, 0, 10)))
	if out, err = task.Adapt(context.Background(), Options{}); err != nil || !out.Taken || out.Version.Verdict.Code != VerdictBetter || out.Version.Verdict.Compared != 16 {
		t.Fatalf("another good example: %+v, %v", out.Version.Verdict, err)
	}
	query := cloud(rng, 0, 10)
	before := must(task.Classify(query))
	task.SetExperts(&fog{})
	state := see(task)
	out, err = task.Adapt(context.Background(), Options{})
	check(t, err)
	v := out.Version.Verdict
	if out.Taken || v.Code != VerdictWorse || v.Compared != 16 || v.Hits >= v.Before || task.Version().Number != 2 || len(task.History()) != 2 {
		t.Fatalf("worse: taken %v, %+v", out.Taken, v)
	}
	if !reflect.DeepEqual(state, see(task)) || !slices.Equal(before, must(task.Classify(query))) {
		t.Error("a refused adaptation left a trace")
	}
	if out, err = task.Adapt(context.Background(), Options{Force: true}); err != nil || !out.Taken || out.Version.Verdict.Code != VerdictWorse || task.Version().Number != 3 {
		t.Errorf("forced: %+v, %v", out, err)
	}
}

// The verdict by hand: what is in use judges what it has not seen by its answer, and what it has by its own left-out probabilities.
func TestGuardByHand(t *testing.T) {
	task, rng := clouds(t, 2, 4, 30)
	check(t, learnAll(task))
	old := task.InUse()
	id := must(task.AddExample(2, cloud(rng, 1, 30)))
	answer := must(task.ClassifyEmbedding(must(task.Embedding(id))))
	out, err := task.Adapt(context.Background(), Options{})
	check(t, err)
	now := out.Version.Plain
	var before, after float64
	for i, m := range now.support {
		p := answer[1].Probability
		if m.x.id != id {
			p = old.LeaveOneOut.Judged[slices.IndexFunc(old.LeaveOneOut.Judged, func(j Judged) bool { return j.Example == m.x.id })].Probability
		}
		before += logLoss(max(p, guardProbability)) / 9
		after += logLoss(max(now.LeaveOneOut.Judged[i].Probability, guardProbability)) / 9
	}
	v := out.Version.Verdict
	if v.Compared != 9 || !near(float32(v.LogBefore), before) || !near(float32(v.LogLoss), after) {
		t.Errorf("have %+v, want %v before, %v now", v, before, after)
	}
}

func TestNotCompared(t *testing.T) {
	f := newFixture(t)
	check(t, learnAll(f.Task))
	out, err := f.Adapt(context.Background(), Options{})
	if err != nil || !out.Taken || out.Version.Verdict.Code != VerdictNotCompared {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestHeadOption(t *testing.T) {
	task, _ := clouds(t, 3, 5, 39)
	for _, kind := range []fewshot.Kind{fewshot.KindLDA, fewshot.KindRidge, fewshot.KindLogistic, fewshot.KindPrototypes} {
		out, err := task.Adapt(context.Background(), Options{Head: kind, Force: true})
		check(t, err)
		l := task.InUse()
		if out.Version.Plain != l || l.Head.Kind != kind || len(l.Trials) == 0 || l.LeaveOneOut.Total != 15 {
			t.Errorf("asked for %s: %s, %d trials", kind, l.Head.Kind, len(l.Trials))
		}
		for _, s := range must(task.Classify(pixel(180, 40, 40))) {
			if (s.Class == 1) != (s.Probability > 0.5) {
				t.Errorf("%s: %+v", kind, s)
			}
		}
	}
}

// Steps are told in order, and stopping at any of them leaves the task as it was.
func TestProgressAndStop(t *testing.T) {
	build := func() (*Task, *colorExperts) {
		task, _ := clouds(t, 3, 2, 20)
		check(t, learnAll(task))
		x := &colorExperts{}
		task.SetExperts(x)
		return task, x
	}
	var steps []Progress
	task, _ := build()
	ms := 0.0
	clock := func() float64 { ms++; return ms }
	out, err := task.Adapt(context.Background(), Options{Progress: func(p Progress) { steps = append(steps, p) }, Clock: clock})
	check(t, err)
	order := []Step{StepRoute, StepMerge, StepEmbed, StepHead, StepCompare}
	var names []Step
	for _, p := range steps {
		if p.Done >= p.Total || p.Done < 0 {
			t.Errorf("%+v", p)
		}
		if len(names) == 0 || names[len(names)-1] != p.Step {
			names = append(names, p.Step)
		}
	}
	if !slices.Equal(names, order) || len(steps) != 1+1+6+2+6 || len(out.Version.Timings) != len(order) {
		t.Errorf("steps %v, timings %v", steps, out.Version.Timings)
	}
	for _, timing := range out.Version.Timings {
		if timing.Took != 1 {
			t.Errorf("%s took %v", timing.Step, timing.Took)
		}
	}
	for stop := range len(steps) {
		task, _ := build()
		before := see(task)
		ctx, cancel := context.WithCancel(context.Background())
		at := 0
		_, err := task.Adapt(ctx, Options{Progress: func(Progress) {
			if at == stop {
				cancel()
			}
			at++
		}})
		if !errors.Is(err, context.Canceled) || at != stop+1 {
			t.Fatalf("stop at %d: %v after %d", stop, err, at)
		}
		if after := see(task); !reflect.DeepEqual(before, after) || len(task.History()) != 1 {
			t.Errorf("stop at %d: before %+v\nafter %+v", stop, before, after)
		}
		for _, x := range task.examples {
			if len(x.byWeights) > 0 {
				t.Errorf("stop at %d: an embedding was left", stop)
			}
		}
		check(t, learnAll(task))
		cancel()
	}
}

// swapper is a Tuner that makes a network which swaps red and green.
type swapper struct {
	folds   []Fold
	fail    error
	nothing bool // changes nothing
	again   int  // networks made again
	task    Tuning
}

func (s *swapper) Tune(_ Stopper, task Tuning, progress func(done, total int) error) (*Tuned, error) {
	s.task = task
	for i := range 3 {
		if err := progress(i, 3); err != nil {
			return nil, err
		}
	}
	tuned := &Tuned{Folds: s.folds, Report: &TuningReport{Mode: "swap"}}
	if !s.nothing {
		tuned.Embedder = swappedEye{task.Embedder}
		tuned.Again = func(from Embedder) Embedder {
			s.again++
			return swappedEye{from}
		}
	}
	return tuned, s.fail
}

type swappedEye struct{ Embedder }

func (e swappedEye) Embed(pic *picture.Picture) ([]float32, error) {
	return e.Embedder.Embed(pixel(pic.Pix[1], pic.Pix[0], pic.Pix[2]))
}

func TestTuner(t *testing.T) {
	task, _ := clouds(t, 2, 3, 20)
	check(t, learnAll(task))
	before := must(task.Classify(pixel(200, 30, 30)))
	s := &swapper{fail: errors.New("broken")}
	if _, err := task.Adapt(context.Background(), Options{Tuner: s}); !errors.Is(err, s.fail) || task.Version().Number != 1 {
		t.Fatalf("broken tuner: %v", err)
	}
	s.fail = nil
	// What was tuned takes each example that it has not seen for one of the other class: not taken.
	for shot := range 3 {
		f := Fold{Out: make([]bool, 6)}
		for i := range 6 {
			f.Out[i] = i%3 == shot
			axis := make([]float32, 3)
			if axis[i/3] = 1; f.Out[i] {
				slices.Reverse(axis[:2])
			}
			f.Embed = append(f.Embed, axis...)
		}
		s.folds = append(s.folds, f)
	}
	out, err := task.Adapt(context.Background(), Options{Tuner: s})
	if err != nil || out.Taken || out.Version.Verdict.Code != VerdictWorse || out.Version.Verdict.Hits != 0 {
		t.Fatalf("%+v, %v", out, err)
	}
	if len(s.task.Pictures) != 6 || !slices.Equal(s.task.Labels, []int{0, 0, 0, 1, 1, 1}) || s.task.Way != 2 || s.task.Scores != nil {
		t.Errorf("tuned from %+v", s.task)
	}
	// With the same examples on the right side, it is judged by them alone, and so is what is unknown.
	for _, f := range s.folds {
		for i := range 6 {
			if f.Out[i] {
				slices.Reverse(f.Embed[3*i : 3*i+2])
			}
		}
	}
	out, err = task.Adapt(context.Background(), Options{Tuner: s})
	if err != nil || !out.Taken || out.Version.Verdict.Hits != 6 || out.Version.Verdict.Compared != 6 || out.Version.Merged.LeaveOneOut.Hits != 6 {
		t.Fatalf("%+v, %v", out, err)
	}
	// With views the folds have those of each example.
	for k := range s.folds {
		f := &s.folds[k]
		var wide []float32
		for i := range 6 {
			wide = append(append(wide, f.Embed[3*i:3*i+3]...), f.Embed[3*i:3*i+3]...)
		}
		f.Embed = wide
	}
	seen := must(task.Adapt(context.Background(), Options{Tuner: s, Views: true, Force: true})).Version
	if s.task.Each != 8 || seen.Merged.Views != 8 || seen.Verdict.Hits != 6 || seen.Merged.LeaveOneOut.Hits != 6 {
		t.Errorf("%d views tuned from, %+v", s.task.Each, seen.Verdict)
	}
	must(0, task.Use(out.Version.Number))
	if below := out.Version.Merged.UnknownBelow; !near(below, 1) { // all are alike in the folds
		t.Errorf("unknown below %v", below)
	}
	// Nothing changes: the version is as without a Tuner, but for the report.
	s.nothing = true
	out, err = task.Adapt(context.Background(), Options{Tuner: s, Force: true})
	if err != nil || out.Version.Merged != nil || out.Version.Tuning.Mode != "swap" || task.Merged() != task.embedder {
		t.Fatalf("%+v, %v", out, err)
	}
	s.nothing = false
	s.folds = s.folds[:2] // two examples of six are left out of none
	if out, err = task.Adapt(context.Background(), Options{Tuner: s}); err != nil || !out.Taken || out.Version.Verdict.Code != VerdictNotCompared {
		t.Fatalf("%+v, %v", out, err)
	}
	// The support and the query are seen by the tuned network alike.
	after := must(task.Classify(pixel(200, 30, 30)))
	if Best(after) != 0 || task.InUse().UnknownBelow != -1 || task.Merged() == task.embedder || task.Choice() != nil || after[0].Nearest != before[0].Nearest {
		t.Errorf("tuned: %+v, before %+v", after, before)
	}
	check(t, task.Use(1))
	if got := must(task.Classify(pixel(200, 30, 30))); !slices.Equal(got, before) {
		t.Errorf("back: %+v, want %+v", got, before)
	}
	number := out.Version.Number
	check(t, task.Use(number))
	if got := must(task.Classify(pixel(200, 30, 30))); !slices.Equal(got, after) {
		t.Errorf("forward: %+v, want %+v", got, after)
	}
	// Copies of versions that are not in use are put away, and made again.
	for range keepMerged {
		must(task.Adapt(context.Background(), Options{Tuner: s, Force: true}))
	}
	if len(task.merged) != keepMerged || s.again != 0 {
		t.Errorf("%d copies are kept, %d made again", len(task.merged), s.again)
	}
	check(t, task.Use(number))
	if got := must(task.Classify(pixel(200, 30, 30))); !slices.Equal(got, after) || s.again != 1 {
		t.Errorf("made again %d times: %+v, want %+v", s.again, got, after)
	}
}

func TestReview(t *testing.T) {
	task, rng := clouds(t, 3, 5, 20)
	check(t, learnAll(task))
	if list := task.Review(); len(list) != 0 {
		t.Fatalf("nothing is wrong, have %+v", list)
	}
	clear := must(task.AddExample(2, pixel(180, 40, 40))) // of the first class
	vague := must(task.AddExample(2, pixel(150, 112, 40)))
	for range 3 {
		must(task.AddExample(2, cloud(rng, 1, 20)))
	}
	for _, adapted := range []bool{false, true} { // by prototypes, then by what is in use
		if adapted {
			check(t, learnAll(task))
		}
		list := task.Review()
		if len(list) == 0 || list[0].Example != clear || list[0].Class != 2 || list[0].Said != 1 || list[0].Twin != 0 || !(list[0].Saying > list[0].Probability) {
			t.Fatalf("adapted %v: %+v", adapted, list)
		}
		for i, d := range list[1:] {
			if d.Example != vague || d.Saying-d.Probability > list[i].Saying-list[i].Probability {
				t.Errorf("adapted %v: %+v", adapted, list)
			}
		}
	}
}

// One picture in two classes is refused when it is added, listed when it got there by relabelling, and refused again by Adapt.
func TestContradiction(t *testing.T) {
	f := newFixture(t)
	check(t, learnAll(f.Task))
	before := see(f.Task)
	var e *Error
	if _, err := f.AddExample(f.green, pixel(200, 0, 0)); !errors.As(err, &e) || !errors.Is(err, ErrContradiction) || e.Example != 1 || e.Class != f.red || e.Name != "red" {
		t.Fatalf("have %v", err)
	}
	if after := see(f.Task); !reflect.DeepEqual(before, after) {
		t.Errorf("before %+v\nafter  %+v", before, after)
	}
	again := must(f.AddExample(f.red, pixel(200, 0, 0))) // twice in one class is no contradiction
	check(t, f.Relabel(again, f.green))
	list := f.Review()
	if len(list) < 2 || list[0].Example != 1 || list[0].Twin != again || list[0].Said != f.green || list[1].Example != again || list[1].Twin != 1 {
		t.Errorf("review %+v", list)
	}
	if _, err := f.Adapt(context.Background(), Options{Force: true}); !errors.As(err, &e) || e.Code != CodeContradiction || e.Example != 1 || e.Other != again {
		t.Errorf("have %v", err)
	}
	check(t, f.RemoveExample(1))
	check(t, learnAll(f.Task))
}

// All of three classes with one picture are listed, whichever class came first.
func TestContradictionOfThree(t *testing.T) {
	f := newFixture(t) // example 1 is red
	blue := must(f.AddClass("blue"))
	second, third := must(f.AddExample(f.red, pixel(200, 0, 0))), must(f.AddExample(f.red, pixel(200, 0, 0)))
	check(t, f.Relabel(1, f.green))
	check(t, f.Relabel(second, blue))
	listed := map[int]bool{}
	for _, d := range f.Review() {
		listed[d.Example] = listed[d.Example] || d.Twin != 0
	}
	if !listed[1] || !listed[second] || !listed[third] {
		t.Errorf("have %+v", f.Review())
	}
}

// What is like no example is of no class, and what is like them is not unknown.
func TestUnknown(t *testing.T) {
	task, rng := clouds(t, 3, 6, 25)
	check(t, learnAll(task))
	a := must(task.Ask(pixel(120, 120, 120)))
	if !a.Unknown || !(a.Likeness < a.UnknownBelow) || a.Version != 1 {
		t.Errorf("gray: %+v", a)
	}
	known := 0
	for i := range 60 {
		if a := must(task.Ask(cloud(rng, i%3, 25))); !a.Unknown {
			known++
		}
	}
	if known < 48 {
		t.Errorf("%d of 60 pictures of the classes are known", known)
	}
	f := newFixture(t) // a class of one example
	check(t, learnAll(f.Task))
	if a := must(f.Ask(pixel(0, 0, 255))); a.Unknown || a.UnknownBelow != -1 {
		t.Errorf("too few examples to tell: %+v", a)
	}
}

func TestNearestList(t *testing.T) {
	f := newFixture(t)
	check(t, learnAll(f.Task))
	list := must(f.Nearest([]float32{0, 3, 4}, 2))
	if len(list) != 2 || list[0].Example != 3 || list[0].Class != f.green || !near(list[0].Cosine, 0.6) || list[1].Example != 2 || !near(list[1].Cosine, 0.48) {
		t.Errorf("have %+v", list)
	}
	check(t, f.RemoveExample(3))
	if list := must(f.Nearest([]float32{0, 3, 4}, 9)); len(list) != 2 || list[0].Example != 2 {
		t.Errorf("have %+v", list)
	}
}
