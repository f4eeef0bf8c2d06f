//go:build goexperiment.simd

package kernel

import (
	"simd/archsimd"
	"unsafe"
)

// The tiles are written for the compiler as it is in Go 1.27: MulAdd overwrites its first operand and not the sum, and sums that live across
// a loop stay in the lower 15 registers, so a tile has 10 or 12 sums, and four steps of k in the loop body pay for the moves at its end.
// Loads of float32 scalars inside the loop are hoisted and spilled with SSE instructions, which is why A comes in whole vectors.
// Every function leaves the upper halves of the registers clear: SSE code that follows would stall otherwise.

func init() {
	register(avx512.body("avx512", archsimd.X86.AVX512))
	register(avx2.body("avx2", func() bool { return archsimd.X86.AVX2() && archsimd.X86.FMA() }))
}

var avx512 = &tiling{
	lanes: 16, rows: 6, panel: 3, columns: 64, narrow: 32, depth: 64,
	tile: tile6x64, strict: strict6x64, tileNarrow: tile6x32, strictNarrow: strict6x32,
	repeat: repeat16,
}

var avx2 = &tiling{
	lanes: 8, rows: 5, panel: 5, columns: 16, depth: 128,
	tile: tile5x16, strict: strict5x16,
	repeat: repeat8,
}

type (
	v16 = archsimd.Float32x16
	v8  = archsimd.Float32x8
)

func load16(p unsafe.Pointer, i uintptr) v16 {
	return archsimd.LoadFloat32x16Array((*[16]float32)(unsafe.Add(p, 64*i)))
}

func store16(p unsafe.Pointer, i uintptr, v v16) { v.StoreArray((*[16]float32)(unsafe.Add(p, 64*i))) }

func load8(p unsafe.Pointer, i uintptr) v8 {
	return archsimd.LoadFloat32x8Array((*[8]float32)(unsafe.Add(p, 32*i)))
}

func store8(p unsafe.Pointer, i uintptr, v v8) { v.StoreArray((*[8]float32)(unsafe.Add(p, 32*i))) }

func mulAdd16x4(a, b0, b1, b2, b3, s0, s1, s2, s3 v16) (v16, v16, v16, v16) {
	return a.MulAdd(b0, s0), a.MulAdd(b1, s1), a.MulAdd(b2, s2), a.MulAdd(b3, s3)
}

func mulThenAdd16x4(a, b0, b1, b2, b3, s0, s1, s2, s3 v16) (v16, v16, v16, v16) {
	return s0.Add(a.Mul(b0)), s1.Add(a.Mul(b1)), s2.Add(a.Mul(b2)), s3.Add(a.Mul(b3))
}

func mulAdd16x2(a, b0, b1, s0, s1 v16) (v16, v16) {
	return a.MulAdd(b0, s0), a.MulAdd(b1, s1)
}

func mulThenAdd16x2(a, b0, b1, s0, s1 v16) (v16, v16) {
	return s0.Add(a.Mul(b0)), s1.Add(a.Mul(b1))
}

func mulAdd8x2(a, b0, b1, s0, s1 v8) (v8, v8) {
	return a.MulAdd(b0, s0), a.MulAdd(b1, s1)
}

func mulThenAdd8x2(a, b0, b1, s0, s1 v8) (v8, v8) {
	return s0.Add(a.Mul(b0)), s1.Add(a.Mul(b1))
}

