//go:build relaxed

package kernel

import "unsafe"

// Which of the two kernels multiplies is what int8Choice found out.
var (
	attentionFused = &attentionTiles{int8Fused, 4, headQueries4, headKeys4, headValues4, powerRows4}
	attentionSplit = &attentionTiles{int8Split, 4, headQueries4, headKeys4, headValues4, powerRows4}
)

//go:noescape
func headQueries4(codes, scale, zero, x, table unsafe.Pointer, rows, ldx, ldc, blocks uintptr)

//go:noescape
func headKeys4(codes, scale, sum, x, table unsafe.Pointer, rows, ldx, blocks uintptr)

//go:noescape
func headValues4(codes, scale, x, table unsafe.Pointer, groups, rows, ldx uintptr)

//go:noescape
func powerRows4(codes, scale, x, table, edge unsafe.Pointer, rows, ldx, ldc, blocks uintptr)
