package sparse

import (
	"errors"
	"math"
	"slices"
	"testing"
)

// testSupport is a support of 3 classes whose classes lie apart by the spread of a backbone.
func testSupport(seed uint64, spread float64) Support {
	s := Support{Way: 3, Dim: 6}
	centers, noise := normals(seed, s.Way*s.Dim), normals(seed+100, 1000)
	draw := func(label int) []float32 {
		x := make([]float32, s.Dim)
		for i := range x {
			x[i] = float32(spread*centers[label*s.Dim+i] + noise[0])
			noise = noise[1:]
		}
		return x
	}
	for i := range 5 {
		label := i % s.Way
		s.Clean, s.Labels = append(s.Clean, draw(label)...), append(s.Labels, label)
	}
	for i := range 11 {
		label := i % s.Way
		s.Augmented, s.AugmentedLabels = append(s.Augmented, draw(label)...), append(s.AugmentedLabels, label)
	}
	return s
}

// TestSeparation: against the definition, in float64, class by class.
func TestSeparation(t *testing.T) {
	cosine := func(x, y []float64) float64 {
		var xy, xx, yy float64
		for i := range x {
			xy, xx, yy = xy+x[i]*y[i], xx+x[i]*x[i], yy+y[i]*y[i]
		}
		return xy / math.Sqrt(xx*yy)
	}
	for seed := range uint64(5) {
		s := testSupport(seed, 1)
		mean := func(class int) []float64 {
			m, n := make([]float64, s.Dim), 0.0
			for i, label := range s.Labels {
				if label == class {
					n++
					for j := range m {
						m[j] += float64(s.Clean[i*s.Dim+j])
					}
				}
			}
			for j := range m {
				m[j] /= n
			}
			return m
		}
		var own, other, owns, others float64
		for i, label := range s.AugmentedLabels {
			x := make([]float64, s.Dim)
			for j := range x {
				x[j] = float64(s.Augmented[i*s.Dim+j])
			}
			for class := range s.Way {
				if c := cosine(x, mean(class)); class == label {
					own, owns = own+c, owns+1
				} else {
					other, others = other+c, others+1
				}
			}
		}
		for _, balance := range []float64{0, 0.3, 1} {
			want := balance*own/owns - (1-balance)*other/others
			f := FreeRouter{Balance: balance, Sharpness: 1, Top: 1}
			if have := f.Separation(s); !(math.Abs(have-want) < 1e-6) {
				t.Errorf("balance %v: want %v, have %v", balance, want, have)
			}
		}
	}
	zeros := Support{Way: 1, Dim: 2, Clean: make([]float32, 2), Augmented: make([]float32, 2), Labels: []int{0}, AugmentedLabels: []int{0}}
	if have := DefaultFreeRouter.Separation(zeros); have != 0 {
		t.Errorf("zeros: %v", have)
	}
}

// TestFreeScores: w = exp(b (separation - 1)), the top ones, renormalized.
func TestFreeScores(t *testing.T) {
	separations := []float64{0.2, 0.5, -0.1, 0.5, 0.4}
	weight := func(m int) float64 { return math.Exp(7 * (separations[m] - 1)) }
	scores := make([]float32, 5)
	for top, kept := range [][]int{1: {1}, 2: {1, 3}, 3: {1, 3, 4}, 9: {0, 1, 2, 3, 4}} {
		if top == 0 || kept == nil {
			continue
		}
		FreeRouter{Balance: 0.5, Sharpness: 7, Top: top}.Scores(scores, separations)
		sum, total := 0.0, 0.0
		for _, m := range kept {
			sum += weight(m)
		}
		for m := range scores {
			want := 0.0
			if slices.Contains(kept, m) {
				want = weight(m) / sum
			}
			if !(math.Abs(float64(scores[m])-want) < 1e-7) {
				t.Errorf("top %d: expert %d: want %v, have %v", top, m, want, scores[m])
			}
			total += float64(scores[m])
		}
		if !(math.Abs(total-1) < 1e-6) {
			t.Errorf("top %d: scores sum to %v", top, total)
		}
	}
	nan := math.NaN()
	for _, c := range []struct {
		separations []float64
		want        []float32
	}{
		{[]float64{nan, 0.1, nan}, []float32{0, 1, 0}},
		{[]float64{nan, nan, nan}, []float32{0.5, 0.5, 0}},
		{[]float64{-1e300, -1e300, 0}, []float32{0, 0, 1}},
	} {
		scores := make([]float32, 3)
		if DefaultFreeRouter.Scores(scores, c.separations); !slices.Equal(scores, c.want) {
			t.Errorf("%v: want %v, have %v", c.separations, c.want, scores)
		}
	}
}

// TestFreeRoute: the expert under which the classes lie furthest apart gets the most, and errors come through.
func TestFreeRoute(t *testing.T) {
	scores := make([]float32, 4)
	var asked []int
	err := DefaultFreeRouter.Route(scores, func(m int) (Support, error) {
		asked = append(asked, m)
		return testSupport(3, []float64{0.5, 1, 4, 0}[m]), nil
	})
	if err != nil || !slices.Equal(asked, []int{0, 1, 2, 3}) || scores[2] <= scores[1] || scores[1] <= 0 || scores[0] != 0 || scores[3] != 0 {
		t.Errorf("%v: asked %v, scores %v", err, asked, scores)
	}
	lost := errors.New("lost")
	if err := DefaultFreeRouter.Route(scores, func(int) (Support, error) { return Support{}, lost }); !errors.Is(err, lost) {
		t.Errorf("want %v, have %v", lost, err)
	}
	for _, f := range []FreeRouter{{-0.1, 1, 1}, {0.5, math.NaN(), 1}, {0.5, 1, 0}} {
		if err := f.Route(scores, nil); !errors.Is(err, ErrConfig) {
			t.Errorf("%+v: want ErrConfig, have %v", f, err)
		}
	}
}
