package metatune

import (
	"math"
	"math/rand/v2"
)

// mostDefects is how many classes a task of defects may have: each has a shape of its own.
const mostDefects = int(defectShapes) - 1

// defect is one class of a made-up inspection task: what is on every picture of it, at another place each time.
type defect struct {
	shape  defectShape
	colour [3]float32 // lighter or darker than middle gray by
	width  float64    // of a stroke, share of the picture's side
	length float64    // of a stroke, or the side of an area, share of the picture's side
	angle  float64    // of a stroke, radians
	spread float64    // that the angle varies by, to both sides
	count  int        // of them on a picture, at most
}

type defectShape int

const (
	defectNone    defectShape = iota // a good part
	defectScratch                    // straight strokes
	defectCrack                      // strokes that wander
	defectPit                        // small discs
	defectStain                      // a disc with soft edges
	defectRing                       // a circle's outline
	defectChip                       // the border bitten away
	defectSmear                      // an area blurred
	defectGrain                      // an area with noise
	defectShapes
)

// drawDefects draws the classes of an inspection task: one picture, whose crops are the parts, and a defect for each class, the first of
// which is none two times in three. In half of the tasks the parts are nearly alike, in the others they are crops of a texture. It makes
// tasks of where to look that no training set has; none of the industrial sets was looked at to choose the shapes.
func drawDefects(a *augmenter, s *pixels, large []int, size int, rng *rand.Rand) func(label int) func(dst []float32) {
	images := s.images[large[rng.IntN(len(large))]]
	src := images[rng.IntN(len(images))]
	kind := Texture
	if rng.IntN(2) == 0 {
		kind = Photo
		a.CropScale = 0.7
	}
	if a.restyle == nil && rng.IntN(2) == 0 {
		a.restyle = func(rgb []float32, _ int) { gray(rgb) }
	}
	shapes := rng.Perm(mostDefects)
	return func(label int) func(dst []float32) {
		d := drawDefect(defectShape(1+shapes[label]), rng)
		if label == 0 && rng.IntN(3) > 0 {
			d.shape = defectNone
		}
		return func(dst []float32) {
			a.mark = func(rgb []float32, size int) { d.mark(rgb, size, rng) }
			a.draw(dst, src, s.size, size, kind, 0, rng)
		}
	}
}

func drawDefect(shape defectShape, rng *rand.Rand) defect {
	between := func(low, high float64) float64 { return low + (high-low)*rng.Float64() }
	d := defect{shape: shape, width: between(0.02, 0.06), length: between(0.2, 0.7), angle: between(0, math.Pi), spread: math.Pi, count: 1 + rng.IntN(3)}
	if rng.IntN(2) == 0 {
		d.spread = 0.3
	}
	sign := float64(1 - 2*rng.IntN(2))
	strength := sign * between(50, 140)
	for c := range d.colour {
		d.colour[c] = float32(strength + between(-25, 25))
	}
	switch shape {
	case defectPit:
		d.width, d.count = between(0.04, 0.09), 2+rng.IntN(6)
	case defectStain:
		d.width, d.count = between(0.2, 0.45), 1
	case defectChip, defectSmear, defectGrain:
		d.length, d.count = between(0.25, 0.5), 1
	}
	return d
}

// mark puts the defect on a picture (size, size, 3), somewhere.
func (d defect) mark(rgb []float32, size int, rng *rand.Rand) {
	s := float64(size)
	for range 1 + rng.IntN(max(d.count, 1)) {
		x, y := (0.1+0.8*rng.Float64())*s, (0.1+0.8*rng.Float64())*s
		switch d.shape {
		case defectScratch, defectCrack:
			angle := d.angle + d.spread*(2*rng.Float64()-1)
			x, y = x-0.3*d.length*s*math.Cos(angle), y-0.3*d.length*s*math.Sin(angle)
			for range int(d.length * s) {
				d.stamp(rgb, size, x, y, d.width*s/2, false)
				if d.shape == defectCrack {
					angle += rng.NormFloat64() * 0.35
				}
				x, y = x+math.Cos(angle), y+math.Sin(angle)
			}
		case defectPit:
			d.stamp(rgb, size, x, y, d.width*s/2, false)
		case defectStain:
			d.stamp(rgb, size, x, y, d.width*s, true)
		case defectRing:
			radius := d.length * s / 3
			for i := range int(7 * radius) {
				sin, cos := math.Sincos(float64(i) / radius)
				d.stamp(rgb, size, x+radius*cos, y+radius*sin, d.width*s/2, false)
			}
		case defectChip:
			side := 2 * rng.IntN(2) // left and top, or right and bottom
			if rng.IntN(2) == 0 {
				x = float64(side) / 2 * s
			} else {
				y = float64(side) / 2 * s
			}
			d.stamp(rgb, size, x, y, d.length*s*0.7, false)
		case defectSmear, defectGrain:
			d.area(rgb, size, int(x), int(y), rng)
		}
	}
}

// stamp draws a disc half of the way to the defect's colour, or with soft edges. What strokes pass over again only comes nearer to it.
func (d defect) stamp(rgb []float32, size int, cx, cy, radius float64, soft bool) {
	radius = max(radius, 0.7)
	for y := max(0, int(cy-radius)); y <= min(size-1, int(cy+radius)); y++ {
		for x := max(0, int(cx-radius)); x <= min(size-1, int(cx+radius)); x++ {
			r := math.Hypot(float64(x)+0.5-cx, float64(y)+0.5-cy) / radius
			if r >= 1 {
				continue
			}
			share := float32(0.5)
			if soft {
				share = float32(1 - r)
			}
			p := rgb[(y*size+x)*3:][:3]
			for c := range p {
				p[c] += share * (min(max(127.5+d.colour[c]*0.9, 0), 255) - p[c])
			}
		}
	}
}

// area blurs a square around a place, or adds noise to it.
func (d defect) area(rgb []float32, size, cx, cy int, rng *rand.Rand) {
	half := int(d.length * float64(size) / 2)
	x0, x1, y0, y1 := max(0, cx-half), min(size, cx+half), max(0, cy-half), min(size, cy+half)
	if d.shape == defectGrain {
		for y := y0; y < y1; y++ {
			for x := x0; x < x1; x++ {
				v := d.colour[0] / 2 * float32(rng.NormFloat64())
				for c := range 3 {
					i := (y*size+x)*3 + c
					rgb[i] = min(max(rgb[i]+v, 0), 255)
				}
			}
		}
		return
	}
	soften(rgb, size, x0, y0, x1, y1, 6)
}
