//go:build relaxed

package kernel

import (
	"time"
	"unsafe"
)

// The bodies of this file use relaxed SIMD, which not every engine takes: they are in builds with the tag relaxed only. Files are
// initialized in the order of their names, so these bodies come after those of the baseline.

// The tile of the assembly with relaxed instructions.
const (
	relaxedRows = 6
	relaxedStep = 4
)

// relaxedTiles adds products by f32x4.relaxed_madd, which an engine may fuse.
var relaxedTiles = &tileWasm{rows: relaxedRows, tiles: matmulTilesRelaxed, step: relaxedStep, spread: spread6, gather: gather6}

// Two kernels multiply fours of k, exactly on every engine because activations are 0..127 and weights -127..127. int8Fused is one
// instruction, i32x4.relaxed_dot_i8x16_i7x16_add_s, where the machine has it too (arm64 with dot products, x64 with AVX-VNNI); elsewhere
// int8Split is faster, i16x8.relaxed_dot_i8x16_i7x16_s and i32x4.dot_i16x8_s.
var (
	int8Fused = &int8TilesWasm{rows: relaxedRows, bytes: 1, step: 16, tiles: int8TilesFused}
	int8Split = &int8TilesWasm{rows: relaxedRows, bytes: 1, step: 16, tiles: int8TilesSplit}
)

func init() {
	register(&body{
		name:  "wasm-relaxed",
		width: 17, // before the baseline body
		matmul: func(c, a, b []float32, m, n, k int, f form, accumulate bool) {
			matmulWasm(relaxedTiles, c, a, b, m, n, k, f, accumulate)
		},
	})
	registerInt8(int8Split.body("wasm-relaxed-split", 4))
	registerInt8(int8Fused.body("wasm-relaxed-fused", 4))
	choice := &int8Choice{kernels: [2]func(p int8Product){int8Split.matmul, int8Fused.matmul}, now: time.Now}
	body := int8Fused.body("wasm-relaxed", 4)
	body.matmul = choice.matmul
	registerInt8(body)
	registerAttention("wasm-relaxed-split", func() *attentionTiles { return attentionSplit })
	registerAttention("wasm-relaxed-fused", func() *attentionTiles { return attentionFused })
	registerAttention("wasm-relaxed", func() *attentionTiles { return [2]*attentionTiles{attentionSplit, attentionFused}[choice.winner] })
}

//go:noescape
func matmulTilesRelaxed(c, a, b unsafe.Pointer, steps, tiles, ldc, accumulate uintptr)

//go:noescape
func int8TilesFused(y, a, w, aScale, aZero, wScale, wSum, bias, add unsafe.Pointer, ldy, lda, steps, tiles, panels uintptr)

//go:noescape
func int8TilesSplit(y, a, w, aScale, aZero, wScale, wSum, bias, add unsafe.Pointer, ldy, lda, steps, tiles, panels uintptr)

//go:noescape
func spread6(dst, src unsafe.Pointer, quads uintptr)

//go:noescape
func gather6(dst, src unsafe.Pointer, rows, ld uintptr)

//go:noescape
func peakMadd(out, in unsafe.Pointer, loops uintptr)

//go:noescape
func peakDot8(out, in unsafe.Pointer, loops uintptr)
