//go:build goexperiment.simd && (amd64 || arm64 || wasm)

package kernel

import "simd"

// exp32s is exp32.
func exp32s(x simd.Float32s) simd.Float32s {
	t := x.Mul(simd.BroadcastFloat32s(log2E)).Add(simd.BroadcastFloat32s(roundBit))
	n := t.Sub(simd.BroadcastFloat32s(roundBit))
	r := x.Sub(n.Mul(simd.BroadcastFloat32s(ln2Hi)))
	r = r.Sub(n.Mul(simd.BroadcastFloat32s(ln2Lo)))
	p := simd.BroadcastFloat32s(expC5).Mul(r).Add(simd.BroadcastFloat32s(expC4))
	p = p.Mul(r).Add(simd.BroadcastFloat32s(expC3))
	p = p.Mul(r).Add(simd.BroadcastFloat32s(expC2))
	p = p.Mul(r).Add(simd.BroadcastFloat32s(expC1))
	p = p.Mul(r).Add(simd.BroadcastFloat32s(expC0))
	p = p.Mul(r).Mul(r).Add(r)
	p = p.Add(simd.BroadcastFloat32s(1))
	p = p.Mul(t.ToBits().ShiftAllLeft(23).Add(simd.BroadcastUint32s(0x3f800000)).BitsToFloat32())
	return simd.Float32s{}.IfElse(x.Less(simd.BroadcastFloat32s(expMin)), p)
}

// normal32s is normal32.
func normal32s(x simd.Float32s) (cdf, bell simd.Float32s) {
	bell = exp32s(x.Mul(x).Mul(simd.BroadcastFloat32s(-0.5)))
	one := simd.BroadcastFloat32s(1)
	t := one.Div(simd.BroadcastFloat32s(tailP).Mul(x.Abs()).Add(one))
	q := simd.BroadcastFloat32s(tailC8).Mul(t).Add(simd.BroadcastFloat32s(tailC7))
	q = q.Mul(t).Add(simd.BroadcastFloat32s(tailC6))
	q = q.Mul(t).Add(simd.BroadcastFloat32s(tailC5))
	q = q.Mul(t).Add(simd.BroadcastFloat32s(tailC4))
	q = q.Mul(t).Add(simd.BroadcastFloat32s(tailC3))
	q = q.Mul(t).Add(simd.BroadcastFloat32s(tailC2))
	q = q.Mul(t).Add(simd.BroadcastFloat32s(tailC1))
	q = q.Mul(t).Add(simd.BroadcastFloat32s(tailC0))
	tail := q.Mul(t).Mul(bell)
	return tail.IfElse(x.Less(simd.Float32s{}), one.Sub(tail)), bell
}

func gelu32(y, x []float32) bool {
	n := simd.Float32s{}.Len()
	y = y[:len(x)]
	for len(x) >= n && len(y) >= n {
		gelu32s(simd.LoadFloat32s(x)).Store(y)
		x, y = x[n:], y[n:]
	}
	if len(x) > 0 {
		v := loadPart(x)
		gelu32s(v).StorePart(y)
	}
	clearUpper()
	return true
}

func gelu32s(x simd.Float32s) simd.Float32s {
	low := simd.BroadcastFloat32s(-normalMax)
	x = low.IfElse(x.Less(low), x)
	cdf, _ := normal32s(x)
	return x.Mul(cdf)
}

func geluBackward32(dx, dy, x []float32) bool {
	n := simd.Float32s{}.Len()
	dx, dy = dx[:len(x)], dy[:len(x)]
	for len(x) >= n && len(dx) >= n && len(dy) >= n {
		simd.LoadFloat32s(dy).Mul(geluSlope32s(simd.LoadFloat32s(x))).Store(dx)
		x, dx, dy = x[n:], dx[n:], dy[n:]
	}
	if len(x) > 0 {
		v := loadPart(x)
		d := loadPart(dy)
		d.Mul(geluSlope32s(v)).StorePart(dx)
	}
	clearUpper()
	return true
}

// geluSlope32s is the derivative of GELU.
func geluSlope32s(x simd.Float32s) simd.Float32s {
	low, high := simd.BroadcastFloat32s(-normalMax), simd.BroadcastFloat32s(normalMax)
	x = low.IfElse(x.Less(low), x)
	x = high.IfElse(x.Greater(high), x)
	cdf, bell := normal32s(x)
	return cdf.Add(x.Mul(simd.BroadcastFloat32s(sqrtHalfInvPi)).Mul(bell))
}

func geluShort32(y, x []float32) bool {
	n := simd.Float32s{}.Len()
	y = y[:len(x)]
	for len(x) >= n && len(y) >= n {
		geluShort32s(simd.LoadFloat32s(x)).Store(y)
		x, y = x[n:], y[n:]
	}
	if len(x) > 0 {
		v := loadPart(x)
		geluShort32s(v).StorePart(y)
	}
	clearUpper()
	return true
}

func geluShort32s(x simd.Float32s) simd.Float32s {
	zero, most := simd.Float32s{}, simd.BroadcastFloat32s(shortMax)
	u := x.Abs()
	u = most.IfElse(u.Greater(most), u)
	r := simd.BroadcastFloat32s(shortC5).Mul(u).Add(simd.BroadcastFloat32s(shortC4))
	r = r.Mul(u).Add(simd.BroadcastFloat32s(shortC3))
	r = r.Mul(u).Add(simd.BroadcastFloat32s(shortC2))
	r = r.Mul(u).Add(simd.BroadcastFloat32s(shortC1))
	r = r.Mul(u).Add(simd.BroadcastFloat32s(shortC0))
	r = r.Mul(r)
	r = r.Mul(r)
	r = r.Mul(r)
	return x.IfElse(x.Greater(zero), zero).Sub(r.Mul(u))
}
