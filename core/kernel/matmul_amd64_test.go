//go:build goexperiment.simd

package kernel

import (
	"simd/archsimd"
	"testing"
)

// peak16 is a loop of twelve independent multiply-adds in registers.
//
//go:noinline
func peak16(n int) v16 {
	one := archsimd.BroadcastFloat32x16(float32(n))
	s0, s1, s2, s3 := one, one.Add(one), one.Mul(one), one.Sub(one)
	s4, s5, s6, s7 := s0.Mul(s1), s1.Mul(s1), s2.Mul(s1), s1.Add(s2)
	s8, s9, s10, s11 := s1.Add(s4), s1.Add(s5), s2.Add(s4), s2.Add(s5)
	for range n {
		s0, s1, s2, s3 = s0.MulAdd(one, one), s1.MulAdd(one, one), s2.MulAdd(one, one), s3.MulAdd(one, one)
		s4, s5, s6, s7 = s4.MulAdd(one, one), s5.MulAdd(one, one), s6.MulAdd(one, one), s7.MulAdd(one, one)
		s8, s9, s10, s11 = s8.MulAdd(one, one), s9.MulAdd(one, one), s10.MulAdd(one, one), s11.MulAdd(one, one)
	}
	return s0.Add(s1).Add(s2).Add(s3).Add(s4).Add(s5).Add(s6).Add(s7).Add(s8).Add(s9).Add(s10).Add(s11)
}

// peak8 is peak16 with 8 lanes.
//
//go:noinline
func peak8(n int) v8 {
	one := archsimd.BroadcastFloat32x8(float32(n))
	s0, s1, s2, s3 := one, one.Add(one), one.Mul(one), one.Sub(one)
	s4, s5, s6, s7 := s0.Mul(s1), s1.Mul(s1), s2.Mul(s1), s1.Add(s2)
	s8, s9, s10, s11 := s1.Add(s4), s1.Add(s5), s2.Add(s4), s2.Add(s5)
	for range n {
		s0, s1, s2, s3 = s0.MulAdd(one, one), s1.MulAdd(one, one), s2.MulAdd(one, one), s3.MulAdd(one, one)
		s4, s5, s6, s7 = s4.MulAdd(one, one), s5.MulAdd(one, one), s6.MulAdd(one, one), s7.MulAdd(one, one)
		s8, s9, s10, s11 = s8.MulAdd(one, one), s9.MulAdd(one, one), s10.MulAdd(one, one), s11.MulAdd(one, one)
	}
	return s0.Add(s1).Add(s2).Add(s3).Add(s4).Add(s5).Add(s6).Add(s7).Add(s8).Add(s9).Add(s10).Add(s11)
}

// BenchmarkPeak measures the multiply-adds a core does from registers alone; BenchmarkMatmul is read against it.
func BenchmarkPeak(b *testing.B) {
	const n = 10000
	b.Run("avx512", func(b *testing.B) {
		if !archsimd.X86.AVX512() {
			b.Skip("no AVX-512")
		}
		reportBest(b, "GFLOP/s", 2*12*16*n, func() { peak16(n); clearUpper() })
	})
	b.Run("avx2", func(b *testing.B) {
		if !archsimd.X86.AVX2() {
			b.Skip("no AVX2")
		}
		reportBest(b, "GFLOP/s", 2*12*8*n, func() { peak8(n); clearUpper() })
	})
}
