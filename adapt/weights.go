package adapt

import "slices"

// weights are one state of the network that pictures are embedded by. They are shared by all versions made with them.
type weights struct {
	from     Experts // what the scores are of; nil: the backbone alone
	choice   Choice
	embedder Embedder // nil: put away, to be merged again when asked for

	tuned bool                         // fine-tuned
	below *weights                     // that they were tuned from
	again func(from Embedder) Embedder // tunes them again; nil: embedder is never put away
}

// changed reports whether they are not those of the backbone alone.
func (w *weights) changed() bool { return w.from != nil || w.tuned }

// keepMerged is how many merged or tuned copies of the backbone are kept: the one in use, and the one before, so that going back and forth is
// instant. Others are made again, which gives the same bits.
const keepMerged = 2

// merge returns the weights of scores: those of a version where there are any, else new ones.
func (t *Task) merge(scores []float32) *weights {
	for _, w := range t.merged {
		if !w.tuned && w.from == t.experts && slices.Equal(w.choice.Scores, scores) {
			return w
		}
	}
	w := &weights{from: t.experts, choice: Choice{Scores: scores}}
	w.choice.All, w.choice.Parts, w.choice.Kinds = t.experts.Shares(scores)
	return w
}

// embedderOf returns the network at some weights, made again when it was put away. Those used last stay.
func (t *Task) embedderOf(w *weights) Embedder {
	switch {
	case !w.changed():
		return t.embedder
	case w.tuned && w.again == nil:
		return w.embedder
	case w.tuned && w.embedder == nil:
		w.embedder = w.again(t.embedderOf(w.below))
	case w.embedder == nil:
		w.embedder = w.from.Merge(w.choice.Scores)
	}
	if i := slices.Index(t.merged, w); i >= 0 {
		t.merged = slices.Delete(t.merged, i, i+1)
	}
	t.merged = append(t.merged, w)
	for len(t.merged) > keepMerged {
		t.merged[0].embedder = nil
		t.merged = slices.Delete(t.merged, 0, 1)
	}
	return w.embedder
}

// seen is the embedding of an example at some weights; ok: it is known.
func (x *example) seen(w *weights) (embed []float32, ok bool) {
	if !w.changed() {
		return x.embed, x.embed != nil
	}
	embed, ok = x.byWeights[w]
	return embed, ok
}
