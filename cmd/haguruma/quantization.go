package main

import (
	"fmt"
	"math"
	"math/rand/v2"

	"haguruma/core/picture"
	"haguruma/core/vit"
)

// quantizationCheck says how near int8 embeddings are to float32's.
type quantizationCheck struct {
	Pictures int     `json:"pictures"`
	Kind     string  `json:"kind"`
	Least    float64 `json:"least"` // cosine
	Mean     float64 `json:"mean"`
}

// compareInt8 embeds pictures with both. Without files it makes some up: shapes, gradients and noise, which is not what a
// backbone was trained on, but enough to see that nothing was lost.
func compareInt8(params *vit.Params[float32], model *vit.Int8Model, arguments []string) (*quantizationCheck, error) {
	var pictures []func() (*picture.Picture, error)
	check := &quantizationCheck{Kind: "pictures", Least: math.Inf(1)}
	if len(arguments) == 0 {
		check.Kind = "made-up pictures"
		for seed := range 4 {
			pictures = append(pictures, func() (*picture.Picture, error) { return madeUp(uint64(seed)), nil })
		}
	} else {
		files, _, err := pictureFiles(arguments)
		if err != nil {
			return nil, fmt.Errorf("--check: %w", err)
		}
		for _, file := range files {
			pictures = append(pictures, func() (*picture.Picture, error) { return readPicture(file) })
		}
	}
	c := params.Config
	full, act := vit.NewModel(params), vit.NewActivations[float32](false)
	pixels, want, have := make([]float32, 3*c.ImageSize*c.ImageSize), make([]float32, c.Dim), make([]float32, c.Dim)
	for _, open := range pictures {
		pic, err := open()
		if err != nil {
			return nil, fmt.Errorf("--check: %w", err)
		}
		pic.Square(c.ImageSize).Tensor(pixels, c.Mean, c.Std)
		full.Forward(want, pixels, 1, c.ImageSize, act)
		model.Embed(have, pixels, 1, c.ImageSize)
		cosine := cosineOf(want, have)
		if math.IsNaN(cosine) {
			return nil, importError{fmt.Errorf("the backbone gives no direction: an embedding is zero or not finite")}
		}
		check.Least = min(check.Least, cosine)
		check.Mean += cosine / float64(len(pictures))
	}
	check.Pictures = len(pictures)
	return check, nil
}

func cosineOf(x, y []float32) float64 {
	var xy, xx, yy float64
	for i, v := range x {
		w := float64(y[i])
		xy, xx, yy = xy+float64(v)*w, xx+float64(v)*float64(v), yy+w*w
	}
	return xy / math.Sqrt(xx*yy)
}

// madeUp is a picture of a gradient, a disc and a square, with noise.
func madeUp(seed uint64) *picture.Picture {
	const width, height = 160, 120
	rng := rand.New(rand.NewPCG(seed, 1))
	color := func() (c [3]float64) {
		for i := range c {
			c[i] = 255 * rng.Float64()
		}
		return c
	}
	left, right, disc, square := color(), color(), color(), color()
	x0, y0, radius, side := rng.Float64()*width, rng.Float64()*height, 15+30*rng.Float64(), 20+40*rng.Float64()
	x1, y1 := rng.Float64()*width, rng.Float64()*height
	p := &picture.Picture{Width: width, Height: height, Pix: make([]uint8, 0, 3*width*height)}
	for y := range height {
		for x := range width {
			fx, fy := float64(x), float64(y)
			for ch := range 3 {
				v := left[ch] + (right[ch]-left[ch])*fx/width
				if math.Hypot(fx-x0, fy-y0) < radius {
					v = disc[ch]
				}
				if fx > x1 && fx < x1+side && fy > y1 && fy < y1+side {
					v = square[ch]
				}
				p.Pix = append(p.Pix, uint8(min(max(v+8*rng.NormFloat64(), 0), 255)))
			}
		}
	}
	return p
}
