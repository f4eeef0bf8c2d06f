package carry

import (
	"haguruma/adapt"
	"haguruma/adapt/adapter"
	"haguruma/adapt/tune"
	"haguruma/core/fewshot"
	"haguruma/core/vit"
)

// Recall puts an adapter back into the history of a task of these weights, as the version r.Number; the rest of what r says of numbers and examples is
// as adapt.Task.Recall wants it. Classes have the ids that the adapter has, or ids in their place, one each. Errors are those of Apply and of
// adapt.Task.Recall.
func (w Weights) Recall(t *adapt.Task, a *adapter.Adapter, r adapt.Recalled, ids []int) (*adapt.Version, error) {
	if err := w.fits(a); err != nil {
		return nil, err
	}
	for i, c := range a.Classes {
		if i < len(ids) {
			c.ID = ids[i]
		}
		r.Classes = append(r.Classes, adapt.Named{ID: c.ID, Name: c.Name, Examples: c.Examples})
	}
	r.Head = &fewshot.Head{Kind: fewshot.Kind(a.Head.Kind), Weights: a.Head.Weight, Bias: a.Head.Bias, Scale: a.Head.Scale, Strength: a.Head.Strength}
	r.Prototypes, r.UnknownBelow, r.Scores, r.Views = a.Head.Weight, -1, a.Scores, a.Provenance.Views
	if u := a.Unknown; u != nil {
		r.UnknownBelow = u.Below
		if u.Prototypes != nil {
			r.Prototypes = u.Prototypes
		}
	}
	if a.Change != nil {
		if _, err := w.tuned(a, w.Backbone.Model()); err != nil { // the shapes are those of every merge
			return nil, err
		}
		r.Tuning = &adapt.TuningReport{Mode: a.Provenance.Method, Change: a.Change}
		r.Again = func(from adapt.Embedder) adapt.Embedder {
			b := from.(*adapt.Backbone)
			model, err := w.tuned(a, b.Model())
			if err != nil {
				panic(err) // it fitted before
			}
			return b.With(model)
		}
	}
	return t.Recall(r)
}

// tuned is a model with the adapter's change of weights.
func (w Weights) tuned(a *adapter.Adapter, model *vit.Int8Model) (*vit.Int8Model, error) {
	_, model, err := tune.Apply(a.Change, model)
	if err != nil {
		return nil, changeError(err)
	}
	return model, nil
}
