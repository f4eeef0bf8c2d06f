package main

// peakScalar is the multiply-add loop of machines and builds without vectors.
func peakScalar() (method string, operations int, loop func(rounds int) float32) {
	return "scalar multiply-adds in registers", 8 * 2, func(rounds int) float32 {
		a, b, c, d := float32(1), float32(2), float32(3), float32(4)
		e, f, g, h := float32(5), float32(6), float32(7), float32(8)
		for range rounds {
			a, b, c, d = a*0.5+0.5, b*0.5+0.5, c*0.5+0.5, d*0.5+0.5
			e, f, g, h = e*0.5+0.5, f*0.5+0.5, g*0.5+0.5, h*0.5+0.5
		}
		return a + b + c + d + e + f + g + h
	}
}
