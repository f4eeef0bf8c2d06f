package fewshot

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// near is false for NaN.
func near(got, want, tolerance float64) bool { return math.Abs(got-want) <= tolerance }

func checkRow(t *testing.T, what string, got []float32, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range got {
		if !near(float64(got[i]), want[i], tolerance) {
			t.Errorf("%s[%d] = %v, want %v", what, i, got[i], want[i])
		}
	}
}

// By hand: class 0 has (2,0) and (4,8), mean (3,4), length 5; class 1 has (0,-2); class 2 nothing; class 3 (1,1) and (-1,-1).
func TestPrototypesByHand(t *testing.T) {
	embed := []float32{2, 0, 0, -2, 1, 1, 4, 8, -1, -1}
	p := slices.Repeat([]float32{99}, 8)
	Prototypes(p, embed, []int{0, 1, 3, 0, 3}, 4, 2)
	checkRow(t, "prototypes", p, []float64{0.6, 0.8, 0, -1, 0, 0, 0, 0}, 1e-7)

	ClassMeans(p, embed, []int{0, 1, 3, 0, 3}, 4, 2)
	checkRow(t, "means", p, []float64{3, 4, 0, -2, 0, 0, 0, 0}, 0)
	Prototypes(p, embed, []int{0, 1, 3, 0, 3}, 4, 2)

	logits := slices.Repeat([]float32{99}, 8)
	CosineLogits(logits, []float32{30, 40, 0, 0}, p, 2, 4, 2, LogitScale)
	checkRow(t, "logits", logits, []float64{10, -8, 0, 0, 0, 0, 0, 0}, 1e-5)

	Probabilities(logits, logits, 2, 4)
	e := []float64{math.Exp(10), math.Exp(-8), 1, 1}
	sum := e[0] + e[1] + e[2] + e[3]
	checkRow(t, "probabilities", logits, []float64{e[0] / sum, e[1] / sum, e[2] / sum, e[3] / sum, .25, .25, .25, .25}, 1e-6)
}

func TestPredict(t *testing.T) {
	nan := float32(math.NaN())
	for _, test := range []struct {
		x    []float32
		want int
	}{
		{nil, -1}, {[]float32{3}, 0}, {[]float32{1, 2, 2}, 1}, {[]float32{-1, -3}, 0}, {[]float32{nan, 1, 5}, 2},
		{[]float32{5, nan, 1}, 0}, {[]float32{nan, nan}, 0}, {[]float32{nan, float32(math.Inf(-1))}, 1},
	} {
		if got := Argmax(test.x); got != test.want {
			t.Errorf("Argmax(%v) = %d, want %d", test.x, got, test.want)
		}
	}
	labels := make([]int, 2)
	Predict(labels, []float32{1, 3, 2, 9, 0, 0}, 2, 3)
	if !slices.Equal(labels, []int{1, 0}) {
		t.Errorf("labels %v", labels)
	}
}

// Against float64 and the textbook formula, for dims across the lanes of the kernels. The order of
// the classifier's sums is fixed, so one row alone has the bits of the same row in a batch.
func TestCosineLogitsAgainstFloat64(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for dim := 1; dim < 70; dim++ {
		const n, way = 5, 3
		embed, prototypes := make([]float32, n*dim), make([]float32, way*dim)
		for i := range embed {
			embed[i] = float32(rng.NormFloat64() * 3)
		}
		labels := []int{0, 1, 2, 0, 1}
		Prototypes(prototypes, embed, labels, way, dim)
		logits := make([]float32, n*way)
		CosineLogits(logits, embed, prototypes, n, way, dim, LogitScale)
		for c := range way {
			mean := make([]float64, dim)
			for i, l := range labels {
				for k := range dim {
					if l == c {
						mean[k] += float64(embed[i*dim+k])
					}
				}
			}
			for i := range n {
				var dot, a, b float64
				for k, m := range mean {
					v := float64(embed[i*dim+k])
					dot, a, b = dot+v*m, a+v*v, b+m*m
				}
				want := 0.0
				if b > 0 {
					want = 10 * dot / math.Sqrt(a*b)
				}
				if got := float64(logits[i*way+c]); !near(got, want, 2e-5) {
					t.Errorf("dim %d, row %d, class %d: %v, want %v", dim, i, c, got, want)
				}
			}
		}
		alone := make([]float32, way)
		CosineLogits(alone, embed[2*dim:3*dim], prototypes, 1, way, dim, LogitScale)
		if !slices.Equal(alone, logits[2*way:3*way]) {
			t.Errorf("dim %d: a row alone %v, in a batch %v", dim, alone, logits[2*way:3*way])
		}
	}
}

func TestExtremeEmbeddings(t *testing.T) {
	const big, small = 1e15, 1e-15
	p := make([]float32, 4)
	Prototypes(p, []float32{big, 0, 0, small}, []int{0, 1}, 2, 2)
	checkRow(t, "prototypes", p, []float64{1, 0, 0, 1}, 1e-6)
	logits := make([]float32, 2)
	CosineLogits(logits, []float32{small, small}, p, 1, 2, 2, 10)
	checkRow(t, "logits", logits, []float64{10 / math.Sqrt2, 10 / math.Sqrt2}, 1e-5)
}

func TestWrongLengthsPanic(t *testing.T) {
	x := make([]float32, 6)
	for name, call := range map[string]func(){
		"prototypes":  func() { Prototypes(x[:5], x, []int{0, 1, 2}, 3, 2) },
		"label":       func() { Prototypes(x, x, []int{0, 1, 3}, 3, 2) },
		"minus":       func() { Prototypes(x, x, []int{0, 1, -1}, 3, 2) },
		"embed":       func() { Prototypes(x, x, []int{0, 1}, 3, 2) },
		"logits":      func() { CosineLogits(x[:5], x, x, 2, 3, 2, 1) },
		"predict":     func() { Predict(make([]int, 2), x, 2, 2) },
		"no way":      func() { Predict(nil, nil, 0, 0) },
		"rows":        func() { NormalizeRows(x, 2, 2) },
		"wilson":      func() { Wilson(3, 2) },
		"wilson hits": func() { Wilson(-1, 2) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if _, ok := recover().(string); !ok {
					t.Error("want a panic with a constant string")
				}
			}()
			call()
		})
	}
}

// Score on embeddings whose answer is known: each image points at its own class, but for one.
func TestScore(t *testing.T) {
	d := sized(t, 10, 10, 10)
	s, err := NewSampler(d, 3, 2, 4, 1)
	if err != nil {
		t.Fatal(err)
	}
	e := s.Episode(0)
	wrong := e.Query[5]
	row := make([]float32, 3) // reused: Score may not keep it
	score := Score(e, 3, func(class, image int) []float32 {
		clear(row)
		row[class] = 1
		if class == wrong.Class && image == wrong.Image {
			row[class], row[(class+1)%3] = 0, 1
		}
		return row
	})
	if want := 11.0 / 12; !near(score, want, 1e-12) {
		t.Errorf("have %v, want %v", score, want)
	}
}

func ExamplePrototypes() {
	support := []float32{1, 0.1, 1, -0.1, 0, 2} // three embeddings of two numbers
	prototypes := make([]float32, 4)
	Prototypes(prototypes, support, []int{0, 0, 1}, 2, 2)
	p := make([]float32, 2)
	CosineLogits(p, []float32{3, 1}, prototypes, 1, 2, 2, LogitScale)
	Probabilities(p, p, 1, 2)
	fmt.Printf("%.3f\n", p)
	// Output: [0.998 0.002]
}
