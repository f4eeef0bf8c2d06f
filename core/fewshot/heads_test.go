package fewshot

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// clusters returns way classes of shots examples around random centers; sizes differ from class to class.
func clusters(seed uint64, way, shots, dim int) (embed []float32, labels []int) {
	rng := rand.New(rand.NewPCG(seed, 1))
	for c := range way {
		center := make([]float64, dim)
		for k := range center {
			center[k] = rng.NormFloat64()
		}
		for range shots + c%3 {
			length := 0.5 + rng.Float64()
			for k := range dim {
				embed = append(embed, float32(length*(center[k]+0.9*rng.NormFloat64())))
			}
			labels = append(labels, c)
		}
	}
	return embed, labels
}

// solve64 returns a⁻¹ b by Gauss' elimination with pivots: a (n, n), b (n, m).
func solve64(a, b []float64, n, m int) []float64 {
	a, b = slices.Clone(a), slices.Clone(b)
	for k := range n {
		p := k
		for i := k; i < n; i++ {
			if math.Abs(a[i*n+k]) > math.Abs(a[p*n+k]) {
				p = i
			}
		}
		for j := range n {
			a[k*n+j], a[p*n+j] = a[p*n+j], a[k*n+j]
		}
		for j := range m {
			b[k*m+j], b[p*m+j] = b[p*m+j], b[k*m+j]
		}
		for i := range n {
			if i == k {
				continue
			}
			f := a[i*n+k] / a[k*n+k]
			for j := range n {
				a[i*n+j] -= f * a[k*n+j]
			}
			for j := range m {
				b[i*m+j] -= f * b[k*m+j]
			}
		}
	}
	for i := range n {
		for j := range m {
			b[i*m+j] /= a[i*n+i]
		}
	}
	return b
}

// wide is the unit rows in float64.
func (s *Support) wide() []float64 {
	x := make([]float64, len(s.unit))
	for i, v := range s.unit {
		x[i] = float64(v)
	}
	return x
}

// less returns the support without example i.
func less(embed []float32, labels []int, i, dim int) ([]float32, []int) {
	return slices.Delete(slices.Clone(embed), i*dim, (i+1)*dim), slices.Delete(slices.Clone(labels), i, i+1)
}

func wantNear(t *testing.T, what string, have, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(have-want) <= tolerance*(1+math.Abs(want))) {
		t.Errorf("%s: have %v, want %v", what, have, want)
	}
}

func TestCholesky(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 2, 3, 8, 33} {
		x, a := make([]float64, n*(n+2)), make([]float64, n*n)
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		for i := range n {
			for j := range n {
				a[i*n+j] = dot(x[i*(n+2):(i+1)*(n+2)], x[j*(n+2):(j+1)*(n+2)])
			}
		}
		factor := slices.Clone(a)
		if !cholesky(factor, n) {
			t.Fatalf("n %d: not positive definite", n)
		}
		b := make([]float64, n*3)
		for i := range b {
			b[i] = rng.NormFloat64()
		}
		have := slices.Clone(b)
		solveLower(have, factor, n, 3)
		solveUpper(have, factor, n, 3)
		for i, want := range solve64(a, b, n, 3) {
			wantNear(t, "solve", have[i], want, 1e-8)
		}
		invertCholesky(factor, n)
		for i, want := range solve64(a, identity(n), n, n) {
			wantNear(t, "inverse", factor[i], want, 1e-8)
		}
	}
	for _, a := range [][]float64{{-1}, {0}, {math.NaN()}, {1, 0, 2, 1}, {math.Inf(1)}} {
		if n := int(math.Sqrt(float64(len(a)))); cholesky(slices.Clone(a), n) {
			t.Errorf("%v is not positive definite", a)
		}
	}
}

func identity(n int) []float64 {
	x := make([]float64, n*n)
	for i := range n {
		x[i*n+i] = 1
	}
	return x
}

// Prototypes without an example are the prototypes of the others.
func TestPrototypesLeaveOneOut(t *testing.T) {
	const way, dim = 4, 11
	embed, labels := clusters(1, way, 2, dim)
	s := NewSupport(embed, labels, way, dim)
	logits := make([]float64, len(labels)*way)
	prototypeModel{}.leaveOneOut(logits, s, 0)
	for i := range labels {
		others, otherLabels := less(embed, labels, i, dim)
		p, want := make([]float32, way*dim), make([]float32, way)
		Prototypes(p, others, otherLabels, way, dim)
		CosineLogits(want, embed[i*dim:(i+1)*dim], p, 1, way, dim, 1)
		for c := range way {
			wantNear(t, "cosine", logits[i*way+c], float64(want[c]), 1e-5)
		}
	}
	// The head is CosineLogits at its scale, to the bit.
	h := prototypeModel{}.fit(s, 0)
	h.Scale = LogitScale
	p, want, have := make([]float32, way*dim), make([]float32, way), make([]float32, way)
	Prototypes(p, embed, labels, way, dim)
	if !slices.Equal(p, h.Weights) {
		t.Error("not the prototypes")
	}
	h.Logits(have, embed[:dim])
	if CosineLogits(want, embed[:dim], p, 1, way, dim, LogitScale); !slices.Equal(have, want) {
		t.Errorf("logits %v, want %v", have, want)
	}
}

