package main

import (
	"context"
	"fmt"
	"slices"

	"haguruma/adapt"
	"haguruma/adapt/adapter"
	"haguruma/adapt/carry"
	"haguruma/core/picture"
)

// labelled is a class with pictures to learn from.
type labelled struct {
	id     int // in the task's folder, or counted from 1
	name   string
	images []photo
}

// photo is a picture that has not been read yet.
type photo struct {
	name string
	key  string // by which it is known again; empty: it is not
	read func() ([]byte, error)
}

// taught is a task that learns, and what it learns with.
type taught struct {
	task     *adapt.Task
	bundle   *bundle
	experts  *expertsFile   // nil: none
	classes  []labelled     // in the order of the task
	ids      map[string]int // of the examples, by the key of the picture
	progress *reporter
}

// newTaught begins without classes. experts may be nil.
func newTaught(b *bundle, experts *expertsFile, progress *reporter) (*taught, error) {
	t := &taught{task: adapt.NewTask(b.Backbone), bundle: b, experts: experts, ids: map[string]int{}, progress: progress}
	if experts == nil {
		return t, nil
	}
	x, err := b.Backbone.Experts(experts.tuned, b.hash)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", experts.path, err)
	}
	t.task.SetExperts(x)
	return t, nil
}

// teach brings the classes and pictures of the task to those given, and embeds only pictures that it does not have. from says where the pictures
// are, for errors.
func (t *taught) teach(ctx context.Context, from string, classes []labelled) error {
	class, wanted, total := map[string]int{}, map[string]bool{}, 0
	for _, c := range t.task.Classes() {
		class[c.Name] = c.ID
	}
	for _, c := range classes {
		if class[c.name] == 0 {
			id, err := t.task.AddClass(c.name)
			if err != nil {
				return fmt.Errorf("%s: %w", from, err)
			}
			class[c.name] = id
		}
		for _, p := range c.images {
			wanted[p.key] = true
			total++
		}
	}
	for key, id := range t.ids {
		if !wanted[key] {
			if err := t.task.RemoveExample(id); err != nil {
				return err
			}
			delete(t.ids, key)
		}
	}
	done := 0
	for _, known := range []bool{true, false} { // what moves to another class goes before what is new
		for _, c := range classes {
			for _, p := range c.images {
				id, ok := t.ids[p.key]
				if ok = ok && p.key != ""; ok != known {
					continue
				}
				if ctx.Err() != nil {
					return ctx.Err()
				}
				var err error
				if known {
					err = t.task.Relabel(id, class[c.name])
				} else if id, err = t.add(class[c.name], p); p.key != "" && err == nil {
					t.ids[p.key] = id
				}
				if err != nil {
					return fmt.Errorf("%s: %s/%s: %w", from, c.name, p.name, err)
				}
				done++
				t.progress.report("learn", done, total, "")
			}
		}
	}
	for name, id := range class {
		if !slices.ContainsFunc(classes, func(c labelled) bool { return c.name == name }) {
			if err := t.task.RemoveClass(id); err != nil {
				return err
			}
		}
	}
	t.classes = classes
	return nil
}

func (t *taught) add(class int, p photo) (id int, err error) {
	bytes, err := p.read()
	if err != nil {
		return 0, err
	}
	pic, err := picture.Decode(bytes, picture.DefaultLimits)
	if err != nil {
		return 0, err
	}
	return t.task.AddExample(class, pic)
}

// adapt makes a version of what was taught.
func (t *taught) adapt(ctx context.Context, from string, o adapt.Options) (*adapt.Outcome, error) {
	o.Progress = func(p adapt.Progress) { t.progress.report(string(p.Step), p.Done, p.Total, "") }
	out, err := t.task.Adapt(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	return out, nil
}

// adapter returns the adaptation in use as an adapter, without provenance. Its classes have the ids of the task's folder.
func (t *taught) adapter() *adapter.Adapter {
	a := t.bundle.weights(t.experts).Pack(t.task)
	for i := range a.Classes {
		a.Classes[i].ID = t.classes[i].id
	}
	return a
}

// weights are the bundle with experts, or none for nil.
func (b *bundle) weights(experts *expertsFile) carry.Weights {
	w := carry.Weights{Backbone: b.Backbone, Bundle: b.hash}
	if experts != nil {
		w.Experts, w.Hash = experts.tuned, experts.hash
	}
	return w
}

// apply makes a bundle ready to classify by an adapter. experts are those of expertsFor; they are opened when the adapter needs them.
func (b *bundle) apply(a *adapter.Adapter, experts string) (*carry.Applied, error) {
	if err := a.For(b.hash, a.Experts); err != nil {
		return nil, err
	}
	var file *expertsFile
	if a.Experts != "" {
		var err error
		if file, err = b.expertsFor(experts); err != nil {
			return nil, err
		}
	}
	return b.weights(file).Apply(a)
}

// answerer says of a picture which class it is: one score a class, and whether it is of any.
type answerer interface {
	Answer(pic *picture.Picture) (scores []adapt.Score, known bool, err error)
	// Heat says where a picture speaks for a class, by the id of its score.
	Heat(pic *picture.Picture, class int) (grid []float32, side int, err error)
}

func (t *taught) Heat(pic *picture.Picture, class int) (grid []float32, side int, err error) {
	return t.task.Heat(pic, class)
}

func (t *taught) Answer(pic *picture.Picture) (scores []adapt.Score, known bool, err error) {
	a, err := t.task.Ask(pic)
	if err != nil {
		return nil, false, err
	}
	return a.Scores, !a.Unknown, nil
}
