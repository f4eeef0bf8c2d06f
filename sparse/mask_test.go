package sparse

import (
	"math"
	"math/rand/v2"
	"testing"
)

// drawZ draws the values of a mask: closed, open, and where soft is set also between, down to values that round to the lowest level.
func drawZ(rng *rand.Rand, n int, soft bool) []float32 {
	z := make([]float32, n)
	for i := range z {
		switch rng.IntN(3) {
		case 0:
			z[i] = 1
		case 1:
			if soft {
				z[i] = rng.Float32() * rng.Float32()
			}
		}
	}
	return z
}

// TestMask: every query at every range against the values the mask was made of, for lengths around the words of 64.
func TestMask(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 7, 8, 63, 64, 65, 127, 128, 200} {
		for _, soft := range []bool{false, true} {
			z := drawZ(rng, n, soft)
			m := NewMask(z)
			if m.Len() != n {
				t.Fatalf("length: want %d, have %d", n, m.Len())
			}
			for i, v := range z {
				level := v
				if v > 0 {
					level = max(float32(math.Floor(float64(v)*255+0.5)), 1) / 255
				}
				if m.Open(i) != (v > 0) || m.Value(i) != level {
					t.Fatalf("n %d, soft %v, scalar %d of %v: open %v, value %v, want %v", n, soft, i, v, m.Open(i), m.Value(i), level)
				}
			}
			for from := range n {
				for to := from; to <= n; to++ {
					count := 0
					for i := from; i < to; i++ {
						if z[i] > 0 {
							count++
						}
					}
					if have := m.Count(from, to); have != count {
						t.Fatalf("n %d: Count(%d, %d): want %d, have %d", n, from, to, count, have)
					}
				}
			}
			for _, from := range []int{0, 1, n / 3, n / 2, n - 1} {
				for _, to := range []int{from, min(from+1, n), n - n/4, n} {
					if to < from {
						continue
					}
					have, start := make([]float32, to-from), rng.Float32()
					for i := range have {
						have[i] = start
					}
					m.AddTo(have, from, 0.75)
					for i, v := range have {
						want := start
						if m.Open(from + i) {
							want += 0.75 * m.Value(from+i)
						}
						if v != want {
							t.Fatalf("n %d, soft %v: AddTo from %d: scalar %d: want %v, have %v", n, soft, from, from+i, want, v)
						}
					}
				}
			}
			if want := float64(m.Count(0, n)) / float64(n); m.Density() != want {
				t.Errorf("density: want %v, have %v", want, m.Density())
			}
		}
	}
}

// TestMaskBytes: packing and back; a length that does not fit and bits behind the last scalar are errors.
func TestMaskBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for n := 1; n < 140; n++ {
		m := NewMask(drawZ(rng, n, false))
		packed := m.bytes()
		for i := range n {
			if open := packed[i/8]>>(i%8)&1 != 0; open != m.Open(i) {
				t.Fatalf("n %d: bit %d is %v", n, i, open)
			}
		}
		back, err := maskFromBytes(packed, n)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if back.Open(i) != m.Open(i) {
				t.Fatalf("n %d: scalar %d came back as %v", n, i, back.Open(i))
			}
		}
		if _, err := maskFromBytes(append(packed, 0), n); err == nil {
			t.Errorf("n %d: a byte too many is no error", n)
		}
		if n%8 != 0 {
			packed[len(packed)-1] |= 0x80
			if _, err := maskFromBytes(packed, n); err == nil {
				t.Errorf("n %d: a bit behind the last scalar is no error", n)
			}
		}
	}
}

// TestMaskOfOddValues: what is not above 0 is closed, what is above 1 is open, and what is barely open keeps the lowest level.
func TestMaskOfOddValues(t *testing.T) {
	m := NewMask([]float64{math.NaN(), -1, 2, math.Inf(1), 1e-30, 0.5, 0.9999})
	for i, want := range []float32{0, 0, 1, 1, 1.0 / 255, 128.0 / 255, 1} {
		if m.Value(i) != want {
			t.Errorf("value %d: want %v, have %v", i, want, m.Value(i))
		}
	}
	if NewMask([]float32{0, 2, 1}).Soft() || !m.Soft() {
		t.Error("soft is what has a gate between closed and open")
	}
}

// TestOverlap: Jaccard against sets.
func TestOverlap(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{1, 64, 65, 300} {
		x, y := drawZ(rng, n, true), drawZ(rng, n, false)
		both, either := 0, 0
		for i := range x {
			if x[i] > 0 && y[i] > 0 {
				both++
			}
			if x[i] > 0 || y[i] > 0 {
				either++
			}
		}
		a, b := NewMask(x), NewMask(y)
		if want := float64(both) / float64(max(either, 1)); Overlap(a, b) != want || Overlap(b, a) != want {
			t.Errorf("n %d: want %v, have %v and %v", n, want, Overlap(a, b), Overlap(b, a))
		}
		if either > 0 && Overlap(a, a) != 1 && a.Count(0, n) > 0 {
			t.Errorf("n %d: a mask overlaps itself by %v", n, Overlap(a, a))
		}
	}
	if none := NewMask(make([]float32, 9)); Overlap(none, none) != 0 {
		t.Error("two closed masks overlap")
	}
}
