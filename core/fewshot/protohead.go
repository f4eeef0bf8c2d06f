package fewshot

import "math"

// prototypeModel is the head of [Prototypes]: the mean of a class's embeddings, as long as they are, against u by cosine.
type prototypeModel struct{}

func (prototypeModel) kind() Kind { return KindPrototypes }

func (p prototypeModel) leaveOneOut(logits []float64, s *Support, _ float64) *Head {
	s.leftOutCosines(logits)
	return p.fit(s, 0)
}

// leftOutCosines writes the cosines (n, way) of each example to the prototypes of all others. It takes the left-out example out of its class's sum, all in
// inner products: with S the sum and e the example, e·(S-e) = e·S - e·e and |S-e|² = S·S - 2 e·S + e·e.
func (s *Support) leftOutCosines(cosines []float64) {
	n, way := s.Len(), s.Way
	toSum := make([]float64, n*way) // e_i·S_c
	square := make([]float64, way)  // S_c·S_c
	for i := range n {
		for j, other := range s.Labels {
			toSum[i*way+other] += float64(float64(s.gram[i*n+j]*s.norm[i]) * s.norm[j])
		}
	}
	for i, label := range s.Labels {
		square[label] += toSum[i*way+label]
	}
	for i, label := range s.Labels {
		self := float64(s.gram[i*n+i]*s.norm[i]) * s.norm[i]
		for c := range way {
			inner, length := toSum[i*way+c], square[c]
			if c == label {
				inner -= self
				length += self - float64(2*toSum[i*way+c])
			}
			cosines[i*way+c] = 0
			if length > 0 && s.norm[i] > 0 {
				cosines[i*way+c] = inner / float64(s.norm[i]*math.Sqrt(length))
			}
		}
	}
}

func (prototypeModel) fit(s *Support, _ float64) *Head {
	h := &Head{Kind: KindPrototypes, Weights: make([]float32, s.Way*s.Dim), Bias: make([]float32, s.Way), Scale: 1}
	s.Prototypes(h.Weights)
	return h
}
