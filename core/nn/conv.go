package nn

import "haguruma/core/kernel"

// Conv is a square 2-D convolution over channels-last activations, computed as one matmul over unrolled patches.
// The stem uses it 3x3 with stride 2 and pad 1, the linear patch embedding with Size = Stride = patch and no pad.
//
//	Weight  (Out, Size, Size, In)
//	Bias    (Out)
type Conv[F Float] struct {
	Weight, Bias      []F
	In, Out           int
	Size, Stride, Pad int
}

// Patch is the number of inputs that feed one output position: the row length of col.
func (c *Conv[F]) Patch() int { return c.Size * c.Size * c.In }

// OutSize is the side of the output for an input side of size.
func (c *Conv[F]) OutSize(size int) int { return (size+2*c.Pad-c.Size)/c.Stride + 1 }

// Forward writes y, and col, the unrolled patches that Backward reads.
//
//	y    (batch, out*out, Out)           out = OutSize(size)
//	col  (batch, out*out, Patch)
//	x    (batch, size, size, In)
func (c *Conv[F]) Forward(y, col, x []F, batch, size int) {
	c.Unroll(col, x, batch, size)
	out := c.OutSize(size)
	rows := batch * out * out
	kernel.MatmulNT(y, col, c.Weight, rows, c.Out, c.Patch(), false)
	kernel.AddBias(y, c.Bias, rows, c.Out)
}

// Unroll writes the patches of x into col; shapes as in Forward.
func (c *Conv[F]) Unroll(col, x []F, batch, size int) {
	out := c.OutSize(size)
	in, cols := size*size*c.In, out*out*c.Patch()
	for b := range batch {
		kernel.Im2col(col[b*cols:(b+1)*cols], x[b*in:(b+1)*in], size, size, c.In, c.Size, c.Stride, c.Pad)
	}
}

// Backward adds into grad what is not nil there, and writes dx unless it is nil. It uses col, which Forward wrote, and dcol as scratch.
//
//	dx    (batch, size, size, In)        nil when the gradient of the input is not wanted
//	dcol  (batch, out*out, Patch)        may be nil when dx is; may alias col
//	dy    (batch, out*out, Out)
func (c *Conv[F]) Backward(grad *Conv[F], dx, dcol, dy, col []F, batch, size int) {
	out := c.OutSize(size)
	rows := batch * out * out
	if grad.Weight != nil {
		kernel.MatmulTN(grad.Weight, dy, col, c.Out, c.Patch(), rows, true)
	}
	if grad.Bias != nil {
		kernel.SumRows(grad.Bias, dy, rows, c.Out)
	}
	if dx == nil {
		return
	}
	kernel.MatmulNN(dcol, dy, c.Weight, rows, c.Patch(), c.Out, false)
	clear(dx)
	in, cols := size*size*c.In, out*out*c.Patch()
	for b := range batch {
		kernel.Col2im(dx[b*in:(b+1)*in], dcol[b*cols:(b+1)*cols], size, size, c.In, c.Size, c.Stride, c.Pad)
	}
}
