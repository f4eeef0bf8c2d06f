package adapt

import (
	"fmt"
	"slices"

	"haguruma/core/fewshot"
)

// Recalled is a version as a front kept it when the task ended.
type Recalled struct {
	Number       int // 0: the next one
	Parent       int
	Classes      []Named
	Verdict      Verdict
	Scores       []float32 // at which the task's experts are merged; nil: the backbone alone
	Head         *fewshot.Head
	Prototypes   []float32                    // (way, dim) rows of length one
	UnknownBelow float32                      // -1: nothing is unknown
	Tuning       *TuningReport                // nil: no fine-tuning
	Views        int                          // of each example, that it was made of; 0 and 1: the example as it is
	Again        func(from Embedder) Embedder // puts the fine-tuning on the weights above; nil: none
	Kept
}

// Kept is what a version knows of its examples, in numbers that a front can keep.
type Kept struct {
	Support []Member  // class by class; nil: not known
	LeftOut []float32 // (len(Support), way) probabilities of each without it; nil: leaving one out was impossible
}

// Member is an example that a version was made of.
type Member struct {
	Example int // id
	Label   int // index of its class in the version
}

// Kept returns what is known of the examples that l was made of.
func (l *Learned) Kept() Kept {
	k := Kept{Support: make([]Member, len(l.support)), LeftOut: l.leftOut}
	for i, m := range l.support {
		k.Support[i] = Member{m.x.id, m.label}
	}
	return k
}

// Recall puts a version back into the history, behind those that are there, and takes it not into use. It answers as it did, bit for bit, and the guard
// compares with it as before; which examples are nearest is known of those that Remember has embedded. The task is stale with it unless its examples are
// those that the version was made of. ErrBadVersion: it is none, or its number is not above the last.
func (t *Task) Recall(r Recalled) (*Version, error) {
	way := len(r.Classes)
	bad := func(format string, args ...any) (*Version, error) {
		return nil, &Error{Code: CodeBadVersion, Message: fmt.Sprintf("version %d: "+format, append([]any{r.Number}, args...)...)}
	}
	switch {
	case r.Number < 0 || r.Number > 0 && r.Number <= t.lastID.version || r.Parent < 0:
		return bad("want a number above %d", t.lastID.version)
	case way < 2 || r.Head.Way() != way || len(r.Head.Weights) != way*t.dim || len(r.Prototypes) != way*t.dim:
		return bad("want a head of %d classes and embeddings of %d numbers", way, t.dim)
	case r.Scores != nil && (t.experts == nil || t.experts.Len() != len(r.Scores)):
		return bad("it was made with %d experts, which the task has not", len(r.Scores))
	case r.LeftOut != nil && (len(r.LeftOut) != len(r.Support)*way || len(r.Support) == 0):
		return bad("want %d probabilities of left-out examples, have %d", len(r.Support)*way, len(r.LeftOut))
	}
	w := &weights{}
	l := &Learned{Head: r.Head, Views: max(r.Views, 1), Prototypes: r.Prototypes, UnknownBelow: r.UnknownBelow, leftOut: r.LeftOut}
	for _, m := range r.Support {
		if m.Label < 0 || m.Label >= way {
			return bad("example %d is of class number %d of %d", m.Example, m.Label, way)
		}
		x, err := t.example(m.Example)
		if err != nil {
			x = &example{id: m.Example} // removed since
		}
		l.support = append(l.support, member{x, m.Label})
	}
	if r.Scores != nil {
		w = t.merge(r.Scores)
		l.Choice = &w.choice
	}
	if r.Again != nil {
		w = &weights{from: w.from, choice: w.choice, below: w, again: r.Again, tuned: true}
	}
	l.weights = w
	l.LeaveOneOut = leaveOneOut(r.Classes, l.support, l.leftOut)
	v := &Version{Parent: r.Parent, Classes: r.Classes, Plain: l, Verdict: r.Verdict, Tuning: r.Tuning, recalled: true, revision: -1}
	if w.changed() {
		v.Merged = l
	}
	for _, c := range r.Classes {
		v.Examples += c.Examples
	}
	if t.madeOf(v) {
		v.revision = t.revision
	}
	v.Number = nextID(&t.lastID.version, r.Number)
	t.versions = append(t.versions, v)
	return v, nil
}

// madeOf reports whether a version is of the examples there are, and with experts where they are in use.
func (t *Task) madeOf(v *Version) bool {
	_, now := t.support()
	l := v.Plain
	same := slices.EqualFunc(t.classes, v.Classes, func(c *class, n Named) bool { return c.id == n.ID })
	return same && slices.Equal(now, l.support) && (l.Choice != nil) == (t.experts != nil && !t.off)
}

// Remember embeds an example of the version in use by its weights, where they have not embedded it since it was recalled, and returns how many are
// left. Errors: ErrNoPicture, ErrBadEmbedding, what the embedder returned, wrapped.
func (t *Task) Remember() (left int, err error) {
	l := t.InUse()
	if l == nil {
		return 0, nil
	}
	var next *example
	for _, m := range l.support {
		if _, ok := m.x.seen(l.weights); ok || m.x.class == nil || m.x.pic == nil {
			continue
		}
		if next == nil {
			next = m.x
		}
		left++
	}
	if next == nil {
		return 0, nil
	}
	embed, err := t.embed(t.embedderOf(l.weights), next.pic)
	if err != nil {
		return left, err
	}
	next.see(l.weights, slices.Clone(embed))
	return left - 1, nil
}
