package picture

import "math"

// Square returns the centre size x size pixels of p resized so that its
// shorter side is size: torchvision's Resize(size) and CenterCrop(size), which
// most backbones were trained with. Only what the crop shows is computed. It
// panics if size < 1 or p is empty.
func (p *Picture) Square(size int) *Picture {
	if size < 1 || p.Width < 1 || p.Height < 1 {
		panic("picture: Square: size or picture is empty")
	}
	width, height := size, size
	if p.Width > p.Height {
		width = size * p.Width / p.Height
	} else {
		height = size * p.Height / p.Width
	}
	return p.resample(width, height, middle(width-size), middle(height-size), size, size)
}

// middle is half of spare, a half rounded to even, as torchvision's CenterCrop
// rounds it.
func middle(spare int) int {
	if spare%4 == 3 {
		return spare/2 + 1
	}
	return spare / 2
}

// Resize returns p as width x height pixels. Each output pixel is the average
// of the input under a triangle whose half width is one output pixel, or one
// input pixel when enlarging: the filter and the arithmetic of PIL's
// Image.resize with BILINEAR, so the same bits everywhere. It panics if a side
// is < 1 or p is empty.
func (p *Picture) Resize(width, height int) *Picture {
	if width < 1 || height < 1 || p.Width < 1 || p.Height < 1 {
		panic("picture: Resize: size or picture is empty")
	}
	return p.resample(width, height, 0, 0, width, height)
}

// resample returns the w x h pixels at (x, y) of p resized to width x height:
// first along the rows, rounded to 8 bits, then along the columns.
func (p *Picture) resample(width, height, x, y, w, h int) *Picture {
	across := newTaps(p.Width, width, x, w)
	down := newTaps(p.Height, height, y, h)
	top, bottom := down.first[0], down.first[h-1]+down.count[h-1]
	rows := p.Pix[channels*p.Width*top : channels*p.Width*bottom]
	if width != p.Width || w != width {
		rows = across.rows(rows, p.Width, bottom-top)
	}
	out := &Picture{Width: w, Height: h, Pix: make([]uint8, channels*w*h)}
	if height == p.Height {
		copy(out.Pix, rows) // down.first[0] is y
		return out
	}
	down.columns(out.Pix, rows, channels*w, top)
	return out
}

// taps are the weights of a resize along one axis: output i is the sum over t
// of weight[i*size+t] * input first[i]+t, t < count[i].
type taps struct {
	first, count []int
	size         int
	weight       []int32 // weightBits fractional bits
}

// weightBits is PIL's PRECISION_BITS: 8 bits for the sample and 2 to spare in
// an int32. The weights of an output add up to 2^22 but for their rounding, so
// a sum stays below 2^31.
const weightBits = 32 - 8 - 2

// newTaps returns the weights of outputs from .. from+n-1 when in samples
// become out. As precompute_coeffs of PIL's Resample.c, with the triangle
// filter; the conversions keep compilers from fusing a product into a sum.
func newTaps(in, out, from, n int) *taps {
	scale := float64(in) / float64(out)
	support := max(scale, 1) // half width of the triangle, in input samples
	t := &taps{first: make([]int, n), count: make([]int, n), size: min(2*int(math.Ceil(support))+1, in)}
	t.weight = make([]int32, n*t.size)
	inverse := 1 / support
	real := make([]float64, t.size)
	for i := range n {
		center := float64((float64(from+i) + 0.5) * scale)
		first := max(int(center-support+0.5), 0)
		count := min(int(center+support+0.5), in) - first
		total := 0.0
		for j := range count {
			real[j] = max(1-math.Abs(float64((float64(first+j)-center+0.5)*inverse)), 0)
			total += real[j]
		}
		for j, v := range real[:count] {
			t.weight[i*t.size+j] = int32(0.5 + float64(v/total)*(1<<weightBits))
		}
		t.first[i], t.count[i] = first, count
	}
	return t
}

// rows filters height rows of width pixels, along the row.
func (t *taps) rows(pix []uint8, width, height int) []uint8 {
	out := make([]uint8, channels*len(t.first)*height)
	o := 0
	for y := range height {
		row := pix[channels*width*y : channels*width*(y+1)]
		for i, first := range t.first {
			weight := t.weight[i*t.size : i*t.size+t.count[i]]
			src := row[channels*first : channels*(first+len(weight))]
			r, g, b := int32(1<<(weightBits-1)), int32(1<<(weightBits-1)), int32(1<<(weightBits-1))
			for _, w := range weight {
				if len(src) < channels { // never: tells the compiler
					break
				}
				r += int32(src[0]) * w
				g += int32(src[1]) * w
				b += int32(src[2]) * w
				src = src[channels:]
			}
			dst := out[o : o+3 : o+3]
			dst[0], dst[1], dst[2] = round8(r), round8(g), round8(b)
			o += channels
		}
	}
	return out
}

// columns filters rows of stride bytes, across them; pix begins with row top.
func (t *taps) columns(out, pix []uint8, stride, top int) {
	sum := make([]int32, stride)
	for i, first := range t.first {
		for x := range sum {
			sum[x] = 1 << (weightBits - 1)
		}
		for j, w := range t.weight[i*t.size : i*t.size+t.count[i]] {
			row := pix[stride*(first-top+j):][:len(sum)]
			for x := range sum {
				sum[x] += int32(row[x]) * w
			}
		}
		dst := out[stride*i:][:len(sum)]
		for x, v := range sum {
			dst[x] = round8(v)
		}
	}
}

// round8 drops the fraction of a sum that began at one half. Over thousands of
// taps the weights' own rounding may carry it past 255.
func round8(v int32) uint8 { return uint8(min(v>>weightBits, 255)) }
