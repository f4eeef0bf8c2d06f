package vit

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestLevels(t *testing.T) {
	c := Config{
		ImageSize: 32, PatchSize: 8, Stem: []int{4, 16, 64}, Dim: 64, Depth: 2, Heads: 2, MLPDim: 96, Pool: PoolMean, Eps: 1e-6,
		Mean: [3]float32{0.5, 0.5, 0.5}, Std: [3]float32{0.25, 0.25, 0.25},
	}
	p := NewParams[float32](c)
	rng := rand.New(rand.NewPCG(8, 9))
	for i := range p.Flat {
		p.Flat[i] = float32(rng.NormFloat64())
	}
	before := slices.Clone(p.Flat)
	l, err := FitLevels(p, 15, 3)
	if err != nil {
		t.Fatal(err)
	}
	if l.Entropy > 3 || l.Entropy < 2.9 {
		t.Errorf("entropy %.3f, want 3 or a little less", l.Entropy)
	}
	q := NewParams[float32](c)
	l.Round(q, p)
	if !slices.Equal(before, p.Flat) {
		t.Fatal("Round wrote to what it reads")
	}
	rounded := 0
	for i, tensor := range q.Tensors() {
		from := p.Tensors()[i]
		switch {
		case tensor.quantized() && 100*len(tensor.Data) >= len(p.Flat):
			rounded++
			rows, cols := tensor.matrixShape()
			for r := range rows {
				row := slices.Clone(tensor.Data[r*cols:][:cols])
				slices.Sort(row)
				if n := len(slices.Compact(row)); n > 15 {
					t.Fatalf("%s row %d: %d values, want at most 15", tensor.Name, r, n)
				}
			}
		case tensor.quantized():
			if !slices.Equal(tensor.Data, from.Data) {
				t.Errorf("%s, a hundredth of the weights or less, was rounded", tensor.Name)
			}
		default:
			for j, v := range tensor.Data {
				if math.Float32bits(v)&0xffff != 0 || math.Abs(float64(v-from.Data[j])) > math.Abs(float64(from.Data[j]))/256 {
					t.Fatalf("%s: %g became %g, want the nearest bfloat16", tensor.Name, from.Data[j], v)
				}
			}
		}
	}
	if rounded != 9 { // four of each block and the last convolution
		t.Errorf("%d tensors were held to levels, want 9", rounded)
	}
	twice := NewParams[float32](c)
	if l.Round(twice, q); !slices.Equal(twice.Flat, q.Flat) {
		t.Error("rounding twice is not rounding once")
	}
	if l.Round(p, p); !slices.Equal(p.Flat, q.Flat) {
		t.Error("in place differs")
	}
	for _, levels := range []int{-1, 0, 1, 2, 8, 256, 257} {
		if _, err := FitLevels(p, levels, 3); !errors.Is(err, ErrConfig) {
			t.Errorf("%d levels: want ErrConfig, have %v", levels, err)
		}
	}
	for _, bits := range []float64{0, -1, math.NaN()} {
		if _, err := FitLevels(p, 15, bits); !errors.Is(err, ErrConfig) {
			t.Errorf("%g bits: want ErrConfig, have %v", bits, err)
		}
	}
	p.Config.LayerScale = 0.1
	if _, err := FitLevels(p, 15, 3); !errors.Is(err, ErrConfig) {
		t.Errorf("LayerScale: want ErrConfig, have %v", err)
	}
}
