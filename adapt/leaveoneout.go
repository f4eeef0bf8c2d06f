package adapt

import (
	"haguruma/core/fewshot"
	"haguruma/core/kernel"
)

// LeaveOneOut is how well the examples predict each other: each one is classified by the prototypes of
// all the others.
type LeaveOneOut struct {
	Hits, Total int
	Accuracy    float64 // Hits/Total
	Low, High   float64 // its 95% interval after Wilson, wide for few examples
	Misses      []int   // ids of the examples taken for another class: odd, or wrongly labelled
}

// LeaveOneOut classifies each present example, adapted to or not, by prototypes that have not seen
// it. It returns nil when there are fewer than two classes or a class has fewer than two examples: with
// its only example left out, a class has no prototype, and leaving such a class aside would make
// the figure look better than it is.
func (t *Task) LeaveOneOut() *LeaveOneOut {
	way := len(t.classes)
	if way < 2 {
		return nil
	}
	for _, c := range t.classes {
		if len(c.examples) < 2 {
			return nil
		}
	}
	embed, labels := t.support()
	prototypes := make([]float32, way*t.dim)
	fewshot.Prototypes(prototypes, embed, labels, way, t.dim)

	r := &LeaveOneOut{Total: len(labels), Misses: []int{}}
	sum, whole, logits := make([]float32, t.dim), make([]float32, t.dim), make([]float32, way)
	for label, c := range t.classes {
		row := prototypes[label*t.dim : (label+1)*t.dim]
		copy(whole, row)
		clear(sum)
		for _, x := range c.examples {
			kernel.Add(sum, x.embed)
		}
		for _, x := range c.examples {
			copy(row, sum)
			kernel.Axpy(row, -1, x.embed)
			fewshot.NormalizeRows(row, 1, t.dim)
			fewshot.CosineLogits(logits, x.embed, prototypes, 1, way, t.dim, fewshot.LogitScale)
			if fewshot.Argmax(logits) == label {
				r.Hits++
			} else {
				r.Misses = append(r.Misses, x.id)
			}
		}
		copy(row, whole)
	}
	r.Accuracy = float64(r.Hits) / float64(r.Total)
	r.Low, r.High = fewshot.Wilson(r.Hits, r.Total)
	return r
}
