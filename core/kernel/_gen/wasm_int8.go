package main

import (
	"fmt"
	"strings"
)

func int8Wasm(f *file) {
	wasmFile(f, "", func(f *file, l loads) {
		int8Tile(f, l, "int8Tiles", baseTile, dotPairs)
		spreadPairs(f, l, baseTile)
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
	wide int    // k of a step: a pair widened to 16 bits, or 4 values as they are; either is 4 bytes of a row of A
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

// int8Tile has the tile of matmulTile.
func int8Tile(f *file, l loads, name string, t tile, d dot) {
	aDoc, wDoc := fmt.Sprintf("A in int16, tile after tile, in a tile %d rows of each pair of k", t.rows), "W in int8, %d channels of each pair of k"
	if d.wide == 4 {
		aDoc, wDoc = fmt.Sprintf("A in uint8, tile after tile, in a tile %d rows of each 4 of k", t.rows), "W in int8, %d channels of each 4 of k"
	}
	f.text(name, "y, a, w unsafe.Pointer, steps, tiles, ldy uintptr, aScale, aZero, wScale, wSum, bias, add unsafe.Pointer", "MOVD", []argument{
		{"y", "R0", "tile of Y; its rows are ldy bytes apart"},
		{"a", "R1", aDoc},
		{"w", "R2", fmt.Sprintf(wDoc, t.columns())},
		{"steps", "R3", fmt.Sprintf("k/%d, not 0", d.wide*t.unroll)},
		{"tiles", "R4", fmt.Sprintf("tiles of %d rows, not 0", t.rows)},
		{"ldy", "R5", ""},
		{"aScale", "R6", "of the rows of all tiles"},
		{"aZero", "R7", "of the rows of all tiles, as zeroPair"},
		{"wScale", "R8", fmt.Sprintf("of the %d channels, as the next two", t.columns())},
		{"wSum", "R9", "as sumPair"},
		{"bias", "R10", ""},
		{"add", "R11", "nil, or what is added to the tile of Y, rows ldy bytes apart"},
	}, "Sums are exact; the epilogue rounds each operation, as dequantize does.")
	if d.ones {
		f.op(seq("I32Const $1", "I16x8Splat", "Set V15"), "ones")
	}
	f.op("Loop", "for each tile")
	f.op(seq("Get R3", "Set R12"), "steps left")
	f.op(seq("Get R2", "Set R13"), "w of this step")
	for v := range t.vecs {
		f.op(seq(address("R9"), fmt.Sprintf("V128Load $%d", 16*v), "Set "+t.column(v)), "wSum[%d:]", 4*v)
	}
	for r := range t.rows {
		f.op(seq(address("R7"), l.at("V128Load32Splat", 4*r), "Set "+t.row()), "-aZero[%d]", r)
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
			f.op(seq(address("R13"), load, "Set "+t.column(v)), "w[%d:][k+%d:k+%d]", 4*v, d.wide*u, d.wide*u+d.wide)
		}
		for r := range t.rows {
			f.op(seq(address("R1"), l.at("V128Load32Splat", 4*(u*t.rows+r)), "Set "+t.row()), "a[%d][k+%d:k+%d]", r, d.wide*u, d.wide*u+d.wide)
			for v := range t.vecs {
				code := strings.NewReplacer("SUM", t.sum(r, v), "W;", t.column(v)+";", "A;", t.row()+";").Replace(d.code)
				f.op(code, "s[%d][%d:] += w . a", r, 4*v)
			}
		}
	}
	f.op(advance("R1", 4*t.rows*t.unroll), "a of the next step; after the last one, of the next tile")
	f.op(advance("R13", d.wide*4*t.vecs*t.unroll), "")
	loopEnd(f, "R12", "while steps are left")
	// All sums are turned into numbers first: a column of the tile at a time, so that scale and bias of the channels need two registers.
	for v := range t.vecs {
		scale, bias := t.column(0), t.column(1)
		f.op(seq(address("R8"), fmt.Sprintf("V128Load $%d", 16*v), "Set "+scale), "wScale[%d:]", 4*v)
		f.op(seq(address("R10"), fmt.Sprintf("V128Load $%d", 16*v), "Set "+bias), "bias[%d:]", 4*v)
		for r := range t.rows {
			s := t.sum(r, v)
			f.op(seq("Get "+scale, address("R6"), l.at("V128Load32Splat", 4*r), "F32x4Mul", "Get "+s, "F32x4ConvertI32x4S", "F32x4Mul", "Get "+bias, "F32x4Add", "Set "+s),
				"s = wScale*aScale * float32(s) + bias")
		}
	}
	f.op(seq(address("R11"), "If"), "if add")
	t.sums(func(r, v int, sum string) {
		f.op(seq(address("R11"), fmt.Sprintf("V128Load $%d", 16*v), "Get "+sum, "F32x4Add", "Set "+sum), "s += add[%d][%d:]", r, 4*v)
		if v == t.vecs-1 {
			f.op(seq("Get R11", "Get R5", "I64Add", "Set R11"), "next row")
		}
	})
	f.op("End", "")
	t.sums(func(r, v int, sum string) {
		f.op(seq(address("R0"), "Get "+sum, fmt.Sprintf("V128Store $0, $%d", 16*v)), "y[%d][%d:] = s", r, 4*v)
		if v == t.vecs-1 {
			f.op(seq("Get R0", "Get R5", "I64Add", "Set R0"), "next row")
		}
	})
	f.op(advance("R6", 4*t.rows), "")
	f.op(advance("R7", 4*t.rows), "")
	loopEnd(f, "R4", "while tiles are left")
	f.op("RET", "")
	f.line("")
}

// spreadPairs packs a row of activations.
func spreadPairs(f *file, l loads, t tile) {
	f.text(fmt.Sprintf("spreadPairs%d", t.rows), "dst, src unsafe.Pointer, octets uintptr", "MOVD", []argument{
		{"dst", "R0", fmt.Sprintf("int16: dst[%d*i:] = src[2*i], src[2*i+1]", 2*t.rows)},
		{"src", "R1", "uint8"},
		{"octets", "R2", "len(src)/8, not 0"},
	})
	f.op("Loop", "for each 8 values")
	f.op(seq(address("R1"), l.at("V128Load8x8U", 0), "Set V0"), "int16(src[0:8])")
	for half := range 2 {
		f.op(seq("Get V0", fmt.Sprintf("I64x2ExtractLane $0, $%d", half), "Set R3"), "src[%d:%d]", 4*half, 4*half+4)
		f.op(seq(address("R0"), "Get R3", fmt.Sprintf("I64Store32 $0, $%d", 4*t.rows*2*half)), "pair %d", 2*half)
		f.op(seq(address("R0"), "Get R3", "I64Const $32", "I64ShrU", fmt.Sprintf("I64Store32 $0, $%d", 4*t.rows*(2*half+1))), "pair %d", 2*half+1)
	}
	f.op(advance("R0", 16*t.rows), "")
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
