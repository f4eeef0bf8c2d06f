package adapt

import (
	"fmt"
	"slices"

	"haguruma/core/fewshot"
)

// Options of [Task.Adapt]. The zero value makes a blend of heads, with experts where there are any, and lets the guard decide.
type Options struct {
	Head     fewshot.Kind   // the only kind of head to fit; empty: a blend, weighted by leave-one-out
	Tuner    Tuner          // fine-tunes the weights before the head is chosen; nil: they stay
	Views    bool           // fit it to picture.Views of each example too, which takes up to seven embeddings more of each
	Force    bool           // take it even if it is worse than what is in use
	Progress func(Progress) // told before each piece of work; nil: nobody
	Clock    func() float64 // milliseconds since any moment, to time the steps by; nil: they are not timed
}

// Step is a part of an adaptation.
type Step string

// Steps, in the order they are taken.
const (
	StepRoute   Step = "route"   // experts choose
	StepMerge   Step = "merge"   // into a copy of the backbone
	StepEmbed   Step = "embed"   // the examples again, by the copy
	StepTune    Step = "tune"    // the copy
	StepViews   Step = "views"   // changed ones of the examples, embedded
	StepHead    Step = "head"    // chosen and fitted
	StepCompare Step = "compare" // with what is in use
)

// Progress is where an adaptation is.
type Progress struct {
	Step        Step
	Done, Total int // pieces of work of this step
}

// Stopper is what tells work to end: Err returns an error from then on. Every context.Context is one; the interface keeps package context out of the
// page's engine, which is a tenth larger with it.
type Stopper interface{ Err() error }

// Outcome is what became of an adaptation.
type Outcome struct {
	Version *Version // the new one, with Number 0 when it was not taken
	Taken   bool
}

// Adapt makes a new version of the examples there are: it lets experts choose by what the backbone alone makes of the examples, merges them, embeds the
// examples again but those that these weights have embedded before, fine-tunes when there is a Tuner, embeds changed views of the examples when there are to
// be Views, makes a head, and compares it with what is in use. When it is no worse, or forced, it is taken into use and into the history. When it is worse, what is in use stays, which is no error: the
// version's Verdict says why.
//
// On error, and when stop has one, which is then wrapped, nothing changes. Errors: ErrTooFewClasses for fewer than two classes; ErrEmptyClass, naming
// the first class without an example; ErrContradiction for one picture in two classes; with experts, a Tuner or Views ErrNoPicture for an example whose
// picture is not known, ErrBadEmbedding, and what their embedder returned, wrapped.
func (t *Task) Adapt(stop Stopper, o Options) (*Outcome, error) {
	if err := t.checkClasses(); err != nil {
		return nil, err
	}
	r := &run{task: t, stop: stop, options: o, fresh: map[*weights]map[*example][]float32{}}
	embed, support := t.support()
	v := &Version{Classes: t.names(), Examples: len(support), revision: t.revision}
	way := len(t.classes)

	merged := &weights{}
	if t.experts != nil && !t.off {
		scores, err := r.route(embed, support, way)
		if err != nil {
			return nil, err
		}
		merged = t.merge(scores)
		r.begin(StepMerge, 1)
		if err := r.next(0); err != nil {
			return nil, err
		}
		t.embedderOf(merged)
	}
	again, err := r.embed(merged, support)
	if err != nil {
		return nil, err
	}
	var tuned *Tuned
	if o.Tuner != nil {
		if tuned, err = r.tune(merged, support); err != nil {
			return nil, err
		}
		v.Tuning = tuned.Report
		if tuned.Embedder != nil {
			merged = &weights{from: merged.from, choice: merged.choice, embedder: tuned.Embedder, below: merged, again: tuned.Again, tuned: true}
			if again, err = r.embed(merged, support); err != nil {
				return nil, err
			}
			t.embedderOf(merged)
		}
	}
	heads, last := 1, embed
	if merged.changed() {
		heads, last = 2, again
	}
	last, each, err := r.views(merged, last, support)
	if err != nil {
		return nil, err
	}
	r.begin(StepHead, heads)
	if err := r.next(0); err != nil {
		return nil, err
	}
	var now *Learned
	if !merged.changed() {
		now = t.learn(merged, last, each, support, o.Head)
		v.Plain = now
	} else {
		v.Plain = t.learn(&weights{}, embed, 1, support, o.Head) // views are of what is to answer
		if err := r.next(1); err != nil {
			return nil, err
		}
		now = t.learn(merged, last, each, support, o.Head)
		if merged.tuned { // these weights have seen every example
			t.leaveOut(now, tuned.Folds, o.Head)
		}
		v.Merged = now
	}
	if v.Verdict, err = r.compare(now, v.Classes); err != nil {
		return nil, err
	}
	r.end()
	v.Timings = r.timings
	if v.Verdict.Code == VerdictWorse && !o.Force {
		return &Outcome{Version: v}, nil
	}
	for w, views := range r.fresh {
		for x, embed := range views {
			x.see(w, embed)
		}
	}
	t.take(v)
	return &Outcome{Version: v, Taken: true}, nil
}

