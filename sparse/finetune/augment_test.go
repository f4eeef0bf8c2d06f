package finetune

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestAugment: no change is the picture itself, a mirror is exact, brightness and contrast are affine, and everything stays within the range
// that it should.
func TestAugment(t *testing.T) {
	const size = 9
	src, dst := randomSlice[float32](3*size*size, 1), make([]float32, 3*size*size)
	rng := rand.New(rand.NewPCG(1, 2))
	Augment{}.draw(dst, src, size, rng)
	for i := range src {
		if !(math.Abs(float64(dst[i]-src[i])) <= 1e-5) {
			t.Fatalf("no change: %v becomes %v", src[i], dst[i])
		}
	}
	Augment{Mirror: 1}.draw(dst, src, size, rng)
	for i := range src {
		if want := src[i/size*size+size-1-i%size]; !(math.Abs(float64(dst[i]-want)) <= 1e-5) {
			t.Fatalf("mirror: want %v, have %v", want, dst[i])
		}
	}
	Augment{Brightness: 1, Contrast: 1}.draw(dst, src, size, rng)
	slope := (dst[1] - dst[0]) / (src[1] - src[0])
	for i := range src {
		if want := dst[0] + slope*(src[i]-src[0]); !(math.Abs(float64(dst[i]-want)) <= 1e-4) {
			t.Fatalf("brightness and contrast: want %v, have %v", want, dst[i])
		}
	}
	if !(slope > 0.49 && slope < 2.01) || slope == 1 {
		t.Errorf("contrast %v", slope)
	}
	for range 100 {
		Augment{Zoom: 3, Stretch: 1, Turn: 180, Shift: 2, Mirror: 0.5}.draw(dst, src, size, rng)
		if slices.Min(dst) < slices.Min(src)-1e-4 || slices.Max(dst) > slices.Max(src)+1e-4 {
			t.Fatal("a value that no mean of neighbours has")
		}
	}
	again := make([]float32, len(dst))
	a := Augment{Zoom: 0.2, Stretch: 0.1, Turn: 10, Shift: 0.1, Mirror: 0.5, Brightness: 0.2, Contrast: 0.2, Color: 0.1}
	a.draw(dst, src, size, rand.New(rand.NewPCG(1, 1)))
	a.draw(again, src, size, rand.New(rand.NewPCG(1, 1)))
	if !slices.Equal(dst, again) {
		t.Error("the same seed gives another view")
	}
}
