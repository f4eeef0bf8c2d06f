package vit

import (
	"math"

	"haguruma/core/nn"
)

// PositionRule is how a project resizes position embeddings when a picture has another size than those the model was
// trained on. All are bicubic; Forward resizes by the zero rule, so a model that is to run at another size as its authors
// ran it is resized once, with ResizePositions.
type PositionRule struct {
	// Offset makes the scale (out+Offset)/in, and so shifts the samples: 0.1 in DINO and DINOv2, where it once kept a
	// rounded size from becoming too small, and stayed because the released models are used with it.
	Offset float64
	// Antialias widens the kernel when a grid becomes smaller, and takes Keys' a = -0.5 for -0.75 either way: torch's
	// antialias=True, in timm and in the DINOv2 models with registers.
	Antialias bool
}

// ResizePositions returns the parameters for pictures of size x size pixels: the position embeddings are resized by the
// rule, everything else is copied, and the config says size. It panics when size does not pass Config.CheckSize.
func (p *Params[F]) ResizePositions(size int, rule PositionRule) *Params[F] {
	c := p.Config
	if c.CheckSize(size) != nil {
		panic("vit: ResizePositions: size does not pass CheckSize")
	}
	from := c.grid()
	c.ImageSize = size
	q := NewParams[F](c)
	for i := range q.tensors {
		t := &q.tensors[i]
		if t.Name != "pos_embed" {
			copy(t.Data, p.tensors[i].Data)
			continue
		}
		class := c.classTokens() * c.Dim
		copy(t.Data[:class], p.tensors[i].Data)
		resizeGrid(t.Data[class:], p.tensors[i].Data[class:], from, c.grid(), c.Dim, rule)
	}
	return q
}

// resizeGrid resizes (in, in, dim) to (out, out, dim), sums in float64.
func resizeGrid[F nn.Float](dst, src []F, in, out, dim int, rule PositionRule) {
	if in == out { // an offset moves nothing where nothing is resized
		copy(dst, src)
		return
	}
	taps := positionTaps(in, out, rule)
	across := make([]float64, in*out*dim)
	for row := range in {
		for i, tap := range taps {
			sum := across[(row*out+i)*dim:][:dim]
			for j, w := range tap.weight {
				for ch, v := range src[(row*in+tap.at[j])*dim:][:dim] {
					sum[ch] += float64(w * float64(v))
				}
			}
		}
	}
	line := make([]float64, out*dim)
	for i, tap := range taps {
		clear(line)
		for j, w := range tap.weight {
			for k, v := range across[tap.at[j]*out*dim:][:out*dim] {
				line[k] += float64(w * v)
			}
		}
		for k, v := range line {
			dst[i*out*dim+k] = F(v)
		}
	}
}

// positionTap is one output sample along an axis: the sum of weight[j] times the input at[j].
type positionTap struct {
	at     []int
	weight []float64
}

// positionTaps returns the taps of every output sample.
// Source: torch aten/src/ATen/native, UpSample.h (area_pixel_compute_source_index, cubic) and
// cpu/UpSampleKernel.cpp (HelperInterpBase::_compute_weights_aa).
func positionTaps(in, out int, rule PositionRule) []positionTap {
	scale := float64(in) / (float64(out) + rule.Offset)
	taps := make([]positionTap, out)
	for i := range taps {
		t := &taps[i]
		if !rule.Antialias {
			source := scale*(float64(i)+0.5) - 0.5
			base := math.Floor(source)
			for j := -1; j <= 2; j++ {
				t.at = append(t.at, min(max(int(base)+j, 0), in-1)) // the border is repeated
				t.weight = append(t.weight, cubic(base+float64(j)-source, -0.75))
			}
			continue
		}
		wide := max(scale, 1)
		center, support := scale*(float64(i)+0.5), 2*wide
		first := max(int(center-support+0.5), 0)
		total := 0.0
		for at := first; at < min(int(center+support+0.5), in); at++ {
			w := cubic((float64(at)-center+0.5)/wide, -0.5)
			t.at, t.weight, total = append(t.at, at), append(t.weight, w), total+w
		}
		for j := range t.weight {
			t.weight[j] /= total
		}
	}
	return taps
}

// cubic is the cubic convolution kernel with the parameter a. Source: Keys 1981, eq. 4.
func cubic(x, a float64) float64 {
	x = math.Abs(x)
	switch {
	case x < 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return ((a*x-5*a)*x+8*a)*x - 4*a
	}
	return 0
}