// The ridge head solves the normal equations of the primal problem, and so does it without an example, all views of it.
func TestRidge(t *testing.T) {
	for _, each := range []int{1, 3} {
		testRidge(t, each)
	}
}

func testRidge(t *testing.T, each int) {
	const way, dim, strength = 3, 7, 0.7
	embed, labels := viewed(2, way, 3, dim, each)
	s := NewSupportOfViews(embed, labels, way, dim, each)
	rows, _ := s.rows()
	x, weights := rows.wide(), rows.weights()
	lambda := strength * rows.spread()
	primal := func(out int) []float64 {
		a, b := make([]float64, dim*dim), make([]float64, dim*way)
		for j := range dim {
			a[j*dim+j] = lambda
		}
		for i, label := range rows.Labels {
			if i/each == out {
				continue
			}
			for j := range dim {
				for k := range dim {
					a[j*dim+k] += weights[i] * x[i*dim+j] * x[i*dim+k]
				}
				for c := range way {
					y := -1 / float64(way)
					if label == c {
						y++
					}
					b[j*way+c] += weights[i] * x[i*dim+j] * y
				}
			}
		}
		return solve64(a, b, dim, way)
	}
	h := ridgeModel{}.fit(s, strength)
	for i, v := range primal(-1) {
		wantNear(t, "weight", float64(h.Weights[i%way*dim+i/way]), v, 1e-4)
	}
	logits := make([]float64, s.Len()*way)
	ridgeModel{}.leaveOneOut(logits, s, strength)
	for i := range labels {
		w := primal(i)
		for c := range way {
			var want float64
			for j := range dim {
				want += x[i*each*dim+j] * w[j*way+c]
			}
			wantNear(t, "left out", logits[i*way+c], want, 1e-5)
		}
	}
}

// The LDA head is that of the inverse covariance in the dimensions of the embedding, and so it is without an example.
func TestLDA(t *testing.T) {
	const way, dim, gamma = 3, 6, 0.6
	embed, labels := clusters(5, way, 3, dim)
	s := NewSupport(embed, labels, way, dim)
	n, x := s.Len(), s.wide()
	var rho float64 // of all examples, also without one
	primal := func(out int) (w, bias []float64) {
		means, counts := make([]float64, way*dim), make([]float64, way)
		for i := range n {
			if i != out {
				counts[labels[i]]++
				for j := range dim {
					means[labels[i]*dim+j] += x[i*dim+j]
				}
			}
		}
		for i := range means {
			means[i] /= counts[i/dim]
		}
		g, trace := make([]float64, dim*dim), 0.0
		for i := range n {
			if i == out {
				continue
			}
			for j := range dim {
				zj := x[i*dim+j] - means[labels[i]*dim+j]
				for k := range dim {
					g[j*dim+k] += zj * (x[i*dim+k] - means[labels[i]*dim+k])
				}
				trace += zj * zj
			}
		}
		if out < 0 {
			rho = gamma / (1 - gamma) * trace / dim
		}
		for j := range dim {
			g[j*dim+j] += rho
		}
		w = solve64(g, transposed(means, dim), dim, way) // (dim, way)
		bias = make([]float64, way)
		for c := range way {
			for j := range dim {
				bias[c] -= means[c*dim+j] * w[j*way+c] / 2
			}
		}
		return w, bias
	}
	h := ldaModel{}.fit(s, gamma)
	w, bias := primal(-1)
	for i, v := range w {
		wantNear(t, "weight", float64(h.Weights[i%way*dim+i/way]), v, 1e-4)
	}
	for c, v := range bias {
		wantNear(t, "bias", float64(h.Bias[c]), v, 1e-4)
	}
	logits := make([]float64, n*way)
	if (ldaModel{}).leaveOneOut(logits, s, gamma) == nil {
		t.Fatal("no leave-one-out")
	}
	for i := range n {
		w, bias := primal(i)
		for c := range way {
			want := bias[c]
			for j := range dim {
				want += x[i*dim+j] * w[j*way+c]
			}
			wantNear(t, "left out", logits[i*way+c], want, 1e-4)
		}
	}
}

