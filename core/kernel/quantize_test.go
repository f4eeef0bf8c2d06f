package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// quantizeRows runs QuantizeRows on one body, its outputs between guards, and fails when one is touched.
func quantizeRows(t *testing.T, b *quantizeBody, x []float32, rows, dim int) (q []uint8, scale []float32, zero []int32) {
	t.Helper()
	old := quantizeUsed
	quantizeUsed = b
	defer func() { quantizeUsed = old }()
	qb, sb, zb := make([]uint8, rows*dim+2*guards), make([]float32, rows+2*guards), make([]int32, rows+2*guards)
	for i := range qb {
		qb[i] = 255
	}
	for i := range sb {
		sb[i], zb[i] = -1, -1
	}
	q, scale, zero = qb[guards:guards+rows*dim:guards+rows*dim], sb[guards:guards+rows:guards+rows], zb[guards:guards+rows:guards+rows]
	QuantizeRows(q, scale, zero, x, rows, dim)
	for i := range guards {
		if qb[i] != 255 || qb[guards+rows*dim+i] != 255 || sb[i] != -1 || sb[guards+rows+i] != -1 || zb[i] != -1 || zb[guards+rows+i] != -1 {
			t.Fatalf("%s: (%d, %d): wrote outside", b.name, rows, dim)
		}
	}
	return q, scale, zero
}

// checkQuantize compares every body with the generic one and holds the generic one to what QuantizeRows promises.
func checkQuantize(t *testing.T, what string, x []float32, rows, dim int) {
	t.Helper()
	q, scale, zero := quantizeRows(t, &quantizeGeneric, x, rows, dim)
	for r := range rows {
		if !(scale[r] >= minQuantizeScale && scale[r] <= math.MaxFloat32) || zero[r] < 0 || zero[r] > 127 {
			t.Fatalf("%s: scale %g, zero %d", what, scale[r], zero[r])
		}
		for i, code := range q[r*dim : (r+1)*dim] {
			v := float64(finite(x[r*dim+i]))
			back := float64(scale[r]) * float64(int32(code)-zero[r])
			// Half a scale, and the rounding of scale, inverse and product: 127 scales times some 2^-24.
			if bound := float64(scale[r]) * (0.5 + 127*0x1p-21); code > 127 || !(math.Abs(back-v) <= bound) {
				t.Fatalf("%s: x[%d] = %g is code %d, %g, off by more than %g", what, i, v, code, back, bound)
			}
			if v == 0 && int32(code) != zero[r] {
				t.Fatalf("%s: 0 has code %d, want the zero point %d", what, code, zero[r])
			}
		}
	}
	for _, b := range quantizeBodies {
		gotQ, gotScale, gotZero := quantizeRows(t, b, x, rows, dim)
		for i, want := range q {
			if gotQ[i] != want {
				t.Fatalf("%s: %s: (%d, %d): q[%d] of %g = %d, want %d", b.name, what, rows, dim, i, x[i], gotQ[i], want)
			}
		}
		for r := range rows {
			if math.Float32bits(gotScale[r]) != math.Float32bits(scale[r]) || gotZero[r] != zero[r] {
				t.Fatalf("%s: %s: (%d, %d): scale %g zero %d, want %g, %d", b.name, what, rows, dim, gotScale[r], gotZero[r], scale[r], zero[r])
			}
		}
	}
}

// TestQuantizeRows: every length across the vector boundaries, odd offsets, all spans; half a scale of error at most.
func TestQuantizeRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	for dim := range 100 {
		rows := rng.IntN(4)
		x := offset[float32](rows*dim, rng.IntN(4))
		for _, shift := range []float64{0, 1, -1, 0.9, -5} {
			size := math.Exp2(float64(rng.IntN(240) - 120))
			for i := range x {
				x[i] = float32((rng.Float64()*2 - 1 + shift) * size)
			}
			checkQuantize(t, "uniform", x, rows, dim)
		}
	}
	for _, dim := range []int{192, 384, 768, 1536} {
		x := make([]float32, 3*dim)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		checkQuantize(t, "normal", x, 3, dim)
	}
}

// TestQuantizeRowsSpecial: constants, zeros, NaN, infinities, the largest and the smallest numbers, alone and among others.
func TestQuantizeRowsSpecial(t *testing.T) {
	nan, inf, negativeZero := float32(math.NaN()), float32(math.Inf(1)), float32(math.Copysign(0, -1))
	special := []float32{0, negativeZero, 1, -1, 0.5, nan, -nan, inf, -inf, math.MaxFloat32, -math.MaxFloat32, quantizeLimit, -quantizeLimit,
		0x1p-126, -0x1p-126, 0x1p-149, -0x1p-149, 0x1.fffffcp-127, 1e-38, 127 * 0x1p-126, 127.5, -63.5, 63.5}
	rng := rand.New(rand.NewPCG(2, 3))
	for _, v := range special {
		for _, dim := range []int{1, 15, 16, 31, 32, 33, 64, 100} {
			x := make([]float32, dim)
			for i := range x {
				x[i] = v
			}
			checkQuantize(t, "constant", x, 1, dim)
			for i := range x {
				x[i] = 0
			}
			x[rng.IntN(dim)] = v
			checkQuantize(t, "one among zeros", x, 1, dim)
			for i := range x {
				x[i] = special[rng.IntN(len(special))]
			}
			x[rng.IntN(dim)] = v
			checkQuantize(t, "mixed", x, 1, dim)
		}
	}
}

// TestQuantizeRowsHalves: codes that fall between two integers go to the even one.
func TestQuantizeRowsHalves(t *testing.T) {
	const dim = 48
	x := make([]float32, dim)
	x[0], x[1] = 127, 0 // scale 1, zero 0
	for i := 2; i < dim; i++ {
		x[i] = float32(i) + 0.5
	}
	checkQuantize(t, "halves", x, 1, dim)
	for _, b := range quantizeBodies {
		q, _, _ := quantizeRows(t, b, x, 1, dim)
		for i := 2; i < dim; i++ {
			if want := uint8((i + 1) &^ 1); q[i] != want {
				t.Errorf("%s: %g has code %d, want %d", b.name, x[i], q[i], want)
			}
		}
	}
}

func BenchmarkQuantizeRows(b *testing.B) {
	rng := rand.New(rand.NewPCG(4, 5))
	const rows, dim = 64, 192
	x, q, scale, zero := make([]float32, rows*dim), make([]uint8, rows*dim), make([]float32, rows), make([]int32, rows)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	for _, body := range quantizeBodies {
		b.Run(body.name, func(b *testing.B) {
			defer func(old *quantizeBody) { quantizeUsed = old }(quantizeUsed)
			quantizeUsed = body
			b.SetBytes(4 * rows * dim)
			for b.Loop() {
				QuantizeRows(q, scale, zero, x, rows, dim)
			}
		})
	}
}
