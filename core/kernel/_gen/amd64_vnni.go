package main

import "fmt"

// A tile is up to 12 rows by 32 channels: 24 sums, 2 vectors of W and 1 of A in 32 registers. 24 sums hide the latency of VPDPBUSD
// (5 cycles, 2 a cycle) from 5 rows on.
const vnniRows = 12

func int8VNNI(f *file) {
	f.line("//go:build goexperiment.simd")
	f.line("")
	f.line(`#include "textflag.h"`)
	f.line("")
	f.line("// simd/archsimd has no VPDPBUSD: s += dot of 4 uint8 with 4 int8, in each lane of 32 bits, without saturation.")
	f.line("")
	f.line("// STEP adds one group of 4 k of a row: a (4 bytes) to all lanes, times both vectors of W.")
	f.line("#define STEP(a, s0, s1) VPBROADCASTD a, Z26; VPDPBUSD Z24, Z26, s0; VPDPBUSD Z25, Z26, s1")
	f.line("")
	f.line("// OUT finishes row r, each operation rounded as in dequantize: y = (aScale*wScale)*float32(s - aZero*wSum) + bias.")
	f.line("#define OUT(r, s0, s1) \\")
	for _, l := range []string{
		"VPBROADCASTD (4*r)(R12), Z30", // aZero
		"VPMULLD Z26, Z30, Z31", "VPSUBD Z31, s0, s0", "VCVTDQ2PS s0, s0",
		"VPMULLD Z27, Z30, Z31", "VPSUBD Z31, s1, s1", "VCVTDQ2PS s1, s1",
		"VBROADCASTSS (4*r)(R11), Z30", // aScale
		"VMULPS Z24, Z30, Z31", "VMULPS Z31, s0, s0", "VADDPS Z28, s0, s0",
		"VMULPS Z25, Z30, Z31", "VMULPS Z31, s1, s1", "VADDPS Z29, s1, s1",
		"VMOVUPS s0, K1, (DI)", "VMOVUPS s1, K2, 64(DI)",
	} {
		f.line("\t%s; \\", l)
	}
	f.line("\tADDQ DX, DI")
	f.line("")
	for rows := 1; rows <= vnniRows; rows++ {
		vnniTile(f, rows)
	}
}

func vnniTile(f *file, rows int) {
	f.text(fmt.Sprintf("int8Tile%d", rows), "y *float32, ldy uintptr, a *uint8, lda uintptr, w *int8, groups uintptr, aScale *float32, aZero *int32, wScale *float32, wSum *int32, bias *float32, mask uintptr", "MOVQ", []argument{
		{"y", "DI", fmt.Sprintf("(%d, 32), rows ldy bytes apart", rows)},
		{"ldy", "DX", ""},
		{"a", "SI", fmt.Sprintf("(%d, 4*groups), rows lda bytes apart", rows)},
		{"lda", "BX", ""},
		{"w", "R8", "panel: 32 channels of each group of 4 k"},
		{"groups", "CX", ""},
		{"aScale", "R11", ""},
		{"aZero", "R12", ""},
		{"wScale", "R13", ""},
		{"wSum", "R9", ""},
		{"bias", "R10", "nil: zeros"},
		{"mask", "AX", "bit j: channel j exists"},
	})
	f.op("KMOVD AX, K1", "")
	f.op("SHRQ $16, AX", "")
	f.op("KMOVD AX, K2", "")
	for s := range 2 * rows {
		f.op(fmt.Sprintf("VPXORD Z%d, Z%d, Z%d", s, s, s), "")
	}
	bases := []string{"SI", "AX", "R14", "R15"}[:(rows+2)/3]
	for i := 1; i < len(bases); i++ {
		f.op(fmt.Sprintf("LEAQ (%s)(BX*2), %s", bases[i-1], bases[i]), "")
		f.op(fmt.Sprintf("ADDQ BX, %s", bases[i]), "row %d", 3*i)
	}
	f.op("TESTQ CX, CX", "")
	f.op(fmt.Sprintf("JZ out%d", rows), "")
	f.line("")
	f.line("loop%d:", rows)
	f.op("VMOVDQU32 (R8), Z24", "w[0:16] of 4 k")
	f.op("VMOVDQU32 64(R8), Z25", "w[16:32]")
	for r := range rows {
		a := fmt.Sprintf("(%s)", bases[r/3]) + []string{"", "(BX*1)", "(BX*2)"}[r%3]
		f.op(fmt.Sprintf("STEP(%s, Z%d, Z%d)", a, 2*r, 2*r+1), "row %d", r)
	}
	for _, b := range bases {
		f.op(fmt.Sprintf("ADDQ $4, %s", b), "")
	}
	f.op("ADDQ $128, R8", "")
	f.op("DECQ CX", "")
	f.op(fmt.Sprintf("JNZ loop%d", rows), "while groups are left")
	f.line("")
	f.line("out%d:", rows)
	for i, p := range []string{"R13", "R9", "R10"} {
		if p == "R10" {
			f.op("VPXORD Z28, Z28, Z28", "")
			f.op("VPXORD Z29, Z29, Z29", "")
			f.op("TESTQ R10, R10", "")
			f.op(fmt.Sprintf("JZ rows%d", rows), "no bias")
		}
		what := []string{"wScale", "wSum", "bias"}[i]
		f.op(fmt.Sprintf("VMOVUPS.Z (%s), K1, Z%d", p, 24+2*i), "%s", what)
		f.op(fmt.Sprintf("VMOVUPS.Z 64(%s), K2, Z%d", p, 25+2*i), "")
	}
	f.line("")
	f.line("rows%d:", rows)
	for r := range rows {
		f.op(fmt.Sprintf("OUT(%d, Z%d, Z%d)", r, 2*r, 2*r+1), "")
	}
	f.op("VZEROUPPER", "")
	f.op("RET", "")
	f.line("")
}
