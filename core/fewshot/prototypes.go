package fewshot

import (
	"math"

	"haguruma/core/kernel"
)

// LogitScale is the factor between a cosine and a logit: probabilities are softmax(10 cos), the
// scale of PMF (Hu et al. 2022, arXiv:2204.07305) and METHOD.md.
const LogitScale = 10

// Prototypes writes the prototype of each class: the mean embedding of its examples, scaled to length
// one (Snell et al. 2017, arXiv:1703.05175, eq. 1, on the sphere).
//
//	p       (way, dim)  written
//	embed   (n, dim)    n = len(labels)
//	labels  (n)         0..way-1
//
// A class without an example, or whose embeddings sum to zero, gets a row of zeros: its cosine to
// everything is 0. The same bits on every body of the kernels. p must not alias embed. It panics
// when a length or a label is out of range.
func Prototypes(p, embed []float32, labels []int, way, dim int) {
	classSums(p, embed, labels, way, dim)
	// The length of a mean is the length of the sum over n, so dividing by n first changes nothing.
	NormalizeRows(p, way, dim)
}

// ClassMeans writes the mean embedding of each class as it is, not scaled: what the
// router of the experts reads. Shapes and panics as [Prototypes]; a class without an example gets a row of zeros.
func ClassMeans[F kernel.Float](p, embed []F, labels []int, way, dim int) {
	classSums(p, embed, labels, way, dim)
	counts := make([]int, way)
	for _, label := range labels {
		counts[label]++
	}
	for class, n := range counts {
		kernel.Scale(p[class*dim:(class+1)*dim], 1/F(max(n, 1)))
	}
}

// classSums writes the sum of the embeddings of each class, added in the order of labels.
func classSums[F kernel.Float](p, embed []F, labels []int, way, dim int) {
	if way < 0 || dim <= 0 || len(p) != way*dim || len(embed) != len(labels)*dim {
		panic("fewshot: Prototypes: slices do not fit way, dim and labels")
	}
	clear(p)
	for i, label := range labels {
		if label < 0 || label >= way {
			panic("fewshot: Prototypes: label out of range")
		}
		kernel.Add(p[label*dim:(label+1)*dim], embed[i*dim:(i+1)*dim])
	}
}

// NormalizeRows scales each row of x (rows, dim) to length one in place; rows of zeros stay.
func NormalizeRows(x []float32, rows, dim int) {
	if rows < 0 || dim <= 0 || len(x) != rows*dim {
		panic("fewshot: NormalizeRows: len(x) != rows*dim")
	}
	for r := range rows {
		row := x[r*dim : (r+1)*dim]
		kernel.Scale(row, inverseNorm(row))
	}
}

// inverseNorm returns 1/|x|, or 0 for x = 0.
func inverseNorm(x []float32) float32 {
	square := kernel.Dot(x, x)
	if square == 0 {
		return 0
	}
	return float32(1 / math.Sqrt(float64(square)))
}

// CosineLogits writes scale times the cosine of every embedding to every prototype.
//
//	logits      (n, way)  written
//	embed       (n, dim)  any length; a row of zeros has cosine 0 to everything
//	prototypes  (way, dim) rows of length one or zero, as Prototypes writes them
//
// The same bits on every body of the kernels. It panics when a length does not fit.
func CosineLogits(logits, embed, prototypes []float32, n, way, dim int, scale float32) {
	if n < 0 || way < 0 || dim <= 0 || len(logits) != n*way || len(embed) != n*dim || len(prototypes) != way*dim {
		panic("fewshot: CosineLogits: slices do not fit n, way and dim")
	}
	for i := range n {
		e := embed[i*dim : (i+1)*dim]
		factor := scale * inverseNorm(e)
		for j := range way {
			// kernel.Dot, not MatmulNT: its order of sums is fixed, so page and terminal agree to the bit.
			logits[i*way+j] = factor * kernel.Dot(e, prototypes[j*dim:(j+1)*dim])
		}
	}
}

// Probabilities writes the softmax of each row of logits (n, way) into p, which may alias logits.
func Probabilities(p, logits []float32, n, way int) {
	kernel.Softmax(p, logits, n, way)
}

// Argmax returns the index of the largest value, the first of equals; NaN never wins. It returns 0
// when all are NaN, and -1 for no value.
func Argmax[F kernel.Float](x []F) int {
	best := -1
	for i, v := range x {
		if best < 0 || v > x[best] || (x[best] != x[best] && v == v) {
			best = i
		}
	}
	return best
}

// Predict writes the label of each row of logits (n, way) into labels (n), by Argmax.
func Predict(labels []int, logits []float32, n, way int) {
	if n < 0 || way <= 0 || len(labels) != n || len(logits) != n*way {
		panic("fewshot: Predict: slices do not fit n and way")
	}
	for i := range n {
		labels[i] = Argmax(logits[i*way : (i+1)*way])
	}
}

// Score returns the share of an episode's queries that the nearest prototype by cosine gets right.
// row gives the embedding, length dim, of an image; the slice is read before the next call.
func Score(e Episode, dim int, row func(class, image int) []float32) float64 {
	return float64(Hits(e, dim, row)) / float64(len(e.Query))
}

// Hits is [Score] as a count: how many of e.Query get their own label.
func Hits(e Episode, dim int, row func(class, image int) []float32) int {
	p := make([]float32, e.Way*dim)
	Prototypes(p, e.SupportRows(dim, row), Labels(e.Support), e.Way, dim)
	return e.hits(row, func(logits, embed []float32) { CosineLogits(logits, embed, p, 1, e.Way, dim, LogitScale) })
}

// hits counts the queries whose largest logit is that of their own label.
func (e Episode) hits(row func(class, image int) []float32, classify func(logits, embed []float32)) (hits int) {
	logits := make([]float32, e.Way)
	for _, q := range e.Query {
		classify(logits, row(q.Class, q.Image))
		if Argmax(logits) == q.Label {
			hits++
		}
	}
	return hits
}

// SupportRows returns the embeddings of the support, (len(e.Support), dim); row as for [Score].
func (e Episode) SupportRows(dim int, row func(class, image int) []float32) []float32 {
	rows := make([]float32, 0, len(e.Support)*dim)
	for _, s := range e.Support {
		rows = append(rows, row(s.Class, s.Image)...)
	}
	return rows
}