// tile3x64 is one panel of three rows of tile6x64.
func tile3x64(c unsafe.Pointer, ldc uintptr, a, b unsafe.Pointer, k int, load bool) {
	var (
		s00, s01, s02, s03 v16
		s10, s11, s12, s13 v16
		s20, s21, s22, s23 v16
	)
	if load {
		c := c
		s00, s01, s02, s03 = load16(c, 0), load16(c, 1), load16(c, 2), load16(c, 3)
		c = unsafe.Add(c, ldc)
		s10, s11, s12, s13 = load16(c, 0), load16(c, 1), load16(c, 2), load16(c, 3)
		c = unsafe.Add(c, ldc)
		s20, s21, s22, s23 = load16(c, 0), load16(c, 1), load16(c, 2), load16(c, 3)
	}
	for ; k > 0; k -= unroll {
		b0, b1, b2, b3 := load16(b, 0), load16(b, 1), load16(b, 2), load16(b, 3)
		s00, s01, s02, s03 = mulAdd16x4(load16(a, 0), b0, b1, b2, b3, s00, s01, s02, s03)
		s10, s11, s12, s13 = mulAdd16x4(load16(a, 1), b0, b1, b2, b3, s10, s11, s12, s13)
		s20, s21, s22, s23 = mulAdd16x4(load16(a, 2), b0, b1, b2, b3, s20, s21, s22, s23)
		b0, b1, b2, b3 = load16(b, 4), load16(b, 5), load16(b, 6), load16(b, 7)
		s00, s01, s02, s03 = mulAdd16x4(load16(a, 3), b0, b1, b2, b3, s00, s01, s02, s03)
		s10, s11, s12, s13 = mulAdd16x4(load16(a, 4), b0, b1, b2, b3, s10, s11, s12, s13)
		s20, s21, s22, s23 = mulAdd16x4(load16(a, 5), b0, b1, b2, b3, s20, s21, s22, s23)
		b0, b1, b2, b3 = load16(b, 8), load16(b, 9), load16(b, 10), load16(b, 11)
		s00, s01, s02, s03 = mulAdd16x4(load16(a, 6), b0, b1, b2, b3, s00, s01, s02, s03)
		s10, s11, s12, s13 = mulAdd16x4(load16(a, 7), b0, b1, b2, b3, s10, s11, s12, s13)
		s20, s21, s22, s23 = mulAdd16x4(load16(a, 8), b0, b1, b2, b3, s20, s21, s22, s23)
		b0, b1, b2, b3 = load16(b, 12), load16(b, 13), load16(b, 14), load16(b, 15)
		s00, s01, s02, s03 = mulAdd16x4(load16(a, 9), b0, b1, b2, b3, s00, s01, s02, s03)
		s10, s11, s12, s13 = mulAdd16x4(load16(a, 10), b0, b1, b2, b3, s10, s11, s12, s13)
		s20, s21, s22, s23 = mulAdd16x4(load16(a, 11), b0, b1, b2, b3, s20, s21, s22, s23)
		a = unsafe.Add(a, 768)
		b = unsafe.Add(b, 1024)
	}
	store16(c, 0, s00)
	store16(c, 1, s01)
	store16(c, 2, s02)
	store16(c, 3, s03)
	c = unsafe.Add(c, ldc)
	store16(c, 0, s10)
	store16(c, 1, s11)
	store16(c, 2, s12)
	store16(c, 3, s13)
	c = unsafe.Add(c, ldc)
	store16(c, 0, s20)
	store16(c, 1, s21)
	store16(c, 2, s22)
	store16(c, 3, s23)
	archsimd.ClearAVXUpperBits()
}

