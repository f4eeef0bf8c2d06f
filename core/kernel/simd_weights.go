//go:build goexperiment.simd && (amd64 || arm64 || wasm)

package kernel

import "simd"

// finite32s is finite.
func finite32s(v simd.Float32s) simd.Float32s {
	return v.Masked(v.Equal(v)).Min(simd.BroadcastFloat32s(quantizeLimit)).Max(simd.BroadcastFloat32s(-quantizeLimit))
}

// roundCodes is roundEven of w/scale, held to codes of weights.
func roundCodes(w, scale simd.Float32s) simd.Int32s {
	code := w.Div(scale).Add(simd.BroadcastFloat32s(roundMagic)).ToBits().BitsToInt32().Sub(simd.BroadcastInt32s(roundMagicBits))
	return code.Max(simd.BroadcastInt32s(-maxWeight)).Min(simd.BroadcastInt32s(maxWeight))
}

func largest32(w []float32) (largest float32, ok bool) {
	var most simd.Float32s
	n := most.Len()
	for len(w) >= n {
		most = most.Max(finite32s(simd.LoadFloat32s(w)).Abs())
		w = w[n:]
	}
	largest = maxLane(most)
	return max(largest, largestGeneric(w)), true
}

// maxLane is the largest lane, of vectors that are not negative.
func maxLane(v simd.Float32s) (largest float32) {
	var s [lanes]float32
	v.Store(s[:])
	clearUpper()
	for _, x := range s {
		if x > largest {
			largest = x
		}
	}
	return largest
}

func weightCodes32(q []int8, w []float32, scale float32) bool {
	divisor := simd.BroadcastFloat32s(scale)
	n := divisor.Len()
	var codes [lanes]int32
	i := 0
	for ; i+n <= len(w); i += n {
		roundCodes(finite32s(simd.LoadFloat32s(w[i:])), divisor).Store(codes[:])
		for j, c := range codes[:n] {
			q[i+j] = int8(c)
		}
	}
	clearUpper()
	weightCodesGeneric(q[i:], w[i:], scale)
	return true
}

// quarter is a quarter of the bytes of v as numbers: byte k of each lane.
func quarter(v simd.Int32s, k uint64) simd.Float32s {
	return v.ShiftAllLeft(24 - 8*k).ShiftAllRight(24).ConvertToFloat32()
}

// mergeRow32 writes the first elements of w, whole blocks of four vectors, and returns how many and their largest magnitude. The elements of
// a block stand in w as blockCodes32 wants them: element 4*l+k in lane l of vector k, so that codes go in and out as bytes of lanes.
func mergeRow32(w []float32, base, delta []int8, baseScale, deltaScale float32, mix *Mix) (whole int, largest float32) {
	n := simd.Float32s{}.Len()
	block := 4 * n
	var windows [64]uint64
	if len(w) < block || len(mix.Masks) > len(windows) {
		return 0, 0
	}
	var bit [4]simd.Uint32s // of the elements of a vector, in a window of 32 bits
	for k := range bit {
		var b [lanes]uint32
		for l := range b {
			b[l] = 1 << ((4*l + k) & 31)
		}
		bit[k] = simd.LoadUint32s(b[:])
	}
	var low [lanes]uint32
	for l := range min(n, 8) {
		low[l] = 1
	}
	lower := simd.LoadUint32s(low[:]).NotEqual(simd.Uint32s{})
	bit0, bit1, bit2, bit3 := bit[0], bit[1], bit[2], bit[3]
	scaleB, scaleD := simd.BroadcastFloat32s(baseScale), simd.BroadcastFloat32s(deltaScale)
	var most simd.Float32s
	var zero simd.Uint32s
	for at := 0; at+block <= len(w); at += block {
		if at%64 == 0 {
			for m := range mix.Masks {
				windows[m] = mix.window(m, at)
			}
		}
		var s0, s1, s2, s3 simd.Float32s
		for m := range mix.Masks {
			window := windows[m] >> uint(at%64)
			if window == 0 {
				continue
			}
			open := simd.BroadcastUint32s(uint32(window))
			if n == 16 { // the upper lanes are bits 32 and on
				open = open.IfElse(lower, simd.BroadcastUint32s(uint32(window>>32)))
			}
			score := simd.BroadcastFloat32s(mix.Scores[m])
			s0 = s0.Add(score.Masked(open.And(bit0).NotEqual(zero)))
			s1 = s1.Add(score.Masked(open.And(bit1).NotEqual(zero)))
			s2 = s2.Add(score.Masked(open.And(bit2).NotEqual(zero)))
			s3 = s3.Add(score.Masked(open.And(bit3).NotEqual(zero)))
		}
		b := simd.LoadInt8s(base[at:]).ToBits().ReshapeToUint32s().BitsToInt32()
		d := simd.LoadInt8s(delta[at:]).ToBits().ReshapeToUint32s().BitsToInt32()
		out := w[at : at+block]
		w0 := finite32s(scaleB.Mul(quarter(b, 0)).Add(s0.Mul(scaleD.Mul(quarter(d, 0)))))
		w1 := finite32s(scaleB.Mul(quarter(b, 1)).Add(s1.Mul(scaleD.Mul(quarter(d, 1)))))
		w2 := finite32s(scaleB.Mul(quarter(b, 2)).Add(s2.Mul(scaleD.Mul(quarter(d, 2)))))
		w3 := finite32s(scaleB.Mul(quarter(b, 3)).Add(s3.Mul(scaleD.Mul(quarter(d, 3)))))
		w0.Store(out)
		w1.Store(out[n:])
		w2.Store(out[2*n:])
		w3.Store(out[3*n:])
		most = most.Max(w0.Abs()).Max(w1.Abs()).Max(w2.Abs()).Max(w3.Abs())
		whole = at + block
	}
	return whole, maxLane(most)
}

// blockCodes32 writes the codes of what mergeRow32 wrote, all of them, and returns how many.
func blockCodes32(q []int8, w []float32, scale float32) (whole int) {
	divisor := simd.BroadcastFloat32s(scale)
	n, whole := divisor.Len(), len(w)
	low := simd.BroadcastUint32s(0xff)
	for len(w) >= 4*n && len(q) >= 4*n {
		v := roundCodes(simd.LoadFloat32s(w), divisor).ToBits().And(low)
		v = v.Or(roundCodes(simd.LoadFloat32s(w[n:]), divisor).ToBits().And(low).ShiftAllLeft(8))
		v = v.Or(roundCodes(simd.LoadFloat32s(w[2*n:]), divisor).ToBits().And(low).ShiftAllLeft(16))
		v = v.Or(roundCodes(simd.LoadFloat32s(w[3*n:]), divisor).ToBits().ShiftAllLeft(24))
		v.ReshapeToUint8s().BitsToInt8().Store(q)
		w, q = w[4*n:], q[4*n:]
	}
	clearUpper()
	return whole
}
