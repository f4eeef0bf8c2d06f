package carry

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"haguruma/adapt"
	"haguruma/adapt/adapter"
	"haguruma/core/fewshot"
)

// again makes a task with the classes and examples of another, by their ids; gone leaves an example out.
func again(w Weights, from *adapt.Task, gone int) *adapt.Task {
	task := adapt.NewTask(w.Backbone)
	task.SetExperts(must(w.Backbone.Experts(w.Experts, "")))
	for _, c := range from.Classes() {
		must(task.AddClassAs(c.ID, c.Name))
		for _, x := range c.Examples {
			if x != gone {
				must(task.AddEmbeddingAs(x, c.ID, must(from.Embedding(x)), from.Picture(x)))
			}
		}
	}
	return task
}

// TestRecall: after the task has ended, adapter and notes bring a version back: the same answers to the bit, numbers, doubts and verdicts, and once its
// examples are remembered the same nearest ones. What the guard says of the next adaptation is what it would have said.
func TestRecall(t *testing.T) {
	for _, off := range []bool{false, true} {
		w, task, rng := setUp("")
		task.UseExperts(!off)
		must(task.AddExample(2, noise(rng, 1)))
		must(task.Adapt(context.Background(), adapt.Options{Force: true}))
		file, notes := must(w.Pack(task).Encode()), Notes(task)

		r := must(ReadNotes(notes))
		r.Number = 2
		back := again(w, task, 0)
		back.UseExperts(!off)
		v, err := w.Recall(back, must(adapter.Decode(file)), r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if back.Version() != nil || back.Use(2) != nil || back.Stale() {
			t.Errorf("off %t: in use before it was asked for, or stale: %v", off, back.Stale())
		}
		was := task.Version()
		if v.Number != 2 || v.Parent != 1 || v.Examples != was.Examples || !reflect.DeepEqual(v.Verdict, was.Verdict) || !reflect.DeepEqual(v.Classes, was.Classes) ||
			!reflect.DeepEqual(back.InUse().LeaveOneOut, task.InUse().LeaveOneOut) || !reflect.DeepEqual(back.Review(), task.Review()) {
			t.Errorf("off %t: have %+v, want %+v", off, v, was)
		}
		left, n := 1, 0
		for ; left > 0; n++ {
			if left, err = back.Remember(); err != nil || n > 20 {
				t.Fatal(left, err)
			}
		}
		if want := map[bool]int{false: 10, true: 1}[off]; n != want {
			t.Errorf("off %t: %d calls of Remember, want %d", off, n, want)
		}
		for hue := range 3 {
			pic := noise(rng, hue)
			want, have := must(task.Ask(pic)), must(back.Ask(pic))
			if !reflect.DeepEqual(have, want) {
				t.Errorf("off %t: have %+v, want %+v", off, have, want)
			}
		}
		pic := noise(rng, 0)
		for _, x := range []*adapt.Task{task, back} {
			must(x.AddExampleAs(50, 3, pic))
		}
		want, have := must(task.Adapt(context.Background(), adapt.Options{})), must(back.Adapt(context.Background(), adapt.Options{}))
		if have.Taken != want.Taken || !reflect.DeepEqual(have.Version.Verdict, want.Version.Verdict) || have.Version.Number != want.Version.Number {
			t.Errorf("off %t: the guard says %+v, want %+v", off, have.Version.Verdict, want.Version.Verdict)
		}
		other := again(w, task, 50)
		must(other.AddExample(1, noise(rng, 2)))
		r.Number = 0
		must(w.Recall(other, must(adapter.Decode(file)), r, nil))
		if err := other.Use(1); err != nil || !other.Stale() {
			t.Errorf("off %t: not stale with another example, %v", off, err)
		}
	}
}

// TestRecallElsewhere: an adapter alone is a version without examples, of the ids that are given for its classes, and the guard compares with it.
func TestRecallElsewhere(t *testing.T) {
	w, task, rng := setUp(fewshot.KindPrototypes)
	a := must(adapter.Decode(must(w.Pack(task).Encode())))
	other := adapt.NewTask(w.Backbone)
	other.SetExperts(must(w.Backbone.Experts(w.Experts, "")))
	v := must(w.Recall(other, a, adapt.Recalled{Verdict: adapt.Verdict{Code: adapt.VerdictImported}}, []int{7, 8, 9}))
	if err := other.Use(v.Number); err != nil || v.Number != 1 || v.Examples != 9 || !other.Stale() {
		t.Fatalf("have %+v, %v", v, err)
	}
	pic := noise(rng, 2)
	want, have := must(task.Ask(pic)), must(other.Ask(pic))
	for i, s := range have.Scores {
		if s.Class != 7+i || s.Probability != want.Scores[i].Probability || s.Name != want.Scores[i].Name || s.Nearest != 0 {
			t.Errorf("have %+v, want %+v", s, want.Scores[i])
		}
	}
	other.UseExperts(false)
	if _, err := other.Ask(pic); err != nil || !other.Stale() {
		t.Errorf("experts off: %v", err)
	}
}

func TestRecallRefuses(t *testing.T) {
	w, task, _ := setUp("")
	a := w.Pack(task)
	good := must(ReadNotes(Notes(task)))
	for name, change := range map[string]func(r *adapt.Recalled, a *adapter.Adapter){
		"a number that is there": func(r *adapt.Recalled, _ *adapter.Adapter) { r.Number = 1 },
		"a label of no class": func(r *adapt.Recalled, _ *adapter.Adapter) {
			r.Support = append(r.Support[1:], adapt.Member{Example: 1, Label: 3})
		},
		"half of what was left": func(r *adapt.Recalled, _ *adapter.Adapter) { r.LeftOut = r.LeftOut[1:] },
	} {
		r, b := good, *a
		change(&r, &b)
		if _, err := w.Recall(task, &b, r, nil); !errors.Is(err, adapt.ErrBadVersion) || len(task.History()) != 1 {
			t.Errorf("%s: have %v", name, err)
		}
	}
	task.SetExperts(nil)
	if _, err := w.Recall(task, a, good, nil); !errors.Is(err, adapt.ErrBadVersion) {
		t.Errorf("no experts in the task: have %v", err)
	}
}

// FuzzReadNotes: no bytes make it panic, and what it reads is what Notes would write.
func FuzzReadNotes(f *testing.F) {
	_, task, _ := setUp("")
	notes := Notes(task)
	f.Add(notes)
	f.Add(notes[:30])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ReadNotes(data)
		if (err != nil) != errors.Is(err, ErrNotes) || len(r.Support) > len(data) || len(r.LeftOut) > len(data) {
			t.Errorf("%d examples, %v", len(r.Support), err)
		}
	})
}
