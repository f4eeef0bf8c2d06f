//go:build goexperiment.simd && (amd64 || arm64)

package kernel

import "simd"

// sumInt8Vector is SumInt8 of the first weights, whole vectors; it returns how many.
func sumInt8Vector(w []int8) (sum int32, least int8, done int) {
	n := simd.Int8s{}.Len()
	if len(w) < n {
		return 0, 0, 0
	}
	var low simd.Int8s
	var sums simd.Int32s
	for ; done+n <= len(w); done += n {
		v := simd.LoadInt8s(w[done:])
		low = low.Min(v)
		b := v.ToBits().ReshapeToUint32s().BitsToInt32() // four weights a lane
		sums = sums.Add(b.ShiftAllLeft(24).ShiftAllRight(24)).Add(b.ShiftAllLeft(16).ShiftAllRight(24)).
			Add(b.ShiftAllLeft(8).ShiftAllRight(24)).Add(b.ShiftAllRight(24))
	}
	var s [lanes]int32
	var l [4 * lanes]int8
	sums.Store(s[:])
	low.Store(l[:])
	clearUpper()
	for _, x := range s {
		sum += x
	}
	for _, x := range l {
		least = min(least, x)
	}
	return sum, least, done
}
