//go:build goexperiment.simd

package kernel

import (
	"simd/archsimd"
	"unsafe"
)

func init() {
	if archsimd.X86.AVX2() {
		registerInt8(&int8AVX2)
	}
	if archsimd.X86.AVX512() && archsimd.X86.AVX512VNNI() {
		registerInt8(&int8VNNI)
	}
}

// int8VNNI: panels of 32 channels, groups of 4 k for VPDPBUSD.
var int8VNNI = int8Body{name: "avx512-vnni", nr: 32, kq: 4, kStep: 4, packRow: packRowVNNI}

// packRowVNNI moves groups of 4 k of a row to their places in a panel as words, and returns how many k they are.
func packRowVNNI(panel, row []int8) (done int) {
	groups := len(row) / 4
	if groups == 0 {
		return 0
	}
	_ = panel[(groups-1)*4*32+3]
	to, from := unsafe.Pointer(unsafe.SliceData(panel)), unsafe.Pointer(unsafe.SliceData(row))
	for g := range groups {
		*(*uint32)(unsafe.Add(to, g*4*32)) = *(*uint32)(unsafe.Add(from, g*4))
	}
	return 4 * groups
}

func init() {
	int8VNNI.matmul = func(p int8Product) { matmulInt8Job(&int8VNNI, panelVNNI, 1<<23, p) }
}

// vnniTiles are the kernels of 1, 2, ... 12 rows.
var vnniTiles = [...]func(y *float32, ldy uintptr, a *uint8, lda uintptr, w *int8, groups uintptr, aScale *float32, aZero *int32, wScale *float32, wSum *int32, bias *float32, mask uintptr){
	int8Tile1, int8Tile2, int8Tile3, int8Tile4, int8Tile5, int8Tile6, int8Tile7, int8Tile8, int8Tile9, int8Tile10, int8Tile11, int8Tile12,
}

// panelVNNI computes rows row, row+1, ... of 32 channels, in blocks of at most 12 rows that differ by one row at most.
func panelVNNI(j *int8Job, row, rows, column int) {
	mask := uintptr(1)<<min(32, j.n-column) - 1
	w := unsafe.SliceData(j.packed[column*j.kPad:])
	var bias *float32
	if j.bias != nil {
		bias = &j.bias[column]
	}
	for blocks := (rows + len(vnniTiles) - 1) / len(vnniTiles); blocks > 0; blocks-- {
		height := (rows + blocks - 1) / blocks
		vnniTiles[height-1](&j.y[row*j.n+column], uintptr(4*j.n), unsafe.SliceData(j.a[row*j.lda:]), uintptr(j.lda), w, uintptr(j.kPad/4),
			&j.aScale[row], &j.aZero[row], &j.wScale[column], &j.wSum[column], bias, mask)
		row, rows = row+height, rows-height
	}
}

//go:noescape
func int8Tile1(y *float32, ldy uintptr, a *uint8, lda uintptr, w *int8, groups uintptr, aScale *float32, aZero *int32, wScale *float32, wSum *int32, bias *float32, mask uintptr)

//go:noescape
func int8Tile2(y *float32, ldy uintptr, a *uint8, lda uintptr, w *int8, groups uintptr, aScale *float32, aZero *int32, wScale *float32, wSum *int32, bias *float32, mask uintptr)

//go:noescape
func int8Tile3(y *float32, ldy uintptr, a *uint8, lda uintptr, w *int8, groups uintptr, aScale *float32, aZero *int32, wScale *float32, wSum *int32, bias *float32, mask uintptr)

//go:noescape
func int8Tile4(y *float32, ldy uintptr, a *uint8, lda uintptr, w *int8, groups uintptr, aScale *float32, aZero *int32, wScale *float32, wSum *int32, bias *float32, mask uintptr)

//go:noescape
func int8Tile5(y *float32, ldy uintptr, a *uint8, lda uintptr, w *int8, groups uintptr, aScale *float32, aZero *int32, wScale *float32, wSum *int32, bias *float32, mask uintptr)

//go:noescape
func int8Tile6(y *float32, ldy uintptr, a *uint8, lda uintptr, w *int8, groups uintptr, aScale *float32, aZero *int32, wScale *float32, wSum *int32, bias *float32, mask uintptr)

//go:noescape
func int8Tile7(y *float32, ldy uintptr, a *uint8, lda uintptr, w *int8, groups uintptr, aScale *float32, aZero *int32, wScale *float32, wSum *int32, bias *float32, mask uintptr)

//go:noescape
func int8Tile8(y *float32, ldy uintptr, a *uint8, lda uintptr, w *int8, groups uintptr, aScale *float32, aZero *int32, wScale *float32, wSum *int32, bias *float32, mask uintptr)

//go:noescape
func int8Tile9(y *float32, ldy uintptr, a *uint8, lda uintptr, w *int8, groups uintptr, aScale *float32, aZero *int32, wScale *float32, wSum *int32, bias *float32, mask uintptr)

//go:noescape
func int8Tile10(y *float32, ldy uintptr, a *uint8, lda uintptr, w *int8, groups uintptr, aScale *float32, aZero *int32, wScale *float32, wSum *int32, bias *float32, mask uintptr)

//go:noescape
func int8Tile11(y *float32, ldy uintptr, a *uint8, lda uintptr, w *int8, groups uintptr, aScale *float32, aZero *int32, wScale *float32, wSum *int32, bias *float32, mask uintptr)

//go:noescape
func int8Tile12(y *float32, ldy uintptr, a *uint8, lda uintptr, w *int8, groups uintptr, aScale *float32, aZero *int32, wScale *float32, wSum *int32, bias *float32, mask uintptr)