// strict3x64 is tile3x64 with every product rounded.
func strict3x64(c unsafe.Pointer, ldc uintptr, a, b unsafe.Pointer, k int, load bool) {
	var (
		s00, s01, s02, s03 v16
		s10, s11, s12, s13 v16
		s20, s21, s22, s23 v16
	)
	if load {
		c := c
		s00, s01, s02, s03 = load16(c, 0), load16(c, 1), load16(c, 2), load16(c, 3)
		c = unsafe.Add(c, ldc)
		s10, s11, s12, s13 = load16(c, 0), load16(c, 1), load16(c, 2), load16(c, 3)
		c = unsafe.Add(c, ldc)
		s20, s21, s22, s23 = load16(c, 0), load16(c, 1), load16(c, 2), load16(c, 3)
	}
	for ; k > 0; k -= unroll {
		b0, b1, b2, b3 := load16(b, 0), load16(b, 1), load16(b, 2), load16(b, 3)
		s00, s01, s02, s03 = mulThenAdd16x4(load16(a, 0), b0, b1, b2, b3, s00, s01, s02, s03)
		s10, s11, s12, s13 = mulThenAdd16x4(load16(a, 1), b0, b1, b2, b3, s10, s11, s12, s13)
		s20, s21, s22, s23 = mulThenAdd16x4(load16(a, 2), b0, b1, b2, b3, s20, s21, s22, s23)
		b0, b1, b2, b3 = load16(b, 4), load16(b, 5), load16(b, 6), load16(b, 7)
		s00, s01, s02, s03 = mulThenAdd16x4(load16(a, 3), b0, b1, b2, b3, s00, s01, s02, s03)
		s10, s11, s12, s13 = mulThenAdd16x4(load16(a, 4), b0, b1, b2, b3, s10, s11, s12, s13)
		s20, s21, s22, s23 = mulThenAdd16x4(load16(a, 5), b0, b1, b2, b3, s20, s21, s22, s23)
		b0, b1, b2, b3 = load16(b, 8), load16(b, 9), load16(b, 10), load16(b, 11)
		s00, s01, s02, s03 = mulThenAdd16x4(load16(a, 6), b0, b1, b2, b3, s00, s01, s02, s03)
		s10, s11, s12, s13 = mulThenAdd16x4(load16(a, 7), b0, b1, b2, b3, s10, s11, s12, s13)
		s20, s21, s22, s23 = mulThenAdd16x4(load16(a, 8), b0, b1, b2, b3, s20, s21, s22, s23)
		b0, b1, b2, b3 = load16(b, 12), load16(b, 13), load16(b, 14), load16(b, 15)
		s00, s01, s02, s03 = mulThenAdd16x4(load16(a, 9), b0, b1, b2, b3, s00, s01, s02, s03)
		s10, s11, s12, s13 = mulThenAdd16x4(load16(a, 10), b0, b1, b2, b3, s10, s11, s12, s13)
		s20, s21, s22, s23 = mulThenAdd16x4(load16(a, 11), b0, b1, b2, b3, s20, s21, s22, s23)
		a = unsafe.Add(a, 768)
		b = unsafe.Add(b, 1024)
	}
	store16(c, 0, s00)
	store16(c, 1, s01)
	store16(c, 2, s02)
	store16(c, 3, s03)
	c = unsafe.Add(c, ldc)
	store16(c, 0, s10)
	store16(c, 1, s11)
	store16(c, 2, s12)
	store16(c, 3, s13)
	c = unsafe.Add(c, ldc)
	store16(c, 0, s20)
	store16(c, 1, s21)
	store16(c, 2, s22)
	store16(c, 3, s23)
	archsimd.ClearAVXUpperBits()
}

