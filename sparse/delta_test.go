package sparse

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"haguruma/core/tensorfile"
)

// randomExperts has m masks of the density over tensors, a delta of the deviation, and no router.
func randomExperts(tensors []Tensor, m int, density, deviation float64, soft bool, rng *rand.Rand) *Experts {
	n := scalars(tensors)
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(rng.NormFloat64() * deviation)
	}
	e := &Experts{Tensors: tensors, Delta: NewDelta(tensors, values)}
	for range m {
		z := make([]float32, n)
		for i := range z {
			if rng.Float64() < density {
				z[i] = 1
				if soft {
					z[i] = rng.Float32()
				}
			}
		}
		e.Masks = append(e.Masks, NewMask(z))
	}
	e.CloseDelta()
	return e
}

// TestDeltaCodes: rounding moves a weight by half a scale at most and leaves vectors alone; a file of rounded experts gives the same delta,
// and one of experts that were not rounded the delta that rounding makes.
func TestDeltaCodes(t *testing.T) {
	tensors := []Tensor{{"w", []int{3, 70}, 0}, {"b", []int{5}, 210}, {"k", []int{2, 3, 3, 3}, 215}}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, soft := range []bool{false, true} {
		e := randomExperts(tensors, 3, 0.3, 0.1, soft, rng)
		before := e.Delta.Values()
		file, err := e.File(nil)
		if err != nil {
			t.Fatal(err)
		}
		e.RoundDelta()
		after := e.Delta.Values()
		for _, tensor := range tensors {
			rows, cols := tensor.rowsCols()
			for r := range rows {
				at := tensor.Start + r*cols
				bound := slices.Max(before[at:at+cols])/127/2*1.001 + max(0, -slices.Min(before[at:at+cols]))/127/2*1.001
				if len(tensor.Shape) == 1 {
					bound = 0
				}
				for i := at; i < at+cols; i++ {
					if d := math.Abs(float64(after[i] - before[i])); d > float64(max(bound, 0)) {
						t.Fatalf("%s: scalar %d moved by %g, want at most %g", tensor.Name, i, d, bound)
					}
				}
			}
		}
		data, err := tensorfile.Encode(file)
		if err != nil {
			t.Fatal(err)
		}
		if file, err = tensorfile.Decode(data); err != nil {
			t.Fatal(err)
		}
		opened, err := OpenExperts(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := opened.Delta.Values(); !slices.Equal(got, after) {
			t.Errorf("soft %v: the file's delta is not the rounded one", soft)
		}
		theta, want, scores := make([]float32, len(after)), make([]float32, len(after)), []float32{0.25, 0, 0.75}
		opened.Merge(theta, before, scores)
		for i := range want {
			mask := 0.25*e.Masks[0].Value(i) + 0.75*e.Masks[2].Value(i)
			if want := before[i] + mask*after[i]; math.Abs(float64(theta[i]-want)) > 1e-6 {
				t.Fatalf("soft %v: merged scalar %d is %g, want %g", soft, i, theta[i], want)
			}
		}
	}
}
