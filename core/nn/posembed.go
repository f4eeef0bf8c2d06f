package nn

import (
	"math"

	"haguruma/core/kernel"
)

// bicubicA is the free parameter of the cubic convolution kernel; -0.75 is what torch uses.
// Source: Keys 1981, eq. 4; torch aten/src/ATen/native/UpSample.h, cubic_convolution1 and 2.
const bicubicA = -0.75

// bicubicTaps returns the four source positions and weights of output position i when in samples are resized to out,
// with align_corners=False: the source coordinate is (i+0.5)*in/out - 0.5 and the border sample is repeated.
// Weights are computed in float64 with every product rounded on its own, so they are the same on every platform.
func bicubicTaps(i, in, out int) (at [4]int, weight [4]float64) {
	src := float64((float64(i)+0.5)*(float64(in)/float64(out))) - 0.5
	base := math.Floor(src)
	t := src - base
	weight = [4]float64{cubicFar(t + 1), cubicNear(t), cubicNear(1 - t), cubicFar(2 - t)}
	for j := range at {
		at[j] = min(max(int(base)-1+j, 0), in-1)
	}
	return at, weight
}

// cubicNear is the kernel for |x| <= 1: ((A+2)x - (A+3))x² + 1.
func cubicNear(x float64) float64 {
	y := float64((bicubicA+2)*x) - (bicubicA + 3)
	return float64(float64(y*x)*x) + 1
}

// cubicFar is the kernel for 1 < |x| < 2: ((Ax - 5A)x + 8A)x - 4A.
func cubicFar(x float64) float64 {
	y := float64(bicubicA*x) - 5*bicubicA
	y = float64(y*x) + 8*bicubicA
	return float64(y*x) - 4*bicubicA
}

// ResizePositions resizes a square grid of position embeddings by bicubic interpolation, as
// torch.nn.functional.interpolate(mode="bicubic", align_corners=False) does for an output size. Columns are resized
// first, then rows. When the sizes agree it copies.
//
//	dst      (out, out, dim)
//	src      (in, in, dim)
//	scratch  (in, out, dim)    unused when the sizes agree
func ResizePositions[F Float](dst, src, scratch []F, in, out, dim int) {
	if in == out {
		copy(dst, src[:in*in*dim])
		return
	}
	clear(scratch[:in*out*dim])
	clear(dst[:out*out*dim])
	for i := range out {
		at, weight := bicubicTaps(i, in, out)
		for row := range in {
			y := scratch[(row*out+i)*dim : (row*out+i+1)*dim]
			for j, w := range weight {
				kernel.Axpy(y, F(w), src[(row*in+at[j])*dim:(row*in+at[j]+1)*dim])
			}
		}
	}
	line := out * dim
	for i := range out {
		at, weight := bicubicTaps(i, in, out)
		for j, w := range weight {
			kernel.Axpy(dst[i*line:(i+1)*line], F(w), scratch[at[j]*line:(at[j]+1)*line])
		}
	}
}

// ResizePositionsBackward adds the transpose of ResizePositions applied to ddst into dsrc.
// Shapes as in ResizePositions.
func ResizePositionsBackward[F Float](dsrc, ddst, scratch []F, in, out, dim int) {
	if in == out {
		kernel.Add(dsrc[:in*in*dim], ddst[:in*in*dim])
		return
	}
	clear(scratch[:in*out*dim])
	line := out * dim
	for i := range out {
		at, weight := bicubicTaps(i, in, out)
		for j, w := range weight {
			kernel.Axpy(scratch[at[j]*line:(at[j]+1)*line], F(w), ddst[i*line:(i+1)*line])
		}
	}
	for i := range out {
		at, weight := bicubicTaps(i, in, out)
		for row := range in {
			dy := scratch[(row*out+i)*dim : (row*out+i+1)*dim]
			for j, w := range weight {
				kernel.Axpy(dsrc[(row*in+at[j])*dim:(row*in+at[j]+1)*dim], F(w), dy)
			}
		}
	}
}
