package kernel

// Add adds x to y: y[i] += x[i] for i < len(x). y may alias x.
func Add[F Float](y, x []F) {
	need(y, len(x), "kernel: Add: insufficient length of y")
	if is32[F]() && add32(as32(y), as32(x)) {
		return
	}
	addGeneric(y, x)
}

func addGeneric[F Float](y, x []F) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] += v
	}
}

// Axpy adds a multiple of x to y: y[i] += alpha*x[i] for i < len(x), the product rounded first. y may alias x.
func Axpy[F Float](y []F, alpha F, x []F) {
	need(y, len(x), "kernel: Axpy: insufficient length of y")
	if is32[F]() && axpy32(as32(y), float32(alpha), as32(x)) {
		return
	}
	axpyGeneric(y, alpha, x)
}

func axpyGeneric[F Float](y []F, alpha F, x []F) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] += F(alpha * v)
	}
}

// Scale multiplies y by alpha: y[i] *= alpha.
func Scale[F Float](y []F, alpha F) {
	if is32[F]() && scale32(as32(y), float32(alpha)) {
		return
	}
	scaleGeneric(y, alpha)
}

func scaleGeneric[F Float](y []F, alpha F) {
	for i := range y {
		y[i] *= alpha
	}
}

// Dot returns the sum of x[i]*y[i] for i < len(x), in the 16-lane order with every product rounded.
func Dot[F Float](x, y []F) F {
	need(y, len(x), "kernel: Dot: insufficient length of y")
	if is32[F]() {
		if s, ok := dot32(as32(x), as32(y)); ok {
			return F(s)
		}
	}
	return dotGeneric(x, y)
}
