package main

import "fmt"

// A tile is up to 4 rows by 16 channels: 8 sums, 2 vectors of W, 1 of A, 1 of ones and 2 for products in 16 registers.
const avx2Rows = 4

func int8AVX2(f *file) {
	f.line("//go:build goexperiment.simd")
	f.line("")
	f.line(`#include "textflag.h"`)
	f.line("")
	f.line("// DOT adds the products of 4 uint8 and 4 int8 to each lane of s: in pairs to int16, which does not saturate because 2*127*127 = 32258, then to int32.")
	f.line("#define DOT(w, s) VPMADDUBSW w, Y11, Y12; VPMADDWD Y10, Y12, Y12; VPADDD Y12, s, s")
	f.line("")
	f.line("// STEP adds one group of 4 k of a row: a (4 bytes) to all lanes, times both vectors of W.")
	f.line("#define STEP(a, s0, s1) VPBROADCASTD a, Y11; DOT(Y8, s0); DOT(Y9, s1)")
	f.line("")
	f.line("// HALF finishes 8 channels, each operation rounded as in dequantize: y = (aScale*wScale)*float32(s - aZero*wSum) + bias.")
	f.line("#define HALF(off, s, mask) \\")
	for _, l := range []string{
		"VPMULLD off(R9), Y8, Y10", "VPSUBD Y10, s, s", "VCVTDQ2PS s, s",
		"VMULPS off(R13), Y9, Y10", "VMULPS Y10, s, s", "VADDPS off(R10), s, s",
	} {
		f.line("\t%s; \\", l)
	}
	f.line("\tVMASKMOVPS s, mask, off(DI)")
	f.line("")
	f.line("// OUT finishes row r.")
	f.line("#define OUT(r, s0, s1) VPBROADCASTD (4*r)(R12), Y8; VBROADCASTSS (4*r)(R11), Y9; HALF(0, s0, Y14); HALF(32, s1, Y15); ADDQ DX, DI")
	f.line("")
	for rows := 1; rows <= avx2Rows; rows++ {
		avx2Tile(f, rows)
	}
}

func avx2Tile(f *file, rows int) {
	f.text(fmt.Sprintf("int8Short%d", rows), "y *float32, ldy uintptr, a *uint8, lda uintptr, w *int8, groups uintptr, aScale *float32, aZero *int32, wScale *float32, wSum *int32, bias *float32, mask *int32", "MOVQ", []argument{
		{"y", "DI", fmt.Sprintf("(%d, 16), rows ldy bytes apart", rows)},
		{"ldy", "DX", ""},
		{"a", "SI", fmt.Sprintf("(%d, 4*groups), rows lda bytes apart", rows)},
		{"lda", "BX", ""},
		{"w", "R8", "panel: 16 channels of each group of 4 k"},
		{"groups", "CX", ""},
		{"aScale", "R11", ""},
		{"aZero", "R12", ""},
		{"wScale", "R13", "of 16 channels, as the next two"},
		{"wSum", "R9", ""},
		{"bias", "R10", ""},
		{"mask", "AX", "negative: channel is written"},
	})
	f.op("VMOVDQU (AX), Y14", "")
	f.op("VMOVDQU 32(AX), Y15", "")
	f.op("VPCMPEQD Y10, Y10, Y10", "")
	f.op("VPSRLW $15, Y10, Y10", "16 ones")
	for s := range 2 * rows {
		f.op(fmt.Sprintf("VPXOR Y%d, Y%d, Y%d", s, s, s), "")
	}
	if rows == 4 {
		f.op("LEAQ (SI)(BX*2), AX", "")
		f.op("ADDQ BX, AX", "row 3")
	}
	f.op("TESTQ CX, CX", "")
	f.op(fmt.Sprintf("JZ out%d", rows), "")
	f.line("")
	f.line("loop%d:", rows)
	f.op("VMOVDQU (R8), Y8", "w[0:8] of 4 k")
	f.op("VMOVDQU 32(R8), Y9", "w[8:16]")
	for r := range rows {
		f.op(fmt.Sprintf("STEP(%s, Y%d, Y%d)", []string{"(SI)", "(SI)(BX*1)", "(SI)(BX*2)", "(AX)"}[r], 2*r, 2*r+1), "row %d", r)
	}
	f.op("ADDQ $4, SI", "")
	if rows == 4 {
		f.op("ADDQ $4, AX", "")
	}
	f.op("ADDQ $64, R8", "")
	f.op("DECQ CX", "")
	f.op(fmt.Sprintf("JNZ loop%d", rows), "while groups are left")
	f.line("")
	f.line("out%d:", rows)
	for r := range rows {
		f.op(fmt.Sprintf("OUT(%d, Y%d, Y%d)", r, 2*r, 2*r+1), "")
	}
	f.op("VZEROUPPER", "")
	f.op("RET", "")
	f.line("")
}
