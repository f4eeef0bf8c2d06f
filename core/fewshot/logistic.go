package fewshot

import (
	"slices"

	"haguruma/core/kernel"
)

// Bounds of the logistic head.
const (
	// maxLogistic is the most examples times classes that it is judged on: leaving out each costs examples² times that a step.
	maxLogistic = 1000
	// logisticSteps is how many steps a fit takes at most, leftOutSteps the same from the fit to all examples to that without one; logisticChange is the
	// change of a coefficient, against the largest, that ends either.
	logisticSteps, leftOutSteps, logisticChange = 60, 20, 5e-4
)

// logisticModel is multinomial logistic regression with a penalty on the squared weights, in the span of the examples, classes counting alike,
// without an intercept. lambda is strength times [Support.spread]. Steps are Newton's with the
// Hessian replaced by its bound (Böhning 1992, Ann. Inst. Statist. Math. 44:197): with P the probabilities and Y the one-hot labels,
//
//	alpha -= (K/2 + lambda W⁻¹)⁻¹ (P - Y + lambda W⁻¹ alpha)
//
// accelerated, which needs one inverse for all steps, and for all examples left out: the inverse without one row is of rank one away.
type logisticModel struct{}

func (logisticModel) kind() Kind { return KindLogistic }

// leaveOneOut fits all problems at once, each its own columns of one product, from the fit to all examples on.
func (l logisticModel) leaveOneOut(logits []float64, s *Support, strength float64) *Head {
	n, way := s.Len(), s.Way
	if n*way > maxLogistic {
		return nil
	}
	alpha, _, ok := l.solve(s, strength, 1, nil)
	if !ok {
		return nil
	}
	start := make([]float32, n*n*way)
	for i := range n {
		for p := range n {
			if p != i {
				copy(start[(i*n+p)*way:(i*n+p+1)*way], alpha[i*way:(i+1)*way])
			}
		}
	}
	_, f, _ := l.solve(s, strength, n, start)
	for i := range n {
		for c := range way {
			logits[i*way+c] = float64(f[(i*n+i)*way+c])
		}
	}
	return l.head(s, strength, alpha)
}

func (l logisticModel) fit(s *Support, strength float64) *Head {
	alpha, _, ok := l.solve(s, strength, 1, nil)
	if !ok {
		return nil
	}
	return l.head(s, strength, alpha)
}

func (logisticModel) head(s *Support, strength float64, alpha []float32) *Head {
	wide := make([]float64, len(alpha))
	for i, v := range alpha {
		wide[i] = float64(v)
	}
	return &Head{Kind: KindLogistic, Strength: strength, Weights: s.combine(transposed(wide, s.Way)), Bias: make([]float32, s.Way), Scale: 1}
}

// solve fits problems at once: n of them, number p without example p, or 1 with all. alpha, which begins at start or 0, and the logits f are (n, problems,
// way).
func (logisticModel) solve(s *Support, strength float64, problems int, start []float32) (alpha, f []float32, ok bool) {
	n, way := s.Len(), s.Way
	m := s.work
	lambda := strength * s.spread()
	for i, v := range s.gram {
		m[i] = v / 2
	}
	penalty := s.weights() // lambda / w
	for i, w := range penalty {
		penalty[i] = lambda / w
		m[i*n+i] += penalty[i]
	}
	if !cholesky(m, n) {
		return nil, nil, false
	}
	invertCholesky(m, n)
	gram, inverse := make([]float32, n*n), make([]float32, n*n)
	for i := range m {
		gram[i], inverse[i] = float32(s.gram[i]), float32(m[i])
	}
	row := problems * way
	alpha, f = start, make([]float32, n*row)
	steps := leftOutSteps
	if start == nil {
		alpha, steps = make([]float32, n*row), logisticSteps
	}
	step, ahead := make([]float32, n*row), slices.Clone(alpha)
	without := problems > 1
	for k := range steps {
		multiply(f, gram, ahead, n, row, n)
		kernel.Softmax(f, f, n*problems, way)
		for i, label := range s.Labels { // f becomes the gradient
			for p := range problems {
				f[i*row+p*way+label]--
			}
			kernel.Axpy(f[i*row:(i+1)*row], float32(penalty[i]), ahead[i*row:(i+1)*row])
			if without {
				clear(f[i*row+i*way : i*row+(i+1)*way])
			}
		}
		multiply(step, inverse, f, n, row, n)
		if without {
			for p := range problems {
				off := slices.Clone(step[p*row+p*way : p*row+(p+1)*way])
				for i := range n {
					kernel.Axpy(step[i*row+p*way:i*row+(p+1)*way], -inverse[i*n+p]/inverse[p*n+p], off)
				}
			}
		}
		// From here the accelerated gradient method (Nesterov 1983; Beck and Teboulle 2009, eq. 4.3) in the metric of the bound.
		kernel.Axpy(ahead, -1, step)
		copy(step, ahead)
		kernel.Axpy(step, -1, alpha) // next less last
		copy(alpha, ahead)
		kernel.Axpy(ahead, float32(k)/float32(k+3), step)
		if largest(step) <= logisticChange*largest(alpha) {
			break
		}
	}
	multiply(f, gram, alpha, n, row, n)
	return alpha, f, true
}

// largest is the largest magnitude.
func largest(x []float32) (most float32) {
	for _, v := range x {
		most = max(most, v, -v)
	}
	return most
}
