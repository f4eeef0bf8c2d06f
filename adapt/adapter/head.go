package adapter

import (
	"slices"

	"haguruma/core/fewshot"
)

// Logits writes the logits of one embedding (dim): what the head is in the end. The same bits on every machine. It panics when a length does not
// fit.
func (h *Head) Logits(logits, embed []float32) {
	h.head().Logits(logits, embed)
}

// Heat writes how much each patch speaks for a class and against the others, as fewshot.Head does.
func (h *Head) Heat(heat, patches, embed []float32, class int) {
	h.head().Heat(heat, patches, embed, class)
}

func (h *Head) head() *fewshot.Head {
	return &fewshot.Head{Weights: h.Weight, Bias: h.Bias, Scale: h.Scale}
}

// Knows reports whether an embedding (dim) is of one of the classes. It always is where the adapter says nothing of unknown ones.
func (a *Adapter) Knows(embed []float32) bool {
	if a.Unknown == nil {
		return true
	}
	prototypes := a.Unknown.Prototypes
	if prototypes == nil {
		prototypes = a.Head.Weight
	}
	cosines := make([]float32, len(a.Head.Bias))
	fewshot.CosineLogits(cosines, embed, prototypes, 1, len(cosines), a.Head.Dim, 1)
	return slices.Max(cosines) >= a.Unknown.Below
}
