package picture

import (
	"image"
	"image/color"
)

// canvas is where a decoder's pixels go: the pixel (x, y) of the file lands at
// byte at + x*dx + y*dy of pix. The steps carry the orientation, so that a
// turned photo costs no second copy.
type canvas struct {
	pix        []uint8
	at, dx, dy int
}

// orientation is the EXIF tag of that name (EXIF 2.32, tag 0x0112): where the
// file's first row and first column belong on the upright picture.
type orientation int

const (
	upright      orientation = 1 // row 0 top, column 0 left
	mirrored     orientation = 2 // top, right
	upsideDown   orientation = 3 // bottom, right
	flipped      orientation = 4 // bottom, left
	transposed   orientation = 5 // left, top
	turnedRight  orientation = 6 // right, top: to be turned clockwise
	transversed  orientation = 7 // right, bottom
	turnedLeft   orientation = 8 // left, bottom: to be turned counter-clockwise
	firstSideway             = transposed
)

// newCanvas returns an upright white-less (zero) picture for a file of
// width x height pixels, and the way into it.
func newCanvas(width, height int, turn orientation) (*Picture, *canvas) {
	p := &Picture{Width: width, Height: height}
	if turn >= firstSideway {
		p.Width, p.Height = height, width
	}
	p.Pix = make([]uint8, channels*width*height)
	right, down := channels, channels*p.Width // one pixel, one row of the upright picture
	c := &canvas{pix: p.Pix}
	lastX, lastY := right*(p.Width-1), down*(p.Height-1)
	switch turn {
	case mirrored:
		c.at, c.dx, c.dy = lastX, -right, down
	case upsideDown:
		c.at, c.dx, c.dy = lastX+lastY, -right, -down
	case flipped:
		c.at, c.dx, c.dy = lastY, right, -down
	case transposed:
		c.at, c.dx, c.dy = 0, down, right
	case turnedRight:
		c.at, c.dx, c.dy = lastX, down, -right
	case transversed:
		c.at, c.dx, c.dy = lastX+lastY, -down, -right
	case turnedLeft:
		c.at, c.dx, c.dy = lastY, -down, right
	default:
		c.at, c.dx, c.dy = 0, right, down
	}
	return p, c
}

// sub is the canvas whose pixel (0, 0) is c's (x, y).
func (c *canvas) sub(x, y int) *canvas {
	return &canvas{pix: c.pix, at: c.at + x*c.dx + y*c.dy, dx: c.dx, dy: c.dy}
}

// draw writes all pixels of m. studio tells that YCbCr is of the range that
// video uses, as in lossy WebP, and not JPEG's full range.
func (c *canvas) draw(m image.Image, studio bool) {
	b := m.Bounds()
	w, h := b.Dx(), b.Dy()
	switch m := m.(type) {
	case *image.YCbCr:
		c.ycbcr(m, studio)
	case *image.NYCbCrA:
		c.ycbcr(&m.YCbCr, studio)
		c.fade(m.A[m.AOffset(b.Min.X, b.Min.Y):], m.AStride, w, h)
	case *image.NRGBA:
		c.nrgba(m.Pix, m.Stride, w, h)
	case *image.RGBA:
		c.rgba(m.Pix, m.Stride, w, h)
	case *image.Gray:
		c.gray(m.Pix, m.Stride, 1, w, h)
	case *image.Gray16:
		c.gray(m.Pix, m.Stride, 2, w, h)
	case *image.NRGBA64:
		c.deep(m.Pix, m.Stride, w, h, false)
	case *image.RGBA64:
		c.deep(m.Pix, m.Stride, w, h, true)
	case *image.Paletted:
		c.paletted(m, w, h)
	case *image.CMYK:
		c.cmyk(m.Pix, m.Stride, w, h)
	default: // none of our decoders
		for y := range h {
			o := c.at + y*c.dy
			for x := range w {
				v := color.NRGBAModel.Convert(m.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA)
				over(c.pix[o:o+3:o+3], v.R, v.G, v.B, v.A)
				o += c.dx
			}
		}
	}
}

// over writes r, g, b with opacity a over white, rounded to nearest.
func over(dst []uint8, r, g, b, a uint8) {
	_ = dst[2]
	white := 255*(255-uint32(a)) + 127
	dst[0] = uint8((uint32(r)*uint32(a) + white) / 255)
	dst[1] = uint8((uint32(g)*uint32(a) + white) / 255)
	dst[2] = uint8((uint32(b)*uint32(a) + white) / 255)
}

// nrgba draws 8-bit RGBA that is not premultiplied.
func (c *canvas) nrgba(pix []uint8, stride, w, h int) {
	for y := range h {
		row := pix[y*stride : y*stride+4*w]
		o := c.at + y*c.dy
		for ; len(row) >= 4; row = row[4:] {
			dst := c.pix[o : o+3 : o+3]
			if a := row[3]; a == 255 {
				dst[0], dst[1], dst[2] = row[0], row[1], row[2]
			} else {
				over(dst, row[0], row[1], row[2], a)
			}
			o += c.dx
		}
	}
}

// rgba draws 8-bit premultiplied RGBA.
func (c *canvas) rgba(pix []uint8, stride, w, h int) {
	for y := range h {
		row := pix[y*stride : y*stride+4*w]
		o := c.at + y*c.dy
		for ; len(row) >= 4; row = row[4:] {
			dst := c.pix[o : o+3 : o+3]
			white := 255 - row[3]
			dst[0] = min(row[0], row[3]) + white
			dst[1] = min(row[1], row[3]) + white
			dst[2] = min(row[2], row[3]) + white
			o += c.dx
		}
	}
}

