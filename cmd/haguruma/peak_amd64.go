//go:build goexperiment.simd

package main

import "simd/archsimd"

// peakLoop returns the widest multiply-add loop this machine runs: operations
// float32 operations a round, all in registers. Ten independent chains keep
// two units busy through a latency of four or five cycles.
func peakLoop() (method string, operations int, loop func(rounds int) float32) {
	switch {
	case archsimd.X86.AVX512():
		return "AVX-512 multiply-adds in registers", 10 * 16 * 2, peak512
	case archsimd.X86.AVX2() && archsimd.X86.FMA():
		return "AVX2 multiply-adds in registers", 10 * 8 * 2, peak256
	}
	return peakScalar()
}

// Each chain is a = a*half + half, which goes to 1: no overflow, no denormals.
// They start apart, or the compiler would see that they are one chain.

func peak512(rounds int) float32 {
	start := func(x float32) archsimd.Float32x16 { return archsimd.BroadcastFloat32x16(x) }
	half := start(0.5)
	a, b, c, d, e := start(1), start(2), start(3), start(4), start(5)
	f, g, h, i, j := start(6), start(7), start(8), start(9), start(10)
	for range rounds {
		a, b, c, d, e = a.MulAdd(half, half), b.MulAdd(half, half), c.MulAdd(half, half), d.MulAdd(half, half), e.MulAdd(half, half)
		f, g, h, i, j = f.MulAdd(half, half), g.MulAdd(half, half), h.MulAdd(half, half), i.MulAdd(half, half), j.MulAdd(half, half)
	}
	var out [16]float32
	a.Add(b).Add(c).Add(d).Add(e).Add(f).Add(g).Add(h).Add(i).Add(j).StoreArray(&out)
	return out[0]
}

func peak256(rounds int) float32 {
	start := func(x float32) archsimd.Float32x8 { return archsimd.BroadcastFloat32x8(x) }
	half := start(0.5)
	a, b, c, d, e := start(1), start(2), start(3), start(4), start(5)
	f, g, h, i, j := start(6), start(7), start(8), start(9), start(10)
	for range rounds {
		a, b, c, d, e = a.MulAdd(half, half), b.MulAdd(half, half), c.MulAdd(half, half), d.MulAdd(half, half), e.MulAdd(half, half)
		f, g, h, i, j = f.MulAdd(half, half), g.MulAdd(half, half), h.MulAdd(half, half), i.MulAdd(half, half), j.MulAdd(half, half)
	}
	var out [8]float32
	a.Add(b).Add(c).Add(d).Add(e).Add(f).Add(g).Add(h).Add(i).Add(j).StoreArray(&out)
	return out[0]
}
