package kernel

// Constants of geluShort: Phi(-u) = r(u)^8 with r(u) = shortC0 + shortC1 u + ... + shortC5 u^5 on 0 <= u <= shortMax, where u*Phi(-u) is off by at
// most 1.4e-6 and ends below 4e-7: our own minimax fit of u*r(u)^8.
const (
	shortMax = 5.25
	shortC0  = 0.917003450039
	shortC1  = -0.0914909729083
	shortC2  = -0.0317216570225
	shortC3  = -0.00110813137574
	shortC4  = 0.00193963060533
	shortC5  = -0.000190942583848
)

// geluShort is GELU within 1.6e-6 of it, however small or large the number, in a third of the operations: for results that are quantized to 7 bits
// behind it. y[i] = max(x[i], 0) - u*Phi(-u) for i < len(x), u = min(|x[i]|, shortMax). y may alias x. Every body returns the same bits.
func geluShort(y, x []float32) {
	need(y, len(x), "kernel: geluShort: insufficient length of y")
	if !geluShortWasm(y, x) && !geluShort32(y, x) {
		geluShortGeneric(y, x)
	}
}

func geluShortGeneric(y, x []float32) {
	y = y[:len(x)]
	for i, v := range x {
		var above float32
		u := v
		if v > 0 {
			above = v
		}
		if v < 0 {
			u = -v
		}
		if u > shortMax {
			u = shortMax
		}
		r := float32(float32(shortC5)*u) + shortC4
		r = float32(r*u) + shortC3
		r = float32(r*u) + shortC2
		r = float32(r*u) + shortC1
		r = float32(r*u) + shortC0
		r *= r
		r *= r
		r *= r
		y[i] = above - float32(r*u)
	}
}