// tile6x32 reads two panels of three rows.
func tile6x32(c unsafe.Pointer, ldc uintptr, a, b unsafe.Pointer, k int, load bool) {
	var (
		s00, s01 v16
		s10, s11 v16
		s20, s21 v16
		s30, s31 v16
		s40, s41 v16
		s50, s51 v16
	)
	if load {
		c := c
		s00, s01 = load16(c, 0), load16(c, 1)
		c = unsafe.Add(c, ldc)
		s10, s11 = load16(c, 0), load16(c, 1)
		c = unsafe.Add(c, ldc)
		s20, s21 = load16(c, 0), load16(c, 1)
		c = unsafe.Add(c, ldc)
		s30, s31 = load16(c, 0), load16(c, 1)
		c = unsafe.Add(c, ldc)
		s40, s41 = load16(c, 0), load16(c, 1)
		c = unsafe.Add(c, ldc)
		s50, s51 = load16(c, 0), load16(c, 1)
	}
	a2 := unsafe.Add(a, 192*k)
	for ; k > 0; k -= unroll {
		b0, b1 := load16(b, 0), load16(b, 1)
		s00, s01 = mulAdd16x2(load16(a, 0), b0, b1, s00, s01)
		s10, s11 = mulAdd16x2(load16(a, 1), b0, b1, s10, s11)
		s20, s21 = mulAdd16x2(load16(a, 2), b0, b1, s20, s21)
		s30, s31 = mulAdd16x2(load16(a2, 0), b0, b1, s30, s31)
		s40, s41 = mulAdd16x2(load16(a2, 1), b0, b1, s40, s41)
		s50, s51 = mulAdd16x2(load16(a2, 2), b0, b1, s50, s51)
		b0, b1 = load16(b, 2), load16(b, 3)
		s00, s01 = mulAdd16x2(load16(a, 3), b0, b1, s00, s01)
		s10, s11 = mulAdd16x2(load16(a, 4), b0, b1, s10, s11)
		s20, s21 = mulAdd16x2(load16(a, 5), b0, b1, s20, s21)
		s30, s31 = mulAdd16x2(load16(a2, 3), b0, b1, s30, s31)
		s40, s41 = mulAdd16x2(load16(a2, 4), b0, b1, s40, s41)
		s50, s51 = mulAdd16x2(load16(a2, 5), b0, b1, s50, s51)
		b0, b1 = load16(b, 4), load16(b, 5)
		s00, s01 = mulAdd16x2(load16(a, 6), b0, b1, s00, s01)
		s10, s11 = mulAdd16x2(load16(a, 7), b0, b1, s10, s11)
		s20, s21 = mulAdd16x2(load16(a, 8), b0, b1, s20, s21)
		s30, s31 = mulAdd16x2(load16(a2, 6), b0, b1, s30, s31)
		s40, s41 = mulAdd16x2(load16(a2, 7), b0, b1, s40, s41)
		s50, s51 = mulAdd16x2(load16(a2, 8), b0, b1, s50, s51)
		b0, b1 = load16(b, 6), load16(b, 7)
		s00, s01 = mulAdd16x2(load16(a, 9), b0, b1, s00, s01)
		s10, s11 = mulAdd16x2(load16(a, 10), b0, b1, s10, s11)
		s20, s21 = mulAdd16x2(load16(a, 11), b0, b1, s20, s21)
		s30, s31 = mulAdd16x2(load16(a2, 9), b0, b1, s30, s31)
		s40, s41 = mulAdd16x2(load16(a2, 10), b0, b1, s40, s41)
		s50, s51 = mulAdd16x2(load16(a2, 11), b0, b1, s50, s51)
		a = unsafe.Add(a, 768)
		a2 = unsafe.Add(a2, 768)
		b = unsafe.Add(b, 512)
	}
	store16(c, 0, s00)
	store16(c, 1, s01)
	c = unsafe.Add(c, ldc)
	store16(c, 0, s10)
	store16(c, 1, s11)
	c = unsafe.Add(c, ldc)
	store16(c, 0, s20)
	store16(c, 1, s21)
	c = unsafe.Add(c, ldc)
	store16(c, 0, s30)
	store16(c, 1, s31)
	c = unsafe.Add(c, ldc)
	store16(c, 0, s40)
	store16(c, 1, s41)
	c = unsafe.Add(c, ldc)
	store16(c, 0, s50)
	store16(c, 1, s51)
	archsimd.ClearAVXUpperBits()
}

