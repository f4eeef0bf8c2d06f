package quant

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"haguruma/core/kernel"
)

// normal draws n numbers of the given deviation.
func normal(rng *rand.Rand, n int, deviation float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64() * deviation)
	}
	return x
}

// TestQuantizeBound: a weight is off by half a scale at most, the scale is the largest magnitude over 127, the sums are the sums.
func TestQuantizeBound(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, deviation := range []float64{0, 1e-44, 1e-40, 1e-20, 0.02, 1, 1e20, 1e37} {
		const rows, cols = 7, 33
		w := normal(rng, rows*cols, deviation)
		m := Quantize(w, rows, cols)
		back := make([]float32, rows*cols)
		m.Dequantize(back)
		for r := range rows {
			var largest float64
			var sum int32
			for c := range cols {
				i := r*cols + c
				largest = max(largest, math.Abs(float64(w[i])))
				sum += int32(m.Data[i])
				bound := float64(m.Scale[r]) * (0.5 + 127*0x1p-22)
				if d := math.Abs(float64(back[i]) - float64(w[i])); !(d <= bound) {
					t.Fatalf("deviation %g: weight (%d, %d) is off by %g, want at most %g", deviation, r, c, d, bound)
				}
				if m.Data[i] < -127 {
					t.Fatalf("deviation %g: code -128", deviation)
				}
			}
			if m.Sum[r] != sum {
				t.Fatalf("deviation %g: sum of row %d is %d, want %d", deviation, r, m.Sum[r], sum)
			}
			if want := largest / 127; want > 0x1p-126 && !(math.Abs(float64(m.Scale[r])-want) <= want*0x1p-23) {
				t.Fatalf("deviation %g: scale of row %d is %g, want %g", deviation, r, m.Scale[r], want)
			}
		}
	}
}

// TestQuantizeRounding: half to even, in both signs, and the largest weight has code 127.
func TestQuantizeRounding(t *testing.T) {
	w := []float32{127, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 126.5, -127}
	want := []int8{127, 0, 2, 2, 0, -2, -2, 126, -127}
	m := Quantize(w, 1, len(w))
	for i, code := range m.Data {
		if code != want[i] {
			t.Errorf("%g has code %d, want %d", w[i], code, want[i])
		}
	}
}

// TestQuantizeSpecial: zeros have scale 1; NaN counts as 0, infinities as 2^126.
func TestQuantizeSpecial(t *testing.T) {
	inf := float32(math.Inf(1))
	m := Quantize([]float32{0, 0, float32(math.NaN()), 2, inf, -inf}, 3, 2)
	if m.Scale[0] != 1 || m.Scale[1] != float32(2)/127 || m.Scale[2] != float32(0x1p126)/127 {
		t.Errorf("scales %g", m.Scale)
	}
	for i, want := range []int8{0, 0, 0, 127, 127, -127} {
		if m.Data[i] != want {
			t.Errorf("code %d is %d, want %d", i, m.Data[i], want)
		}
	}
}

// TestFromInt8: codes and scales of Quantize make the same matrix again.
func TestFromInt8(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const rows, cols, batch = 19, 45, 6
	a := Quantize(normal(rng, rows*cols, 0.05), rows, cols)
	b, err := FromInt8(a.Data, a.Scale, rows, cols)
	if err != nil {
		t.Fatal(err)
	}
	x, ya, yb := normal(rng, batch*cols, 1), make([]float32, batch*rows), make([]float32, batch*rows)
	var buf Rows
	a.Mul(ya, x, nil, batch, &buf)
	b.Mul(yb, x, nil, batch, &buf)
	for i := range ya {
		if ya[i] != yb[i] {
			t.Fatalf("y[%d] = %g, want %g", i, yb[i], ya[i])
		}
	}
}

