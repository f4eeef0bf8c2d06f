package main

import "fmt"

func int8Wasm(f *file) {
	wasmFile(f, func(f *file, l loads) {
		int8Tile(f, l)
		spreadPairs(f, l)
	})
}

// int8Tile has the tile of matmulTile; a step is a pair of k, widened to 16 bits.
func int8Tile(f *file, l loads) {
	f.text("int8Tiles", "y, a, w unsafe.Pointer, steps, tiles, ldy uintptr, aScale, aZero, wScale, wSum, bias unsafe.Pointer", "MOVD", []argument{
		{"y", "R0", "tile of Y; its rows are ldy bytes apart"},
		{"a", "R1", "A in int16, tile after tile, in a tile 5 rows of each pair of k"},
		{"w", "R2", "W in int8, 8 channels of each pair of k"},
		{"steps", "R3", "k/8, not 0"},
		{"tiles", "R4", "tiles of 5 rows, not 0"},
		{"ldy", "R5", ""},
		{"aScale", "R6", "of the rows of all tiles"},
		{"aZero", "R7", "of the rows of all tiles"},
		{"wScale", "R8", "of the 8 channels, as the next two"},
		{"wSum", "R9", ""},
		{"bias", "R10", ""},
	}, "Sums are exact; the epilogue rounds each operation, as dequantize does.")
	f.op("Loop", "for each tile")
	f.op(seq("Get R3", "Set R11"), "steps left")
	f.op(seq("Get R2", "Set R12"), "w of this step")
	for r := range tileRows {
		for v := range tileVecs {
			f.op(seq(zeroV, "Set "+sum(r, v)), "s[%d][%d:] = 0", r, 4*v)
		}
	}
	f.op("Loop", "for each 8 of k")
	for u := range unroll {
		for v := range tileVecs {
			f.op(seq(address("R12"), l.at("V128Load8x8S", 8*(u*tileVecs+v)), "Set "+column(v)), "int16(w[%d:][k+%d:k+%d])", 4*v, 2*u, 2*u+2)
		}
		for r := range tileRows {
			f.op(seq(address("R1"), l.at("V128Load32Splat", 4*(u*tileRows+r)), "Set "+row), "a[%d][k+%d:k+%d]", r, 2*u, 2*u+2)
			for v := range tileVecs {
				f.op(seq("Get "+sum(r, v), "Get "+column(v), "Get "+row, "I32x4DotI16x8S", "I32x4Add", "Set "+sum(r, v)), "s[%d][%d:] += w . a", r, 4*v)
			}
		}
	}
	f.op(advance("R1", 4*tileRows*unroll), "a of the next step; after the last one, of the next tile")
	f.op(advance("R12", 8*tileVecs*unroll), "")
	loopEnd(f, "R11", "while steps are left")
	for r := range tileRows {
		for v := range tileVecs {
			s := sum(r, v)
			f.op(seq("Get "+s, address("R9"), fmt.Sprintf("V128Load $%d", 16*v), address("R7"), l.at("V128Load32Splat", 4*r), "I32x4Mul", "I32x4Sub", "F32x4ConvertI32x4S", "Set "+s),
				"s = float32(s - wSum*aZero)")
			f.op(seq(address("R8"), fmt.Sprintf("V128Load $%d", 16*v), address("R6"), l.at("V128Load32Splat", 4*r), "F32x4Mul", "Get "+s, "F32x4Mul", "Set "+s),
				"s *= wScale * aScale")
			f.op(seq(address("R0"), "Get "+s, address("R10"), fmt.Sprintf("V128Load $%d", 16*v), "F32x4Add", fmt.Sprintf("V128Store $0, $%d", 16*v)),
				"y[%d][%d:] = s + bias", r, 4*v)
		}
		f.op(seq("Get R0", "Get R5", "I64Add", "Set R0"), "next row")
	}
	f.op(advance("R6", 4*tileRows), "")
	f.op(advance("R7", 4*tileRows), "")
	loopEnd(f, "R4", "while tiles are left")
	f.op("RET", "")
	f.line("")
}

// spreadPairs packs a row of activations.
func spreadPairs(f *file, l loads) {
	f.text("spreadPairs5", "dst, src unsafe.Pointer, octets uintptr", "MOVD", []argument{
		{"dst", "R0", "int16: dst[10*i:] = src[2*i], src[2*i+1]"},
		{"src", "R1", "uint8"},
		{"octets", "R2", "len(src)/8, not 0"},
	})
	f.op("Loop", "for each 8 values")
	f.op(seq(address("R1"), l.at("V128Load8x8U", 0), "Set V0"), "int16(src[0:8])")
	for half := range 2 {
		f.op(seq("Get V0", fmt.Sprintf("I64x2ExtractLane $0, $%d", half), "Set R3"), "src[%d:%d]", 4*half, 4*half+4)
		f.op(seq(address("R0"), "Get R3", fmt.Sprintf("I64Store32 $0, $%d", 4*tileRows*2*half)), "pair %d", 2*half)
		f.op(seq(address("R0"), "Get R3", "I64Const $32", "I64ShrU", fmt.Sprintf("I64Store32 $0, $%d", 4*tileRows*(2*half+1))), "pair %d", 2*half+1)
	}
	f.op(advance("R0", 16*tileRows), "")
	f.op(advance("R1", 8), "")
	loopEnd(f, "R2", "while octets are left")
	f.op("RET", "")
	f.line("")
}
