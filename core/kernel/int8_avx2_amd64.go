//go:build goexperiment.simd

package kernel

import "unsafe"

// int8AVX2: panels of 16 channels, groups of 4 k for VPMADDUBSW and VPMADDWD.
var int8AVX2 = int8Body{name: "avx2", nr: avx2Channels, kq: 4, kStep: 4}

func init() {
	int8AVX2.matmul = func(p int8Product) { matmulInt8Job(&int8AVX2, panelAVX2, 1<<22, p) }
}

const avx2Channels = 16

// avx2Tiles are the kernels of 1, 2, 3, 4 rows.
var avx2Tiles = [...]func(y *float32, ldy uintptr, a *uint8, lda uintptr, w *int8, groups uintptr, aScale *float32, aZero *int32, wScale *float32, wSum *int32, bias *float32, mask *int32){
	int8Short1, int8Short2, int8Short3, int8Short4,
}

// avx2Masks[16-c:] writes c channels.
var avx2Masks = [2 * avx2Channels]int32{-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1}

// panelAVX2 computes rows row, row+1, ... of 16 channels.
func panelAVX2(j *int8Job, row, rows, column int) {
	width := min(avx2Channels, j.n-column)
	wScale, wSum, bias := &j.tailScale[0], &j.tailSum[0], &j.tailBias[0]
	if width == avx2Channels {
		wScale, wSum, bias = &j.wScale[column], &j.wSum[column], &zeroBias[0]
		if j.bias != nil {
			bias = &j.bias[column]
		}
	}
	w := unsafe.SliceData(j.packed[column*j.kPad:])
	for rows > 0 {
		height := min(rows, len(avx2Tiles))
		avx2Tiles[height-1](&j.y[row*j.n+column], uintptr(4*j.n), unsafe.SliceData(j.a[row*j.lda:]), uintptr(j.lda), w, uintptr(j.kPad/4),
			&j.aScale[row], &j.aZero[row], wScale, wSum, bias, &avx2Masks[avx2Channels-width])
		row, rows = row+height, rows-height
	}
}

// zeroBias is the bias where there is none.
var zeroBias [avx2Channels]float32

//go:noescape
func int8Short1(y *float32, ldy uintptr, a *uint8, lda uintptr, w *int8, groups uintptr, aScale *float32, aZero *int32, wScale *float32, wSum *int32, bias *float32, mask *int32)

//go:noescape
func int8Short2(y *float32, ldy uintptr, a *uint8, lda uintptr, w *int8, groups uintptr, aScale *float32, aZero *int32, wScale *float32, wSum *int32, bias *float32, mask *int32)

//go:noescape
func int8Short3(y *float32, ldy uintptr, a *uint8, lda uintptr, w *int8, groups uintptr, aScale *float32, aZero *int32, wScale *float32, wSum *int32, bias *float32, mask *int32)

//go:noescape
func int8Short4(y *float32, ldy uintptr, a *uint8, lda uintptr, w *int8, groups uintptr, aScale *float32, aZero *int32, wScale *float32, wSum *int32, bias *float32, mask *int32)
