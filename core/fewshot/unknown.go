package fewshot

import "math"

// unknownDeviations is how many standard deviations below the mean likeness of known examples an unknown one begins: one in twenty of a normal
// distribution lies beyond.
const unknownDeviations = 1.645

// UnknownBelow returns the likeness, the largest cosine to a prototype, under which a picture is of no class of the support: the mean of what the
// examples have when left out ([Selection.Likeness]) less 1.645 standard deviations, and never negative. For fewer than two
// examples it is -1, so that nothing is unknown.
//
// The largest cosine tells known from unknown as well as any score tried on validation sets (probability, energy of the logits, nearest example,
// Mahalanobis distance), and for any head.
func UnknownBelow(likeness []float32) float32 {
	n := float64(len(likeness))
	if n < 2 {
		return -1
	}
	var mean, square float64
	for _, v := range likeness {
		mean += float64(v) / n
	}
	for _, v := range likeness {
		d := float64(v) - mean
		square += float64(d*d) / (n - 1)
	}
	return float32(max(0, mean-unknownDeviations*math.Sqrt(square)))
}

// Likeness returns the largest cosine of an embedding (dim) to prototypes (way, dim), rows of length one or zero.
func Likeness(embed, prototypes []float32, way int) float32 {
	cosines := make([]float32, way)
	CosineLogits(cosines, embed, prototypes, 1, way, len(embed), 1)
	return cosines[Argmax(cosines)]
}

// AUROC is the probability that a known one scores above an unknown one, ties counting half: the area under the receiver operating characteristic
// (Hanley and McNeil 1982). NaN when either is missing or a score is NaN.
func AUROC(known, unknown []float32) float64 {
	if len(known) == 0 || len(unknown) == 0 {
		return math.NaN()
	}
	var above float64
	for _, k := range known {
		for _, u := range unknown {
			switch {
			case k > u:
				above++
			case k == u:
				above += 0.5
			case !(k < u):
				return math.NaN()
			}
		}
	}
	return above / float64(len(known)) / float64(len(unknown))
}
