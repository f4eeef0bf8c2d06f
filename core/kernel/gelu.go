package kernel

import "math"

// GELU writes y[i] = x[i] * Phi(x[i]) for i < len(x), with Phi the normal distribution function: the exact (erf) form of Hendrycks and
// Gimpel 2016, not the tanh one. y may alias x. -Inf gives -0, its limit. TestGELU states the largest error.
func GELU[F Float](y, x []F) {
	need(y, len(x), "kernel: GELU: insufficient length of y")
	if is32[F]() && (geluWasm(as32(y), as32(x)) || gelu32(as32(y), as32(x))) {
		return
	}
	geluGeneric(y, x)
}

func geluGeneric[F Float](y, x []F) {
	y = y[:len(x)]
	for i, v := range x {
		if v < -normalMax {
			v = -normalMax
		}
		cdf, _ := normal(v)
		y[i] = v * cdf
	}
}

// GELUBackward is the backward of GELU: dx[i] = dy[i] * (Phi(x[i]) + x[i]*phi(x[i])) for i < len(x), phi being the normal density.
// dx may alias dy.
func GELUBackward[F Float](dx, dy, x []F) {
	need(dx, len(x), "kernel: GELUBackward: insufficient length of dx")
	need(dy, len(x), "kernel: GELUBackward: insufficient length of dy")
	if is32[F]() && geluBackward32(as32(dx), as32(dy), as32(x)) {
		return
	}
	geluBackwardGeneric(dx, dy, x)
}

func geluBackwardGeneric[F Float](dx, dy, x []F) {
	dx, dy = dx[:len(x)], dy[:len(x)]
	for i, v := range x {
		if v < -normalMax {
			v = -normalMax
		}
		if v > normalMax {
			v = normalMax
		}
		cdf, bell := normal(v)
		dx[i] = dy[i] * (cdf + F(F(v*sqrtHalfInvPi)*bell))
	}
}

// Constants of normal32.
const (
	normalMax     = 15                    // |x| beyond which Phi is 0 or 1 and phi 0 in float32
	sqrtHalfInvPi = 0.3989422804014326779 // 1/sqrt(2 pi): phi(x) = sqrtHalfInvPi * exp(-x^2/2)
)

// normal returns Phi(x) and exp(-x*x/2): normal32 in float32, by math.Erfc in float64.
func normal[F Float](x F) (cdf, bell F) {
	if is32[F]() {
		c, b := normal32(float32(x))
		return F(c), F(b)
	}
	return F(math.Erfc(-float64(x)/math.Sqrt2) / 2), F(math.Exp(-float64(x) * float64(x) / 2))
}