// TestFromInt8Errors: what does not belong together or cannot be is an error, before anything of the size is allocated.
func TestFromInt8Errors(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		name       string
		data       []int8
		scale      []float32
		rows, cols int
		want       error
	}{
		{"too few weights", make([]int8, 5), make([]float32, 2), 2, 3, ErrShape},
		{"too many weights", make([]int8, 7), make([]float32, 2), 2, 3, ErrShape},
		{"too few scales", make([]int8, 6), make([]float32, 1), 2, 3, ErrShape},
		{"too many scales", make([]int8, 6), make([]float32, 3), 2, 3, ErrShape},
		{"negative", nil, nil, -1, 3, ErrShape},
		{"negative columns", nil, nil, 0, -3, ErrShape},
		{"product overflows", nil, make([]float32, 1), math.MaxInt/2 + 1, 4, ErrShape},
		{"columns", nil, nil, 0, maxCols + 1, ErrShape},
		{"code", []int8{0, -128}, []float32{1}, 1, 2, ErrValue},
		{"NaN scale", []int8{1}, []float32{nan}, 1, 1, ErrValue},
		{"infinite scale", []int8{1}, []float32{inf}, 1, 1, ErrValue},
		{"negative scale", []int8{1}, []float32{-1}, 1, 1, ErrValue},
	} {
		m, err := FromInt8(c.data, c.scale, c.rows, c.cols)
		if !errors.Is(err, c.want) || m != nil {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if m, err := FromInt8(nil, nil, 0, 0); err != nil || m.Rows != 0 {
		t.Errorf("empty: %v", err)
	}
}

// TestMulBound: the product differs from that of the real numbers by what half a scale in each operand explains.
func TestMulBound(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var buf Rows
	for _, s := range [][3]int{{1, 1, 1}, {3, 10, 17}, {5, 33, 192}, {17, 64, 100}} {
		batch, rows, cols := s[0], s[1], s[2]
		w, x, bias := normal(rng, rows*cols, 0.05), normal(rng, batch*cols, 1), normal(rng, rows, 1)
		m, y := Quantize(w, rows, cols), make([]float32, batch*rows)
		m.Mul(y, x, bias, batch, &buf)
		for i := range batch {
			for j := range rows {
				want, bound := float64(bias[j]), 0.0
				sx, sw := float64(buf.Scale[i])*0.5001, float64(m.Scale[j])*0.5001
				for c := range cols {
					xv, wv := float64(x[i*cols+c]), float64(w[j*cols+c])
					want += xv * wv
					bound += sx*math.Abs(wv) + sw*math.Abs(xv) + sx*sw
				}
				bound += 1e-6 * (1 + math.Abs(want))
				if d := math.Abs(float64(y[i*rows+j]) - want); !(d <= bound) {
					t.Fatalf("(%d, %d, %d): y[%d][%d] = %g is off by %g, want at most %g", batch, rows, cols, i, j, y[i*rows+j], d, bound)
				}
			}
		}
	}
}

// TestMulCosine: at the size of a layer, the direction of each row of the product survives quantization.
func TestMulCosine(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	const batch, rows, cols = 8, 96, 192
	w, x := normal(rng, rows*cols, 0.02), normal(rng, batch*cols, 1)
	y := make([]float32, batch*rows)
	var buf Rows
	Quantize(w, rows, cols).Mul(y, x, nil, batch, &buf)
	for i := range batch {
		var dot, yy, ww float64
		for j := range rows {
			var want float64
			for c := range cols {
				want += float64(x[i*cols+c]) * float64(w[j*cols+c])
			}
			got := float64(y[i*rows+j])
			dot, yy, ww = dot+got*want, yy+got*got, ww+want*want
		}
		if cosine := dot / math.Sqrt(yy*ww); !(cosine > 0.9998) {
			t.Errorf("row %d: cosine %g, want over 0.9998", i, cosine)
		}
	}
}

// TestNormalize: LayerNorm straight into quantized rows is LayerNorm and then Quantize, and a product of them takes its epilogue.
func TestNormalize(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for _, dim := range []int{1, 16, 37, 64} {
		const batch, out = 5, 12
		x, gain, bias := normal(rng, batch*dim, 3), normal(rng, dim, 1), normal(rng, dim, 1)
		var got, want Rows
		got.Normalize(x, gain, bias, batch, dim, 1e-6)
		y := make([]float32, batch*dim)
		kernel.LayerNorm(y, nil, nil, x, gain, bias, batch, dim, 1e-6)
		want.Quantize(y, batch, dim)
		if !slices.Equal(got.Q, want.Q) || !slices.Equal(got.Scale, want.Scale) || !slices.Equal(got.Zero, want.Zero) {
			t.Fatalf("dim %d: other rows", dim)
		}
		m := Quantize(normal(rng, out*dim, 1), out, dim)
		have, plain, add := make([]float32, batch*out), make([]float32, batch*out), normal(rng, batch*out, 1)
		exact := make([]float32, batch*out)
		m.MulRows(have, &got, nil, kernel.Epilogue{GELU: true, Add: add})
		m.MulRows(plain, &got, nil, kernel.Epilogue{GELU: true})
		m.MulRows(exact, &got, nil, kernel.Epilogue{})
		kernel.GELU(exact, exact)
		for i, v := range exact {
			if !(math.Abs(float64(plain[i]-v)) <= 2e-6+1e-6*math.Abs(float64(v))) {
				t.Fatalf("dim %d: GELU is %g, want %g", dim, plain[i], v)
			}
		}
		kernel.Add(plain, add)
		if !slices.Equal(have, plain) {
			t.Fatalf("dim %d: another product", dim)
		}
	}
}

// TestMulRows: rows quantized once and used for two matrices give what Mul gives for each.
func TestMulRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	const batch, cols = 3, 40
	x := normal(rng, batch*cols, 1)
	var shared, own Rows
	shared.Quantize(x, batch, cols)
	for _, rows := range []int{8, 21} {
		m := Quantize(normal(rng, rows*cols, 1), rows, cols)
		got, want := make([]float32, batch*rows), make([]float32, batch*rows)
		m.MulRows(got, &shared, nil, kernel.Epilogue{})
		m.Mul(want, x, nil, batch, &own)
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("%d rows: y[%d] = %g, want %g", rows, i, got[i], want[i])
			}
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("rows of another width: no panic")
		}
	}()
	Quantize(make([]float32, 6), 2, 3).MulRows(make([]float32, 100), &shared, nil, kernel.Epilogue{})
}

// TestMulReuse: a smaller product after a larger one sees nothing of it, and the buffers are reused.
func TestMulReuse(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	const rows, cols = 20, 64
	m := Quantize(normal(rng, rows*cols, 1), rows, cols)
	x := normal(rng, 50*cols, 1)
	var used, fresh Rows
	y, want := make([]float32, 50*rows), make([]float32, 50*rows)
	m.Mul(y, x, nil, 50, &used)
	m.Mul(y, x[3*cols:], nil, 2, &used)
	m.Mul(want, x[3*cols:], nil, 2, &fresh)
	for i := range 2 * rows {
		if y[i] != want[i] {
			t.Fatalf("y[%d] = %g, want %g", i, y[i], want[i])
		}
	}
	least := math.Inf(1) // of ten: a garbage collection empties the kernel's pools, the race detector does so at random
	for range 10 {
		least = min(least, testing.AllocsPerRun(1, func() { m.Mul(y, x, nil, 50, &used) }))
	}
	if least > 0 {
		t.Errorf("%g allocations a product, want 0", least)
	}
}
