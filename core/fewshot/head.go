package fewshot

import "haguruma/core/kernel"

// Kind is a kind of head on frozen embeddings.
type Kind string

// Kinds of heads, as they are written in files and shown to people.
const (
	KindPrototypes Kind = "prototypes" // nearest class mean by cosine
	KindRidge      Kind = "ridge"      // least squares on one-hot targets
	KindLogistic   Kind = "logistic"   // multinomial logistic regression
	KindLDA        Kind = "lda"        // linear discriminants, one covariance
	KindBlend      Kind = "blend"      // the mean of prototypes, ridge and LDA, weighted by leave-one-out
)

// Kinds lists them, the simplest first.
var Kinds = []Kind{KindPrototypes, KindRidge, KindLDA, KindLogistic, KindBlend}

// Head is a linear classifier of embeddings scaled to length one: logit c is Scale (Weights[c]·u + Bias[c]). It is never written to once
// made.
type Head struct {
	Kind     Kind
	Strength float64   // regularisation it was fitted with; 0 for prototypes and blends, which have none
	Weights  []float32 // (way, dim); for prototypes rows of length one
	Bias     []float32 // (way)
	Scale    float32   // one over the temperature
}

// Way is the number of classes.
func (h *Head) Way() int { return len(h.Bias) }

// Logits writes the logits of one embedding (dim) of any length; a row of zeros is taken as it is. The same bits on every body of the
// kernels. It panics when a length does not fit.
func (h *Head) Logits(logits, embed []float32) {
	dim := len(embed)
	if len(logits) != h.Way() || len(h.Weights) != h.Way()*dim {
		panic("fewshot: Head.Logits: slices do not fit the head")
	}
	factor := h.Scale * inverseNorm(embed)
	for c, bias := range h.Bias {
		logit := factor * kernel.Dot(embed, h.Weights[c*dim:(c+1)*dim])
		logits[c] = logit + float32(h.Scale*bias)
	}
}

// Without returns the head less one class; the logits of the others stay what they are.
func (h *Head) Without(class int) *Head {
	dim := len(h.Weights) / h.Way()
	less := *h
	less.Weights = append(append([]float32(nil), h.Weights[:class*dim]...), h.Weights[(class+1)*dim:]...)
	less.Bias = append(append([]float32(nil), h.Bias[:class]...), h.Bias[class+1:]...)
	return &less
}

// model is a kind of head that can be fitted. Its logits are before the scale.
type model interface {
	kind() Kind
	// fit returns the head of all examples, Scale 1; nil when the numbers of the support do not allow it.
	fit(s *Support, strength float64) *Head
	// leaveOneOut writes to logits (n, way) what each example gets from the head fitted to all others, and returns that of fit, which comes out of
	// the same matrices; nil where one of the two is impossible.
	leaveOneOut(logits []float64, s *Support, strength float64) *Head
}
