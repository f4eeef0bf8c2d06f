package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// quantizeWeightsGeneric is QuantizeWeights on the generic body.
func quantizeWeightsGeneric(q []int8, w []float32) float32 {
	scale := weightScale(largestGeneric(w))
	weightCodesGeneric(q, w, scale)
	return scale
}

// TestQuantizeWeights: the bits of the generic body at every length and offset, and what the comment promises: half a scale of error.
func TestQuantizeWeights(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	lengths := []int{192, 384, 576, 1536}
	for n := range 100 {
		lengths = append(lengths, n)
	}
	for _, n := range lengths {
		for round := range 6 {
			w := offset[float32](n, rng.IntN(4))
			size := math.Exp2(float64(rng.IntN(240) - 120))
			for i := range w {
				w[i] = float32(rng.NormFloat64() * size)
			}
			if round > 3 {
				for range min(n, 3) {
					w[rng.IntN(n)] = extremes[rng.IntN(len(extremes))]
				}
			}
			guard := make([]int8, n+2*guards)
			for i := range guard {
				guard[i] = -128
			}
			q, want := guard[guards:guards+n:guards+n], make([]int8, n)
			scale, wantScale := QuantizeWeights(q, w), quantizeWeightsGeneric(want, w)
			if !same(scale, wantScale) || !slices.Equal(q, want) {
				t.Fatalf("length %d: scale %g, codes %v; generic %g, %v", n, scale, q, wantScale, want)
			}
			for i := range guards {
				if guard[i] != -128 || guard[guards+n+i] != -128 {
					t.Fatalf("length %d: wrote outside", n)
				}
			}
			for i, code := range q {
				v := float64(finite(w[i]))
				if bound := float64(scale) * (0.5 + 127*0x1p-22); code < -127 || !(math.Abs(float64(scale)*float64(code)-v) <= bound) {
					t.Fatalf("length %d: %g is code %d of %g", n, v, code, scale)
				}
			}
		}
	}
}

// TestMergeRow: the bits of the generic body, of a plain loop over bits, at every length, first bit and number of masks; codes lie within
// guards, and a row that nothing opens is left alone.
func TestMergeRow(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	lengths := []int{192, 384, 576, 1536}
	for n := range 140 {
		lengths = append(lengths, n)
	}
	for _, n := range lengths {
		for round := range 8 {
			mix := Mix{From: rng.IntN(200)}
			masks := rng.IntN(10)
			if round == 7 {
				masks = 70
			}
			density := []float64{0.1, 0.5, 1, 0.01, 0}[rng.IntN(5)]
			for range masks {
				mask := make([]uint64, (mix.From+n+63)/64)
				for i := range 64 * len(mask) {
					if rng.Float64() < density || i < mix.From { // what lies before does not count
						mask[i/64] |= 1 << (i % 64)
					}
				}
				mix.Masks = append(mix.Masks, mask)
				mix.Scores = append(mix.Scores, rng.Float32())
			}
			base, delta := make([]int8, n), make([]int8, n)
			for i := range base {
				base[i], delta[i] = int8(rng.IntN(255)-127), int8(rng.IntN(256)-128)
			}
			baseScale, deltaScale := rng.Float32()*0.01, rng.Float32()*0.01
			switch rng.IntN(8) {
			case 0:
				deltaScale = 0
			case 1:
				baseScale = math.MaxFloat32
			case 2:
				deltaScale = 0x1p-149
			}

			w, open := make([]float32, n), false
			for i := range w {
				var sum float32
				for m, mask := range mix.Masks {
					if at := mix.From + i; mask[at/64]>>(at%64)&1 != 0 {
						sum += mix.Scores[m]
						open = true
					}
				}
				change := float32(sum * float32(deltaScale*float32(delta[i])))
				w[i] = float32(baseScale*float32(base[i])) + change
			}
			want := make([]int8, n)
			wantScale := quantizeWeightsGeneric(want, w)

			guard := make([]int8, n+2*guards)
			for i := range guard {
				guard[i] = -128
			}
			q := guard[guards : guards+n : guards+n]
			scale, changed := MergeRow(q, base, delta, baseScale, deltaScale, mix)
			if changed != open {
				t.Fatalf("length %d: changed %v, want %v", n, changed, open)
			}
			if !open {
				want, wantScale = slices.Repeat([]int8{-128}, n), 0
			}
			if !same(scale, wantScale) || !slices.Equal(q, want) {
				t.Fatalf("length %d, from %d, %d masks: scale %g, codes %v; want %g, %v", n, mix.From, masks, scale, q, wantScale, want)
			}
			for i := range guards {
				if guard[i] != -128 || guard[guards+n+i] != -128 {
					t.Fatalf("length %d: wrote outside", n)
				}
			}
		}
	}
}

// BenchmarkMergeRow reports billions of weights a second, of the fastest run: 1,000 rows of 192 weights with 8 masks of density 0.1.
func BenchmarkMergeRow(b *testing.B) {
	const rows, dim = 1000, 192
	rng := rand.New(rand.NewPCG(5, 6))
	mix := Mix{Scores: make([]float32, 8)}
	for m := range mix.Scores {
		mix.Scores[m] = 1.0 / 8
		mask := make([]uint64, rows*dim/64)
		for i := range rows * dim {
			if rng.Float64() < 0.1 {
				mask[i/64] |= 1 << (i % 64)
			}
		}
		mix.Masks = append(mix.Masks, mask)
	}
	base, delta, q := make([]int8, rows*dim), make([]int8, rows*dim), make([]int8, dim)
	for i := range base {
		base[i], delta[i] = int8(rng.IntN(255)-127), int8(rng.IntN(255)-127)
	}
	reportBest(b, "Gweights/s", rows*dim, func() {
		for r := range rows {
			mix.From = r * dim
			MergeRow(q, base[r*dim:(r+1)*dim], delta[r*dim:(r+1)*dim], 0.01, 0.01, mix)
		}
	})
}
