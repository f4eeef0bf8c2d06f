package carry

import (
	"fmt"
	"slices"

	"haguruma/adapt"
	"haguruma/adapt/adapter"
	"haguruma/core/fewshot"
	"haguruma/core/picture"
	"haguruma/core/vit"
	"haguruma/sparse"
)

// Weights are what a front has opened.
type Weights struct {
	Backbone *adapt.Backbone
	Bundle   string          // sha256 of the backbone's file
	Experts  *sparse.Experts // nil: none
	Hash     string          // sha256 of the experts' file; empty: none
}

// Pack returns what a task has in use as an adapter, without provenance but the method of its fine-tuning and how many views its head was fitted to; nil where nothing is in use. The task is one of
// these weights. Classes are those of the version in use, with their ids and names of now where they are still there. Slices are shared with the task.
func (w Weights) Pack(t *adapt.Task) *adapter.Adapter {
	l, v := t.InUse(), t.Version()
	if l == nil {
		return nil
	}
	a := &adapter.Adapter{
		Bundle:   w.Bundle,
		Pictures: w.pictures(),
		Head: adapter.Head{
			Kind: string(l.Head.Kind), Strength: l.Head.Strength, Scale: l.Head.Scale, Dim: t.Dim(), Weight: l.Head.Weights, Bias: l.Head.Bias,
		},
	}
	if l.Choice != nil {
		a.Experts, a.Scores = w.Hash, l.Choice.Scores
	}
	if l.UnknownBelow > -1 {
		a.Unknown = &adapter.Unknown{Below: l.UnknownBelow}
		if l.Head.Kind != fewshot.KindPrototypes {
			a.Unknown.Prototypes = l.Prototypes
		}
	}
	if l.Views > 1 {
		a.Provenance.Views = l.Views
	}
	if r := v.Tuning; r != nil && r.Change != nil && l == v.Merged {
		a.Change, a.Provenance.Method = r.Change, r.Mode
	}
	names := map[int]string{}
	for _, c := range t.Classes() {
		names[c.ID] = c.Name
	}
	for _, c := range v.Classes {
		if name, ok := names[c.ID]; ok {
			c.Name = name
		}
		a.Classes = append(a.Classes, adapter.Class{ID: c.ID, Name: c.Name, Examples: c.Examples})
	}
	return a
}

func (w Weights) pictures() adapter.Pictures {
	c := w.Backbone.Config()
	return adapter.Pictures{Size: c.ImageSize, Mean: c.Mean, Std: c.Std}
}

// Applied is what classifies by an adapter.
type Applied struct {
	*adapter.Adapter
	Choice   *adapt.Choice // nil: no experts
	embedder *adapt.Backbone
}

// Apply makes the backbone ready to classify by an adapter; it is not written to, and the two share buffers. Errors wrap adapter.ErrBundle,
// adapter.ErrExperts, or adapter.ErrFormat for one that does not fit what it names.
func (w Weights) Apply(a *adapter.Adapter) (*Applied, error) {
	if err := w.fits(a); err != nil {
		return nil, err
	}
	x, model := &Applied{Adapter: a}, w.Backbone.Model()
	if a.Experts != "" {
		model = w.Experts.MergeInt8(model, a.Scores)
		x.Choice = &adapt.Choice{Scores: a.Scores}
		x.Choice.All, x.Choice.Parts, x.Choice.Kinds = w.Experts.Shares(a.Scores)
	}
	if a.Change != nil {
		var err error
		if model, err = w.tuned(a, model); err != nil {
			return nil, err
		}
	}
	x.embedder = w.Backbone.With(model)
	return x, nil
}

// fits holds an adapter to the weights: the same files, and what it says of them.
func (w Weights) fits(a *adapter.Adapter) error {
	if err := a.For(w.Bundle, w.Hash); err != nil {
		return err
	}
	if p, dim := w.pictures(), w.Backbone.Dim(); a.Pictures != p || a.Head.Dim != dim {
		return fmt.Errorf("adapter: want pictures %v and embeddings of %d numbers, the bundle has %v and %d: %w", a.Pictures, a.Head.Dim, p, dim, adapter.ErrFormat)
	}
	if a.Experts != "" && len(a.Scores) != len(w.Experts.Masks) {
		return fmt.Errorf("adapter: want scores of %d experts, have %d: %w", len(w.Experts.Masks), len(a.Scores), adapter.ErrFormat)
	}
	return nil
}

func changeError(err error) error {
	return fmt.Errorf("adapter: change: %w: %w", err, adapter.ErrFormat)
}

// Model is the backbone, merged and changed.
func (x *Applied) Model() *vit.Int8Model { return x.embedder.Model() }

// Answer gives the probabilities that the task gave which the adapter was made of, bit for bit, in the order of Classes, and whether the picture is of
// any; what is nearest is not known.
func (x *Applied) Answer(pic *picture.Picture) (scores []adapt.Score, known bool, err error) {
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

// Heat is adapt.Task.Heat: where a picture speaks for the class of an id. adapt.ErrUnknownClass: there is none.
func (x *Applied) Heat(pic *picture.Picture, class int) (grid []float32, side int, err error) {
	at := slices.IndexFunc(x.Classes, func(c adapter.Class) bool { return c.ID == class })
	if at < 0 {
		return nil, 0, &adapt.Error{Code: adapt.CodeUnknownClass, Message: fmt.Sprintf("the adapter has no class %d", class), Class: class}
	}
	embed, patches, side := x.embedder.Patches(pic)
	grid = make([]float32, side*side)
	x.Head.Heat(grid, patches, embed, at)
	return grid, side, nil
}
