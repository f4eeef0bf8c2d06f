package adapt

import (
	"slices"

	"haguruma/core/fewshot"
)

// Version is an adaptation that was taken. Nothing in it changes any more; what it holds is the caller's to read.
type Version struct {
	Number   int // from 1; 0 is the backbone without an adaptation, which is no Version
	Parent   int // number of the version that was in use when it was made
	Classes  []Named
	Examples int           // that it was made of
	Plain    *Learned      // by the backbone alone
	Merged   *Learned      // with experts merged, or fine-tuned; nil: there were none, or they were off
	Tuning   *TuningReport // nil: there was no Tuner
	Timings  []Timing      // of its steps, in order; none for a version without a class of its parent
	Verdict  Verdict
	revision int // of the task; -1: of none, it was recalled and the examples are others
	recalled bool
}

// Named is a class of a version.
type Named struct {
	ID       int
	Name     string // when the version was made
	Examples int    // that it was made of
}

// Timing is how long a step took.
type Timing struct {
	Step Step
	Took float64 // milliseconds, by Options.Clock
}

// Learned is what was made of the examples at one state of the network. Its classes are those of its version.
type Learned struct {
	Choice       *Choice // what the experts chose; nil: the backbone alone
	Head         *fewshot.Head
	Trials       []fewshot.Trial // heads that leave-one-out judged; none where that was impossible
	Views        int             // of each example, that the head was fitted to; 1: the example as it is
	Prototypes   []float32       // (way, dim) rows of length one
	UnknownBelow float32         // a picture whose likeness (fewshot.Likeness) is below is of none of the classes; -1: never
	LeaveOneOut  *LeaveOneOut    // of the head; nil where it was impossible

	weights *weights
	support []member
	leftOut []float32 // (len(support), way) probabilities without the example; nil as LeaveOneOut
}

// member is an example of a version and what it was then.
type member struct {
	x     *example
	label int
}

// InUse returns what answers now: the part with experts where there is one and they are on, or the part that was fine-tuned without any, else that of the
// backbone alone; nil before the first adaptation and at version 0.
func (t *Task) InUse() *Learned {
	if t.inUse == nil {
		return nil
	}
	if m := t.inUse.Merged; m != nil && (!t.off || m.Choice == nil) {
		return m
	}
	return t.inUse.Plain
}

// Tuned reports whether what answers now was fine-tuned: then no scores of experts name its weights.
func (t *Task) Tuned() bool {
	l := t.InUse()
	return l != nil && l.weights.tuned
}

// learn makes a head of the examples as embedded at some weights, embed (n, each, dim), the examples as they are and views of them.
func (t *Task) learn(w *weights, embed []float32, each int, support []member, kind fewshot.Kind) *Learned {
	s := fewshot.NewSupportOfViews(embed, labelsOf(support), len(t.classes), t.dim, each)
	selected := fewshot.Select(s, kind)
	l := &Learned{
		Head: selected.Head, Trials: selected.Trials, Views: each, UnknownBelow: fewshot.UnknownBelow(selected.Likeness), weights: w, support: support,
		leftOut: selected.LeftOut, Prototypes: selected.Head.Weights,
	}
	if selected.Head.Kind != fewshot.KindPrototypes {
		l.Prototypes = make([]float32, len(t.classes)*t.dim)
		s.Prototypes(l.Prototypes)
	}
	if w.from != nil {
		l.Choice = &w.choice
	}
	l.LeaveOneOut = leaveOneOut(t.names(), support, l.leftOut)
	return l
}

// names lists the classes there are.
func (t *Task) names() []Named {
	names := make([]Named, len(t.classes))
	for i, c := range t.classes {
		names[i] = Named{c.id, c.name, len(c.examples)}
	}
	return names
}

// without returns the version less the class at an index: what it says of the others is what it said.
func (v *Version) without(at, dim int) *Version {
	less := *v
	less.Classes = slices.Delete(slices.Clone(v.Classes), at, at+1)
	less.Parent, less.Timings = v.Number, nil
	less.Verdict = Verdict{Code: VerdictClassRemoved, Reason: "the class " + quoted(v.Classes[at].Name) + " was removed"}
	less.Plain, less.Merged = v.Plain.without(at, dim, less.Classes), v.Merged.without(at, dim, less.Classes)
	less.Examples = len(less.Plain.support)
	return &less
}

func (l *Learned) without(at, dim int, classes []Named) *Learned {
	if l == nil {
		return nil
	}
	less := *l
	less.Head = l.Head.Without(at)
	less.Prototypes = slices.Delete(slices.Clone(l.Prototypes), at*dim, (at+1)*dim)
	less.support, less.leftOut = nil, nil
	way := l.Head.Way()
	for i, m := range l.support {
		if m.label == at {
			continue
		}
		if m.label > at {
			m.label--
		}
		less.support = append(less.support, m)
		if l.leftOut == nil {
			continue
		}
		// Probabilities among the classes that are left.
		row := slices.Delete(slices.Clone(l.leftOut[i*way:(i+1)*way]), at, at+1)
		var sum float32
		for _, p := range row {
			sum += p
		}
		for c := range row {
			if sum > 0 {
				row[c] /= sum
			} else {
				row[c] = 1 / float32(len(row))
			}
		}
		less.leftOut = append(less.leftOut, row...)
	}
	less.LeaveOneOut = leaveOneOut(classes, less.support, less.leftOut)
	return &less
}