// gray draws one channel of step bytes a pixel, most significant first.
func (c *canvas) gray(pix []uint8, stride, step, w, h int) {
	for y := range h {
		row := pix[y*stride : y*stride+step*w]
		o := c.at + y*c.dy
		for x := 0; x < len(row); x += step {
			v := row[x]
			dst := c.pix[o : o+3 : o+3]
			dst[0], dst[1], dst[2] = v, v, v
			o += c.dx
		}
	}
}

// deep draws 16-bit RGBA by its upper bytes.
func (c *canvas) deep(pix []uint8, stride, w, h int, premultiplied bool) {
	line := make([]uint8, 4*w)
	for y := range h {
		row := pix[y*stride : y*stride+8*w]
		for x := range line {
			line[x] = row[2*x]
		}
		to := c.sub(0, y)
		if premultiplied {
			to.rgba(line, 4*w, w, 1)
		} else {
			to.nrgba(line, 4*w, w, 1)
		}
	}
}

// paletted draws indices; one without a colour is black, as browsers have it.
func (c *canvas) paletted(m *image.Paletted, w, h int) {
	var table [256][3]uint8
	for i, entry := range m.Palette[:min(len(m.Palette), 256)] {
		v := color.NRGBAModel.Convert(entry).(color.NRGBA)
		over(table[i][:], v.R, v.G, v.B, v.A)
	}
	for y := range h {
		o := c.at + y*c.dy
		for _, index := range m.Pix[y*m.Stride : y*m.Stride+w] {
			dst, v := c.pix[o:o+3:o+3], &table[index]
			dst[0], dst[1], dst[2] = v[0], v[1], v[2]
			o += c.dx
		}
	}
}

// cmyk draws ink amounts, by the formula of color.CMYKToRGB.
func (c *canvas) cmyk(pix []uint8, stride, w, h int) {
	for y := range h {
		row := pix[y*stride : y*stride+4*w]
		o := c.at + y*c.dy
		for ; len(row) >= 4; row = row[4:] {
			dst := c.pix[o : o+3 : o+3]
			light := 0xffff - uint32(row[3])*0x101
			dst[0] = uint8((0xffff - uint32(row[0])*0x101) * light / 0xffff >> 8)
			dst[1] = uint8((0xffff - uint32(row[1])*0x101) * light / 0xffff >> 8)
			dst[2] = uint8((0xffff - uint32(row[2])*0x101) * light / 0xffff >> 8)
			o += c.dx
		}
	}
}

// fade lets white through what is drawn already, by an alpha plane.
func (c *canvas) fade(alpha []uint8, stride, w, h int) {
	for y := range h {
		o := c.at + y*c.dy
		for _, a := range alpha[y*stride : y*stride+w] {
			if a != 255 {
				dst := c.pix[o : o+3 : o+3]
				over(dst, dst[0], dst[1], dst[2], a)
			}
			o += c.dx
		}
	}
}

// luma is the fixed-point form of R = y*Y + r*Cr, G = y*Y - gb*Cb - gr*Cr,
// B = y*Y + b*Cb, with Y - black and Cb, Cr - 128, in 16 fractional bits.
type luma struct {
	black           int32
	y, r, gb, gr, b int32
	half            int32
}

var (
	// JFIF 1.02, section "Conversion to and from RGB"; the numbers and the
	// rounding of image/color.YCbCrToRGB, which these bits equal.
	fullRange = luma{y: 0x10101, r: 91881, gb: 22554, gr: 46802, b: 116130}
	// ITU-R BT.601 with Y in 16..235, Cb and Cr in 16..240, as RFC 6386
	// (section 9.2) has it for VP8: 255/219, and JFIF's numbers times 255/224.
	studioRange = luma{black: 16, y: 76309, r: 104597, gb: 25675, gr: 53279, b: 132201, half: 1 << 15}
)

// ycbcr draws luma and chroma planes; a chroma sample covers all its pixels.
func (c *canvas) ycbcr(m *image.YCbCr, studio bool) {
	k := &fullRange
	if studio {
		k = &studioRange
	}
	b := m.Rect
	w, h := b.Dx(), b.Dy()
	shift := 0 // of x, to a column of chroma
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420:
		shift = 1
	case image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410:
		shift = 2
	}
	for y := range h {
		yo, co := m.YOffset(b.Min.X, b.Min.Y+y), m.COffset(b.Min.X, b.Min.Y+y)
		first := b.Min.X >> shift
		n := (b.Max.X-1)>>shift - first + 1
		cb, cr := m.Cb[co:co+n], m.Cr[co:co+n]
		row := m.Y[yo : yo+w]
		o := c.at + y*c.dy
		for i, end := 0, (first+1)<<shift-b.Min.X; i < n; i, end = i+1, end+1<<shift {
			u, v := int32(cb[i])-128, int32(cr[i])-128
			red, green, blue := k.half+k.r*v, k.half-k.gb*u-k.gr*v, k.half+k.b*u
			for x := max(end-1<<shift, 0); x < min(end, w); x++ { // the pixels of one chroma sample
				light := (int32(row[x]) - k.black) * k.y
				dst := c.pix[o : o+3 : o+3]
				dst[0], dst[1], dst[2] = clamp(light+red), clamp(light+green), clamp(light+blue)
				o += c.dx
			}
		}
	}
}

// clamp rounds 16 fractional bits down, into 0..255.
func clamp(v int32) uint8 {
	if uint32(v)&0xff000000 == 0 {
		return uint8(v >> 16)
	}
	return uint8(^(v >> 31))
}
