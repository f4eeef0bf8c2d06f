package fewshot

// ldaModel is linear discriminant analysis with one covariance for all classes, shrunk towards a multiple of the identity (Friedman 1989, JASA
// 84:165, with equal priors): with Z the examples less their class means, T = |Z|² and gamma = strength,
//
//	G = ZᵀZ + rho I,  rho = gamma/(1-gamma) T/dim      logit c = mu_c·G⁻¹u - 1/2 mu_c·G⁻¹mu_c
//
// up to a factor, which the scale takes up. G is inverted in the n dimensions of the examples (Woodbury): with R the map to Z and K the inner
// products, X G⁻¹ Xᵀ = (K - K R (R K R + rho)⁻¹ R K) / rho.
type ldaModel struct{}

func (ldaModel) kind() Kind { return KindLDA }

// ldaFit is what fit and leaveOneOut share.
type ldaFit struct {
	inner   []float64 // (n, n) X G⁻¹ Xᵀ times rho
	toMean  []float64 // (n, way) the same of examples with class means
	ofMeans []float64 // (way, way) and of class means
	mix     []float64 // (way, n) G⁻¹ mu_c as a combination of the examples, times rho
	rho     float64
}

func (ldaModel) solve(s *Support, gamma float64) (*ldaFit, bool) {
	n, way := s.Len(), s.Way
	f := &ldaFit{inner: make([]float64, n*n), toMean: make([]float64, n*way), ofMeans: make([]float64, way*way), mix: make([]float64, way*n)}
	// rk = R K: rows less the mean row of their class.
	rk := make([]float64, n*n)
	meanRows := make([]float64, way*n)
	for i, label := range s.Labels {
		for j := range n {
			meanRows[label*n+j] += s.gram[i*n+j] / float64(s.counts[label])
		}
	}
	for i, label := range s.Labels {
		for j := range n {
			rk[i*n+j] = s.gram[i*n+j] - meanRows[label*n+j]
		}
	}
	m := s.work // R K R + rho
	var trace float64
	means := make([]float64, way)
	for i := range n {
		clear(means)
		for j, label := range s.Labels {
			means[label] += rk[i*n+j] / float64(s.counts[label])
		}
		for j, label := range s.Labels {
			m[i*n+j] = rk[i*n+j] - means[label]
		}
		trace += m[i*n+i]
	}
	f.rho = gamma / (1 - gamma) * trace / float64(s.Dim)
	if !(f.rho > 0) {
		return nil, false
	}
	for i := range n {
		m[i*n+i] += f.rho
	}
	if !cholesky(m, n) {
		return nil, false
	}
	// With L of m: K R m⁻¹ R K = (L⁻¹ R K)ᵀ (L⁻¹ R K).
	half := rk
	solveLower(half, m, n, n)
	for i := range n {
		for j := range i + 1 {
			f.inner[i*n+j] = s.gram[i*n+j]
		}
	}
	for k := range n {
		row := half[k*n : (k+1)*n]
		for i, v := range row {
			out := f.inner[i*n : i*n+i+1]
			for j := range out {
				out[j] -= float64(v * row[j])
			}
		}
	}
	for i := range n {
		for j := range i {
			f.inner[j*n+i] = f.inner[i*n+j]
		}
	}
	for i := range n {
		for j, label := range s.Labels {
			f.toMean[i*way+label] += f.inner[i*n+j] / float64(s.counts[label])
		}
	}
	for i, label := range s.Labels {
		for c := range way {
			f.ofMeans[label*way+c] += f.toMean[i*way+c] / float64(s.counts[label])
		}
	}
	// G⁻¹ mu_c = Xᵀ (a_c - R m⁻¹ R K a_c) / rho, a_c the shares of the examples in mu_c.
	right := make([]float64, n*way) // L⁻¹ R K a_c, then m⁻¹ R K a_c
	for k := range n {
		for j, label := range s.Labels {
			right[k*way+label] += half[k*n+j] / float64(s.counts[label])
		}
	}
	solveUpper(right, m, n, way)
	for c := range way {
		clear(means)
		for i, label := range s.Labels {
			means[label] += right[i*way+c] / float64(s.counts[label])
		}
		for i, label := range s.Labels {
			v := means[label] - right[i*way+c]
			if label == c {
				v += 1 / float64(s.counts[label])
			}
			f.mix[c*n+i] = v
		}
	}
	return f, true
}

// leaveOneOut is exact for a fixed rho, without a refit: with z the left-out example less its class mean and k of n_c examples,
// the scatter loses k/(k-1) zzᵀ (Sherman-Morrison) and the class mean moves by -z/(k-1).
func (l ldaModel) leaveOneOut(logits []float64, s *Support, gamma float64) *Head {
	f, ok := l.solve(s, gamma)
	if !ok {
		return nil
	}
	n, way := s.Len(), s.Way
	for i, y := range s.Labels {
		k := float64(s.counts[y])
		// Bilinear forms of G⁻¹, times rho: x the example, z = x - mu_y.
		xx, xm, mm := f.inner[i*n+i], f.toMean[i*way+y], f.ofMeans[y*way+y]
		xz, mz := xx-xm, xm-mm
		zz := xz - mz
		loss := k / (k - 1)
		den := f.rho - float64(loss*zz)
		if !(den > 0) {
			return nil
		}
		for c := range way {
			cx, cc := f.toMean[i*way+c], f.ofMeans[c*way+c]
			cz := cx - f.ofMeans[c*way+y]
			if c == y { // mu' = mu - z/(k-1)
				cx = xm - xz/(k-1)
				cc = mm - 2*mz/(k-1) + zz/float64((k-1)*(k-1))
				cz = mz - zz/(k-1)
			}
			cx += float64(float64(loss*cz)*xz) / den
			cc += float64(float64(loss*cz)*cz) / den
			logits[i*way+c] = (cx - cc/2) / f.rho
		}
	}
	return f.head(s, gamma)
}

func (l ldaModel) fit(s *Support, gamma float64) *Head {
	f, ok := l.solve(s, gamma)
	if !ok {
		return nil
	}
	return f.head(s, gamma)
}

// head uses f.mix up.
func (f *ldaFit) head(s *Support, gamma float64) *Head {
	h := &Head{Kind: KindLDA, Strength: gamma, Bias: make([]float32, s.Way), Scale: 1}
	for i := range f.mix {
		f.mix[i] /= f.rho
	}
	h.Weights = s.combine(f.mix)
	for c := range s.Way {
		h.Bias[c] = float32(-f.ofMeans[c*s.Way+c] / (2 * f.rho))
	}
	return h
}