// strict6x32 is tile6x32 with every product rounded.
func strict6x32(c unsafe.Pointer, ldc uintptr, a, b unsafe.Pointer, k int, load bool) {
	var (
		s00, s01 v16
		s10, s11 v16
		s20, s21 v16
		s30, s31 v16
		s40, s41 v16
		s50, s51 v16
	)
	if load {
		c := c
		s00, s01 = load16(c, 0), load16(c, 1)
		c = unsafe.Add(c, ldc)
		s10, s11 = load16(c, 0), load16(c, 1)
		c = unsafe.Add(c, ldc)
		s20, s21 = load16(c, 0), load16(c, 1)
		c = unsafe.Add(c, ldc)
		s30, s31 = load16(c, 0), load16(c, 1)
		c = unsafe.Add(c, ldc)
		s40, s41 = load16(c, 0), load16(c, 1)
		c = unsafe.Add(c, ldc)
		s50, s51 = load16(c, 0), load16(c, 1)
	}
	a2 := unsafe.Add(a, 192*k)
	for ; k > 0; k -= unroll {
		b0, b1 := load16(b, 0), load16(b, 1)
		s00, s01 = mulThenAdd16x2(load16(a, 0), b0, b1, s00, s01)
		s10, s11 = mulThenAdd16x2(load16(a, 1), b0, b1, s10, s11)
		s20, s21 = mulThenAdd16x2(load16(a, 2), b0, b1, s20, s21)
		s30, s31 = mulThenAdd16x2(load16(a2, 0), b0, b1, s30, s31)
		s40, s41 = mulThenAdd16x2(load16(a2, 1), b0, b1, s40, s41)
		s50, s51 = mulThenAdd16x2(load16(a2, 2), b0, b1, s50, s51)
		b0, b1 = load16(b, 2), load16(b, 3)
		s00, s01 = mulThenAdd16x2(load16(a, 3), b0, b1, s00, s01)
		s10, s11 = mulThenAdd16x2(load16(a, 4), b0, b1, s10, s11)
		s20, s21 = mulThenAdd16x2(load16(a, 5), b0, b1, s20, s21)
		s30, s31 = mulThenAdd16x2(load16(a2, 3), b0, b1, s30, s31)
		s40, s41 = mulThenAdd16x2(load16(a2, 4), b0, b1, s40, s41)
		s50, s51 = mulThenAdd16x2(load16(a2, 5), b0, b1, s50, s51)
		b0, b1 = load16(b, 4), load16(b, 5)
		s00, s01 = mulThenAdd16x2(load16(a, 6), b0, b1, s00, s01)
		s10, s11 = mulThenAdd16x2(load16(a, 7), b0, b1, s10, s11)
		s20, s21 = mulThenAdd16x2(load16(a, 8), b0, b1, s20, s21)
		s30, s31 = mulThenAdd16x2(load16(a2, 6), b0, b1, s30, s31)
		s40, s41 = mulThenAdd16x2(load16(a2, 7), b0, b1, s40, s41)
		s50, s51 = mulThenAdd16x2(load16(a2, 8), b0, b1, s50, s51)
		b0, b1 = load16(b, 6), load16(b, 7)
		s00, s01 = mulThenAdd16x2(load16(a, 9), b0, b1, s00, s01)
		s10, s11 = mulThenAdd16x2(load16(a, 10), b0, b1, s10, s11)
		s20, s21 = mulThenAdd16x2(load16(a, 11), b0, b1, s20, s21)
		s30, s31 = mulThenAdd16x2(load16(a2, 9), b0, b1, s30, s31)
		s40, s41 = mulThenAdd16x2(load16(a2, 10), b0, b1, s40, s41)
		s50, s51 = mulThenAdd16x2(load16(a2, 11), b0, b1, s50, s51)
		a = unsafe.Add(a, 768)
		a2 = unsafe.Add(a2, 768)
		b = unsafe.Add(b, 512)
	}
	store16(c, 0, s00)
	store16(c, 1, s01)
	c = unsafe.Add(c, ldc)
	store16(c, 0, s10)
	store16(c, 1, s11)
	c = unsafe.Add(c, ldc)
	store16(c, 0, s20)
	store16(c, 1, s21)
	c = unsafe.Add(c, ldc)
	store16(c, 0, s30)
	store16(c, 1, s31)
	c = unsafe.Add(c, ldc)
	store16(c, 0, s40)
	store16(c, 1, s41)
	c = unsafe.Add(c, ldc)
	store16(c, 0, s50)
	store16(c, 1, s51)
	archsimd.ClearAVXUpperBits()
}

