package adapt

import (
	"math"

	"haguruma/core/fewshot"
	"haguruma/core/kernel"
	"haguruma/core/picture"
)

// Score is what is said of one class.
type Score struct {
	Class         int     // id
	Name          string  // now, or when the version was made where the class is gone
	Probability   float32 // softmax of the head's logits; sums to one over the classes
	Cosine        float32 // to the prototype of the class
	Nearest       int     // id of the most similar example that the version has of the class; 0 when all are gone
	NearestCosine float32 // to that example
}

// Answer is what is said of one picture.
type Answer struct {
	Scores       []Score // in the order of the classes
	Best         int     // index of the most probable class, the first of equals
	Unknown      bool    // the picture is of none of the classes: Likeness is below UnknownBelow
	Likeness     float32 // largest cosine to a prototype
	UnknownBelow float32 // -1: nothing is unknown, there were too few examples to tell
	Version      int     // number
}

// Adapted reports whether there is an adaptation in use, so that Classify can answer.
func (t *Task) Adapted() bool { return t.inUse != nil }

// Stale reports whether classes or examples were added, moved or removed since the version in use was made, or experts turned on that it does not
// have, or there is none.
func (t *Task) Stale() bool { return t.inUse == nil || t.inUse.revision != t.revision }

// Ask says what a picture is. Errors: ErrNotAdapted, before anything is embedded; ErrBadEmbedding; what the embedder returned, wrapped.
func (t *Task) Ask(pic *picture.Picture) (*Answer, error) {
	if t.inUse == nil {
		return nil, notAdapted()
	}
	embed, err := t.embed(t.Merged(), pic)
	if err != nil {
		return nil, err
	}
	return t.AskEmbedding(embed)
}

// AskEmbedding is Ask for an embedding of length Dim that was made before, by the weights in use: those of Choice.
func (t *Task) AskEmbedding(embed []float32) (*Answer, error) {
	l := t.InUse()
	if l == nil {
		return nil, notAdapted()
	}
	if err := t.checkEmbedding(embed); err != nil {
		return nil, err
	}
	way := len(t.inUse.Classes)
	logits, cosines := make([]float32, way), make([]float32, way)
	l.Head.Logits(logits, embed)
	fewshot.Probabilities(logits, logits, 1, way)
	fewshot.CosineLogits(cosines, embed, l.Prototypes, 1, way, t.dim, 1)

	a := &Answer{Scores: make([]Score, way), UnknownBelow: l.UnknownBelow, Version: t.inUse.Number}
	for i, n := range t.inUse.Classes {
		a.Scores[i] = Score{Class: n.ID, Name: n.Name, Probability: logits[i], Cosine: cosines[i]}
		if c, err := t.class(n.ID); err == nil {
			a.Scores[i].Name = c.name
		}
	}
	a.Best, a.Likeness = Best(a.Scores), cosines[fewshot.Argmax(cosines)]
	a.Unknown = a.Likeness < a.UnknownBelow
	length := inverse(embed)
	for _, m := range l.support {
		like, ok := m.x.seen(l.weights)
		if !ok || m.x.class == nil {
			continue
		}
		s := &a.Scores[m.label]
		if cosine := length * inverse(like) * kernel.Dot(embed, like); s.Nearest == 0 || cosine > s.NearestCosine {
			s.Nearest, s.NearestCosine = m.x.id, cosine
		}
	}
	return a, nil
}

// inverse is one over the length of x, or 0.
func inverse(x []float32) float32 {
	if square := kernel.Dot(x, x); square > 0 {
		return float32(1 / math.Sqrt(float64(square)))
	}
	return 0
}

// Classify returns the scores of Ask; [Best] finds the winner. Errors as Ask's.
func (t *Task) Classify(pic *picture.Picture) ([]Score, error) {
	a, err := t.Ask(pic)
	if err != nil {
		return nil, err
	}
	return a.Scores, nil
}

// ClassifyEmbedding returns the scores of AskEmbedding.
func (t *Task) ClassifyEmbedding(embed []float32) ([]Score, error) {
	a, err := t.AskEmbedding(embed)
	if err != nil {
		return nil, err
	}
	return a.Scores, nil
}

// Like is an example and how alike a picture is to it.
type Like struct {
	Example, Class int     // ids; the class when the version was made
	Cosine         float32 // -1..1
}

// Nearest returns the examples of the version in use that are most like an embedding made by its weights, the most similar first, at most n; those that
// were removed since are passed over. Errors as AskEmbedding's.
func (t *Task) Nearest(embed []float32, n int) ([]Like, error) {
	l := t.InUse()
	if l == nil {
		return nil, notAdapted()
	}
	if err := t.checkEmbedding(embed); err != nil {
		return nil, err
	}
	var list []Like
	length := inverse(embed)
	for _, m := range l.support {
		if like, ok := m.x.seen(l.weights); ok && m.x.class != nil {
			list = append(list, Like{m.x.id, t.inUse.Classes[m.label].ID, length * inverse(like) * kernel.Dot(embed, like)})
		}
	}
	order := descending(len(list), func(i int) float32 { return list[i].Cosine })
	sorted := make([]Like, min(max(n, 0), len(list)))
	for k := range sorted {
		sorted[k] = list[order[k]]
	}
	return sorted, nil
}

// descending returns the order of 0..n-1 by falling key, equals as they are. By insertion: the lists are as short as a support, and package slices' sort
// makes the page's engine a hundredth larger.
func descending(n int, key func(i int) float32) []int {
	order := make([]int, n)
	for i := range order {
		k, j := key(i), i
		for ; j > 0 && key(order[j-1]) < k; j-- {
			order[j] = order[j-1]
		}
		order[j] = i
	}
	return order
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
