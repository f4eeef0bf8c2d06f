package metatune

import (
	"math"
	"math/rand/v2"
)

// Augment are the random changes of a training picture. Shares are
// probabilities, ranges are half-widths around 1 or 0.
type Augment struct {
	CropScale float64 `json:"cropScale"` // smallest share of the area a photo crop keeps
	Jitter    float64 `json:"jitter"`    // brightness, contrast, saturation: 1 +- Jitter
	Gray      float64 `json:"gray"`      // share of photos without colour
	Erase     float64 `json:"erase"`     // share of pictures with a rectangle erased
	Invert    float64 `json:"invert"`    // share of characters drawn light on dark
	Turn      float64 `json:"turn"`      // characters turn by up to this many degrees
	Shear     float64 `json:"shear"`     // and shear by up to this
	Zoom      float64 `json:"zoom"`      // and zoom by 1 +- Zoom
	Shift     float64 `json:"shift"`     // and move by this share of the width
	Thicken   float64 `json:"thicken"`   // share of characters whose strokes are thicker by one or two pixels
}

// DefaultAugment is the recipe of the default bundle.
var DefaultAugment = Augment{CropScale: 0.4, Jitter: 0.2, Gray: 0.05, Erase: 0.1, Invert: 0.5, Turn: 12, Shear: 0.15, Zoom: 0.2, Shift: 0.08}

// affine maps an output pixel (x, y) to source coordinates:
// u = xx*x + xy*y + x0, v = yx*x + yy*y + y0.
type affine struct{ xx, xy, x0, yx, yy, y0 float64 }

// augmenter draws one picture at a time; it owns its scratch and is not safe
// for concurrent use.
type augmenter struct {
	Augment
	mean, std [3]float32
	restyle   restyle   // of all pictures of a task; nil: none
	mark      restyle   // of the pictures of a class, before that; nil: none
	rgb       []float32 // (size, size, 3), 0..255
	spare     []float32 // as rgb
}

// draw writes a randomly changed version of src, (srcSize, srcSize, 3) bytes,
// to dst (3, size, size), normalised. quarter turns the picture by that many
// right angles before anything else.
func (a *augmenter) draw(dst []float32, src []byte, srcSize, size int, kind Kind, quarter int, rng *rand.Rand) {
	var m affine
	switch kind {
	case Character:
		m = a.characterMap(float64(srcSize), float64(size), quarter, rng)
	case Texture:
		m = textureMap(float64(srcSize), float64(size), rng)
	default:
		m = a.photoMap(float64(srcSize), float64(size), rng)
	}
	a.rgb = room(a.rgb, size*size*3)
	rgb := a.rgb
	sample(rgb, src, srcSize, size, m)
	if a.mark != nil {
		a.mark(rgb, size)
	}
	if kind != Character {
		a.recolour(rgb, rng)
	} else {
		if a.Thicken > 0 && rng.Float64() < a.Thicken {
			for range 1 + rng.IntN(2) {
				a.spare = room(a.spare, len(rgb))
				thicken(rgb, a.spare, size)
			}
		}
		if rng.Float64() < a.Invert {
			invert(rgb)
		}
	}
	if a.restyle != nil {
		a.restyle(rgb, size)
	}
	if rng.Float64() < a.Erase {
		eraseRect(rgb, size, kind, rng)
	}
	normalise(dst, rgb, size, a.mean, a.std)
}

// photoMap is a random resized crop with aspect 3/4..4/3 and a mirror half of
// the time (Szegedy et al. 2015, arXiv:1409.4842, section 6).
func (a *augmenter) photoMap(s, size float64, rng *rand.Rand) affine {
	area := s * s * (a.CropScale + (1-a.CropScale)*rng.Float64())
	ratio := math.Exp((2*rng.Float64() - 1) * math.Log(4.0/3))
	w := math.Min(s, math.Sqrt(area*ratio))
	h := math.Min(s, math.Sqrt(area/ratio))
	x0 := rng.Float64() * (s - w)
	y0 := rng.Float64() * (s - h)
	m := affine{xx: w / size, x0: x0, yy: h / size, y0: y0}
	if rng.IntN(2) == 1 {
		m.xx, m.x0 = -m.xx, x0+w
	}
	return m
}

// textureMap is a square crop of 4 to 30 per cent of the area, turned by a random number of right angles, and mirrored half of the time.
func textureMap(s, size float64, rng *rand.Rand) affine {
	side := s * math.Sqrt(0.04+0.26*rng.Float64())
	m := affine{xx: side / size, yy: side / size}
	if rng.IntN(2) == 1 {
		m.xx, m.x0 = -m.xx, side
	}
	for range rng.IntN(4) { // (x, y) -> (y, size - x)
		m.xx, m.xy, m.x0 = m.xy, -m.xx, m.x0+m.xx*size
		m.yx, m.yy, m.y0 = m.yy, -m.yx, m.y0+m.yx*size
	}
	m.x0 += rng.Float64() * (s - side)
	m.y0 += rng.Float64() * (s - side)
	return m
}

// characterMap turns about the centre by quarter right angles and a little
// more, shears, zooms and moves.
func (a *augmenter) characterMap(s, size float64, quarter int, rng *rand.Rand) affine {
	u := func(r float64) float64 { return r * (2*rng.Float64() - 1) }
	turn := (u(a.Turn) + 90*float64(quarter)) * math.Pi / 180
	zx, zy := (1+u(a.Zoom))*s/size, (1+u(a.Zoom))*s/size
	shear := u(a.Shear)
	sin, cos := math.Sincos(turn)
	m := affine{xx: cos * zx, xy: (cos*shear - sin) * zy, yx: sin * zx, yy: (sin*shear + cos) * zy}
	c := size / 2
	m.x0 = s/2 + u(a.Shift)*s - m.xx*c - m.xy*c
	m.y0 = s/2 + u(a.Shift)*s - m.yx*c - m.yy*c
	return m
}

