package adapt

import (
	"errors"
	"math"
	"slices"
	"testing"
)

func near(got float32, want float64) bool { return math.Abs(float64(got)-want) <= 1e-6 }

// By hand: red has (200,0,0) and (120,160,0), mean (160,80,0); green (0,50,0). Asked (0,3,4): cosines
// 80/sqrt(160^2+80^2) * 3/5 and 3/5.
func TestClassifyByHand(t *testing.T) {
	f := newFixture(t)
	if _, err := f.Classify(pixel(0, 3, 4)); !errors.Is(err, ErrNotAdapted) || f.eye.calls != 3 {
		t.Fatalf("before Adapt: %v, %d pictures embedded", err, f.eye.calls)
	}
	check(t, learnAll(f.Task))
	scores := must(f.Classify(pixel(0, 3, 4)))
	red, green := 80/math.Sqrt(160*160+80*80)*0.6, 0.6
	p := 1 / (1 + math.Exp(10*(green-red)))
	if len(scores) != 2 || scores[0].Class != f.red || scores[0].Name != "red" || scores[1].Class != f.green || scores[1].Name != "green" {
		t.Fatalf("have %+v", scores)
	}
	if !near(scores[0].Cosine, red) || !near(scores[1].Cosine, green) || !near(scores[0].Probability, p) || !near(scores[1].Probability, 1-p) {
		t.Errorf("have %+v; want cosines %v, %v, probability %v", scores, red, green, p)
	}
	// The nearest red example is (120,160,0): 160/200 * 3/5.
	if scores[0].Nearest != 2 || !near(scores[0].NearestCosine, 0.48) || scores[1].Nearest != 3 || !near(scores[1].NearestCosine, 0.6) {
		t.Errorf("nearest %+v", scores)
	}
	if Best(scores) != 1 || Best(nil) != -1 || Best([]Score{{Probability: 0.5}, {Probability: 0.5}}) != 0 {
		t.Error("Best")
	}
	same := must(f.ClassifyEmbedding([]float32{0, 3, 4}))
	if !slices.Equal(same, scores) {
		t.Errorf("the embedding alone gives %+v", same)
	}
}

func TestClassifyIsRefused(t *testing.T) {
	f := newFixture(t)
	check(t, learnAll(f.Task))
	if _, err := f.ClassifyEmbedding([]float32{1, 2}); Code(err) != CodeBadEmbedding {
		t.Errorf("short: %v", err)
	}
	if _, err := f.ClassifyEmbedding([]float32{1, float32(math.NaN()), 2}); Code(err) != CodeBadEmbedding {
		t.Errorf("NaN: %v", err)
	}
	f.eye.fail = errors.New("broken eye")
	if _, err := f.Classify(pixel(1, 2, 3)); !errors.Is(err, f.eye.fail) {
		t.Errorf("broken eye: %v", err)
	}
	if _, err := NewTask(f.eye).ClassifyEmbedding([]float32{1, 2, 3}); Code(err) != CodeNotAdapted {
		t.Errorf("not adapted: %v", err)
	}
}

func TestTwoClassesOfOneExample(t *testing.T) {
	task := NewTask(&colorEye{})
	if err := learnAll(task); Code(err) != CodeTooFewClasses {
		t.Fatalf("no class: %v", err)
	}
	a := must(task.AddClass("a"))
	must(task.AddExample(a, pixel(9, 1, 0)))
	if err := learnAll(task); Code(err) != CodeTooFewClasses {
		t.Fatalf("one class: %v", err)
	}
	b := must(task.AddClass("b"))
	if err := learnAll(task); Code(err) != CodeEmptyClass {
		t.Fatalf("empty class: %v", err)
	}
	must(task.AddExample(b, pixel(0, 1, 9)))
	check(t, learnAll(task))
	scores := must(task.Classify(pixel(80, 10, 0)))
	if Best(scores) != 0 || !(scores[0].Probability > 0.99) || scores[0].Nearest != 1 || scores[1].Nearest != 2 {
		t.Errorf("have %+v", scores)
	}
	if task.LeaveOneOut() != nil {
		t.Error("leave-one-out of single examples")
	}
	// A blank picture is like nothing: no class is preferred, and nothing breaks.
	scores = must(task.Classify(pixel(0, 0, 0)))
	if scores[0].Probability != 0.5 || scores[1].Probability != 0.5 || Best(scores) != 0 {
		t.Errorf("blank: %+v", scores)
	}
}

