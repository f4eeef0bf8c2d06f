package picture

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"testing"
)

//go:embed testdata/resize.txt
var pillowResize string

// TestResizePillow: the bits of Pillow's Image.resize(BILINEAR), on every
// platform. testdata/make.py wrote the digests.
func TestResizePillow(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(pillowResize), "\n")
	if len(lines) < 16 {
		t.Fatalf("want 16 sizes in testdata/resize.txt, have %d", len(lines))
	}
	for _, line := range lines {
		var w, h, ow, oh int
		var want string
		if _, err := fmt.Sscan(line, &w, &h, &ow, &oh, &want); err != nil {
			t.Fatalf("%q: %v: run testdata/make.py", line, err)
		}
		q := noise(w, h).Resize(ow, oh)
		sum := sha256.Sum256(q.Pix)
		if have := hex.EncodeToString(sum[:]); q.Width != ow || q.Height != oh || have != want {
			t.Errorf("%d x %d to %d x %d: want %s, have %s", w, h, ow, oh, want, have)
		}
	}
}

// direct is the definition in float64, in two dimensions at once: the mean of
// the input under a triangle whose half width is an output or an input pixel,
// whichever is wider.
func direct(p *Picture, width, height, x, y, c int) float64 {
	sx, sy := float64(p.Width)/float64(width), float64(p.Height)/float64(height)
	wx, wy := math.Max(sx, 1), math.Max(sy, 1)
	cx, cy := (float64(x)+0.5)*sx, (float64(y)+0.5)*sy
	sum, total := 0.0, 0.0
	for v := range p.Height {
		fy := 1 - math.Abs(float64(v)+0.5-cy)/wy
		if fy <= 0 {
			continue
		}
		for u := range p.Width {
			if fx := 1 - math.Abs(float64(u)+0.5-cx)/wx; fx > 0 {
				sum += fx * fy * float64(p.Pix[channels*(v*p.Width+u)+c])
				total += fx * fy
			}
		}
	}
	return sum / total
}

// TestResizeDirect: within one level of the definition. The rounding between
// the passes is what keeps it from half a level.
func TestResizeDirect(t *testing.T) {
	for _, c := range []struct{ w, h, ow, oh int }{
		{31, 17, 8, 8}, {8, 8, 31, 17}, {40, 9, 13, 22}, {1, 1, 4, 4}, {5, 60, 5, 7}, {60, 5, 7, 5}, {33, 33, 32, 32},
	} {
		p := noise(c.w, c.h)
		q := p.Resize(c.ow, c.oh)
		for i, have := range q.Pix {
			want := direct(p, c.ow, c.oh, i/channels%c.ow, i/channels/c.ow, i%channels)
			if d := float64(have) - want; !(d > -1.01 && d < 1.01) {
				t.Fatalf("%v: byte %d: want %.3f, have %d", c, i, want, have)
			}
		}
	}
}

// TestResizeExtremes: one colour stays what it is, to 255 and to 0.
func TestResizeExtremes(t *testing.T) {
	for _, v := range []uint8{0, 1, 254, 255} {
		p := &Picture{Width: 3000, Height: 3, Pix: bytes.Repeat([]uint8{v}, 3*9000)}
		for _, q := range []*Picture{p.Resize(1, 1), p.Resize(7, 224), p.Square(224)} {
			for i, have := range q.Pix {
				if have != v {
					t.Fatalf("%d x %d of %d: byte %d is %d", q.Width, q.Height, v, i, have)
				}
			}
		}
	}
}

// TestSquare: the crop computed alone is the crop of the whole resize.
func TestSquare(t *testing.T) {
	for _, c := range []struct{ w, h, size, width, height, x, y int }{
		// width, height: the shorter side to size, the other cut down;
		// x, y: half of what is over, a half to even
		{50, 30, 16, 26, 16, 5, 0}, // 26.67; 10/2
		{30, 50, 16, 16, 26, 0, 5},
		{33, 32, 32, 33, 32, 0, 0},  // 1/2 goes to 0
		{35, 32, 32, 35, 32, 2, 0},  // 3/2 goes to 2
		{32, 37, 32, 32, 37, 0, 2},  // 5/2 goes to 2
		{7, 7, 224, 224, 224, 0, 0}, // enlarged
		{90, 41, 41, 90, 41, 24, 0}, // no resize at all: 49/2 goes to 24
		{300, 2, 4, 600, 4, 298, 0}, // a strip
		{2, 300, 4, 4, 600, 0, 298},
	} {
		p := noise(c.w, c.h)
		have := p.Square(c.size)
		want := p.Resize(c.width, c.height).Crop(c.x, c.y, c.size, c.size)
		if have.Width != c.size || have.Height != c.size || !bytes.Equal(have.Pix, want.Pix) {
			t.Errorf("%v: the square is not the crop of the resize", c)
		}
	}
}

// TestSquareOfStrip: a picture one pixel high and very long is no reason to
// make its whole enlargement.
func TestSquareOfStrip(t *testing.T) {
	p := &Picture{Width: 1 << 20, Height: 1, Pix: make([]uint8, 3<<20)}
	if q := p.Square(224); q.Width != 224 || q.Height != 224 {
		t.Errorf("want 224 x 224, have %d x %d", q.Width, q.Height)
	}
}

func BenchmarkSquare(b *testing.B) {
	p := noise(4000, 3000)
	b.SetBytes(int64(len(p.Pix)))
	for b.Loop() {
		p.Square(224)
	}
}
