package metatune

import (
	"math"
	"math/rand/v2"
	"testing"

	"haguruma/core/fewshot"
)

// TestProtoLossGradient: cross-entropy and both distillations by central differences in every query and support embedding.
func TestProtoLossGradient(t *testing.T) {
	const way, shot, n, dim, h = 3, 2, 4, 5, 1e-6
	rng := rand.New(rand.NewPCG(1, 2))
	normal := func(n int) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		return x
	}
	support, query, teacher := normal(way*shot*dim), normal(n*dim), normal(n*way)
	supportLabels, labels := []int{0, 0, 1, 1, 2, 2}, []int{2, 0, 1, 1}
	for _, direction := range []Direction{StudentFirst, TeacherFirst} {
		var l protoLoss[float64]
		means := make([]float64, way*dim)
		loss := func() float64 {
			fewshot.ClassMeans(means, support, supportLabels, way, dim)
			l.forward(query, means, n, way, dim)
			ce, _ := l.crossEntropy(labels, 0.75)
			return 0.75*ce + 0.25*l.distill(teacher, n, 2, 0.25, direction)
		}
		loss()
		dQuery, dMeans, dSupport := make([]float64, n*dim), make([]float64, way*dim), make([]float64, way*shot*dim)
		l.backward(dQuery, dMeans, n)
		spread(dSupport, dMeans, supportLabels, way, dim)
		check := func(what string, x, grad []float64) {
			for i := range x {
				old := x[i]
				x[i] = old + h
				up := loss()
				x[i] = old - h
				down := loss()
				x[i] = old
				if want := (up - down) / (2 * h); math.Abs(grad[i]-want) > 1e-7 {
					t.Errorf("%s first: %s %d: %v, want %v", direction, what, i, grad[i], want)
				}
			}
		}
		check("query", query, dQuery)
		check("support", support, dSupport)
	}
}

// TestDistillToItself: a student that is its teacher has no loss and no gradient.
func TestDistillToItself(t *testing.T) {
	var l protoLoss[float32]
	teacher := append([]float32(nil), l.forward([]float32{1, 2, 3, -1, 0, 2}, []float32{1, 0, 0, 0, 1, 1}, 2, 2, 3)...)
	for _, direction := range []Direction{StudentFirst, TeacherFirst} {
		if loss := l.distill(teacher, 2, 2, 1, direction); math.Abs(loss) > 1e-6 {
			t.Errorf("%s first: loss %v", direction, loss)
		}
	}
	for i, d := range l.dLogits {
		if math.Abs(float64(d)) > 1e-6 {
			t.Errorf("gradient %d is %v", i, d)
		}
	}
}
