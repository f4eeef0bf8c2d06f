package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestGELUShort: within the stated bound of the exact function, over all exponents and densely where it bends.
func TestGELUShort(t *testing.T) {
	const bound = 1.6e-6
	worst := 0.0
	check := func(v float32) {
		y := []float32{0}
		geluShortGeneric(y, []float32{v})
		want := float64(v) * math.Erfc(-float64(v)/math.Sqrt2) / 2
		// Beyond the bend only the rounding of the number itself counts.
		off := math.Abs(float64(y[0])-want) - math.Abs(want)*0x1p-23
		worst = max(worst, off)
		if !(off <= bound) {
			t.Fatalf("geluShort(%g) = %g, want %g", v, y[0], want)
		}
	}
	for x := -7.0; x <= 7; x += 1e-4 {
		check(float32(x))
	}
	for e := -149; e < 128; e++ {
		check(float32(math.Ldexp(1.5, e)))
		check(float32(-math.Ldexp(1.5, e)))
	}
	if worst < bound/2 {
		t.Errorf("the largest error is %g: the stated bound is idle", worst)
	}
}

// TestPower: within the stated relative error of 127 * 2^z where it is exact, and never a code outside 0..127.
func TestPower(t *testing.T) {
	for z := float32(powerMin); z <= 0; z += 1e-4 {
		got, want := float64(power32(z)), 127*math.Exp2(float64(z))
		if !(math.Abs(got-want) <= 8e-5*want) {
			t.Fatalf("power32(%g) = %g, want %g", z, got, want)
		}
		if code := roundEven(power32(z)); code < 0 || code > maxActivation {
			t.Fatalf("power32(%g) has code %d", z, code)
		}
	}
	if code := roundEven(power32(0)); code != maxActivation {
		t.Errorf("the largest probability has code %d", code)
	}
	for _, z := range []float32{float32(math.NaN()), float32(math.Inf(-1)), -1e30, powerMin, -9.1} {
		if p := power32(z); roundEven(p) != 0 {
			t.Errorf("power32(%g) = %g, want code 0", z, p)
		}
	}
}

// TestPowerCodes: every length across the vectors, the body in use against the generic one, extremes among the scores.
func TestPowerCodes(t *testing.T) {
	rng := rand.New(rand.NewPCG(41, 42))
	for n := 1; n < 300; n++ {
		s := make([]float32, n)
		for i := range s {
			s[i] = 3 * float32(rng.NormFloat64())
		}
		if n%3 == 0 {
			s[rng.IntN(n)] = extremes[rng.IntN(len(extremes))]
		}
		got, want := offset[uint8](n, rng.IntN(4)), make([]uint8, n)
		wantSum := powerCodesGeneric(want, s)
		sum, all := powerCodes(got, s), int32(0)
		for i := range want {
			all += int32(want[i])
			if got[i] != want[i] {
				t.Fatalf("length %d: code %d is %d, generic %d", n, i, got[i], want[i])
			}
		}
		if sum != all || wantSum != all {
			t.Fatalf("length %d: sums %d and %d, want %d", n, sum, wantSum, all)
		}
	}
}
