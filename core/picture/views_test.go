package picture

import (
	"hash/fnv"
	"math"
	"slices"
	"testing"
)

// TestViews: the first is the picture, the others show the parts of it that they should, at its size and to the same bits everywhere.
func TestViews(t *testing.T) {
	const w, h = 64, 48
	ramp := &Picture{Width: w, Height: h, Pix: make([]uint8, channels*w*h)}
	for y := range h {
		for x := range w {
			at := ramp.Pix[channels*(y*w+x):]
			at[0], at[1] = uint8(3*x), uint8(5*y)
		}
	}
	before := slices.Clone(ramp.Pix)
	views := ramp.Views()
	if len(views) != ViewCount || views[0] != ramp || !slices.Equal(views[1].Pix, ramp.Mirror().Pix) {
		t.Fatalf("%d views", len(views))
	}
	// The part of the width and height that each view shows, from the left and the top; from the right where it is mirrored.
	parts := [ViewCount][4]float64{
		{0, 1, 0, 1}, {1, 0, 0, 1}, {0.125, 0.875, 0, 1}, {1, 0, 0.125, 0.875},
		{0, 0.875, 0, 0.875}, {0.125, 1, 0.125, 1}, {0.875, 0, 0.125, 1}, {1, 0.125, 0, 0.875},
	}
	for i, v := range views {
		if v.Width != w || v.Height != h {
			t.Fatalf("view %d is %d x %d", i, v.Width, v.Height)
		}
		p := parts[i]
		for y := 2; y < h-2; y += 7 {
			for x := 2; x < w-2; x += 7 {
				at := func(from, to float64, i, n int) float64 {
					return (from+(to-from)*(float64(i)+0.5)/float64(n))*float64(n) - 0.5
				}
				pix := v.Pix[channels*(y*w+x):]
				if wantX, wantY := 3*at(p[0], p[1], x, w), 5*at(p[2], p[3], y, h); math.Abs(float64(pix[0])-wantX) > 1.5 || math.Abs(float64(pix[1])-wantY) > 2 {
					t.Fatalf("view %d at (%d, %d): want %.1f and %.1f, have %d and %d", i, x, y, wantX, wantY, pix[0], pix[1])
				}
			}
		}
	}
	if !slices.Equal(ramp.Pix, before) {
		t.Error("the picture has changed")
	}
	sum := fnv.New64a()
	for _, v := range noise(w, h).Views() {
		sum.Write(v.Pix)
	}
	if have := sum.Sum64(); have != 0x2d9bc00da143aaaa {
		t.Errorf("%#x, want 0x2d9bc00da143aaaa", have)
	}
	for _, size := range [][2]int{{1, 1}, {1, 5}, {2, 1}, {3, 2}} {
		for i, v := range noise(size[0], size[1]).Views() {
			if v.Width != size[0] || v.Height != size[1] {
				t.Errorf("view %d of %v is %d x %d", i, size, v.Width, v.Height)
			}
		}
	}
}
