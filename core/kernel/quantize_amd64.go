//go:build goexperiment.simd

package kernel

import "simd/archsimd"

func init() {
	if archsimd.X86.AVX2() {
		registerQuantize(&quantizeBody{name: "avx2", span: spanAVX2, codes: codesAVX2})
	}
}

// The float constants go to memory before the first 256-bit instruction and the upper halves are cleared before the last rows of scalar
// code: scalar instructions of Go are the old encoding, which stalls while upper halves are in use.

// lanes8 is a vector as it lies in memory.
type lanes8 [8]float32

func splat8(v float32) lanes8 { return lanes8{v, v, v, v, v, v, v, v} }

// finiteAVX2 replaces values by what they count as.
func finiteAVX2(x, limit, negative archsimd.Float32x8) archsimd.Float32x8 {
	return x.Masked(x.Equal(x)).Min(limit).Max(negative)
}

func spanAVX2(x []float32) (lo, hi float32) {
	limits, negatives := splat8(quantizeLimit), splat8(-quantizeLimit)
	var lows, highs lanes8
	whole := len(x) &^ 7
	if whole > 0 {
		limit, negative := archsimd.LoadFloat32x8Array((*[8]float32)(&limits)), archsimd.LoadFloat32x8Array((*[8]float32)(&negatives))
		var vlo, vhi archsimd.Float32x8
		for i := 0; i < whole; i += 8 {
			v := finiteAVX2(archsimd.LoadFloat32x8(x[i:]), limit, negative)
			vlo, vhi = vlo.Min(v), vhi.Max(v)
		}
		vlo.StoreArray((*[8]float32)(&lows))
		vhi.StoreArray((*[8]float32)(&highs))
		archsimd.ClearAVXUpperBits()
	}
	lo, hi = spanGeneric(x[whole:])
	for l := range lows {
		lo, hi = min(lo, lows[l]), max(hi, highs[l])
	}
	return lo, hi
}

// Four vectors of codes go into the four bytes of each lane; then codeBytes sorts within halves of the register and codeFours across it.
var (
	codeBytes = [32]int8{0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15}
	codeFours = [8]uint32{0, 4, 1, 5, 2, 6, 3, 7}
)

func codesAVX2(q []uint8, x []float32, lo, hi, inv float32, zero int32) {
	whole := len(x) &^ 31
	if whole > 0 {
		limits, negatives, scales, magics := splat8(quantizeLimit), splat8(-quantizeLimit), splat8(inv), splat8(roundMagic)
		limit, negative := archsimd.LoadFloat32x8Array((*[8]float32)(&limits)), archsimd.LoadFloat32x8Array((*[8]float32)(&negatives))
		scale, magic := archsimd.LoadFloat32x8Array((*[8]float32)(&scales)), archsimd.LoadFloat32x8Array((*[8]float32)(&magics))
		bytes, fours := archsimd.LoadInt8x32Array(&codeBytes), archsimd.LoadUint32x8Array(&codeFours)
		bits := [8]int32{}
		most := [8]int32{}
		for l := range bits {
			bits[l], most[l] = roundMagicBits-zero, maxActivation
		}
		offset, top := archsimd.LoadInt32x8Array(&bits), archsimd.LoadInt32x8Array(&most)
		var bottom archsimd.Int32x8
		code := func(x []float32) archsimd.Uint32x8 {
			v := finiteAVX2(archsimd.LoadFloat32x8(x), limit, negative).Mul(scale).Add(magic)
			return v.AsInt32x8().Sub(offset).Max(bottom).Min(top).AsUint32x8()
		}
		for i := 0; i < whole; i += 32 {
			v := code(x[i:]).Or(code(x[i+8:]).ShiftAllLeft(8)).Or(code(x[i+16:]).ShiftAllLeft(16)).Or(code(x[i+24:]).ShiftAllLeft(24))
			v.AsUint8x32().PermuteOrZeroGrouped(bytes).AsUint32x8().Permute(fours).AsUint8x32().Store(q[i:])
		}
		archsimd.ClearAVXUpperBits()
	}
	codesGeneric(q[whole:], x[whole:], lo, hi, inv, zero)
}
