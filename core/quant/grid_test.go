package quant

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func drawnMatrix(rng *rand.Rand, rows, cols int) []float32 {
	w := make([]float32, rows*cols)
	for r := range rows {
		deviation := math.Exp(rng.NormFloat64())
		for i := range cols {
			w[r*cols+i] = float32(deviation * rng.NormFloat64())
		}
	}
	return w
}

// entropyOf is the mean bits of the multiples, counted from the rounded weights.
func entropyOf(w [][]float32, grids []*Grid) float64 {
	counts, n := map[int]float64{}, 0.0
	for i, g := range grids {
		for j, v := range w[i] {
			counts[int(math.Round(float64(v/g.Step[j/g.Cols])))]++
			n++
		}
	}
	var h float64
	for _, c := range counts {
		h -= c / n * math.Log2(c/n)
	}
	return h
}

func TestFitGridsTakesTheBitsAskedFor(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	rows, cols := []int{40, 64}, []int{192, 100}
	w := [][]float32{drawnMatrix(rng, rows[0], cols[0]), drawnMatrix(rng, rows[1], cols[1])}
	last := math.Inf(1)
	for _, bits := range []float64{2, 2.5, 3, 3.4} {
		grids, said := FitGrids(w, rows, cols, 7, bits)
		rounded := [][]float32{make([]float32, len(w[0])), make([]float32, len(w[1]))}
		var err, square float64
		for i, g := range grids {
			g.Round(rounded[i], w[i])
			for r := range g.Rows {
				var e, s float64
				for c := range g.Cols {
					d := float64(rounded[i][r*g.Cols+c] - w[i][r*g.Cols+c])
					e, s = e+d*d, s+float64(w[i][r*g.Cols+c])*float64(w[i][r*g.Cols+c])
				}
				err, square = err+e/s, square+1
			}
		}
		if have := entropyOf(rounded, grids); have > bits || have < bits-0.1 || math.Abs(have-said) > 0.02 {
			t.Errorf("%g bits: the codes have %.3f, FitGrids says %.3f", bits, have, said)
		}
		if err /= square; err >= last {
			t.Errorf("%g bits: relative error %.4f, with fewer bits %.4f", bits, err, last)
		} else {
			last = err
		}
		// A Gaussian loses at least 2^(-2 bits); entropy-coded uniform steps lose 1.42 times that or less, and clipping adds some.
		if least := math.Pow(2, -2*bits); err < least || err > 2*least {
			t.Errorf("%g bits: relative squared error %.5f, want %.5f to %.5f", bits, err, least, 2*least)
		}
	}
	free, said := FitGrids(w, rows, cols, 7, 8)
	if said > 3.9 {
		t.Errorf("15 levels with bits to spare: entropy %.3f, want that of 15 levels at most", said)
	}
	// With bits to spare each row has the step of least error.
	for r := range free[0].Step {
		row := newGridRow(w[0][r*cols[0]:(r+1)*cols[0]], 7)
		if best := row.step[slices.Index(row.err[:], slices.Min(row.err[:]))]; free[0].Step[r] != best {
			t.Errorf("row %d: step %g, want %g", r, free[0].Step[r], best)
		}
	}
}

func TestGridRounds(t *testing.T) {
	g := &Grid{Rows: 2, Cols: 4, Top: 3, Step: []float32{0.5, 2}}
	w := []float32{0.24, -0.26, 9, -9, 0.9, 3.1, -4.9, 0}
	g.Round(w, w)
	if want := []float32{0, -0.5, 1.5, -1.5, 0, 4, -4, 0}; !slices.Equal(w, want) {
		t.Errorf("have %v, want %v", w, want)
	}
}

func TestQuantizeExactKeepsAGrid(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const rows, cols = 30, 64
	w := drawnMatrix(rng, rows, cols)
	plain := Quantize(w, rows, cols)
	if have := QuantizeExact(w, rows, cols); !slices.Equal(have.Data, plain.Data) || !slices.Equal(have.Scale, plain.Scale) {
		t.Error("weights on no grid are not as Quantize has them")
	}
	grids, _ := FitGrids([][]float32{w}, []int{rows}, []int{cols}, 7, 3)
	grids[0].Round(w, w)
	clear(w[:cols])                                             // a row of zeros
	copy(w[cols:], []float32{2, 4, -6, 8, 14})                  // multiples of 2, whose least is 2 steps of a row that has no 1
	copy(w[2*cols:3*cols], slices.Repeat([]float32{3, -2}, 32)) // step 1 = a half of the least
	w[5*cols] = float32(math.NaN())
	m := QuantizeExact(w, rows, cols)
	for i, v := range w {
		r := i / cols
		if r == 5 || r == 1 {
			continue
		}
		if have := m.Scale[r] * float32(m.Data[i]); have != v {
			t.Fatalf("row %d: %g is %g in int8", r, v, have)
		}
		if r > 2 && (m.Data[i] > 7 || m.Data[i] < -7) {
			t.Fatalf("row %d: code %d on a grid of 15 levels", r, m.Data[i])
		}
	}
	if m.Scale[2] != 1 || m.Data[2*cols] != 3 {
		t.Errorf("a row without the multiple 1: scale %g, first code %d, want 1 and 3", m.Scale[2], m.Data[2*cols])
	}
}

func TestBFloat16(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range [][2]float32{{0, 0}, {1, 1}, {1 + 0x1p-8, 1}, {1 + 3*0x1p-8, 1 + 0x1p-6}, {-1 - 0x1p-7, -1 - 0x1p-7}, {inf, inf}, {-inf, -inf}, {3e38, 3.0040553e38}} {
		if have := BFloat16(c[0]); have != c[1] || math.Float32bits(have)&0xffff != 0 {
			t.Errorf("%g: %g, want %g", c[0], have, c[1])
		}
	}
	if have := BFloat16(1 + 0x1p-8); have != 1 {
		t.Errorf("half way to even: %g, want 1", have)
	}
	if !math.IsNaN(float64(BFloat16(float32(math.NaN())))) {
		t.Error("NaN is lost")
	}
}
