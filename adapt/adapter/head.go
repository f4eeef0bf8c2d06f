package adapter

import (
	"haguruma/core/fewshot"
	"haguruma/core/kernel"
)

// Logits writes the logits of embeddings: what the head is in the end. The same bits on every machine.
//
//	logits  (n, classes)  written
//	embed   (n, dim)
//
// It panics when a length does not fit.
func (h *Head) Logits(logits, embed []float32, n int) {
	way := len(h.Bias)
	if len(embed) != n*h.Dim || len(logits) != n*way {
		panic("adapter: Logits: slices do not fit n, classes and dim")
	}
	if h.Normalized {
		fewshot.CosineLogits(logits, embed, h.Weight, n, way, h.Dim, h.Scale)
	}
	for i := range n {
		row, e := logits[i*way:(i+1)*way], embed[i*h.Dim:(i+1)*h.Dim]
		for j := range row {
			if !h.Normalized {
				row[j] = h.Scale * kernel.Dot(e, h.Weight[j*h.Dim:(j+1)*h.Dim])
			}
			row[j] += float32(h.Scale * h.Bias[j]) // the conversion forbids a fused multiply-add, which not every machine has
		}
	}
}

// Probabilities writes the softmax of logits / Temperature, row by row; both are (n, classes) and may be the same.
func (h *Head) Probabilities(p, logits []float32, n int) {
	for i, v := range logits {
		p[i] = v / h.Temperature
	}
	fewshot.Probabilities(p, p, n, len(h.Bias))
}
