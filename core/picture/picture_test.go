package picture

import (
	"bytes"
	"errors"
	"testing"
)

// noise returns a picture of the linear congruential generator of Numerical
// Recipes, the same as noise in testdata/make.py.
func noise(width, height int) *Picture {
	p := &Picture{Width: width, Height: height, Pix: make([]uint8, channels*width*height)}
	state := uint32(1)
	for i := range p.Pix {
		state = state*1664525 + 1013904223
		p.Pix[i] = uint8(state >> 24)
	}
	return p
}

// TestFromRGBA: alpha over white, rounded to nearest, for every pair of a
// sample and an alpha.
func TestFromRGBA(t *testing.T) {
	pix := make([]byte, 0, 4*256*256)
	for v := range 256 {
		for a := range 256 {
			pix = append(pix, byte(v), byte(255-v), byte(v), byte(a))
		}
	}
	p, err := FromRGBA(pix, 256, 256)
	if err != nil {
		t.Fatal(err)
	}
	for v := range 256 {
		for a := range 256 {
			over := func(v int) uint8 { return uint8(float64(v*a+255*(255-a))/255 + 0.5) }
			have := p.Pix[3*(256*v+a):][:3]
			if want := []uint8{over(v), over(255 - v), over(v)}; !bytes.Equal(have, want) {
				t.Fatalf("sample %d, alpha %d: want %v, have %v", v, a, want, have)
			}
		}
	}
}

func TestFromRGBAErrors(t *testing.T) {
	for _, c := range []struct {
		n, width, height int
		want             error
	}{
		{0, 0, 0, ErrEmpty}, {0, 0, 5, ErrEmpty}, {4, -1, -1, ErrEmpty},
		{15, 2, 2, ErrTruncated}, {17, 2, 2, ErrTruncated}, {0, 1 << 31, 1 << 31, ErrTooLarge},
	} {
		if p, err := FromRGBA(make([]byte, c.n), c.width, c.height); p != nil || !errors.Is(err, c.want) {
			t.Errorf("%d bytes of %d x %d: want %v, have %v", c.n, c.width, c.height, c.want, err)
		}
	}
}

func TestMirror(t *testing.T) {
	p := noise(7, 5)
	m := p.Mirror()
	for y := range 5 {
		for x := range 7 {
			if !bytes.Equal(m.Pix[3*(7*y+x):][:3], p.Pix[3*(7*y+6-x):][:3]) {
				t.Fatalf("(%d, %d) is not the mirrored pixel", x, y)
			}
		}
	}
	if !bytes.Equal(m.Mirror().Pix, p.Pix) {
		t.Error("mirrored twice is not the same")
	}
}

func TestCrop(t *testing.T) {
	p := noise(7, 5)
	q := p.Crop(2, 1, 4, 3)
	if q.Width != 4 || q.Height != 3 || len(q.Pix) != 36 {
		t.Fatalf("want 4 x 3, have %d x %d, %d bytes", q.Width, q.Height, len(q.Pix))
	}
	for y := range 3 {
		for x := range 4 {
			if !bytes.Equal(q.Pix[3*(4*y+x):][:3], p.Pix[3*(7*(y+1)+x+2):][:3]) {
				t.Errorf("pixel (%d, %d) is not that of (%d, %d)", x, y, x+2, y+1)
			}
		}
	}
	if whole := p.Crop(0, 0, 7, 5); !bytes.Equal(whole.Pix, p.Pix) || &whole.Pix[0] == &p.Pix[0] {
		t.Error("want a copy of the whole")
	}
}

// TestTensor: channels first, each with its own mean and std, and the whole
// range of samples.
func TestTensor(t *testing.T) {
	p := noise(64, 32)
	mean, std := [3]float32{0.485, 0.456, 0.406}, [3]float32{0.229, 0.224, 0.225}
	dst := make([]float32, 3*64*32)
	p.Tensor(dst, mean, std)
	for i, have := range dst {
		c, at := i/(64*32), i%(64*32)
		want := (float64(p.Pix[3*at+c])/255 - float64(mean[c])) / float64(std[c])
		if d := float64(have) - want; !(d > -1e-6 && d < 1e-6) {
			t.Fatalf("channel %d, pixel %d: want %g, have %g", c, at, want, have)
		}
	}
}

func TestPanics(t *testing.T) {
	p := noise(4, 4)
	for name, call := range map[string]func(){
		"crop outside":  func() { p.Crop(1, 0, 4, 4) },
		"crop negative": func() { p.Crop(-1, 0, 2, 2) },
		"crop empty":    func() { p.Crop(0, 0, 0, 2) },
		"crop overflow": func() { p.Crop(maxInt, 0, 2, 2) },
		"short tensor":  func() { p.Tensor(make([]float32, 47), [3]float32{}, [3]float32{1, 1, 1}) },
		"square of 0":   func() { p.Square(0) },
		"resize to 0":   func() { p.Resize(4, 0) },
		"empty picture": func() { (&Picture{}).Square(4) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: want a panic, have none", name)
				}
			}()
			call()
		}()
	}
}
