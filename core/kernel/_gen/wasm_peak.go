package main

import (
	"fmt"
	"strings"
)

// The peak loops do nothing but the arithmetic of a tile, all of it in registers: what a product could reach if loads and loops cost
// nothing.

func peakWasm(f *file) {
	wasmFile(f, "", func(f *file, l loads) {
		peak(f, "peakMulAdd", relaxedTile, "Get SUM; Get A; F32x4Mul; Get B; F32x4Add; Set SUM")
		peak(f, "peakDot16", relaxedTile, "Get SUM; Get A; I32x4DotI16x8S; Get B; I32x4Add; Set SUM")
	})
}

func peakRelaxedWasm(f *file) {
	wasmFile(f, "relaxed", func(f *file, l loads) {
		peak(f, "peakMadd", relaxedTile, "Get B; Get A; Get SUM; F32x4RelaxedMadd; Set SUM")
		peak(f, "peakDot8", relaxedTile, "Get B; Get A; Get SUM; I32x4RelaxedDotI8x16I7x16AddS; Set SUM")
	})
}

const peakUnroll = 8

func peak(f *file, name string, t tile, code string) {
	f.text(name, "out, in unsafe.Pointer, loops uintptr", "MOVD", []argument{
		{"out", "R0", "receives 4 sums, so that no product is for nothing"},
		{"in", "R1", "the operands: 8 numbers"},
		{"loops", "R2", fmt.Sprintf("not 0; of %d vectors", peakUnroll*t.rows*t.vecs)},
	})
	a, b := t.row(), t.column(0)
	f.op(seq(address("R1"), "V128Load $0", "Set "+a), "")
	f.op(seq(address("R1"), "V128Load $16", "Set "+b), "")
	t.sums(func(r, v int, sum string) {
		f.op(seq(zeroV, "Set "+sum), "")
	})
	f.op("Loop", "")
	for range peakUnroll {
		t.sums(func(r, v int, sum string) {
			f.op(strings.NewReplacer("SUM", sum, "A;", a+";", "B;", b+";").Replace(code), "")
		})
	}
	loopEnd(f, "R2", "while loops are left")
	add := "F32x4Add"
	if strings.Contains(code, "I32x4") {
		add = "I32x4Add"
	}
	f.op(seq(address("R0"), "Get "+t.sum(0, 0)), "")
	t.sums(func(r, v int, sum string) {
		if r+v > 0 {
			f.op(seq("Get "+sum, add), "")
		}
	})
	f.op("V128Store $0, $0", "")
	f.op("RET", "")
	f.line("")
}
