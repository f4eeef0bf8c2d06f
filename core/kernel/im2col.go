package kernel

// Im2col gathers the patches of a convolution: x is (height, width, channels), channels last; col is (outH*outW, size*size*channels) with
// outH = (height+2*pad-size)/stride + 1 (outW alike) and columns in the order (ky, kx, channel). Pixels outside x are 0.
// A convolution is then MatmulNT(y, col, w, outH*outW, outChannels, size*size*channels).
func Im2col[F Float](col, x []F, height, width, channels, size, stride, pad int) {
	outH, outW := im2colSize(height, width, channels, size, stride, pad)
	need(col, outH*outW*size*size*channels, "kernel: Im2col: insufficient length of col")
	need(x, height*width*channels, "kernel: Im2col: insufficient length of x")
	span := size * channels
	for oy := range outH {
		for ox := range outW {
			left, right := clip(ox*stride-pad, size, width)
			for ky := range size {
				dst := col[:span]
				col = col[span:]
				iy := oy*stride - pad + ky
				if iy < 0 || iy >= height || left >= right {
					clear(dst)
					continue
				}
				clear(dst[:left*channels])
				at := (iy*width + ox*stride - pad) * channels
				copy(dst[left*channels:right*channels], x[at+left*channels:at+right*channels])
				clear(dst[right*channels:])
			}
		}
	}
}

// Interleave puts three planes side by side: dst = a[0], b[0], c[0], a[1], b[1], c[1], ... as far as a goes.
func Interleave[F Float](dst, a, b, c []F) {
	need(dst, 3*len(a), "kernel: Interleave: insufficient length of dst")
	need(b, len(a), "kernel: Interleave: insufficient length of b")
	need(c, len(a), "kernel: Interleave: insufficient length of c")
	done := 0
	if is32[F]() {
		done = interleaveWasm(as32(dst), as32(a), as32(b), as32(c))
	}
	b, c, dst = b[:len(a)], c[:len(a)], dst[:3*len(a)]
	for i := done; i < len(a); i++ {
		pixel := dst[3*i : 3*i+3 : 3*i+3]
		pixel[0], pixel[1], pixel[2] = a[i], b[i], c[i]
	}
}

// Col2im is the backward of Im2col: every element of dcol is added to the pixel it came from; those outside are dropped.
// dx is (height, width, channels), dcol is (outH*outW, size*size*channels).
func Col2im[F Float](dx, dcol []F, height, width, channels, size, stride, pad int) {
	outH, outW := im2colSize(height, width, channels, size, stride, pad)
	need(dcol, outH*outW*size*size*channels, "kernel: Col2im: insufficient length of dcol")
	need(dx, height*width*channels, "kernel: Col2im: insufficient length of dx")
	span := size * channels
	for oy := range outH {
		for ox := range outW {
			left, right := clip(ox*stride-pad, size, width)
			for ky := range size {
				src := dcol[:span]
				dcol = dcol[span:]
				iy := oy*stride - pad + ky
				if iy < 0 || iy >= height || left >= right {
					continue
				}
				at := (iy*width + ox*stride - pad) * channels
				Add(dx[at+left*channels:at+right*channels], src[left*channels:right*channels])
			}
		}
	}
}

// clip returns the part [left, right) of the window at..at+size that lies in [0, width), counted from the start of the window.
func clip(at, size, width int) (left, right int) {
	left, right = max(0, -at), min(size, width-at)
	return min(left, size), max(right, 0)
}

func im2colSize(height, width, channels, size, stride, pad int) (outH, outW int) {
	if height < 0 || width < 0 || channels < 0 || size < 1 || stride < 1 || pad < 0 {
		panic("kernel: Im2col: bad dimension")
	}
	if height+2*pad < size || width+2*pad < size {
		return 0, 0
	}
	return (height+2*pad-size)/stride + 1, (width+2*pad-size)/stride + 1
}
