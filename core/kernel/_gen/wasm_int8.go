package main

import (
	"fmt"
	"strings"
)

func int8Wasm(f *file) {
	wasmFile(f, "", func(f *file, l loads) {
		int8Tile(f, l, "int8Tiles", baseTile, dotPairs)
		widen(f, l)
		spreadHalves(f, baseTile.columns())
		sumInt8(f)
	})
}

func int8RelaxedWasm(f *file) {
	wasmFile(f, "relaxed", func(f *file, l loads) {
		int8Tile(f, l, "int8TilesFused", relaxedTile, dotFused)
		int8Tile(f, l, "int8TilesSplit", relaxedTile, dotSplit)
	})
}

// dot is how a vector of sums takes the products of one step of k.
type dot struct {
	wide int    // k of a step: a pair in 16 bits, or 4 values as they are; either is 4 bytes of a row of A
	code string // SUM += W . A
	ones bool   // V15 holds eight int16 of 1
}

var (
	dotPairs = dot{wide: 2, code: "Get SUM; Get W; Get A; I32x4DotI16x8S; I32x4Add; Set SUM"}
	dotFused = dot{wide: 4, code: "Get W; Get A; Get SUM; I32x4RelaxedDotI8x16I7x16AddS; Set SUM"}

	// dotSplit makes sums of pairs in 16 bits, which do not overflow: 2*127*127 < 2^15. V8 spends 5 instructions on dotFused and 3 on this
	// where an x64 processor has no AVX-VNNI.
	dotSplit = dot{wide: 4, code: "Get SUM; Get W; Get A; I16x8RelaxedDotI8x16I7x16S; Get V15; I32x4DotI16x8S; I32x4Add; Set SUM", ones: true}
)

