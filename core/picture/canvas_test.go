package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
	"testing"
)

// place says where the pixel (x, y) of a w x h file belongs on the upright
// picture, from the wording of EXIF 2.32, table 6: "The 0th row represents the
// visual ... side of the image, and the 0th column represents the visual ...
// side".
func place(turn orientation, x, y, w, h int) (int, int) {
	fromLeft, fromRight, fromTop, fromBottom := x, w-1-x, y, h-1-y
	switch turn {
	case 1: // row 0 top, column 0 left
		return fromLeft, fromTop
	case 2: // top, right
		return fromRight, fromTop
	case 3: // bottom, right
		return fromRight, fromBottom
	case 4: // bottom, left
		return fromLeft, fromBottom
	case 5: // left, top
		return fromTop, fromLeft
	case 6: // right, top
		return fromBottom, fromLeft
	case 7: // right, bottom
		return fromBottom, fromRight
	case 8: // left, bottom
		return fromTop, fromRight
	}
	panic("no such orientation")
}

// filled returns an image of every kind that a decoder gives, with noise.
func filled(t testing.TB, r image.Rectangle) map[string]image.Image {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	fill := func(pix []uint8) {
		for i := range pix {
			pix[i] = uint8(rng.Uint32())
		}
	}
	images := map[string]image.Image{}
	for _, ratio := range []image.YCbCrSubsampleRatio{
		image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420,
		image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410,
	} {
		m := image.NewNYCbCrA(r, ratio)
		fill(m.Y)
		fill(m.Cb)
		fill(m.Cr)
		fill(m.A)
		images[ratio.String()] = &m.YCbCr
		images[ratio.String()+"A"] = m
	}
	nrgba, rgba, gray, gray16 := image.NewNRGBA(r), image.NewRGBA(r), image.NewGray(r), image.NewGray16(r)
	nrgba64, rgba64, cmyk := image.NewNRGBA64(r), image.NewRGBA64(r), image.NewCMYK(r)
	paletted := image.NewPaletted(r, nil)
	for range 256 {
		paletted.Palette = append(paletted.Palette, color.NRGBA{uint8(rng.Uint32()), uint8(rng.Uint32()), uint8(rng.Uint32()), uint8(rng.Uint32())})
	}
	fill(nrgba.Pix)
	fill(gray.Pix)
	fill(gray16.Pix)
	fill(nrgba64.Pix)
	fill(cmyk.Pix)
	fill(paletted.Pix)
	for y := r.Min.Y; y < r.Max.Y; y++ { // premultiplied: no sample above its alpha
		for x := r.Min.X; x < r.Max.X; x++ {
			rgba.Set(x, y, nrgba.At(x, y))
			rgba64.Set(x, y, nrgba64.At(x, y))
		}
	}
	for name, m := range map[string]image.Image{
		"NRGBA": nrgba, "RGBA": rgba, "Gray": gray, "Gray16": gray16, "NRGBA64": nrgba64, "RGBA64": rgba64,
		"CMYK": cmyk, "Paletted": paletted, "another": struct{ image.Image }{nrgba},
	} {
		images[name] = m
	}
	return images
}

// TestDraw holds the loop of every kind of image, in every orientation, whole
// and as a part at an odd place, against image/color's own conversion.
func TestDraw(t *testing.T) {
	for _, r := range []image.Rectangle{image.Rect(0, 0, 13, 6), image.Rect(3, 5, 4, 12), image.Rect(1, 1, 2, 2)} {
		for name, m := range filled(t, image.Rect(0, 0, 16, 12)) {
			if part, ok := m.(interface {
				SubImage(image.Rectangle) image.Image
			}); ok {
				m = part.SubImage(r)
			} else {
				m = struct{ image.Image }{image.NewNRGBA(r)}
			}
			w, h := r.Dx(), r.Dy()
			for turn := upright; turn <= turnedLeft; turn++ {
				p, c := newCanvas(w, h, turn)
				c.draw(m, false)
				for y := range h {
					for x := range w {
						// 16-bit samples keep their upper bytes before they are composited.
						v := color.NRGBAModel.Convert(m.At(r.Min.X+x, r.Min.Y+y)).(color.NRGBA)
						var want [3]int
						for i, s := range []uint8{v.R, v.G, v.B} {
							want[i] = int(float64(int(s)*int(v.A)+255*(255-int(v.A)))/255 + 0.5)
						}
						px, py := place(turn, x, y, w, h)
						have := p.Pix[3*(py*p.Width+px):][:3]
						for i := range 3 {
							// premultiplied samples go through a division in image/color
							if d := int(have[i]) - want[i]; d < -1 || d > 1 {
								t.Fatalf("%s %v, orientation %d, pixel (%d, %d): want %v, have %v", name, r, turn, x, y, want, have)
							}
						}
					}
				}
			}
		}
	}
}

