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

// leaveOneOut is exact without a refit: the residuals of left-out rows G are (M_GG)⁻¹ alpha_G (Rasmussen and Williams 2006, eq. 5.12, for more than one), G
// the views of an example, of which the first is judged.
func (r ridgeModel) leaveOneOut(logits []float64, s *Support, strength float64) *Head {
	rows, each := s.rows()
	m, alpha, ok := r.solve(rows, strength)
	if !ok {
		return nil
	}
	way := s.Way
	residual := make([]float64, each*way)
	for i, label := range s.Labels {
		copy(residual, alpha[i*each*way:])
		if !leaveOut(residual, m, i*each, each, rows.Len()) {
			return nil
		}
		for c := range way {
			y := -1 / float64(way)
			if c == label {
				y++
			}
			logits[i*way+c] = y - residual[c]
		}
	}
	return r.head(rows, strength, alpha)
}

// leaveOut overwrites alpha (each, way), of the rows from first on, by the residuals of those rows when all are left out: m (n, n) is M.
func leaveOut(alpha, m []float64, first, each, n int) bool {
	if each == 1 {
		for c := range alpha {
			alpha[c] /= m[first*n+first]
		}
		return true
	}
	block := make([]float64, each*each)
	for v := range each {
		copy(block[v*each:], m[(first+v)*n+first:][:each])
	}
	if !cholesky(block, each) {
		return false
	}
	solveLower(alpha, block, each, len(alpha)/each)
	solveUpper(alpha, block, each, len(alpha)/each)
	return true
}

func (r ridgeModel) fit(s *Support, strength float64) *Head {
	rows, _ := s.rows()
	_, alpha, ok := r.solve(rows, strength)
	if !ok {
		return nil
	}
	return r.head(rows, strength, alpha)
}

func (ridgeModel) head(s *Support, strength float64, alpha []float64) *Head {
	return &Head{Kind: KindRidge, Strength: strength, Weights: s.combine(transposed(alpha, s.Way)), Bias: make([]float32, s.Way), Scale: 1}
}
