package finetune

import (
	"math"
	"math/rand/v2"
)

// Augment says how far the views of a picture differ from it. The zero value changes nothing.
type Augment struct {
	Zoom       float64 // the side is scaled by 1/(1+Zoom)..1+Zoom, width and height alike
	Stretch    float64 // and the width again, by 1/(1+Stretch)..1+Stretch
	Turn       float64 // degrees, either way
	Shift      float64 // share of the side, either way and on both axes
	Mirror     float64 // share of views that are mirrored
	Brightness float64 // standard deviations of a normalized picture, either way
	Contrast   float64 // about the mean of the picture, 1/(1+Contrast)..1+Contrast
	Color      float64 // standard deviations that each channel moves, either way
}

// draw writes a changed copy of a normalized picture; both are (3, size, size). What lies outside is the border pixel.
func (a Augment) draw(dst, src []float32, size int, rng *rand.Rand) {
	u := func(r float64) float64 { return r * (2*rng.Float64() - 1) }
	scale := func(r float64) float64 { return math.Exp(u(math.Log1p(r))) }
	zoom, stretch := scale(a.Zoom), scale(a.Stretch)
	sin, cos := math.Sincos(u(a.Turn) * math.Pi / 180)
	dx, dy := u(a.Shift)*float64(size), u(a.Shift)*float64(size)
	flip := 1.0
	if rng.Float64() < a.Mirror {
		flip = -1
	}
	bright, contrast := u(a.Brightness), float32(scale(a.Contrast))
	var shift [3]float32
	for c := range shift {
		shift[c] = float32(bright + u(a.Color))
	}
	area := size * size
	var sum float64
	for _, v := range src[:3*area] {
		sum += float64(v)
	}
	mean := float32(sum / float64(3*area))
	for c := range shift {
		shift[c] += mean - mean*contrast
	}
	// Pixel centres go through a turn and two scales about the middle, in float32 steps along a row.
	middle, last := float64(size-1)/2, float32(size-1)
	xx, yx := float32(cos*zoom*stretch*flip), float32(sin*zoom*flip)
	xy, yy := -sin*zoom*stretch, cos*zoom
	red, green, blue := src[:area], src[area:2*area], src[2*area:3*area]
	for y := range size {
		row := float64(y) - middle
		px := float32(middle + dx + xy*row - float64(xx)*middle)
		py := float32(middle + dy + yy*row - float64(yx)*middle)
		out := dst[y*size:]
		for x := range size {
			u := min(max(px+float32(x)*xx, 0), last)
			v := min(max(py+float32(x)*yx, 0), last)
			u0, v0 := int(u), int(v)
			fu, fv := u-float32(u0), v-float32(v0)
			at, right, down := v0*size+u0, 0, 0
			if u0 < size-1 {
				right = 1
			}
			if v0 < size-1 {
				down = size
			}
			w00, w01, w10, w11 := (1-fu)*(1-fv), fu*(1-fv), (1-fu)*fv, fu*fv
			out[x] = contrast*(w00*red[at]+w01*red[at+right]+w10*red[at+down]+w11*red[at+right+down]) + shift[0]
			out[area+x] = contrast*(w00*green[at]+w01*green[at+right]+w10*green[at+down]+w11*green[at+right+down]) + shift[1]
			out[2*area+x] = contrast*(w00*blue[at]+w01*blue[at+right]+w10*blue[at+down]+w11*blue[at+right+down]) + shift[2]
		}
	}
}
