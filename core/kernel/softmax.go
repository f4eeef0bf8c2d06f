package kernel

import "math"

// Softmax writes the softmax of every row: y[r][j] = exp(x[r][j] - max_r) / sum_r. x and y are (rows, dim); y may alias x.
// Entries of -Inf get 0. A row that holds NaN or +Inf, or nothing but -Inf, becomes NaN.
func Softmax[F Float](y, x []F, rows, dim int) {
	dims(rows, dim, 0, "kernel: Softmax: negative dimension")
	need(y, rows*dim, "kernel: Softmax: insufficient length of y")
	need(x, rows*dim, "kernel: Softmax: insufficient length of x")
	if dim == 0 || is32[F]() && (softmaxWasm(as32(y), as32(x), rows, dim) || softmax32(as32(y), as32(x), rows, dim)) {
		return
	}
	for r := range rows {
		softmaxGeneric(y[r*dim:(r+1)*dim], x[r*dim:(r+1)*dim])
	}
}

// softmaxGeneric is Softmax of one row.
func softmaxGeneric[F Float](y, x []F) {
	max := F(math.Inf(-1))
	for _, v := range x {
		if v > max {
			max = v
		}
	}
	y = y[:len(x)]
	for i, v := range x {
		y[i] = expOf(v - max)
	}
	scaleGeneric(y, 1/sumGeneric(y))
}

// SoftmaxBackward is the backward of Softmax: with s = sum_j y[r][j] dy[r][j], dx[r][j] = y[r][j] * (dy[r][j] - s).
// y is the result of the forward. All are (rows, dim); dx may alias dy.
func SoftmaxBackward[F Float](dx, y, dy []F, rows, dim int) {
	dims(rows, dim, 0, "kernel: SoftmaxBackward: negative dimension")
	need(dx, rows*dim, "kernel: SoftmaxBackward: insufficient length of dx")
	need(y, rows*dim, "kernel: SoftmaxBackward: insufficient length of y")
	need(dy, rows*dim, "kernel: SoftmaxBackward: insufficient length of dy")
	if dim == 0 || is32[F]() && softmaxBackward32(as32(dx), as32(y), as32(dy), rows, dim) {
		return
	}
	for r := range rows {
		softmaxBackwardGeneric(dx[r*dim:(r+1)*dim], y[r*dim:(r+1)*dim], dy[r*dim:(r+1)*dim])
	}
}

// softmaxBackwardGeneric is SoftmaxBackward of one row.
func softmaxBackwardGeneric[F Float](dx, y, dy []F) {
	s := dotGeneric(y, dy)
	for i := range dx {
		dx[i] = y[i] * (dy[i] - s)
	}
}
