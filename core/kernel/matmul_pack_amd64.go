//go:build goexperiment.simd

package kernel

import (
	"simd/archsimd"
	"unsafe"
)

//go:generate go run _tiles/main.go

// The tiles are made for the compiler as it is in Go 1.27: MulAdd overwrites its first operand and not the sum, and sums that live across
// a loop stay in the lower 15 registers, so a tile has 10 or 12 sums, and four steps of k in the loop body pay for the moves at its end.
// Loads of float32 scalars inside the loop would be hoisted and spilled with SSE instructions: A comes in whole vectors for this, too.
// Every function leaves the upper halves of the registers clear: SSE code that follows would stall otherwise.

func init() {
	register(avx512.body("avx512", archsimd.X86.AVX512))
	register(avx2.body("avx2", func() bool { return archsimd.X86.AVX2() && archsimd.X86.FMA() }))
}

var avx512 = &tiling{
	lanes: 16, rows: 6, panel: 3, columns: 64, narrow: 32, depth: 40,
	tile: tile6x64, tileNarrow: tile6x32,
	repeat: repeat16,
}

var avx2 = &tiling{
	lanes: 8, rows: 5, panel: 5, columns: 16, depth: 128,
	tile:   tile5x16,
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

// tile6x64 reads two panels of three rows, one after the other.
func tile6x64(c unsafe.Pointer, ldc uintptr, a, b unsafe.Pointer, k int, load bool) {
	tile3x64(c, ldc, a, b, k, load)
	tile3x64(unsafe.Add(c, 3*ldc), ldc, unsafe.Add(a, 3*64*k), b, k, load)
}

// repeat16 is tiling.repeat with panels of three rows.
func repeat16(dst, a unsafe.Pointer, row, step uintptr, rows, k int) {
	if rows == 3 {
		for ; k >= 2; k -= 2 {
			store16(dst, 0, archsimd.BroadcastFloat32x16(*(*float32)(a)))
			store16(dst, 1, archsimd.BroadcastFloat32x16(*(*float32)(unsafe.Add(a, row))))
			store16(dst, 2, archsimd.BroadcastFloat32x16(*(*float32)(unsafe.Add(a, 2*row))))
			a = unsafe.Add(a, step)
			store16(dst, 3, archsimd.BroadcastFloat32x16(*(*float32)(a)))
			store16(dst, 4, archsimd.BroadcastFloat32x16(*(*float32)(unsafe.Add(a, row))))
			store16(dst, 5, archsimd.BroadcastFloat32x16(*(*float32)(unsafe.Add(a, 2*row))))
			dst, a = unsafe.Add(dst, 6*64), unsafe.Add(a, step)
		}
	}
	for ; k > 0; k-- {
		for i := range rows {
			store16(dst, uintptr(i), archsimd.BroadcastFloat32x16(*(*float32)(unsafe.Add(a, uintptr(i)*row))))
		}
		dst, a = unsafe.Add(dst, 3*64), unsafe.Add(a, step)
	}
	archsimd.ClearAVXUpperBits()
}

// repeat8 is tiling.repeat with panels of five rows.
func repeat8(dst, a unsafe.Pointer, row, step uintptr, rows, k int) {
	if rows == 5 {
		for ; k > 0; k-- {
			store8(dst, 0, archsimd.BroadcastFloat32x8(*(*float32)(a)))
			store8(dst, 1, archsimd.BroadcastFloat32x8(*(*float32)(unsafe.Add(a, row))))
			store8(dst, 2, archsimd.BroadcastFloat32x8(*(*float32)(unsafe.Add(a, 2*row))))
			store8(dst, 3, archsimd.BroadcastFloat32x8(*(*float32)(unsafe.Add(a, 3*row))))
			store8(dst, 4, archsimd.BroadcastFloat32x8(*(*float32)(unsafe.Add(a, 4*row))))
			dst, a = unsafe.Add(dst, 5*32), unsafe.Add(a, step)
		}
	}
	for ; k > 0; k-- {
		for i := range rows {
			store8(dst, uintptr(i), archsimd.BroadcastFloat32x8(*(*float32)(unsafe.Add(a, uintptr(i)*row))))
		}
		dst, a = unsafe.Add(dst, 5*32), unsafe.Add(a, step)
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
