package sparse

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"haguruma/core/kernel"
)

// reflect applies the Householder reflection about v to the columns of x (rows, cols): an exactly known orthogonal matrix.
func reflect(x, v []float64, rows, cols int) {
	length := kernel.Dot(v, v)
	for j := range cols {
		along := 0.0
		for i := range rows {
			along += v[i] * x[i*cols+j]
		}
		for i := range rows {
			x[i*cols+j] -= 2 * along / length * v[i]
		}
	}
}

func transpose(x []float64, rows, cols int) []float64 {
	y := make([]float64, len(x))
	for i := range rows {
		for j := range cols {
			y[j*rows+i] = x[i*cols+j]
		}
	}
	return y
}

// withSingularValues is a matrix (rows, cols) of those singular values: orthogonal x diagonal x orthogonal.
func withSingularValues(values []float64, rows, cols int) []float64 {
	x := make([]float64, rows*cols)
	for i, s := range values {
		x[i*cols+i] = s
	}
	for seed := range uint64(3) {
		reflect(x, normals(10+seed, rows), rows, cols)
		x = transpose(x, rows, cols)
		reflect(x, normals(20+seed, cols), cols, rows)
		x = transpose(x, cols, rows)
	}
	return x
}

// TestSpectralConverges: on matrices whose singular values are known by construction sigma goes to the largest, and what is normalized
// has 1 for its largest: no vector grows by more, and V's image has length 1.
func TestSpectralConverges(t *testing.T) {
	for _, shape := range [][2]int{{12, 5}, {5, 12}, {7, 7}} {
		rows, cols := shape[0], shape[1]
		values := []float64{3.5, 2.5, 2, 0.7, 0}
		w := withSingularValues(values, rows, cols)
		if have, want := kernel.Dot(w, w), 3.5*3.5+2.5*2.5+4+0.49; !(math.Abs(have-want) < 1e-12) {
			t.Fatalf("the test's matrix has sum of squares %v, want %v", have, want)
		}
		s := NewSpectral[float64]("w", rows, cols, rand.New(rand.NewPCG(1, 2)))
		before := s.Sigma(w)
		for range 100 {
			s.Step(w)
		}
		if have := s.Sigma(w); !(math.Abs(have-3.5) < 1e-12) || math.Abs(before-3.5) < 1e-3 {
			t.Errorf("%v: want 3.5, have %v after 100 steps and %v before", shape, have, before)
		}
		y := make([]float64, len(w))
		if sigma := s.Normalize(y, w); !(math.Abs(sigma-3.5) < 1e-12) {
			t.Errorf("%v: divided by %v", shape, sigma)
		}
		image := make([]float64, rows)
		for seed := range uint64(50) {
			x := normals(seed, cols)
			normalize(x)
			kernel.MatmulNT(image, x, y, 1, rows, cols, false)
			if length := kernel.Dot(image, image); !(length <= 1+1e-12) {
				t.Errorf("%v: a vector grows to %v", shape, length)
			}
		}
		kernel.MatmulNT(image, s.V, y, 1, rows, cols, false)
		if length := kernel.Dot(image, image); !(math.Abs(length-1) < 1e-12) {
			t.Errorf("%v: the largest singular value is %v", shape, length)
		}
	}
}

// TestSpectralBackward: the matrix, away from convergence, where the term of U and V counts; added to what is there.
func TestSpectralBackward(t *testing.T) {
	const rows, cols = 4, 6
	w, dy, y := normals(1, rows*cols), normals(2, rows*cols), make([]float64, rows*cols)
	s := NewSpectral[float64]("w", rows, cols, rand.New(rand.NewPCG(3, 4)))
	s.Step(w)
	loss := func() float64 { s.Normalize(y, w); return kernel.Dot(y, dy) }
	sigma := s.Normalize(y, w)
	start := normals(5, rows*cols)
	dw := slices.Clone(start)
	s.Backward(dw, dy, y, sigma)
	for i := range dw {
		dw[i] -= start[i]
	}
	checkCentral(t, "w", w, dw, loss)
}

// TestSpectralZero: a matrix of zeros stays one and its vectors stay finite.
func TestSpectralZero(t *testing.T) {
	w, y := make([]float64, 6), normals(1, 6)
	s := NewSpectral[float64]("w", 2, 3, rand.New(rand.NewPCG(3, 4)))
	s.Step(w)
	if sigma := s.Normalize(y, w); sigma != 1 || slices.Max(y) != 0 || slices.Min(y) != 0 || math.IsNaN(s.U[0]+s.V[0]) {
		t.Errorf("sigma %v, %v, u %v, v %v", sigma, y, s.U, s.V)
	}
}

// TestRouterFold: the folded router gives the same logits, and a power step moves those of one that is not.
func TestRouterFold(t *testing.T) {
	for _, read := range []string{ReadSkills, ReadFirst} {
		c := testRouterConfig(read)
		r := randomRouter(c, 1)
		r.SpectralNorm(rand.New(rand.NewPCG(3, 1)))
		prototypes, tape := normals(2, 5*c.Dim), &RouterTape[float64]{}
		first, second, folded := make([]float64, c.Experts), make([]float64, c.Experts), make([]float64, c.Experts)
		r.Logits(first, prototypes, 5, tape)
		r.PowerStep()
		r.Logits(second, prototypes, 5, tape)
		r.Fold()
		r.Logits(folded, prototypes, 5, tape)
		if r.Spectral != nil || slices.Equal(first, second) {
			t.Errorf("%s: a power step changed nothing: %v", read, first)
		}
		for m := range folded {
			if !(math.Abs(folded[m]-second[m]) < 1e-12) {
				t.Errorf("%s: want %v, have %v", read, second, folded)
			}
		}
		if have := fmt.Sprint(spectralNames); have != "[attn.qkv attn.proj mlp.fc1 mlp.fc2]" {
			t.Errorf("matrices %s", have)
		}
	}
}
