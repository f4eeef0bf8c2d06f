package kernel

// MulAdd adds a product of elements: y[i] += a[i]*b[i] for i < len(a), the product rounded first. y may alias a or b.
func MulAdd[F Float](y, a, b []F) {
	need(y, len(a), "kernel: MulAdd: insufficient length of y")
	need(b, len(a), "kernel: MulAdd: insufficient length of b")
	if is32[F]() && mulAdd32(as32(y), as32(a), as32(b)) {
		return
	}
	mulAddGeneric(y, a, b)
}

func mulAddGeneric[F Float](y, a, b []F) {
	y, b = y[:len(a)], b[:len(a)]
	for i, v := range a {
		y[i] += F(v * b[i])
	}
}

// Mul multiplies elements: y[i] = a[i]*b[i] for i < len(a). y may alias a or b.
func Mul[F Float](y, a, b []F) {
	need(y, len(a), "kernel: Mul: insufficient length of y")
	need(b, len(a), "kernel: Mul: insufficient length of b")
	if is32[F]() && mul32(as32(y), as32(a), as32(b)) {
		return
	}
	mulGeneric(y, a, b)
}

func mulGeneric[F Float](y, a, b []F) {
	y, b = y[:len(a)], b[:len(a)]
	for i, v := range a {
		y[i] = v * b[i]
	}
}