// At the logistic head the gradient of its objective is zero, and so it is where an example is left out.
func TestLogistic(t *testing.T) {
	const way, dim, strength = 3, 8, 0.2
	embed, labels := clusters(7, way, 3, dim)
	s := NewSupport(embed, labels, way, dim)
	n, x, weights := s.Len(), s.wide(), s.weights()
	lambda := strength * s.spread()
	// gradient of sum of w CE + lambda/2 |W|² in W (way, dim), and the probabilities of example at.
	gradient := func(w []float64, out, at int) (g, logits []float64) {
		g, logits = make([]float64, way*dim), make([]float64, way)
		for i, v := range w {
			g[i] = lambda * v
		}
		for i := range n {
			f, sum := make([]float64, way), 0.0
			for c := range way {
				f[c] = dot(w[c*dim:(c+1)*dim], x[i*dim:(i+1)*dim])
			}
			if i == at {
				copy(logits, f)
			}
			if i == out {
				continue
			}
			for c := range way {
				f[c] = math.Exp(f[c])
				sum += f[c]
			}
			for c := range way {
				d := f[c] / sum
				if c == labels[i] {
					d--
				}
				for j := range dim {
					g[c*dim+j] += weights[i] * d * x[i*dim+j]
				}
			}
		}
		return g, logits
	}
	minimum := func(out, at int) []float64 {
		w := make([]float64, way*dim)
		for range 4000 {
			g, _ := gradient(w, out, at)
			for j, v := range g {
				w[j] -= 0.2 * v
			}
		}
		_, logits := gradient(w, out, at)
		return logits
	}
	h := logisticModel{}.fit(s, strength)
	for i := range n {
		have := make([]float32, way)
		h.Logits(have, embed[i*dim:(i+1)*dim])
		for c, want := range minimum(-1, i) {
			wantNear(t, "logit", float64(have[c]), want, 5e-3)
		}
		if i == 2 {
			break
		}
	}
	logits := make([]float64, n*way)
	if (logisticModel{}).leaveOneOut(logits, s, strength) == nil {
		t.Fatal("no leave-one-out")
	}
	for _, i := range []int{0, 4, n - 1} {
		for c, want := range minimum(i, i) {
			wantNear(t, "left out", logits[i*way+c], want, 1e-2)
		}
	}
	big := NewSupport(make([]float32, 2*maxLogistic), make([]int, 2*maxLogistic), 1, 1)
	if (logisticModel{}).leaveOneOut(nil, big, 1) != nil {
		t.Error("a support that is too large was fitted")
	}
}

// The scale is where the slope of the objective is zero, and there is one for supports without an error.
func TestFitScale(t *testing.T) {
	const way = 3
	rng := rand.New(rand.NewPCG(9, 9))
	for trial := range 20 {
		n := 3 + trial
		logits, labels := make([]float64, n*way), make([]int, n)
		for i := range labels {
			labels[i] = rng.IntN(way)
			for c := range way {
				logits[i*way+c] = 0.1 * rng.NormFloat64()
			}
			if trial%2 == 0 {
				logits[i*way+labels[i]] = 0.5
			}
		}
		usual, pseudo := 5.0, 2.0
		objective := func(x float64) float64 {
			sum := pseudo * (x/usual - math.Log(x/usual))
			for i, label := range labels {
				var all float64
				for c := range way {
					all += math.Exp(x * (logits[i*way+c] - logits[i*way+label]))
				}
				sum += math.Log(all)
			}
			return sum
		}
		x := fitScale(logits, labels, way, usual, pseudo)
		if at := objective(x); !(x > 0) || at > objective(1.01*x) || at > objective(0.99*x) {
			t.Errorf("trial %d: scale %v is not the minimum", trial, x)
		}
	}
	if x := fitScale(nil, nil, way, 5, 2); math.Abs(x-5) > 1e-9 {
		t.Errorf("nothing known: scale %v, want the usual one", x)
	}
}

func TestHeadWithout(t *testing.T) {
	h := &Head{Kind: KindLDA, Weights: []float32{1, 2, 3, 4, 5, 6}, Bias: []float32{7, 8, 9}, Scale: 2}
	all, some := make([]float32, 3), make([]float32, 2)
	h.Logits(all, []float32{3, 4})
	for c, want := range [][]float32{{all[1], all[2]}, {all[0], all[2]}, {all[0], all[1]}} {
		if h.Without(c).Logits(some, []float32{3, 4}); !slices.Equal(some, want) {
			t.Errorf("without %d: %v, want %v", c, some, want)
		}
	}
	// 3 and 4 are of length 5: 2 (3/5 1 + 4/5 2 + 7).
	wantNear(t, "by hand", float64(all[0]), 2*(0.6+1.6+7), 1e-6)
}
