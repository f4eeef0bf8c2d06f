package sparse

import (
	"math"
	"math/rand/v2"
	"testing"

	"haguruma/core/kernel"
)

// TestScoresBackward: the logits, with and without noise, for several experts and for one.
func TestScoresBackward(t *testing.T) {
	for _, experts := range []int{1, 2, 8} {
		for _, noise := range [][]float64{nil, normals(4, experts)} {
			logits, dScores, scores := normals(1, experts), normals(2, experts), make([]float64, experts)
			dLogits := make([]float64, experts)
			ScoresBackward(dLogits, dScores, logits, noise, 0.7)
			checkCentral(t, "logits", logits, dLogits, func() float64 {
				Scores(scores, logits, noise, 0.7)
				return kernel.Dot(scores, dScores)
			})
			ScoresBackward(dScores, dScores, logits, noise, 0.7)
			for m := range dScores {
				if dScores[m] != dLogits[m] {
					t.Fatalf("in place: want %v, have %v", dLogits, dScores)
				}
			}
		}
	}
}

// TestScores: they sum to 1, are ordered as the logits are, and one expert alone keeps its sigmoid.
func TestScores(t *testing.T) {
	for seed := range uint64(20) {
		logits, scores := normals(seed, 8), make([]float64, 8)
		for _, temperature := range []float64{0.5, 1, 5} {
			Scores(scores, logits, nil, temperature)
			sum := 0.0
			for m, s := range scores {
				if !(s > 0 && s < 1) {
					t.Errorf("score %v", s)
				}
				sum += s
				if m > 0 && (logits[m] > logits[m-1]) != (s > scores[m-1]) {
					t.Errorf("scores %v of logits %v", scores, logits)
				}
			}
			if !(math.Abs(sum-1) <= 1e-7) {
				t.Errorf("scores sum to %v", sum)
			}
		}
	}
	one := []float64{-1}
	Scores(one, one, nil, 2)
	if want := 1 / (1 + math.Exp(0.5)); math.Abs(one[0]-want) > 1e-15 {
		t.Errorf("one expert: want %v, have %v", want, one[0])
	}
	far := []float64{-5000, -6000}
	Scores(far, far, nil, 0.5)
	if far[0] != 0 || far[1] != 0 {
		t.Errorf("no expert wanted at all: have %v", far)
	}
}

// TestTemperature: the paper's schedule, T = max(0.5, 5 - n/4000).
func TestTemperature(t *testing.T) {
	for _, n := range []int{0, 1, 3999, 4000, 9000, 17999, 18000, 50000} {
		want := math.Max(0.5, 5-float64(n)/4000)
		if have := Temperature(StartTemperature, EndTemperature, CoolingTasks, n); !(math.Abs(have-want) <= 1e-12) {
			t.Errorf("%d tasks: want %v, have %v", n, want, have)
		}
	}
	if have := Temperature(2, 2, 0, 0); have != 2 {
		t.Errorf("no cooling: want 2, have %v", have)
	}
}

// TestLogisticNoise: sigmoid(logit + noise) exceeds one half with probability sigmoid(logit), over 1e5 draws.
func TestLogisticNoise(t *testing.T) {
	const draws = 100000
	noise := make([]float64, draws)
	LogisticNoise(noise, rand.New(rand.NewPCG(5, 6)))
	for _, logit := range []float64{-1, 0, 2} {
		open := 0
		for _, x := range noise {
			if math.IsInf(x, 0) || math.IsNaN(x) {
				t.Fatalf("noise %v", x)
			}
			if logit+x > 0 {
				open++
			}
		}
		want := 1 / (1 + math.Exp(-logit))
		if have := float64(open) / draws; !(math.Abs(have-want) < 0.006) { // about four deviations
			t.Errorf("logit %v: want %v, have %v", logit, want, have)
		}
	}
}