// Adding an example embeds that one picture; adapting embeds none.
func TestEachPictureIsEmbeddedOnce(t *testing.T) {
	f := newFixture(t)
	check(t, learnAll(f.Task))
	must(f.AddExample(f.green, pixel(0, 60, 5)))
	check(t, f.Relabel(1, f.green))
	check(t, learnAll(f.Task))
	f.LeaveOneOut()
	if f.eye.calls != 4 {
		t.Errorf("%d pictures embedded, want 4", f.eye.calls)
	}
	if _, err := f.AddExample(99, pixel(1, 1, 1)); err == nil || f.eye.calls != 4 {
		t.Errorf("%v: a picture for no class was embedded", err)
	}
}

// What was adapted to answers as before until Adapt succeeds again.
func TestAdaptationStaysInUse(t *testing.T) {
	f := newFixture(t)
	if f.Adapted() || !f.Stale() {
		t.Error("adapted before Adapt")
	}
	check(t, learnAll(f.Task))
	ask := func() []Score { return must(f.ClassifyEmbedding([]float32{5, 4, 1})) }
	before := ask()
	if f.Stale() {
		t.Error("stale after Adapt")
	}
	must(f.AddExample(f.green, pixel(5, 4, 1)))
	blue := must(f.AddClass("blue"))
	if err := learnAll(f.Task); Code(err) != CodeEmptyClass {
		t.Fatal(err)
	}
	if after := ask(); !slices.Equal(before, after) || !f.Stale() {
		t.Errorf("before %+v, after %+v", before, after)
	}
	must(f.AddExample(blue, pixel(0, 0, 9)))
	check(t, learnAll(f.Task))
	if after := ask(); len(after) != 3 || after[1].Nearest != 4 || !(after[1].Probability > before[1].Probability) || f.Stale() {
		t.Errorf("after Adapt %+v", after)
	}
	check(t, f.RenameClass(blue, "azure"))
	if after := ask(); after[2].Name != "azure" || f.Stale() {
		t.Errorf("after renaming %+v", after)
	}
}

// A removed class is gone at once, exactly as if it had never been adapted to.
func TestRemovedClassIsForgotten(t *testing.T) {
	build := func(withBlue bool) *Task {
		f := newFixture(t)
		blue := must(f.AddClass("blue"))
		if !withBlue {
			check(t, f.RemoveClass(blue))
		} else {
			must(f.AddExample(blue, pixel(1, 2, 200)))
		}
		yellow := must(f.AddClass("yellow"))
		must(f.AddEmbedding(yellow, []float32{7, 8, 1}, nil))
		check(t, learnAll(f.Task))
		if withBlue {
			check(t, f.RemoveClass(blue))
		}
		return f.Task
	}
	with, without := build(true), build(false)
	ask := func(task *Task) []Score {
		scores := must(task.ClassifyEmbedding([]float32{5, 4, 1}))
		for i := range scores {
			scores[i].Nearest = 0 // the ids differ by the examples added between
		}
		return scores
	}
	if a, b := ask(with), ask(without); !slices.Equal(a, b) || len(a) != 3 || !with.Stale() {
		t.Errorf("have %+v, want %+v", a, b)
	}
	check(t, with.RemoveClass(1))
	if got := ask(with); len(got) != 2 || got[0].Name != "green" || got[1].Name != "yellow" {
		t.Errorf("have %+v", got)
	}
	check(t, with.RemoveClass(2))
	if _, err := with.ClassifyEmbedding([]float32{5, 4, 1}); Code(err) != CodeNotAdapted || with.Adapted() {
		t.Errorf("one class left: %v", err)
	}
}

// A class that came after Adapt can go without touching what is in use.
func TestRemoveClassThatWasNotAdaptedTo(t *testing.T) {
	f := newFixture(t)
	check(t, learnAll(f.Task))
	before := must(f.ClassifyEmbedding([]float32{5, 4, 1}))
	check(t, f.RemoveClass(must(f.AddClass("blue"))))
	if after := must(f.ClassifyEmbedding([]float32{5, 4, 1})); !slices.Equal(before, after) {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

// Evidence is only what was adapted to and is still there.
func TestNearestExamples(t *testing.T) {
	f := newFixture(t)
	check(t, learnAll(f.Task))
	must(f.AddEmbedding(f.red, []float32{5, 4, 1}, nil)) // 4: not adapted to
	nearest := func() [2]int {
		s := must(f.ClassifyEmbedding([]float32{5, 4, 1}))
		return [2]int{s[0].Nearest, s[1].Nearest}
	}
	if got := nearest(); got != [2]int{2, 3} {
		t.Errorf("have %v", got)
	}
	check(t, f.RemoveExample(2))
	check(t, f.RemoveExample(3))
	if got := nearest(); got != [2]int{1, 0} {
		t.Errorf("after removing: %v", got)
	}
	check(t, f.Relabel(1, f.green)) // what was learned stays
	if got := nearest(); got != [2]int{1, 0} {
		t.Errorf("after relabelling: %v", got)
	}
}
