package metatune

import (
	"math"
	"math/rand/v2"
	"testing"
)

// ramp is a picture whose colour tells the place: red = 4x, green = 4y.
func ramp(size int) []byte {
	p := make([]byte, size*size*3)
	for y := range size {
		for x := range size {
			p[(y*size+x)*3], p[(y*size+x)*3+1] = byte(4*x), byte(4*y)
		}
	}
	return p
}

// The identity map gives the picture back; a quarter turn moves each pixel to
// its turned place.
func TestSampleIdentityAndQuarterTurn(t *testing.T) {
	const size = 32
	src := ramp(size)
	out := make([]float32, len(src))
	sample(out, src, size, size, affine{xx: 1, yy: 1})
	for i := range out {
		if out[i] != float32(src[i]) {
			t.Fatalf("identity: byte %d: want %d, have %g", i, src[i], out[i])
		}
	}
	a := &augmenter{}
	m := a.characterMap(size, size, 1, rand.New(rand.NewPCG(1, 1)))
	sample(out, src, size, size, m)
	for y := range size {
		for x := range size {
			// 90 degrees: u = -y, v = x about the centre.
			wantU, wantV := float64(size-1-y), float64(x)
			have := out[(y*size+x)*3:]
			if math.Abs(float64(have[0])-4*wantU) > 1e-3 || math.Abs(float64(have[1])-4*wantV) > 1e-3 {
				t.Fatalf("quarter turn at (%d,%d): want source (%g,%g), have (%g,%g)", x, y, wantU, wantV, have[0]/4, have[1]/4)
			}
		}
	}
}

// Every draw is finite, within the range of a normalised byte, and the same
// for the same seed; a photo crop never reaches outside the picture.
func TestDraw(t *testing.T) {
	const size = 24
	src := ramp(64)
	a := &augmenter{Augment: DefaultAugment, mean: [3]float32{0.5, 0.5, 0.5}, std: [3]float32{0.25, 0.25, 0.25}}
	first, again := make([]float32, 3*size*size), make([]float32, 3*size*size)
	for seed := range uint64(40) {
		kind := Photo
		if seed%2 == 1 {
			kind = Character
		}
		a.draw(first, src, 64, size, kind, int(seed)%4, rand.New(rand.NewPCG(seed, 0)))
		a.draw(again, src, 64, size, kind, int(seed)%4, rand.New(rand.NewPCG(seed, 0)))
		for i, v := range first {
			if !(v >= -2.001 && v <= 2.001) {
				t.Fatalf("seed %d: value %d is %g, outside -2..2", seed, i, v)
			}
			if v != again[i] {
				t.Fatalf("seed %d: two draws differ at %d: %g, %g", seed, i, v, again[i])
			}
		}
	}
	rng := rand.New(rand.NewPCG(9, 9))
	for range 1000 {
		m := a.photoMap(64, 24, rng)
		for _, x := range []float64{0, 24} {
			for _, y := range []float64{0, 24} {
				u, v := m.xx*x+m.x0, m.yy*y+m.y0
				if u < -1e-9 || u > 64+1e-9 || v < -1e-9 || v > 64+1e-9 {
					t.Fatalf("crop corner (%g,%g) lies outside the picture", u, v)
				}
			}
		}
	}
}
