package sparse

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// drawExperts draws experts over tensors, their delta closed where every mask is.
func drawExperts(seed uint64, tensors []Tensor, experts int, soft, router bool) *Experts {
	rng := rand.New(rand.NewPCG(seed, 7))
	delta := make([]float32, scalars(tensors))
	for i := range delta {
		delta[i] = float32(rng.NormFloat64() * 0.1)
	}
	e := &Experts{Tensors: tensors, Delta: NewDelta(tensors, delta)}
	for range experts {
		z := drawZ(rng, len(delta), soft)
		for i := range z {
			if rng.IntN(2) == 0 {
				z[i] = 0
			}
		}
		e.Masks = append(e.Masks, NewMask(z))
	}
	if router {
		e.Router = NewRouter[float32](RouterConfig{Dim: 8, Experts: experts, Heads: 2, MLPDim: 12, Tokens: 3, Read: ReadSkills, Eps: 1e-5})
		e.Router.Init(rng)
		e.Temperature = 0.5
		e.Steps = DefaultSteps
	}
	e.CloseDelta()
	return e
}

// TestExpertsMerge: theta is bit for bit that of Mix and Merge over the masks as floats, in place too, with scores of 0 and over more scalars
// than go through at once.
func TestExpertsMerge(t *testing.T) {
	for _, tensors := range [][]Tensor{testTensors(), {{Name: "w", Shape: []int{50, 61}}, {Name: "b", Shape: []int{7}, Start: 50 * 61}}} {
		for _, soft := range []bool{false, true} {
			e := drawExperts(1, tensors, 3, soft, false)
			delta := e.Delta.Values()
			n := len(delta)
			rng := rand.New(rand.NewPCG(8, 9))
			pre, mask, want, have := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
			for i := range pre {
				pre[i] = float32(rng.NormFloat64())
			}
			var z [][]float32
			for _, m := range e.Masks {
				values := make([]float32, n)
				for i := range values {
					values[i] = m.Value(i)
				}
				z = append(z, values)
			}
			scores := []float32{0.25, 0, 0.75}
			Mix(mask, z, scores)
			Merge(want, pre, mask, delta)
			e.Merge(have, pre, scores)
			e.Merge(pre, pre, scores)
			moved := false
			for i := range want {
				// A SIMD body of Mix may round its product and sum once, so soft masks agree to the last bits.
				if d := math.Abs(float64(have[i] - want[i])); d > 1e-6 || !soft && d != 0 || pre[i] != have[i] {
					t.Fatalf("soft %v: scalar %d: want %v, have %v, in place %v", soft, i, want[i], have[i], pre[i])
				}
				moved = moved || mask[i] != 0 && delta[i] != 0
			}
			if !moved {
				t.Fatal("nothing was merged")
			}
		}
	}
}

// TestCloseDelta: 0 exactly where every mask is closed, and Union is the share of the rest.
func TestCloseDelta(t *testing.T) {
	e := drawExperts(2, testTensors(), 2, true, false)
	open := 0
	threes := make([]float32, e.Delta.Len())
	for i := range threes {
		threes[i] = 3
		if e.Masks[0].Open(i) || e.Masks[1].Open(i) {
			open++
		}
	}
	e.Delta = NewDelta(e.Tensors, threes)
	e.CloseDelta()
	for i, d := range e.Delta.Values() {
		if want := e.Masks[0].Open(i) || e.Masks[1].Open(i); (d == 3) != want || d != 3 && d != 0 {
			t.Fatalf("scalar %d: %v, open %v", i, d, want)
		}
	}
	if want := float64(open) / float64(len(threes)); e.Union() != want || open == 0 || open == len(threes) {
		t.Errorf("union: want %v, have %v", want, e.Union())
	}
}

// TestRoundScores: multiples of 1/steps that sum to exactly 1, each within 1/steps of the score, and what ties and single experts give.
func TestRoundScores(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 11))
	for trial := range 2000 {
		steps := []int{1, 2, 5, 16, 100}[trial%5]
		scores := make([]float32, 1+rng.IntN(9))
		sum := float32(0)
		for m := range scores {
			scores[m] = rng.Float32() * rng.Float32()
			sum += scores[m]
		}
		for m := range scores {
			scores[m] /= sum
		}
		rounded := slices.Clone(scores)
		RoundScores(rounded, steps)
		total := 0
		for m, s := range rounded {
			count := int(math.Round(float64(s) * float64(steps)))
			if s != float32(count)/float32(steps) || count < 0 {
				t.Fatalf("%v in %d steps: %v is no multiple", scores, steps, s)
			}
			if math.Abs(float64(s-scores[m])) > 1/float64(steps)+1e-6 {
				t.Fatalf("%v in %d steps: %v is far from %v", scores, steps, s, scores[m])
			}
			total += count
		}
		if total != steps {
			t.Fatalf("%v in %d steps: %v sums to %d steps", scores, steps, rounded, total)
		}
		again := slices.Clone(rounded)
		RoundScores(again, steps)
		if !slices.Equal(again, rounded) {
			t.Fatalf("%v in %d steps: rounded twice: %v", rounded, steps, again)
		}
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct{ scores, want []float32 }{
		{[]float32{1}, []float32{1}},
		{[]float32{0.5, 0.5}, []float32{0.5, 0.5}},
		{[]float32{1. / 3, 1. / 3, 1. / 3}, []float32{0.5, 0.25, 0.25}}, // of equal remainders the first
		{[]float32{0.125, 0.125, 0.375, 0.375}, []float32{0.25, 0.25, 0.25, 0.25}},
		{[]float32{0.5000001, 0.5000001, 0}, []float32{0.5, 0.5, 0}},
		{[]float32{nan, nan}, []float32{0.5, 0.5}}, // no score at all: alike
		{[]float32{0, 0}, []float32{0.5, 0.5}},
		{[]float32{inf, nan, -inf}, []float32{1, 0, 0}},
		{[]float32{1e30, 0.5}, []float32{0.5, 0.5}}, // 1 and one half, brought back to a sum of 1 by the largest
	} {
		have := slices.Clone(c.scores)
		RoundScores(have, 4)
		if !slices.Equal(have, c.want) {
			t.Errorf("%v: want %v, have %v", c.scores, c.want, have)
		}
	}
}

// TestRoute: the router's scores, rounded; uniform ones without a router or with one expert.
func TestRoute(t *testing.T) {
	prototypes := make([]float32, 5*8)
	rng := rand.New(rand.NewPCG(12, 13))
	for i := range prototypes {
		prototypes[i] = float32(rng.NormFloat64())
	}
	e := drawExperts(3, testTensors(), 4, false, true)
	scores, want := make([]float32, 4), make([]float32, 4)
	var tape RouterTape[float32]
	e.Router.Logits(want, prototypes, 5, &tape)
	Scores(want, want, nil, e.Temperature)
	e.Steps = 0
	e.Route(scores, prototypes, 5)
	if !slices.Equal(scores, want) || slices.Max(want) == slices.Min(want) {
		t.Errorf("want %v, have %v", want, scores)
	}
	e.Steps = 16
	RoundScores(want, 16)
	e.Route(scores, prototypes, 5)
	if !slices.Equal(scores, want) {
		t.Errorf("rounded: want %v, have %v", want, scores)
	}
	e.Router, e.Steps = nil, 0
	e.Route(scores, prototypes, 5)
	if !slices.Equal(scores, []float32{0.25, 0.25, 0.25, 0.25}) {
		t.Errorf("without a router: have %v", scores)
	}
}