// tile5x16 is the tile of AVX2.
func tile5x16(c unsafe.Pointer, ldc uintptr, a, b unsafe.Pointer, k int, load bool) {
	var (
		s00, s01 v8
		s10, s11 v8
		s20, s21 v8
		s30, s31 v8
		s40, s41 v8
	)
	if load {
		c := c
		s00, s01 = load8(c, 0), load8(c, 1)
		c = unsafe.Add(c, ldc)
		s10, s11 = load8(c, 0), load8(c, 1)
		c = unsafe.Add(c, ldc)
		s20, s21 = load8(c, 0), load8(c, 1)
		c = unsafe.Add(c, ldc)
		s30, s31 = load8(c, 0), load8(c, 1)
		c = unsafe.Add(c, ldc)
		s40, s41 = load8(c, 0), load8(c, 1)
	}
	for ; k > 0; k -= unroll {
		b0, b1 := load8(b, 0), load8(b, 1)
		s00, s01 = mulAdd8x2(load8(a, 0), b0, b1, s00, s01)
		s10, s11 = mulAdd8x2(load8(a, 1), b0, b1, s10, s11)
		s20, s21 = mulAdd8x2(load8(a, 2), b0, b1, s20, s21)
		s30, s31 = mulAdd8x2(load8(a, 3), b0, b1, s30, s31)
		s40, s41 = mulAdd8x2(load8(a, 4), b0, b1, s40, s41)
		b0, b1 = load8(b, 2), load8(b, 3)
		s00, s01 = mulAdd8x2(load8(a, 5), b0, b1, s00, s01)
		s10, s11 = mulAdd8x2(load8(a, 6), b0, b1, s10, s11)
		s20, s21 = mulAdd8x2(load8(a, 7), b0, b1, s20, s21)
		s30, s31 = mulAdd8x2(load8(a, 8), b0, b1, s30, s31)
		s40, s41 = mulAdd8x2(load8(a, 9), b0, b1, s40, s41)
		b0, b1 = load8(b, 4), load8(b, 5)
		s00, s01 = mulAdd8x2(load8(a, 10), b0, b1, s00, s01)
		s10, s11 = mulAdd8x2(load8(a, 11), b0, b1, s10, s11)
		s20, s21 = mulAdd8x2(load8(a, 12), b0, b1, s20, s21)
		s30, s31 = mulAdd8x2(load8(a, 13), b0, b1, s30, s31)
		s40, s41 = mulAdd8x2(load8(a, 14), b0, b1, s40, s41)
		b0, b1 = load8(b, 6), load8(b, 7)
		s00, s01 = mulAdd8x2(load8(a, 15), b0, b1, s00, s01)
		s10, s11 = mulAdd8x2(load8(a, 16), b0, b1, s10, s11)
		s20, s21 = mulAdd8x2(load8(a, 17), b0, b1, s20, s21)
		s30, s31 = mulAdd8x2(load8(a, 18), b0, b1, s30, s31)
		s40, s41 = mulAdd8x2(load8(a, 19), b0, b1, s40, s41)
		a = unsafe.Add(a, 640)
		b = unsafe.Add(b, 256)
	}
	store8(c, 0, s00)
	store8(c, 1, s01)
	c = unsafe.Add(c, ldc)
	store8(c, 0, s10)
	store8(c, 1, s11)
	c = unsafe.Add(c, ldc)
	store8(c, 0, s20)
	store8(c, 1, s21)
	c = unsafe.Add(c, ldc)
	store8(c, 0, s30)
	store8(c, 1, s31)
	c = unsafe.Add(c, ldc)
	store8(c, 0, s40)
	store8(c, 1, s41)
	archsimd.ClearAVXUpperBits()
}

