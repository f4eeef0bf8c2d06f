package main

import (
	"context"
	"fmt"
	"slices"

	"haguruma/adapt"
	"haguruma/adapt/adapter"
	"haguruma/adapt/tune"
	"haguruma/core/fewshot"
	"haguruma/core/picture"
	"haguruma/core/vit"
)

// This file is where a task of package adapt becomes an adapter, and an adapter what classifies. Nothing else knows of both.

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

// adapter returns the adaptation in use as an adapter, without provenance.
func (t *taught) adapter() *adapter.Adapter {
	c, l := t.bundle.Config(), t.task.InUse()
	a := &adapter.Adapter{
		Bundle:   t.bundle.hash,
		Head:     adapter.Head{Kind: string(l.Head.Kind), Strength: l.Head.Strength, Scale: l.Head.Scale, Dim: c.Dim, Weight: l.Head.Weights, Bias: l.Head.Bias},
		Pictures: adapter.Pictures{Size: c.ImageSize, Mean: c.Mean, Std: c.Std},
	}
	if l.Choice != nil {
		a.Experts, a.Scores = t.experts.hash, l.Choice.Scores
	}
	if l.UnknownBelow > -1 {
		a.Unknown = &adapter.Unknown{Below: l.UnknownBelow}
		if l.Head.Kind != fewshot.KindPrototypes {
			a.Unknown.Prototypes = l.Prototypes
		}
	}
	if r := t.task.Version().Tuning; r != nil && r.Change != nil {
		a.Change, a.Provenance.Method = r.Change, r.Mode
	}
	for i, class := range t.task.Classes() {
		a.Classes = append(a.Classes, adapter.Class{ID: t.classes[i].id, Name: class.Name, Examples: len(class.Examples)})
	}
	return a
}

// adapted is what classifies by an adapter.
type adapted struct {
	*adapter.Adapter
	model    *vit.Int8Model // merged, and changed
	embedder *adapt.Backbone
	choice   *adapt.Choice // nil: no experts
}

// apply makes a bundle ready to classify by an adapter. experts are those of expertsFor; they are opened when the adapter needs them.
func (b *bundle) apply(a *adapter.Adapter, experts string) (*adapted, error) {
	if err := a.For(b.hash, a.Experts); err != nil {
		return nil, err
	}
	c := b.Config()
	if p := (adapter.Pictures{Size: c.ImageSize, Mean: c.Mean, Std: c.Std}); a.Pictures != p || a.Head.Dim != c.Dim {
		return nil, fmt.Errorf("adapter: want pictures %v and embeddings of %d numbers, the bundle has %v and %d: %w", a.Pictures, a.Head.Dim, p, c.Dim, adapter.ErrFormat)
	}
	x := &adapted{Adapter: a, model: b.model}
	if a.Experts != "" {
		file, err := b.expertsFor(experts)
		if err != nil {
			return nil, err
		}
		hash := ""
		if file != nil {
			hash = file.hash
		}
		if err := a.For(b.hash, hash); err != nil {
			return nil, err
		}
		if len(a.Scores) != len(file.tuned.Masks) {
			return nil, fmt.Errorf("adapter: want scores of %d experts, have %d: %w", len(file.tuned.Masks), len(a.Scores), adapter.ErrFormat)
		}
		x.model = file.tuned.MergeInt8(b.model, a.Scores)
		x.choice = &adapt.Choice{Scores: a.Scores}
		x.choice.All, x.choice.Parts, x.choice.Kinds = file.tuned.Shares(a.Scores)
	}
	if a.Change != nil {
		var err error
		if _, x.model, err = tune.Apply(a.Change, x.model); err != nil {
			return nil, fmt.Errorf("adapter: change: %w: %w", err, adapter.ErrFormat)
		}
	}
	x.embedder = adapt.NewBackbone(x.model)
	return x, nil
}

// answerer says of a picture which class it is: one score a class, and whether it is of any.
type answerer interface {
	answer(pic *picture.Picture) (scores []adapt.Score, known bool, err error)
	// heat says where a picture speaks for a class, by the id of its score.
	heat(pic *picture.Picture, class int) (grid []float32, side int, err error)
}

func (t *taught) heat(pic *picture.Picture, class int) (grid []float32, side int, err error) {
	return t.task.Heat(pic, class)
}

func (x *adapted) heat(pic *picture.Picture, class int) (grid []float32, side int, err error) {
	embed, patches, side := x.embedder.Patches(pic)
	grid = make([]float32, side*side)
	x.Head.Heat(grid, patches, embed, slices.IndexFunc(x.Classes, func(c adapter.Class) bool { return c.ID == class }))
	return grid, side, nil
}

func (t *taught) answer(pic *picture.Picture) (scores []adapt.Score, known bool, err error) {
	a, err := t.task.Ask(pic)
	if err != nil {
		return nil, false, err
	}
	return a.Scores, !a.Unknown, nil
}

// answer gives the probabilities that the task gave which the adapter was made of, bit for bit; what is nearest is not known.
func (x *adapted) answer(pic *picture.Picture) (scores []adapt.Score, known bool, err error) {
	embed, err := x.embedder.Embed(pic)
	if err != nil {
		return nil, false, err
	}
	logits := make([]float32, len(x.Classes))
	x.Head.Logits(logits, embed)
	fewshot.Probabilities(logits, logits, 1, len(logits))
	for i, c := range x.Classes {
		scores = append(scores, adapt.Score{Class: c.ID, Name: c.Name, Probability: logits[i]})
	}
	return scores, x.Knows(embed), nil
}