// run is one adaptation on its way: nothing of it is in the task yet.
type run struct {
	task    *Task
	stop    Stopper
	options Options
	timings []Timing
	began   float64
	total   int
	fresh   map[*weights]map[*example][]float32 // embeddings that this run made
}

// begin ends the step before and begins one of so many pieces.
func (r *run) begin(step Step, total int) {
	r.end()
	r.timings = append(r.timings, Timing{Step: step})
	r.began, r.total = r.now(), total
}

func (r *run) end() {
	if n := len(r.timings); n > 0 {
		r.timings[n-1].Took = r.now() - r.began
	}
}

func (r *run) now() float64 {
	if r.options.Clock == nil {
		return 0
	}
	return r.options.Clock()
}

// next is called before each piece of work: it tells of it and returns an error when the caller has had enough.
func (r *run) next(done int) error {
	if r.options.Progress != nil {
		r.options.Progress(Progress{r.timings[len(r.timings)-1].Step, done, r.total})
	}
	if err := r.stop.Err(); err != nil {
		return fmt.Errorf("adapt: stopped: %w", err)
	}
	return nil
}

// embed returns the embeddings (n, dim) of the support at some weights, or nil for the backbone alone, which has embedded them.
func (r *run) embed(w *weights, support []member) ([]float32, error) {
	if !w.changed() {
		return nil, nil
	}
	embed := make([]float32, 0, len(support)*r.task.dim)
	r.begin(StepEmbed, len(support))
	for i, m := range support {
		if err := r.next(i); err != nil {
			return nil, err
		}
		row, err := r.see(w, m.x)
		if err != nil {
			return nil, err
		}
		embed = append(embed, row...)
	}
	return embed, nil
}

// see returns the embedding of an example at some weights, made where it is not known.
func (r *run) see(w *weights, x *example) ([]float32, error) {
	if embed, ok := x.seen(w); ok {
		return embed, nil
	}
	if embed, ok := r.fresh[w][x]; ok {
		return embed, nil
	}
	pic, err := x.picture("experts need")
	if err != nil {
		return nil, err
	}
	embed, err := r.task.embed(r.task.embedderOf(w), pic)
	if err != nil {
		return nil, err
	}
	if r.fresh[w] == nil {
		r.fresh[w] = map[*example][]float32{}
	}
	embed = slices.Clone(embed)
	r.fresh[w][x] = embed
	return embed, nil
}

// checkClasses reports why there is nothing to tell apart.
func (t *Task) checkClasses() error {
	if len(t.classes) < 2 {
		return &Error{Code: CodeTooFewClasses, Message: fmt.Sprintf("at least two classes are needed, there is %s", []string{"none", "one"}[len(t.classes)])}
	}
	for _, c := range t.classes {
		if len(c.examples) == 0 {
			return &Error{Code: CodeEmptyClass, Message: fmt.Sprintf("the class %q has no example", c.name), Class: c.id, Name: c.name}
		}
	}
	if twins := t.contradictions(); len(twins) > 0 {
		return contradiction(twins[0][0], twins[0][1])
	}
	return nil
}

// support returns all embeddings by the backbone alone (n, dim) and the examples, class by class.
func (t *Task) support() (embed []float32, support []member) {
	embed = make([]float32, 0, len(t.examples)*t.dim)
	support = make([]member, 0, len(t.examples))
	for label, c := range t.classes {
		for _, x := range c.examples {
			embed = append(embed, x.embed...)
			support = append(support, member{x, label})
		}
	}
	return embed, support
}

func labelsOf(support []member) []int {
	labels := make([]int, len(support))
	for i, m := range support {
		labels[i] = m.label
	}
	return labels
}
