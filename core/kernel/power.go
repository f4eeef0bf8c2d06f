package kernel

import (
	"encoding/binary"
	"math"
)

// Constants of power32: 127 * 2^f = powerC0 + powerC1 f + powerC2 f^2 + powerC3 f^3 on |f| <= 1/2 to a relative 7.5e-5, our own minimax fit.
const (
	powerMin = -9 // below it power32 is that of powerMin, 0.25, whose code is 0
	powerC0  = 126.990874862
	powerC1  = 88.0442056309
	powerC2  = 30.8116050726
	powerC3  = 7.00637399402
)

// power32 returns 127 * 2^z for z <= 0, less than 0.25 away from 0 where z is below powerMin or NaN. The order of operations is fixed and every
// product is rounded, so the vector bodies give the same bits. TestPower states the largest error.
func power32(z float32) float32 {
	if !(z > powerMin) {
		z = powerMin
	}
	t := z + roundBit
	f := z - (t - roundBit)
	p := float32(float32(powerC3)*f) + powerC2
	p = float32(p*f) + powerC1
	p = float32(p*f) + powerC0
	return math.Float32frombits(math.Float32bits(p) + math.Float32bits(t)<<23)
}

// powerCodes turns scores into probabilities of 7 bits: p[t] = round(power32(s[t] - max s)), half to even, so the largest is 127. A score that
// is NaN, or all where one is +Inf or none above -Inf, gives 0. It returns the sum of p. s is overwritten; len(p) == len(s) <= maxInt8K.
func powerCodes(p []uint8, s []float32) (sum int32) {
	if !power32s(s) {
		return powerCodesGeneric(p, s)
	}
	quantizeUsed.codes(p, s, 0, maxActivation, 1, 0)
	return sumBytes(p)
}

// powerCodesGeneric defines the result of powerCodes. It leaves s as it is.
func powerCodesGeneric(p []uint8, s []float32) (sum int32) {
	top := float32(math.Inf(-1))
	for _, v := range s {
		if v > top {
			top = v
		}
	}
	for t, v := range s {
		code := roundEven(power32(v - top))
		p[t] = uint8(code)
		sum += code
	}
	return sum
}

// sumBytes returns the sum of numbers of 7 bits, 4 sums of 16 bits at a time, each of at most 2*128 numbers below 2^7.
func sumBytes(p []uint8) (sum int32) {
	const halves = 0x00ff00ff00ff00ff
	for len(p) >= 8 {
		var pairs uint64
		for range min(len(p)/8, 128) {
			v := binary.LittleEndian.Uint64(p)
			pairs += v&halves + v>>8&halves
			p = p[8:]
		}
		sum += int32(pairs&0xffff + pairs>>16&0xffff + pairs>>32&0xffff + pairs>>48)
	}
	for _, v := range p {
		sum += int32(v)
	}
	return sum
}