// TestDrawExact: where no alpha is mixed in, the bits are image/color's.
func TestDrawExact(t *testing.T) {
	r := image.Rect(0, 0, 64, 64)
	for name, m := range filled(t, r) {
		if o, ok := m.(interface{ Opaque() bool }); !ok || !o.Opaque() {
			continue
		}
		p, c := newCanvas(64, 64, upright)
		c.draw(m, false)
		for i := range 64 * 64 {
			v := color.NRGBAModel.Convert(m.At(i%64, i/64)).(color.NRGBA)
			if have := p.Pix[3*i:][:3]; !bytes.Equal(have, []uint8{v.R, v.G, v.B}) {
				t.Fatalf("%s, pixel %d: want %v, have %v", name, i, v, have)
			}
		}
	}
}

// TestStudioRange: the ends of video's range are black and white, and its
// primaries are within a level of BT.601 in float64.
func TestStudioRange(t *testing.T) {
	m := image.NewYCbCr(image.Rect(0, 0, 1, 1), image.YCbCrSubsampleRatio444)
	for y := 0; y < 256; y += 3 {
		for cb := 0; cb < 256; cb += 15 {
			for cr := 0; cr < 256; cr += 15 {
				m.Y[0], m.Cb[0], m.Cr[0] = uint8(y), uint8(cb), uint8(cr)
				p, c := newCanvas(1, 1, upright)
				c.draw(m, true)
				l, u, v := float64(y-16)*255/219, float64(cb-128)*255/224, float64(cr-128)*255/224
				for i, want := range []float64{l + 1.402*v, l - 0.344136*u - 0.714136*v, l + 1.772*u} {
					want = min(max(want, 0), 255)
					if d := float64(p.Pix[i]) - want; !(d > -0.51 && d < 0.51) {
						t.Fatalf("Y %d, Cb %d, Cr %d: channel %d: want %.2f, have %d", y, cb, cr, i, want, p.Pix[i])
					}
				}
			}
		}
	}
}

// TestPalettedOutOfRange: an index without a colour is black, not a panic.
func TestPalettedOutOfRange(t *testing.T) {
	m := image.NewPaletted(image.Rect(0, 0, 2, 1), color.Palette{color.White})
	m.Pix[1] = 200
	p, c := newCanvas(2, 1, upright)
	c.draw(m, false)
	if want := []uint8{255, 255, 255, 0, 0, 0}; !bytes.Equal(p.Pix, want) {
		t.Errorf("want %v, have %v", want, p.Pix)
	}
}

func BenchmarkDraw(b *testing.B) {
	r := image.Rect(0, 0, 2000, 1500)
	for _, m := range []image.Image{image.NewYCbCr(r, image.YCbCrSubsampleRatio420), image.NewNRGBA(r), image.NewGray(r)} {
		for _, turn := range []orientation{upright, turnedRight} {
			b.Run(fmt.Sprintf("%T/%d", m, turn), func(b *testing.B) {
				_, c := newCanvas(2000, 1500, turn)
				b.SetBytes(3 * 2000 * 1500)
				for b.Loop() {
					c.draw(m, false)
				}
			})
		}
	}
}