// int8Tile has the tile of matmulTile. The rows of A are not packed: each has a pointer of its own.
func int8Tile(f *file, l loads, name string, t tile, d dot) {
	const w, steps, y, a, tiles, aScale, aZero, add, temp, panels = "R6", "R7", "R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15"
	row := func(r int) string { return fmt.Sprintf("R%d", r) }
	element := map[int]string{2: "int16", 4: "uint8"}[d.wide]
	args := []argument{
		{"y", "", "tile of Y; its rows are ldy bytes apart"},
		{"a", "", fmt.Sprintf("A in %s, rows lda bytes apart", element)},
		{"w", "", fmt.Sprintf("W in int8, %d channels of each %d of k, panel after panel", t.columns(), d.wide)},
		{"aScale", "", "of the rows of all tiles"},
		{"aZero", "", "of the rows of all tiles, as zeroPair"},
		{"wScale", "", "of the channels of all panels, as the next two"},
		{"wSum", "", "as sumPair"},
		{"bias", "", ""},
		{"add", "", "nil, or what is added to the tile of Y, rows ldy bytes apart"},
		{"ldy", "", ""},
		{"lda", "", ""},
		{"steps", "", fmt.Sprintf("k/%d, not 0", d.wide*t.unroll)},
		{"tiles", "", fmt.Sprintf("tiles of %d rows, not 0", t.rows)},
		{"panels", "", fmt.Sprintf("of %d channels, not 0", t.columns())},
	}
	f.line("// func %s(y, a, w, aScale, aZero, wScale, wSum, bias, add unsafe.Pointer, ldy, lda, steps, tiles, panels uintptr)", name)
	f.line("// Sums are exact; the epilogue rounds each operation, as dequantize does. Every panel goes over all tiles. What changes from panel to panel is")
	f.line("// kept in the arguments, which are this function's own.")
	place := map[string]string{}
	for i, arg := range args {
		place[arg.name] = fmt.Sprintf("%s+%d(FP)", arg.name, 8*i)
		if arg.comment != "" {
			f.line("//   %-7s %s", arg.name, arg.comment)
		}
	}
	f.line("TEXT ·%s(SB), NOSPLIT, $0-%d", name, 8*len(args))
	load := func(arg, register string) { f.op(fmt.Sprintf("MOVD %s, %s", place[arg], register), "") }
	next := func(arg string, bytes int) {
		load(arg, temp)
		f.op(advance(temp, bytes), "")
		f.op(fmt.Sprintf("MOVD %s, %s", temp, place[arg]), "")
	}
	if d.ones {
		f.op(seq("I32Const $1", "I16x8Splat", "Set V15"), "ones")
	}
	load("panels", panels)
	f.op("Loop", "for each panel")
	load("y", y)
	load("a", a)
	load("aScale", aScale)
	load("aZero", aZero)
	load("add", add)
	load("tiles", tiles)
	f.op("Loop", "for each tile")
	load("steps", steps)
	load("w", w)
	load("lda", temp)
	f.op(seq("Get "+a, "Set "+row(0)), "row 0")
	for r := 1; r < t.rows; r++ {
		f.op(seq("Get "+row(r-1), "Get "+temp, "I64Add", "Set "+row(r)), "row %d", r)
	}
	f.op(seq("Get "+row(t.rows-1), "Get "+temp, "I64Add", "Set "+a), "the next tile")
	load("wSum", temp)
	for v := range t.vecs {
		f.op(seq(address(temp), fmt.Sprintf("V128Load $%d", 16*v), "Set "+t.column(v)), "wSum[%d:]", 4*v)
	}
	for r := range t.rows {
		f.op(seq(address(aZero), l.at("V128Load32Splat", 4*r), "Set "+t.row()), "-aZero[%d]", r)
		for v := range t.vecs {
			f.op(seq("Get "+t.column(v), "Get "+t.row(), "I32x4DotI16x8S", "Set "+t.sum(r, v)), "s[%d][%d:] = -wSum*aZero", r, 4*v)
		}
	}
	f.op("Loop", "for each %d of k", d.wide*t.unroll)
	for u := range t.unroll {
		for v := range t.vecs {
			load := l.at("V128Load8x8S", 8*(u*t.vecs+v))
			if d.wide == 4 {
				load = fmt.Sprintf("V128Load $%d", 16*(u*t.vecs+v))
			}
			f.op(seq(address(w), load, "Set "+t.column(v)), "w[%d:][k+%d:k+%d]", 4*v, d.wide*u, d.wide*u+d.wide)
		}
		for r := range t.rows {
			f.op(seq(address(row(r)), l.at("V128Load32Splat", 4*u), "Set "+t.row()), "a[%d][k+%d:k+%d]", r, d.wide*u, d.wide*u+d.wide)
			for v := range t.vecs {
				code := strings.NewReplacer("SUM", t.sum(r, v), "W;", t.column(v)+";", "A;", t.row()+";").Replace(d.code)
				f.op(code, "s[%d][%d:] += w . a", r, 4*v)
			}
		}
	}
	for r := range t.rows {
		f.op(advance(row(r), 4*t.unroll), "")
	}
	f.op(advance(w, d.wide*4*t.vecs*t.unroll), "")
	loopEnd(f, steps, "while steps are left")
	// All sums are turned into numbers first: a column of the tile at a time, so that scale and bias of the channels need two registers.
	load("wScale", temp)
	load("bias", w)
	for v := range t.vecs {
		scale, bias := t.column(0), t.column(1)
		f.op(seq(address(temp), fmt.Sprintf("V128Load $%d", 16*v), "Set "+scale), "wScale[%d:]", 4*v)
		f.op(seq(address(w), fmt.Sprintf("V128Load $%d", 16*v), "Set "+bias), "bias[%d:]", 4*v)
		for r := range t.rows {
			s := t.sum(r, v)
			f.op(seq("Get "+scale, address(aScale), l.at("V128Load32Splat", 4*r), "F32x4Mul", "Get "+s, "F32x4ConvertI32x4S", "F32x4Mul", "Get "+bias, "F32x4Add", "Set "+s),
				"s = wScale*aScale * float32(s) + bias")
		}
	}
	load("ldy", temp)
	f.op(seq(address(add), "If"), "if add")
	t.sums(func(r, v int, sum string) {
		f.op(seq(address(add), fmt.Sprintf("V128Load $%d", 16*v), "Get "+sum, "F32x4Add", "Set "+sum), "s += add[%d][%d:]", r, 4*v)
		if v == t.vecs-1 {
			f.op(seq("Get "+add, "Get "+temp, "I64Add", "Set "+add), "next row")
		}
	})
	f.op("End", "")
	t.sums(func(r, v int, sum string) {
		f.op(seq(address(y), "Get "+sum, fmt.Sprintf("V128Store $0, $%d", 16*v)), "y[%d][%d:] = s", r, 4*v)
		if v == t.vecs-1 {
			f.op(seq("Get "+y, "Get "+temp, "I64Add", "Set "+y), "next row")
		}
	})
	f.op(advance(aScale, 4*t.rows), "")
	f.op(advance(aZero, 4*t.rows), "")
	loopEnd(f, tiles, "while tiles are left")
	for _, arg := range []string{"y", "wScale", "wSum", "bias"} {
		next(arg, 4*t.columns())
	}
	load("add", temp)
	f.op(seq(address(temp), "If"), "if add")
	f.op(advance(temp, 4*t.columns()), "")
	f.op(fmt.Sprintf("MOVD %s, %s", temp, place["add"]), "")
	f.op("End", "")
	load("w", w)
	load("steps", temp)
	f.op(seq("Get "+w, "Get "+temp, fmt.Sprintf("I64Const $%d", d.wide*4*t.vecs*t.unroll), "I64Mul", "I64Add", "Set "+w), "the next panel")
	f.op(fmt.Sprintf("MOVD %s, %s", w, place["w"]), "")
	loopEnd(f, panels, "while panels are left")
	f.op("RET", "")
	f.line("")
}

