package adapt

import (
	"fmt"
	"slices"

	"haguruma/core/fewshot"
	"haguruma/core/kernel"
	"haguruma/sparse"
)

// Experts choose what a task changes in the backbone. [Backbone] has them as sparse.Experts.
type Experts interface {
	// Len is the number of experts, M.
	Len() int
	// Route writes the scores (M) of a task from its class means (way, dim), as the backbone alone embeds the examples.
	Route(scores, prototypes []float32, way int)
	// Merge returns the backbone with the experts merged at these scores, a second copy: the backbone is not written to.
	Merge(scores []float32) Embedder
	// Shares says how much of the backbone the scores change.
	Shares(scores []float32) (all sparse.Share, parts, kinds []sparse.Share)
}

// Choice is what the experts chose for the adaptation in use.
type Choice struct {
	Scores []float32      // (M), not negative, sum 1
	All    sparse.Share   // of the backbone's weights
	Parts  []sparse.Share // blocks, and what is before and behind them
	Kinds  []sparse.Share // of tensors in the blocks
}

// merged is the other half of an adaptation: a copy of the backbone with the experts merged, and what it makes of the examples.
type merged struct {
	from       Experts
	choice     Choice
	embedder   Embedder
	seen       map[*example]seen
	prototypes []float32 // (classes, dim), rows of length one
}

// seen is the embedding of an example by merged weights.
type seen struct {
	embed []float32 // (dim)
	unit  []float32 // (dim) scaled to length one
}

// SetExperts gives the task experts, or takes them away with nil. The adaptation in use stays until the next Adapt.
func (t *Task) SetExperts(x Experts) {
	t.experts = x
	t.stale = true
}

// UseExperts turns experts off or on again; they are on at first. Off takes effect at once, and so does on where the adaptation in use was
// made with them; where it was not, the next Adapt uses them, and until then the task is stale.
func (t *Task) UseExperts(on bool) {
	t.off = !on
	if on && t.experts != nil && (t.inUse == nil || t.inUse.merged == nil) {
		t.stale = true
	}
}

// Choice returns what the experts chose for the adaptation in use; nil when it uses the backbone alone. The slices are the caller's to read.
func (t *Task) Choice() *Choice {
	m := t.mergedInUse()
	if m == nil {
		return nil
	}
	c := m.choice
	return &c
}

// Merged returns the embedder of the adaptation in use; it is the task's own embedder when that uses no experts.
func (t *Task) Merged() Embedder {
	if m := t.mergedInUse(); m != nil {
		return m.embedder
	}
	return t.embedder
}

func (t *Task) mergedInUse() *merged {
	if t.off {
		return nil
	}
	return t.lastMerged()
}

func (t *Task) lastMerged() *merged {
	if t.inUse == nil {
		return nil
	}
	return t.inUse.merged
}

// merge routes, merges and embeds the support again. What the adaptation in use has made with the same scores is taken over.
func (t *Task) merge(embed []float32, labels []int) (*merged, error) {
	way := len(t.classes)
	means := make([]float32, way*t.dim)
	for i, label := range labels {
		kernel.Add(means[label*t.dim:(label+1)*t.dim], embed[i*t.dim:(i+1)*t.dim])
	}
	for label, c := range t.classes {
		kernel.Scale(means[label*t.dim:(label+1)*t.dim], 1/float32(len(c.examples)))
	}
	scores := make([]float32, t.experts.Len())
	t.experts.Route(scores, means, way)

	m := &merged{from: t.experts, seen: make(map[*example]seen, len(labels)), prototypes: make([]float32, way*t.dim)}
	var before map[*example]seen
	if old := t.lastMerged(); old != nil && old.from == t.experts && slices.Equal(old.choice.Scores, scores) {
		m.choice, m.embedder, before = old.choice, old.embedder, old.seen
	} else {
		m.choice.Scores = scores
		m.choice.All, m.choice.Parts, m.choice.Kinds = t.experts.Shares(scores)
		m.embedder = t.experts.Merge(scores)
	}
	for i, x := range t.supportExamples() {
		s, ok := before[x]
		if !ok {
			if x.pic == nil {
				return nil, &Error{Code: CodeNoPicture, Message: fmt.Sprintf("the picture of example %d is not known, which experts need", x.id), Example: x.id}
			}
			again, err := t.embed(m.embedder, x.pic)
			if err != nil {
				return nil, err
			}
			s = seen{embed: slices.Clone(again), unit: t.unit(again)}
		}
		m.seen[x] = s
		copy(embed[i*t.dim:], s.embed)
	}
	fewshot.Prototypes(m.prototypes, embed, labels, way, t.dim)
	return m, nil
}

// supportExamples lists the examples in the order of support.
func (t *Task) supportExamples() (list []*example) {
	for _, c := range t.classes {
		list = append(list, c.examples...)
	}
	return list
}
