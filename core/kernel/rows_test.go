package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// same reports whether a and b have the same bits; all NaN are one.
func same(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

// wantSame fails when two slices differ in a bit.
func wantSame(t *testing.T, what string, n int, got, want []float32) {
	t.Helper()
	for i := range want {
		if !same(got[i], want[i]) {
			t.Fatalf("%s, length %d: element %d is %v (%08x), generic %v (%08x)", what, n, i, got[i], math.Float32bits(got[i]), want[i], math.Float32bits(want[i]))
		}
	}
}

// extremes are put at random places of some inputs.
var extremes = []float32{0, float32(math.Copysign(0, -1)), 1e-45, -1e-45, 1e-38, -1e-38, math.MaxFloat32, -math.MaxFloat32, 1e20, -1e20, 20, -20, 87.5, -87.5,
	float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}

// operand is one argument of a kernel under test: twins with the same contents, one for the body in use and one for the generic.
type twins struct {
	got, want []float32
	whole     func() bool
}

func newTwins(rng *rand.Rand, n int, wild bool) twins {
	s, check := guarded(n, rng.IntN(16))
	fill(rng, s)
	if wild {
		for range min(n, 3) {
			s[rng.IntN(n)] = extremes[rng.IntN(len(extremes))]
		}
	}
	return twins{s, append([]float32(nil), s...), check}
}

// TestRowKernelsSame holds every element-wise and row kernel to the bits of its generic body: lengths 0..99 and real ones, odd offsets,
// guards, extremes, in place where that is allowed.
func TestRowKernelsSame(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	lengths := []int{128, 192, 197, 384, 768, 1000, 1536}
	for n := range 100 {
		lengths = append(lengths, n)
	}
	for _, n := range lengths {
		for round := range 4 {
			wild := round%2 == 1
			inPlace := round >= 2
			rows := 1 + rng.IntN(4)
			var used []twins
			in := func(n int) twins {
				s := newTwins(rng, n, wild)
				used = append(used, s)
				return s
			}
			check := func(what string, outs ...twins) {
				t.Helper()
				for _, s := range outs {
					wantSame(t, what, n, s.got, s.want)
				}
				for _, s := range used {
					if !s.whole() {
						t.Fatalf("%s, length %d: wrote outside", what, n)
					}
				}
				used = nil
			}
			// out is a fresh output, or the input itself.
			out := func(x twins, n int) twins {
				if inPlace {
					return x
				}
				return in(n)
			}

			x := in(n)
			y := out(x, n)
			Add(y.got, x.got)
			addGeneric(y.want, x.want)
			check("Add", y)

			alpha := float32(rng.NormFloat64())
			x = in(n)
			y = out(x, n)
			Axpy(y.got, alpha, x.got)
			axpyGeneric(y.want, alpha, x.want)
			check("Axpy", y)

			a, b := in(n), in(n)
			y = out(a, n)
			MulAdd(y.got, a.got, b.got)
			mulAddGeneric(y.want, a.want, b.want)
			check("MulAdd", y)

			a, b = in(n), in(n)
			y = out(b, n)
			Mul(y.got, a.got, b.got)
			mulGeneric(y.want, a.want, b.want)
			check("Mul", y)

			x = in(n)
			y = out(x, n)
			Sigmoid(y.got, x.got, alpha)
			sigmoidGeneric(y.want, x.want, alpha)
			check("Sigmoid", y)

			a, b = in(n), in(n)
			y = out(a, n)
			SigmoidBackward(y.got, a.got, b.got)
			sigmoidBackwardGeneric(y.want, a.want, b.want)
			check("SigmoidBackward", y)

			y = in(n)
			Scale(y.got, alpha)
			scaleGeneric(y.want, alpha)
			check("Scale", y)

			x, y = in(n), in(n)
			if got, want := Dot(x.got, y.got), dotGeneric(x.want, y.want); !same(got, want) {
				t.Fatalf("Dot, length %d: %v, generic %v", n, got, want)
			}
			check("Dot")

			y, x = in(rows*n), in(n)
			AddBias(y.got, x.got, rows, n)
			for r := range rows {
				addGeneric(y.want[r*n:(r+1)*n], x.want)
			}
			check("AddBias", y)

			y, x = in(n), in(rows*n)
			SumRows(y.got, x.got, rows, n)
			for r := range rows {
				addGeneric(y.want, x.want[r*n:(r+1)*n])
			}
			check("SumRows", y)

			x = in(n)
			y = out(x, n)
			GELU(y.got, x.got)
			geluGeneric(y.want, x.want)
			check("GELU", y)

			x = in(n)
			y = out(x, n)
			geluShort(y.got, x.got)
			geluShortGeneric(y.want, x.want)
			check("geluShort", y)

			x = in(n)
			dy := in(n)
			dx := out(dy, n)
			GELUBackward(dx.got, dy.got, x.got)
			geluBackwardGeneric(dx.want, dy.want, x.want)
			check("GELUBackward", dx)

			x = in(rows * n)
			y = out(x, rows*n)
			Softmax(y.got, x.got, rows, n)
			for r := range rows {
				if n > 0 {
					softmaxGeneric(y.want[r*n:(r+1)*n], x.want[r*n:(r+1)*n])
				}
			}
			check("Softmax", y)

			y, dy = in(rows*n), in(rows*n)
			dx = out(dy, rows*n)
			SoftmaxBackward(dx.got, y.got, dy.got, rows, n)
			for r := range rows {
				softmaxBackwardGeneric(dx.want[r*n:(r+1)*n], y.want[r*n:(r+1)*n], dy.want[r*n:(r+1)*n])
			}
			check("SoftmaxBackward", dx)

			x, gain, bias, mean, rstd := in(rows*n), in(n), in(n), in(rows), in(rows)
			y = out(x, rows*n)
			if round == 3 {
				mean.got, rstd.got = nil, nil
			}
			LayerNorm(y.got, mean.got, rstd.got, x.got, gain.got, bias.got, rows, n, 1e-5)
			for r := range rows {
				if n > 0 {
					mean.want[r], rstd.want[r] = layerNormGeneric(y.want[r*n:(r+1)*n], x.want[r*n:(r+1)*n], gain.want, bias.want, 1e-5)
				}
			}
			check("LayerNorm", y)

			x, gain, bias = in(rows*n), in(n), in(n)
			q, scale, zero := make([]uint8, rows*n), make([]float32, rows), make([]int32, rows)
			wantQ, wantScale, wantZero := make([]uint8, rows*n), make([]float32, rows), make([]int32, rows)
			NormalizeRows(q, scale, zero, x.got, gain.got, bias.got, rows, n, 1e-5)
			for r := range rows {
				row := x.want[r*n : (r+1)*n]
				if n > 0 {
					layerNormGeneric(row, row, gain.want, bias.want, 1e-5)
				}
			}
			quantizeGenericRows(wantQ, wantScale, wantZero, x.want, rows, n)
			check("NormalizeRows")
			if !slices.Equal(q, wantQ) || !slices.Equal(scale, wantScale) || !slices.Equal(zero, wantZero) {
				t.Fatalf("NormalizeRows, length %d: scales %v, generic %v, zeros %v, generic %v", n, scale, wantScale, zero, wantZero)
			}
			wantSame(t, "LayerNorm mean", n, mean.got, mean.want[:len(mean.got)])
			wantSame(t, "LayerNorm rstd", n, rstd.got, rstd.want[:len(rstd.got)])

			dx, dy, x, gain, mean, rstd = in(rows*n), in(rows*n), in(rows*n), in(n), in(rows), in(rows)
			dGain, dBias := in(n), in(n)
			if round == 3 {
				dGain.got, dGain.want, dBias.got, dBias.want = nil, nil, nil, nil
			}
			LayerNormBackward(dx.got, dGain.got, dBias.got, dy.got, x.got, mean.got, rstd.got, gain.got, rows, n)
			for r := range rows {
				layerNormBackwardGeneric(dx.want[r*n:(r+1)*n], dGain.want, dBias.want, dy.want[r*n:(r+1)*n], x.want[r*n:(r+1)*n], mean.want[r], rstd.want[r], gain.want)
			}
			check("LayerNormBackward", dx, dGain, dBias)

			w, g, m, v := in(n), in(n), in(n), in(n)
			AdamW(w.got, g.got, m.got, v.got, 1e-3, 0.9, 0.999, 1e-8, 0.05, 0.1, 0.001)
			adamwGeneric(w.want, g.want, m.want, v.want, newAdamWStep(1e-3, 0.9, 0.999, 1e-8, 0.05, 0.1, 0.001))
			check("AdamW", w, m, v)
		}
	}
}

// quantizeGenericRows is QuantizeRows on the generic body.
func quantizeGenericRows(q []uint8, scale []float32, zero []int32, x []float32, rows, dim int) {
	defer func(old *quantizeBody) { quantizeUsed = old }(quantizeUsed)
	quantizeUsed = &quantizeGeneric
	QuantizeRows(q, scale, zero, x, rows, dim)
}

// BenchmarkRows reports billions of vectors of 16 elements a second, of the fastest run.
func BenchmarkRows(b *testing.B) {
	const rows, dim = 64, 192
	rng := rand.New(rand.NewPCG(1, 2))
	buf := func(n int) []float32 { s := make([]float32, n); fill(rng, s); return s }
	x, y, dy, gain, bias, mean, rstd := buf(rows*dim), buf(rows*dim), buf(rows*dim), buf(dim), buf(dim), buf(rows), buf(rows)
	dGain, dBias := buf(dim), buf(dim)
	zero, grad, moment := make([]float32, rows*dim), buf(rows*dim), make([]float32, rows*dim)
	for _, k := range []struct {
		name string
		run  func()
	}{
		{"Add", func() { Add(y, zero) }},
		{"Axpy", func() { Axpy(y, 0, x) }},
		{"Scale", func() { Scale(y, 1) }},
		{"Dot", func() { Dot(y, x) }},
		{"SumRows", func() { SumRows(dBias, zero, rows, dim) }},
		{"Softmax", func() { Softmax(y, x, rows, dim) }},
		{"SoftmaxBackward", func() { SoftmaxBackward(y, x, dy, rows, dim) }},
		{"LayerNorm", func() { LayerNorm(y, mean, rstd, x, gain, bias, rows, dim, 1e-5) }},
		{"LayerNormBackward", func() { LayerNormBackward(y, dGain, dBias, dy, x, mean, rstd, gain, rows, dim) }},
		{"GELU", func() { GELU(y, x) }},
		{"geluShort", func() { geluShort(y, x) }},
		{"GELUBackward", func() { GELUBackward(y, dy, x) }},
		{"GELUgeneric", func() { geluGeneric(y, x) }},
		{"AdamW", func() { AdamW(y, grad, dy, moment, 1e-9, 0.9, 0.999, 1e-8, 0, 1, 1) }},
	} {
		b.Run(k.name, func(b *testing.B) {
			reportBest(b, "Gvec/s", rows*dim/16, k.run)
		})
	}
}
