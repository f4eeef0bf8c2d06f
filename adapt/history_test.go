package adapt

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"haguruma/core/fewshot"
	"haguruma/core/picture"
)

// heard is what a version says of some pictures: the bits of every number, without what depends on the examples that are still there.
func heard(t *testing.T, task *Task, queries []*picture.Picture) (bits []string) {
	t.Helper()
	for _, pic := range queries {
		a := must(task.Ask(pic))
		line := fmt.Sprint(a.Best, a.Unknown, math.Float32bits(a.Likeness), math.Float32bits(a.UnknownBelow))
		for _, s := range a.Scores {
			line += fmt.Sprint(" ", s.Class, math.Float32bits(s.Probability), math.Float32bits(s.Cosine))
		}
		bits = append(bits, line)
	}
	return bits
}

// TestRoundTrips: over random sequences of all that can be done to a task, every version that is gone back to says what it said, to the bit, and no
// embedding of an example ever changes.
func TestRoundTrips(t *testing.T) {
	refused, heads := 0, append(fewshot.Kinds, "")
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 8))
		task := NewTask(&colorEye{})
		experts := seed%2 == 1
		if experts {
			task.SetExperts(&colorExperts{})
		}
		color := func() *picture.Picture {
			return pixel(uint8(rng.IntN(256)), uint8(1+rng.IntN(255)), uint8(rng.IntN(256)))
		}
		queries := []*picture.Picture{color(), color(), color()}
		said := map[int][]string{} // by number of version
		off := map[int][]string{}
		embeds := map[int][]float32{}
		returns := 0
		listen := func() {
			v := task.Version()
			if v == nil {
				if task.Adapted() {
					t.Fatal("adapted at version 0")
				}
				return
			}
			now := heard(t, task, queries)
			if before, ok := said[v.Number]; !ok {
				said[v.Number] = now
			} else if returns++; !slices.Equal(before, now) {
				t.Fatalf("seed %d, version %d: %v, before %v", seed, v.Number, now, before)
			}
			if experts {
				task.UseExperts(false)
				now := heard(t, task, queries)
				if before, ok := off[v.Number]; ok && !slices.Equal(before, now) {
					t.Fatalf("seed %d, version %d without experts: %v, before %v", seed, v.Number, now, before)
				}
				off[v.Number] = now
				task.UseExperts(true)
			}
		}
		anyExample := func() int {
			ids := slices.Sorted(maps.Keys(embeds))
			if len(ids) == 0 {
				return 0
			}
			return ids[rng.IntN(len(ids))]
		}
		anyClass := func() int {
			if len(task.classes) == 0 {
				return 0
			}
			return task.classes[rng.IntN(len(task.classes))].id
		}
		for step := range 400 {
			switch rng.IntN(12) {
			case 0:
				if len(task.classes) < 6 {
					must(task.AddClass(fmt.Sprint("class ", step)))
				}
			case 1, 2, 3, 4:
				if id, err := task.AddExample(anyClass(), color()); err == nil {
					embeds[id] = must(task.Embedding(id))
				} else if c := Code(err); c != CodeUnknownClass && c != CodeContradiction {
					t.Fatal(err)
				}
			case 5:
				if id := anyExample(); task.Relabel(id, anyClass()) != nil && id != 0 && len(task.classes) > 0 {
					t.Fatalf("cannot relabel %d", id)
				}
			case 6:
				if id := anyExample(); id != 0 && len(embeds) > 12 {
					check(t, task.RemoveExample(id))
					delete(embeds, id)
				}
			case 7:
				if len(task.classes) > 4 {
					c := task.classes[rng.IntN(len(task.classes))]
					for _, x := range c.examples {
						delete(embeds, x.id)
					}
					check(t, task.RemoveClass(c.id))
				}
			case 8, 9:
				before := task.Version()
				out, err := task.Adapt(context.Background(), Options{Force: rng.IntN(2) == 0, Head: heads[rng.IntN(len(heads))]})
				switch {
				case err != nil:
					if c := Code(err); c != CodeEmptyClass && c != CodeTooFewClasses && c != CodeContradiction {
						t.Fatal(err)
					}
				case out.Taken != (task.Version() == out.Version) || out.Taken == (out.Version.Number == 0) || !out.Taken && task.Version() != before:
					t.Fatalf("seed %d: outcome %+v, in use %+v", seed, out, task.Version())
				case !out.Taken:
					refused++
				}
			case 10:
				check(t, task.Use(rng.IntN(len(task.History())+1)))
			case 11:
				if before := task.Version(); task.Back() == nil && rng.IntN(2) == 0 {
					check(t, task.Forward())
					if task.Version() != before {
						t.Fatal("forward is not where back came from")
					}
				}
			}
			listen()
		}
		for id, want := range embeds {
			if !slices.Equal(must(task.Embedding(id)), want) {
				t.Fatalf("the embedding of example %d changed", id)
			}
		}
		for i, v := range task.History() {
			if v.Number != i+1 {
				t.Fatalf("version %d is called %d", i+1, v.Number)
			}
		}
		if returns < 100 || len(said) < 10 {
			t.Errorf("seed %d: %d returns to %d versions: that tries too little", seed, returns, len(said))
		}
		if n := len(task.merged); n > keepMerged {
			t.Errorf("%d merged copies are kept", n)
		}
	}
	if refused == 0 {
		t.Error("no adaptation was refused")
	}
}

