package adapt

import (
	"fmt"
	"slices"

	"haguruma/core/fewshot"
	"haguruma/core/kernel"
	"haguruma/core/picture"
)

// adaptation is what Classify uses: a snapshot, but for the names, which are read from the classes.
type adaptation struct {
	classes    []*class
	prototypes []float32 // (len(classes), dim), rows of length one
	merged     *merged   // the same by weights with experts merged; nil: there are none, or they were off
}

// Score is what Classify says of one class.
type Score struct {
	Class         int     // id
	Name          string  // now, not when adapted
	Probability   float32 // softmax of 10 times the cosines; sums to one over the classes
	Cosine        float32 // to the prototype of the class
	Nearest       int     // id of the class's most similar example that was adapted to; 0 when all are gone
	NearestCosine float32 // to that example
}

// Adapt makes one prototype a class of the examples there are and takes them into use. With experts it first lets them choose by what the
// backbone alone makes of the examples, merges them, and embeds the examples again, but those that these weights have embedded before.
// Without, no picture is embedded again. On error the adaptation in use stays.
//
// Errors: ErrTooFewClasses for fewer than two classes; ErrEmptyClass, naming the first class without an
// example; with experts ErrNoPicture for an example whose picture is not known, ErrBadEmbedding, and what their embedder returned, wrapped.
func (t *Task) Adapt() error {
	if len(t.classes) < 2 {
		return &Error{Code: CodeTooFewClasses, Message: fmt.Sprintf("at least two classes are needed, there is %s", []string{"none", "one"}[len(t.classes)])}
	}
	for _, c := range t.classes {
		if len(c.examples) == 0 {
			return &Error{Code: CodeEmptyClass, Message: fmt.Sprintf("the class %q has no example", c.name), Class: c.id, Name: c.name}
		}
	}
	embed, labels := t.support()
	a := &adaptation{classes: slices.Clone(t.classes), prototypes: make([]float32, len(t.classes)*t.dim)}
	fewshot.Prototypes(a.prototypes, embed, labels, len(t.classes), t.dim)
	if t.experts != nil && !t.off {
		var err error
		if a.merged, err = t.merge(embed, labels); err != nil {
			return err
		}
	}
	for _, x := range t.examples {
		x.inUse = true
	}
	t.inUse, t.stale = a, false
	return nil
}

// support returns all embeddings (n, dim) and their labels (n), class by class.
func (t *Task) support() (embed []float32, labels []int) {
	embed = make([]float32, 0, len(t.examples)*t.dim)
	labels = make([]int, 0, len(t.examples))
	for label, c := range t.classes {
		for _, x := range c.examples {
			embed = append(embed, x.embed...)
			labels = append(labels, label)
		}
	}
	return embed, labels
}

// without returns the adaptation less one class, or nil when fewer than two would be left.
func (a *adaptation) without(c *class, dim int) *adaptation {
	if a == nil {
		return nil
	}
	i := slices.Index(a.classes, c)
	if i < 0 {
		return a
	}
	if len(a.classes) <= 2 {
		return nil
	}
	row := func(prototypes []float32) []float32 { return slices.Delete(slices.Clone(prototypes), i*dim, (i+1)*dim) }
	less := &adaptation{classes: slices.Delete(slices.Clone(a.classes), i, i+1), prototypes: row(a.prototypes)}
	if a.merged != nil {
		m := *a.merged
		m.prototypes = row(m.prototypes)
		less.merged = &m
	}
	return less
}

// Adapted reports whether there is an adaptation in use, so that Classify can answer.
func (t *Task) Adapted() bool { return t.inUse != nil }

// Stale reports whether classes or examples were added, moved or removed since the last Adapt, or
// there was none. Renaming does not count.
func (t *Task) Stale() bool { return t.stale || t.inUse == nil }

// Classify embeds a picture and returns one Score a class that was adapted to, in the order of the
// classes; [Best] finds the winner. Errors: ErrNotAdapted, before anything is embedded; ErrBadEmbedding;
// what the embedder returned, wrapped.
func (t *Task) Classify(pic *picture.Picture) ([]Score, error) {
	if t.inUse == nil {
		return nil, notAdapted()
	}
	embedder := t.embedder
	if m := t.mergedInUse(); m != nil {
		embedder = m.embedder
	}
	embed, err := t.embed(embedder, pic)
	if err != nil {
		return nil, err
	}
	return t.ClassifyEmbedding(embed)
}

// ClassifyEmbedding is Classify for an embedding of length Dim that was made before, by the weights in use: those of Scores.
func (t *Task) ClassifyEmbedding(embed []float32) ([]Score, error) {
	a := t.inUse
	if a == nil {
		return nil, notAdapted()
	}
	if err := t.checkEmbedding(embed); err != nil {
		return nil, err
	}
	way, prototypes, merged := len(a.classes), a.prototypes, t.mergedInUse()
	if merged != nil {
		prototypes = merged.prototypes
	}
	logits := make([]float32, way)
	fewshot.CosineLogits(logits, embed, prototypes, 1, way, t.dim, fewshot.LogitScale)

	unit := t.unit(embed)
	scores := make([]Score, way)
	for i, c := range a.classes {
		scores[i] = Score{Class: c.id, Name: c.name, Cosine: logits[i] / fewshot.LogitScale}
		for _, x := range c.examples {
			if !x.inUse {
				continue
			}
			like := x.unit
			if merged != nil {
				like = merged.seen[x].unit
			}
			if cosine := kernel.Dot(unit, like); scores[i].Nearest == 0 || cosine > scores[i].NearestCosine {
				scores[i].Nearest, scores[i].NearestCosine = x.id, cosine
			}
		}
	}
	fewshot.Probabilities(logits, logits, 1, way)
	for i := range scores {
		scores[i].Probability = logits[i]
	}
	return scores, nil
}

// Best returns the index of the most probable class, the first of equals, or -1 of no score.
func Best(scores []Score) int {
	best := -1
	for i := range scores {
		if best < 0 || scores[i].Probability > scores[best].Probability {
			best = i
		}
	}
	return best
}

func notAdapted() error {
	return &Error{Code: CodeNotAdapted, Message: "the task has not been adapted yet"}
}
