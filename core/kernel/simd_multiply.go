//go:build goexperiment.simd && (amd64 || arm64 || wasm)

package kernel

import "simd"

func mulAdd32(y, a, b []float32) bool {
	n := simd.Float32s{}.Len()
	y, b = y[:len(a)], b[:len(a)]
	for len(a) >= n && len(b) >= n && len(y) >= n {
		simd.LoadFloat32s(y).Add(simd.LoadFloat32s(a).Mul(simd.LoadFloat32s(b))).Store(y)
		y, a, b = y[n:], a[n:], b[n:]
	}
	clearUpper()
	mulAddGeneric(y, a, b)
	return true
}

func mul32(y, a, b []float32) bool {
	n := simd.Float32s{}.Len()
	y, b = y[:len(a)], b[:len(a)]
	for len(a) >= n && len(b) >= n && len(y) >= n {
		simd.LoadFloat32s(a).Mul(simd.LoadFloat32s(b)).Store(y)
		y, a, b = y[n:], a[n:], b[n:]
	}
	clearUpper()
	mulGeneric(y, a, b)
	return true
}

func sigmoid32(y, x []float32, scale float32) bool {
	n := simd.Float32s{}.Len()
	y = y[:len(x)]
	f, one, zero := simd.BroadcastFloat32s(scale), simd.BroadcastFloat32s(1), simd.Float32s{}
	for len(x) >= n && len(y) >= n {
		v := simd.LoadFloat32s(x).Mul(f)
		e := exp32s(zero.Sub(v).IfElse(v.Greater(zero), v))
		e.IfElse(v.Less(zero), one).Div(e.Add(one)).Store(y)
		x, y = x[n:], y[n:]
	}
	clearUpper()
	sigmoidGeneric(y, x, scale)
	return true
}

func sigmoidBackward32(dx, dy, y []float32) bool {
	n := simd.Float32s{}.Len()
	dx, dy = dx[:len(y)], dy[:len(y)]
	one := simd.BroadcastFloat32s(1)
	for len(y) >= n && len(dx) >= n && len(dy) >= n {
		v := simd.LoadFloat32s(y)
		simd.LoadFloat32s(dy).Mul(v).Mul(one.Sub(v)).Store(dx)
		dx, dy, y = dx[n:], dy[n:], y[n:]
	}
	clearUpper()
	sigmoidBackwardGeneric(dx, dy, y)
	return true
}
