package kernel

// Sigmoid writes y[i] = 1/(1 + exp(-scale*x[i])) for i < len(x). y may alias x. TestSigmoid states the largest error.
func Sigmoid[F Float](y, x []F, scale F) {
	need(y, len(x), "kernel: Sigmoid: insufficient length of y")
	if is32[F]() && sigmoid32(as32(y), as32(x), float32(scale)) {
		return
	}
	sigmoidGeneric(y, x, scale)
}

func sigmoidGeneric[F Float](y, x []F, scale F) {
	y = y[:len(x)]
	for i, v := range x {
		v *= scale
		low := v
		if v > 0 {
			low = -v
		}
		e := expOf(low) // of what is not above 0: it cannot overflow
		one := F(1)
		if v < 0 {
			one = e
		}
		y[i] = one / (1 + e)
	}
}

// SigmoidBackward writes dx[i] = dy[i] * y[i]*(1 - y[i]) for i < len(y), y being what Sigmoid gave with scale 1. dx may alias dy or y.
func SigmoidBackward[F Float](dx, dy, y []F) {
	need(dx, len(y), "kernel: SigmoidBackward: insufficient length of dx")
	need(dy, len(y), "kernel: SigmoidBackward: insufficient length of dy")
	if is32[F]() && sigmoidBackward32(as32(dx), as32(dy), as32(y)) {
		return
	}
	sigmoidBackwardGeneric(dx, dy, y)
}

func sigmoidBackwardGeneric[F Float](dx, dy, y []F) {
	dx, dy = dx[:len(y)], dy[:len(y)]
	for i, v := range y {
		dx[i] = F(dy[i]*v) * (1 - v)
	}
}