// strict5x16 is tile5x16 with every product rounded.
func strict5x16(c unsafe.Pointer, ldc uintptr, a, b unsafe.Pointer, k int, load bool) {
	var (
		s00, s01 v8
		s10, s11 v8
		s20, s21 v8
		s30, s31 v8
		s40, s41 v8
	)
	if load {
		c := c
		s00, s01 = load8(c, 0), load8(c, 1)
		c = unsafe.Add(c, ldc)
		s10, s11 = load8(c, 0), load8(c, 1)
		c = unsafe.Add(c, ldc)
		s20, s21 = load8(c, 0), load8(c, 1)
		c = unsafe.Add(c, ldc)
		s30, s31 = load8(c, 0), load8(c, 1)
		c = unsafe.Add(c, ldc)
		s40, s41 = load8(c, 0), load8(c, 1)
	}
	for ; k > 0; k -= unroll {
		b0, b1 := load8(b, 0), load8(b, 1)
		s00, s01 = mulThenAdd8x2(load8(a, 0), b0, b1, s00, s01)
		s10, s11 = mulThenAdd8x2(load8(a, 1), b0, b1, s10, s11)
		s20, s21 = mulThenAdd8x2(load8(a, 2), b0, b1, s20, s21)
		s30, s31 = mulThenAdd8x2(load8(a, 3), b0, b1, s30, s31)
		s40, s41 = mulThenAdd8x2(load8(a, 4), b0, b1, s40, s41)
		b0, b1 = load8(b, 2), load8(b, 3)
		s00, s01 = mulThenAdd8x2(load8(a, 5), b0, b1, s00, s01)
		s10, s11 = mulThenAdd8x2(load8(a, 6), b0, b1, s10, s11)
		s20, s21 = mulThenAdd8x2(load8(a, 7), b0, b1, s20, s21)
		s30, s31 = mulThenAdd8x2(load8(a, 8), b0, b1, s30, s31)
		s40, s41 = mulThenAdd8x2(load8(a, 9), b0, b1, s40, s41)
		b0, b1 = load8(b, 4), load8(b, 5)
		s00, s01 = mulThenAdd8x2(load8(a, 10), b0, b1, s00, s01)
		s10, s11 = mulThenAdd8x2(load8(a, 11), b0, b1, s10, s11)
		s20, s21 = mulThenAdd8x2(load8(a, 12), b0, b1, s20, s21)
		s30, s31 = mulThenAdd8x2(load8(a, 13), b0, b1, s30, s31)
		s40, s41 = mulThenAdd8x2(load8(a, 14), b0, b1, s40, s41)
		b0, b1 = load8(b, 6), load8(b, 7)
		s00, s01 = mulThenAdd8x2(load8(a, 15), b0, b1, s00, s01)
		s10, s11 = mulThenAdd8x2(load8(a, 16), b0, b1, s10, s11)
		s20, s21 = mulThenAdd8x2(load8(a, 17), b0, b1, s20, s21)
		s30, s31 = mulThenAdd8x2(load8(a, 18), b0, b1, s30, s31)
		s40, s41 = mulThenAdd8x2(load8(a, 19), b0, b1, s40, s41)
		a = unsafe.Add(a, 640)
		b = unsafe.Add(b, 256)
	}
	store8(c, 0, s00)
	store8(c, 1, s01)
	c = unsafe.Add(c, ldc)
	store8(c, 0, s10)
	store8(c, 1, s11)
	c = unsafe.Add(c, ldc)
	store8(c, 0, s20)
	store8(c, 1, s21)
	c = unsafe.Add(c, ldc)
	store8(c, 0, s30)
	store8(c, 1, s31)
	c = unsafe.Add(c, ldc)
	store8(c, 0, s40)
	store8(c, 1, s41)
	archsimd.ClearAVXUpperBits()
}

// tile6x64 reads two panels of three rows, one after the other.
func tile6x64(c unsafe.Pointer, ldc uintptr, a, b unsafe.Pointer, k int, load bool) {
	tile3x64(c, ldc, a, b, k, load)
	tile3x64(unsafe.Add(c, 3*ldc), ldc, unsafe.Add(a, 3*64*k), b, k, load)
}

// strict6x64 is tile6x64 with every product rounded.
func strict6x64(c unsafe.Pointer, ldc uintptr, a, b unsafe.Pointer, k int, load bool) {
	strict3x64(c, ldc, a, b, k, load)
	strict3x64(unsafe.Add(c, 3*ldc), ldc, unsafe.Add(a, 3*64*k), b, k, load)
}

// repeat16 is tiling.repeat with 16 lanes.
func repeat16(dst unsafe.Pointer, stride uintptr, a unsafe.Pointer, step uintptr, k int) {
	for ; k > 0; k-- {
		store16(dst, 0, archsimd.BroadcastFloat32x16(*(*float32)(a)))
		dst, a = unsafe.Add(dst, stride), unsafe.Add(a, step)
	}
	archsimd.ClearAVXUpperBits()
}

// repeat8 is tiling.repeat with 8 lanes.
func repeat8(dst unsafe.Pointer, stride uintptr, a unsafe.Pointer, step uintptr, k int) {
	for ; k > 0; k-- {
		store8(dst, 0, archsimd.BroadcastFloat32x8(*(*float32)(a)))
		dst, a = unsafe.Add(dst, stride), unsafe.Add(a, step)
	}
	archsimd.ClearAVXUpperBits()
}

