package adapt

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"haguruma/core/fewshot"
)

type noEye struct {
	colorEye
	dim int
}

func (e *noEye) Dim() int { return e.dim }

// By hand: two tight classes with one example of each in the wrong one.
func TestLeaveOneOutByHand(t *testing.T) {
	task := NewTask(&colorEye{})
	a, b := must(task.AddClass("a")), must(task.AddClass("b"))
	for _, embed := range [][]float32{{9, 1, 0}, {8, 0, 0}, {7, 1, 1}, {0, 1, 9}} { // 4 belongs to b
		must(task.AddEmbedding(a, embed, nil))
	}
	if task.LeaveOneOut() != nil {
		t.Error("a class without examples")
	}
	must(task.AddEmbedding(b, []float32{0, 0, 5}, nil))
	if task.LeaveOneOut() != nil {
		t.Error("a class of one example")
	}
	must(task.AddEmbedding(b, []float32{1, 0, 6}, nil))
	low, high := fewshot.Wilson(5, 6)
	got := task.LeaveOneOut()
	if got.Hits != 5 || got.Total != 6 || got.Accuracy != 5.0/6 || got.Low != low || got.High != high || !slices.Equal(got.Misses, []int{4}) {
		t.Errorf("have %+v", got)
	}
	if !reflect.DeepEqual(got.Confusion, [][]int{{3, 1}, {0, 2}}) {
		t.Errorf("confusion %v", got.Confusion)
	}
	var loss float64
	for i, j := range got.Judged {
		class, said := []int{a, a, a, a, b, b}[i], []int{a, a, a, b, b, b}[i]
		loss -= math.Log(float64(j.Probability)) / 6
		if j.Example != i+1 || j.Class != class || j.Said != said || (j.Probability == j.Saying) != (class == said) {
			t.Errorf("judged %+v", j)
		}
	}
	if math.Abs(loss-got.LogLoss) > 1e-9 {
		t.Errorf("log-loss %v, want %v", got.LogLoss, loss)
	}
	check(t, task.Relabel(4, b))
	if got := task.LeaveOneOut(); got.Hits != 6 || got.Accuracy != 1 || len(got.Misses) != 0 {
		t.Errorf("after relabelling: %+v", got)
	}
}

// An example is never judged by itself: against removing it, adapting and classifying it in truth.
func TestLeaveOneOutIsHonest(t *testing.T) {
	const dim, way = 19, 4
	rng := rand.New(rand.NewPCG(1, 2))
	task := NewTask(&noEye{dim: dim})
	type kept struct {
		label int
		embed []float32
	}
	var all []kept
	for label := range way {
		class := must(task.AddClass(string(rune('a' + label))))
		for range 2 + 3*label {
			embed := make([]float32, dim)
			for k := range embed {
				embed[k] = float32(rng.NormFloat64())
			}
			embed[label] += 1.5
			must(task.AddEmbedding(class, embed, nil))
			all = append(all, kept{label, embed})
		}
	}
	var misses []int
	for i, x := range all {
		var embed []float32
		var labels []int
		for j, other := range all {
			if j != i {
				embed, labels = append(embed, other.embed...), append(labels, other.label)
			}
		}
		p, logits := make([]float32, way*dim), make([]float32, way)
		fewshot.Prototypes(p, embed, labels, way, dim)
		fewshot.CosineLogits(logits, x.embed, p, 1, way, dim, 1)
		if fewshot.Argmax(logits) != x.label {
			misses = append(misses, i+1)
		}
	}
	got := task.LeaveOneOut()
	if !reflect.DeepEqual(got.Misses, misses) || got.Total != len(all) || got.Hits != len(all)-len(misses) || math.Abs(got.Accuracy-float64(got.Hits)/float64(got.Total)) > 1e-15 {
		t.Errorf("have %+v, want misses %v of %d", got, misses, len(all))
	}
	if len(misses) < 3 || len(misses) > len(all)-3 {
		t.Errorf("%d misses of %d do not try the test", len(misses), len(all))
	}
}
