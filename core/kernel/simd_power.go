//go:build goexperiment.simd && (amd64 || arm64 || wasm)

package kernel

import "simd"

// power32s replaces s by power32(s - max s).
func power32s(s []float32) bool {
	top := topOf(s)
	most := simd.BroadcastFloat32s(top)
	n := most.Len()
	for len(s) >= n {
		powers(simd.LoadFloat32s(s).Sub(most)).Store(s)
		s = s[n:]
	}
	if len(s) > 0 {
		v := loadPart(s)
		powers(v.Sub(most)).StorePart(s)
	}
	clearUpper()
	return true
}

// powers is power32.
func powers(z simd.Float32s) simd.Float32s {
	low := simd.BroadcastFloat32s(powerMin)
	z = z.IfElse(z.Greater(low), low)
	t := z.Add(simd.BroadcastFloat32s(roundBit))
	f := z.Sub(t.Sub(simd.BroadcastFloat32s(roundBit)))
	p := simd.BroadcastFloat32s(powerC3).Mul(f).Add(simd.BroadcastFloat32s(powerC2))
	p = p.Mul(f).Add(simd.BroadcastFloat32s(powerC1))
	p = p.Mul(f).Add(simd.BroadcastFloat32s(powerC0))
	return p.ToBits().Add(t.ToBits().ShiftAllLeft(23)).BitsToFloat32()
}