// transpose writes the transpose of a (rows, columns) matrix: dst[j][i] = src[i][j], strides in elements. Blocks of 8x8 go through
// registers.
func transpose(dst unsafe.Pointer, dstStride int, src unsafe.Pointer, srcStride, rows, columns int) {
	i := 0
	for ; i+8 <= rows; i += 8 {
		j := 0
		for ; j+8 <= columns; j += 8 {
			transpose8x8(at(dst, j*dstStride+i), uintptr(4*dstStride), at(src, i*srcStride+j), uintptr(4*srcStride))
		}
		transposeEdge(dst, dstStride, src, srcStride, i, i+8, j, columns)
	}
	transposeEdge(dst, dstStride, src, srcStride, i, rows, 0, columns)
	archsimd.ClearAVXUpperBits()
}

func transposeEdge(dst unsafe.Pointer, dstStride int, src unsafe.Pointer, srcStride, i0, i1, j0, j1 int) {
	for i := i0; i < i1; i++ {
		for j := j0; j < j1; j++ {
			*(*uint32)(at(dst, j*dstStride+i)) = *(*uint32)(at(src, i*srcStride+j))
		}
	}
}

// transpose8x8 transposes one block: pairs, then pairs of pairs inside each half, then the halves. Strides in bytes.
func transpose8x8(dst unsafe.Pointer, dstStride uintptr, src unsafe.Pointer, srcStride uintptr) {
	r0 := load8(src, 0)
	r1 := load8(unsafe.Add(src, srcStride), 0)
	r2 := load8(unsafe.Add(src, 2*srcStride), 0)
	r3 := load8(unsafe.Add(src, 3*srcStride), 0)
	src = unsafe.Add(src, 4*srcStride)
	r4 := load8(src, 0)
	r5 := load8(unsafe.Add(src, srcStride), 0)
	r6 := load8(unsafe.Add(src, 2*srcStride), 0)
	r7 := load8(unsafe.Add(src, 3*srcStride), 0)

	c0, c1, c2, c3 := transpose4(r0, r1, r2, r3)
	d0, d1, d2, d3 := transpose4(r4, r5, r6, r7)
	store8(dst, 0, c0.ConcatPermute128Scalars(0, 2, d0))
	store8(unsafe.Add(dst, dstStride), 0, c1.ConcatPermute128Scalars(0, 2, d1))
	store8(unsafe.Add(dst, 2*dstStride), 0, c2.ConcatPermute128Scalars(0, 2, d2))
	store8(unsafe.Add(dst, 3*dstStride), 0, c3.ConcatPermute128Scalars(0, 2, d3))
	dst = unsafe.Add(dst, 4*dstStride)
	store8(dst, 0, c0.ConcatPermute128Scalars(1, 3, d0))
	store8(unsafe.Add(dst, dstStride), 0, c1.ConcatPermute128Scalars(1, 3, d1))
	store8(unsafe.Add(dst, 2*dstStride), 0, c2.ConcatPermute128Scalars(1, 3, d2))
	store8(unsafe.Add(dst, 3*dstStride), 0, c3.ConcatPermute128Scalars(1, 3, d3))
}

// transpose4 transposes the two 4x4 blocks side by side in r0..r3.
func transpose4(r0, r1, r2, r3 v8) (c0, c1, c2, c3 v8) {
	m0, m1 := r0.ConcatPermuteScalarsGrouped(0, 1, 4, 5, r1), r0.ConcatPermuteScalarsGrouped(2, 3, 6, 7, r1)
	m2, m3 := r2.ConcatPermuteScalarsGrouped(0, 1, 4, 5, r3), r2.ConcatPermuteScalarsGrouped(2, 3, 6, 7, r3)
	return m0.ConcatPermuteScalarsGrouped(0, 2, 4, 6, m2), m0.ConcatPermuteScalarsGrouped(1, 3, 5, 7, m2),
		m1.ConcatPermuteScalarsGrouped(0, 2, 4, 6, m3), m1.ConcatPermuteScalarsGrouped(1, 3, 5, 7, m3)
}
