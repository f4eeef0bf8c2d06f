package fewshot

// ridgeModel is kernel ridge regression (Saunders et al. 1998) on one-hot targets less 1/way: with K the inner products of the examples, W the
// weights that let classes count alike, and lambda = strength times [Support.spread],
//
//	(K + lambda W⁻¹) alpha = Y - 1/way
//
// in the n dimensions of the examples, not in those of the embedding. There is no intercept and nothing is centred: centred examples and their
// targets both sum to zero, so that the others would give a left-out one away.
type ridgeModel struct{}

func (ridgeModel) kind() Kind { return KindRidge }

// solve returns M = (K + lambda W⁻¹)⁻¹ (n, n), in s.work, and alpha (n, way).
func (ridgeModel) solve(s *Support, strength float64) (m, alpha []float64, ok bool) {
	n, way := s.Len(), s.Way
	m = s.work
	copy(m, s.gram)
	lambda := strength * s.spread()
	for i, w := range s.weights() {
		m[i*n+i] += lambda / w
	}
	if !cholesky(m, n) {
		return nil, nil, false
	}
	invertCholesky(m, n)
	alpha = make([]float64, n*way)
	for i := range n {
		var all float64
		for j, label := range s.Labels {
			alpha[i*way+label] += m[i*n+j]
			all += m[i*n+j]
		}
		for c := range way {
			alpha[i*way+c] -= all / float64(way)
		}
	}
	return m, alpha, true
}

// leaveOneOut is exact without a refit: the residual of a left-out example is alpha_i / M_ii (Rasmussen and Williams 2006, eq. 5.12).
func (r ridgeModel) leaveOneOut(logits []float64, s *Support, strength float64) *Head {
	m, alpha, ok := r.solve(s, strength)
	if !ok {
		return nil
	}
	n, way := s.Len(), s.Way
	for i, label := range s.Labels {
		for c := range way {
			y := -1 / float64(way)
			if c == label {
				y++
			}
			logits[i*way+c] = y - alpha[i*way+c]/m[i*n+i]
		}
	}
	return r.head(s, strength, alpha)
}

func (r ridgeModel) fit(s *Support, strength float64) *Head {
	_, alpha, ok := r.solve(s, strength)
	if !ok {
		return nil
	}
	return r.head(s, strength, alpha)
}

func (ridgeModel) head(s *Support, strength float64, alpha []float64) *Head {
	return &Head{Kind: KindRidge, Strength: strength, Weights: s.combine(transposed(alpha, s.Way)), Bias: make([]float32, s.Way), Scale: 1}
}