// sample fills rgb (size, size, 3) with bilinear samples of src; where a step
// covers more than 1.3 source pixels it averages 2x2 samples against aliasing.
// Outside the picture the border pixel is repeated.
func sample(rgb []float32, src []byte, srcSize, size int, m affine) {
	step := math.Max(math.Hypot(m.xx, m.yx), math.Hypot(m.xy, m.yy))
	sub := 1
	if step > 1.3 {
		sub = 2
	}
	weight := float32(1) / float32(sub*sub)
	limit := float64(srcSize - 1)
	i := 0
	for y := range size {
		for x := range size {
			var r, g, b float32
			for sy := range sub {
				for sx := range sub {
					px := float64(x) + (float64(sx)+0.5)/float64(sub)
					py := float64(y) + (float64(sy)+0.5)/float64(sub)
					u := min(max(m.xx*px+m.xy*py+m.x0-0.5, 0), limit)
					v := min(max(m.yx*px+m.yy*py+m.y0-0.5, 0), limit)
					u0, v0 := int(u), int(v)
					fu, fv := float32(u-float64(u0)), float32(v-float64(v0))
					u1, v1 := min(u0+1, srcSize-1), min(v0+1, srcSize-1)
					p00 := src[(v0*srcSize+u0)*3:][:3]
					p01 := src[(v0*srcSize+u1)*3:][:3]
					p10 := src[(v1*srcSize+u0)*3:][:3]
					p11 := src[(v1*srcSize+u1)*3:][:3]
					w00, w01, w10, w11 := (1-fu)*(1-fv), fu*(1-fv), (1-fu)*fv, fu*fv
					r += w00*float32(p00[0]) + w01*float32(p01[0]) + w10*float32(p10[0]) + w11*float32(p11[0])
					g += w00*float32(p00[1]) + w01*float32(p01[1]) + w10*float32(p10[1]) + w11*float32(p11[1])
					b += w00*float32(p00[2]) + w01*float32(p01[2]) + w10*float32(p10[2]) + w11*float32(p11[2])
				}
			}
			rgb[i], rgb[i+1], rgb[i+2] = r*weight, g*weight, b*weight
			i += 3
		}
	}
}

// thicken takes the darkest of each pixel and its four neighbours: one pixel more of dark strokes at each side. spare is as long as rgb.
func thicken(rgb, spare []float32, size int) {
	copy(spare, rgb)
	for y := range size {
		for x := range size {
			left, right := spare[(y*size+max(x-1, 0))*3:], spare[(y*size+min(x+1, size-1))*3:]
			up, down := spare[(max(y-1, 0)*size+x)*3:], spare[(min(y+1, size-1)*size+x)*3:]
			for c := range 3 {
				i := (y*size+x)*3 + c
				rgb[i] = min(rgb[i], left[c], right[c], up[c], down[c])
			}
		}
	}
}

// recolour changes brightness, contrast and saturation, or takes the colour
// away.
func (a *augmenter) recolour(rgb []float32, rng *rand.Rand) {
	u := func() float32 { return 1 + float32(a.Jitter*(2*rng.Float64()-1)) }
	bright, contrast, saturation := u(), u(), u()
	if rng.Float64() < a.Gray {
		saturation = 0
	}
	var mean float32
	for _, v := range rgb {
		mean += v
	}
	mean /= float32(len(rgb))
	for i := 0; i < len(rgb); i += 3 {
		r, g, b := rgb[i], rgb[i+1], rgb[i+2]
		gray := 0.299*r + 0.587*g + 0.114*b
		for c, v := range [3]float32{r, g, b} {
			v = gray + (v-gray)*saturation
			v = (mean + (v-mean)*contrast) * bright
			rgb[i+c] = min(max(v, 0), 255)
		}
	}
}

// eraseRect covers a rectangle of 2 to 20 per cent of the area (Zhong et al.
// 2017, arXiv:1708.04896): with one random colour in photos, with the colour
// of the corner, that is paper, in characters.
func eraseRect(rgb []float32, size int, kind Kind, rng *rand.Rand) {
	area := (0.02 + 0.18*rng.Float64()) * float64(size*size)
	if kind == Character {
		area /= 3
	}
	ratio := math.Exp((2*rng.Float64() - 1) * math.Log(3))
	w := min(size, max(1, int(math.Sqrt(area*ratio))))
	h := min(size, max(1, int(math.Sqrt(area/ratio))))
	x0, y0 := rng.IntN(size-w+1), rng.IntN(size-h+1)
	fill := [3]float32{rgb[0], rgb[1], rgb[2]}
	if kind == Photo {
		for c := range fill {
			fill[c] = float32(rng.IntN(256))
		}
	}
	for y := y0; y < y0+h; y++ {
		for x := x0; x < x0+w; x++ {
			copy(rgb[(y*size+x)*3:], fill[:])
		}
	}
}

// normalise writes rgb (size, size, 3) to dst (3, size, size) as
// (v/255-mean)/std.
func normalise(dst, rgb []float32, size int, mean, std [3]float32) {
	plane := size * size
	for c := range 3 {
		scale := 1 / (255 * std[c])
		shift := -mean[c] / std[c]
		out := dst[c*plane:][:plane]
		for i := range out {
			out[i] = rgb[i*3+c]*scale + shift
		}
	}
}
