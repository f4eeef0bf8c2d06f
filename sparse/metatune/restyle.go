package metatune

import (
	"math"
	"math/rand/v2"
)

// restyle changes all pictures of a task alike: rgb is (size, size, 3), 0..255.
type restyle func(rgb []float32, size int)

// drawRestyle draws one of: no colour, no colour and inverted, inverted, channels exchanged, a gamma of 0.5..2, blurred.
func drawRestyle(rng *rand.Rand) restyle {
	switch rng.IntN(6) {
	case 0:
		return func(rgb []float32, _ int) { gray(rgb) }
	case 1:
		return func(rgb []float32, _ int) {
			gray(rgb)
			invert(rgb)
		}
	case 2:
		return func(rgb []float32, _ int) { invert(rgb) }
	case 3:
		order := [5][3]int{{0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}[rng.IntN(5)]
		return func(rgb []float32, _ int) {
			for i := 0; i < len(rgb); i += 3 {
				p := [3]float32(rgb[i : i+3])
				rgb[i], rgb[i+1], rgb[i+2] = p[order[0]], p[order[1]], p[order[2]]
			}
		}
	case 4:
		return gamma(math.Exp2(2*rng.Float64() - 1))
	}
	return blur
}

func gray(rgb []float32) {
	for i := 0; i < len(rgb); i += 3 {
		v := 0.299*rgb[i] + 0.587*rgb[i+1] + 0.114*rgb[i+2]
		rgb[i], rgb[i+1], rgb[i+2] = v, v, v
	}
}

func invert(rgb []float32) {
	for i, v := range rgb {
		rgb[i] = 255 - v
	}
}

// gamma returns v -> 255 (v/255)^g, from a table.
func gamma(g float64) restyle {
	var table [256]float32
	for i := range table {
		table[i] = float32(255 * math.Pow(float64(i)/255, g))
	}
	return func(rgb []float32, _ int) {
		for i, v := range rgb {
			rgb[i] = table[int(min(max(v, 0), 255)+0.5)]
		}
	}
}

// blur softens the whole picture, twice.
func blur(rgb []float32, size int) { soften(rgb, size, 0, 0, size, size, 2) }

// soften averages each pixel of x0..x1-1, y0..y1-1 with its right and lower neighbours, some times.
func soften(rgb []float32, size, x0, y0, x1, y1, times int) {
	for range times {
		for y := y0; y < y1; y++ {
			for x := x0; x < x1; x++ {
				i, right, down := (y*size+x)*3, (y*size+min(x+1, size-1))*3, (min(y+1, size-1)*size+x)*3
				for c := range 3 {
					rgb[i+c] = 0.5*rgb[i+c] + 0.25*(rgb[right+c]+rgb[down+c])
				}
			}
		}
	}
}