// widen turns activations into those that pairs are made of.
func widen(f *file, l loads) {
	f.text("widenOctets", "dst, src unsafe.Pointer, octets uintptr", "MOVD", []argument{
		{"dst", "R0", "int16"},
		{"src", "R1", "uint8"},
		{"octets", "R2", "len(src)/8, not 0"},
	})
	f.op("Loop", "for each 8 values")
	f.op(seq(address("R0"), address("R1"), l.at("V128Load8x8U", 0), "V128Store $0, $0"), "")
	f.op(advance("R0", 16), "")
	f.op(advance("R1", 8), "")
	loopEnd(f, "R2", "while octets are left")
	f.op("RET", "")
	f.line("")
}

// spreadHalves is spread of elements of 2 bytes.
func spreadHalves(f *file, width int) {
	f.text(fmt.Sprintf("spreadHalves%d", width), "dst, src unsafe.Pointer, octets uintptr", "MOVD", []argument{
		{"dst", "R0", fmt.Sprintf("dst[%d*i] = src[i], 2 bytes each", width)},
		{"src", "R1", ""},
		{"octets", "R2", "len(src)/8, not 0"},
	})
	f.op("Loop", "for each 8 elements")
	for i := range 8 {
		f.op(seq(address("R0"), address("R1"), fmt.Sprintf("I32Load16U $%d", 2*i), fmt.Sprintf("I32Store16 $0, $%d", 2*width*i)), "dst[%d] = src[%d]", width*i, i)
	}
	f.op(advance("R0", 16*width), "")
	f.op(advance("R1", 16), "")
	loopEnd(f, "R2", "while octets are left")
	f.op("RET", "")
	f.line("")
}

// sumInt8 adds up weights and finds the least.
func sumInt8(f *file) {
	f.text("sumInt8Blocks", "out, w unsafe.Pointer, blocks uintptr", "MOVD", []argument{
		{"out", "R0", "4 sums in int32, then the least of 16 lanes in int8"},
		{"w", "R1", ""},
		{"blocks", "R2", "len(w)/16, not 0"},
	})
	f.op(seq(zeroV, "Tee V0", "Set V1"), "")
	f.op("Loop", "for each 16 weights")
	f.op(seq(address("R1"), "V128Load $0", "Set V2"), "")
	f.op(seq("Get V0", "Get V2", "I16x8ExtaddPairwiseI8x16S", "I32x4ExtaddPairwiseI16x8S", "I32x4Add", "Set V0"), "")
	f.op(seq("Get V1", "Get V2", "I8x16MinS", "Set V1"), "")
	f.op(advance("R1", 16), "")
	loopEnd(f, "R2", "while blocks are left")
	f.op(seq(address("R0"), "Get V0", "V128Store $0, $0"), "")
	f.op(seq(address("R0"), "Get V1", "V128Store $0, $16"), "")
	f.op("RET", "")
	f.line("")
}