func TestBackAndForward(t *testing.T) {
	f := newFixture(t)
	if f.Back() == nil || f.Forward() == nil || Code(f.Use(1)) != CodeUnknownVersion || Code(f.Use(-1)) != CodeUnknownVersion || f.Use(0) != nil {
		t.Fatal("a history before the first adaptation")
	}
	at := func(want int) {
		t.Helper()
		have := 0
		if v := f.Version(); v != nil {
			have = v.Number
		}
		if have != want {
			t.Errorf("version %d is in use, want %d", have, want)
		}
	}
	for want := range 3 {
		check(t, learnAll(f.Task))
		at(want + 1)
		must(f.AddExample(f.red, pixel(uint8(99+want), 1, 1)))
	}
	check(t, f.Back())
	check(t, f.Back())
	at(1)
	check(t, f.Forward())
	at(2)
	check(t, learnAll(f.Task)) // 4, from 2
	at(4)
	if f.Forward() == nil {
		t.Error("forward after another version was taken")
	}
	check(t, f.Back())
	at(2)
	check(t, f.Back())
	check(t, f.Back())
	at(0)
	if _, err := f.Classify(pixel(1, 2, 3)); Code(err) != CodeNotAdapted || f.Back() == nil {
		t.Errorf("at version 0: %v", err)
	}
	check(t, f.Use(3))
	at(3)
	if v := f.History(); len(v) != 4 || v[3].Parent != 2 || v[2].Parent != 2 || v[0].Parent != 0 {
		t.Errorf("history %+v", v)
	}
	if !f.Stale() { // an example came after version 3
		t.Error("not stale")
	}
	check(t, f.Use(4))
	if f.Stale() {
		t.Error("version 4 is of the examples there are")
	}
}

// What is forgotten is gone, what is in use stays, and numbers go on.
func TestForgetHistory(t *testing.T) {
	f, x := newFixture(t), &colorExperts{}
	f.SetExperts(x)
	check(t, learnAll(f.Task))
	for range 2 {
		must(f.AddExample(f.red, pixel(0, 0, 255))) // other scores
		must(f.AddExample(f.green, pixel(0, 99, 0)))
		check(t, learnAll(f.Task))
	}
	check(t, f.Use(2))
	before := must(f.Classify(pixel(1, 2, 3)))
	f.ForgetHistory()
	if list := f.History(); len(list) != 1 || list[0].Number != 2 || list[0] != f.Version() || Code(f.Use(1)) != CodeUnknownVersion || Code(f.Use(3)) != CodeUnknownVersion ||
		Code(f.Back()) != CodeUnknownVersion {
		t.Errorf("history %+v", f.History())
	}
	for _, example := range f.examples {
		if len(example.byWeights) > 1 {
			t.Errorf("example %d is kept at %d weights", example.id, len(example.byWeights))
		}
	}
	if after := must(f.Classify(pixel(1, 2, 3))); !slices.Equal(before, after) || len(f.merged) > 1 {
		t.Errorf("before %+v, after %+v", before, after)
	}
	check(t, learnAll(f.Task))
	if f.Version().Number != 4 || f.Version().Parent != 2 {
		t.Errorf("the next is %+v", f.Version())
	}
	check(t, f.Use(2))
	check(t, f.Use(0))
	f.ForgetHistory()
	if len(f.History()) != 0 || f.Adapted() {
		t.Error("version 0")
	}
}

// A class removed leaves a version without it; going back brings its answers back.
func TestBackToARemovedClass(t *testing.T) {
	f := newFixture(t)
	blue := must(f.AddClass("blue"))
	must(f.AddExample(blue, pixel(3, 4, 200)))
	check(t, learnAll(f.Task))
	before := must(f.Classify(pixel(9, 9, 9)))
	check(t, f.RemoveClass(blue))
	if v := f.Version(); v.Number != 2 || v.Verdict.Code != VerdictClassRemoved || len(v.Classes) != 2 {
		t.Fatalf("have %+v", v)
	}
	check(t, f.Back())
	after := must(f.Classify(pixel(9, 9, 9)))
	before[2].Nearest, before[2].NearestCosine = 0, 0 // the example is gone
	if !reflect.DeepEqual(before, after) {
		t.Errorf("before %+v\nafter  %+v", before, after)
	}
}
