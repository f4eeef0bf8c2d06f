package picture

import "fmt"

// Picture is an upright image without transparency.
//
//	Pix  (Height, Width, 3)  red, green, blue, 0..255, sRGB
type Picture struct {
	Width, Height int
	Pix           []uint8
}

// channels of a Picture's pixel.
const channels = 3

// FromRGBA returns the picture of a canvas, composited over white.
//
//	pix  (height, width, 4)  red, green, blue, alpha; not premultiplied
//
// pix is not kept. The errors wrap ErrEmpty, ErrTooLarge (a size that does not
// fit memory) or ErrTruncated (len(pix) is not 4*width*height).
func FromRGBA(pix []byte, width, height int) (*Picture, error) {
	if width <= 0 || height <= 0 {
		return nil, fmt.Errorf("picture: canvas of %d x %d pixels: %w", width, height, ErrEmpty)
	}
	if width > maxInt/4/height {
		return nil, fmt.Errorf("picture: canvas of %d x %d pixels: %w", width, height, ErrTooLarge)
	}
	if len(pix) != 4*width*height {
		return nil, fmt.Errorf("picture: canvas of %d x %d pixels: want %d bytes, have %d: %w", width, height, 4*width*height, len(pix), ErrTruncated)
	}
	p, c := newCanvas(width, height, upright)
	c.nrgba(pix, 4*width, width, height)
	return p, nil
}

const maxInt = int(^uint(0) >> 1)

// Crop returns a copy of the rectangle of width x height pixels whose upper
// left corner is (x, y). It panics if the rectangle is empty or not inside p.
func (p *Picture) Crop(x, y, width, height int) *Picture {
	if width <= 0 || height <= 0 || x < 0 || y < 0 || x > p.Width-width || y > p.Height-height {
		panic("picture: Crop: rectangle is empty or outside the picture")
	}
	out := &Picture{Width: width, Height: height, Pix: make([]uint8, channels*width*height)}
	for row := range height {
		from := channels * ((y+row)*p.Width + x)
		copy(out.Pix[channels*width*row:channels*width*(row+1)], p.Pix[from:])
	}
	return out
}

// Mirror returns a copy with left and right exchanged.
func (p *Picture) Mirror() *Picture {
	out := &Picture{Width: p.Width, Height: p.Height, Pix: make([]uint8, len(p.Pix))}
	for y := range p.Height {
		for x := range p.Width {
			from, to := channels*(y*p.Width+x), channels*(y*p.Width+p.Width-1-x)
			copy(out.Pix[to:to+channels], p.Pix[from:])
		}
	}
	return out
}

// Tensor writes (v/255 - mean) / std, channels first, the input of a backbone.
//
//	dst        (3, Height, Width)
//	mean, std  per channel, in units of the 0..1 range
//
// It panics if dst is not 3*Height*Width long.
func (p *Picture) Tensor(dst []float32, mean, std [3]float32) {
	n := p.Width * p.Height
	if len(dst) != channels*n || len(p.Pix) != channels*n {
		panic("picture: Tensor: len(dst) != 3*Height*Width")
	}
	for c := range channels {
		var table [256]float32
		for v := range table {
			table[v] = (float32(v)/255 - mean[c]) / std[c]
		}
		plane, pix := dst[c*n:(c+1)*n], p.Pix[c:]
		for i := range plane {
			plane[i] = table[pix[channels*i]]
		}
	}
}
