package main

import "fmt"

// The tile is 5 rows by 8 columns: 10 sums, 2 vectors of B and 1 of A are 13 of the 16 registers of an x64 or arm64 engine at least.
const (
	tileRows = 5
	tileVecs = 2 // vectors of 4 columns
	unroll   = 4 // steps of k in the inner loop
)

// sum names the register of the sums of row r, vector v.
func sum(r, v int) string { return fmt.Sprintf("V%d", r*tileVecs+v) }

// column names the register of vector v of B, and row that of the value of A.
func column(v int) string { return fmt.Sprintf("V%d", tileRows*tileVecs+v) }

const (
	row = "V12"
	tmp = "V13"
)

func matmulWasm(f *file) {
	wasmFile(f, func(f *file, l loads) {
		matmulTile(f, l)
		spread(f, tileRows)
		spread(f, 4*tileVecs)
		gather(f, tileRows)
		gather(f, 4*tileVecs)
	})
}

func matmulTile(f *file, l loads) {
	f.text("matmulTiles", "c, a, b unsafe.Pointer, steps, tiles, ldc, accumulate uintptr", "MOVD", []argument{
		{"c", "R0", "tile of C; its rows are ldc bytes apart"},
		{"a", "R1", "A, tile after tile, in a tile 5 rows of each k"},
		{"b", "R2", "B, 8 columns of each k"},
		{"steps", "R3", "k/4, not 0"},
		{"tiles", "R4", "tiles of 5 rows, not 0"},
		{"ldc", "R5", ""},
		{"accumulate", "R6", "not 0: add to C"},
	}, "Each product is rounded, then added to its sum in ascending k.")
	f.op("Loop", "for each tile")
	f.op(seq("Get R3", "Set R7"), "steps left")
	f.op(seq("Get R2", "Set R8"), "b of this step")
	for r := range tileRows {
		for v := range tileVecs {
			f.op(seq(zeroV, "Set "+sum(r, v)), "s[%d][%d:] = 0", r, 4*v)
		}
	}
	f.op("Loop", "for each 4 of k")
	for u := range unroll {
		for v := range tileVecs {
			off := 16 * (u*tileVecs + v)
			f.op(seq(address("R8"), fmt.Sprintf("V128Load $%d", off), "Set "+column(v)), "b[k+%d][%d:]", u, 4*v)
		}
		for r := range tileRows {
			f.op(seq(address("R1"), l.at("V128Load32Splat", 4*(u*tileRows+r)), "Set "+row), "a[%d][k+%d]", r, u)
			for v := range tileVecs {
				f.op(seq("Get "+sum(r, v), "Get "+column(v), "Get "+row, "F32x4Mul", "F32x4Add", "Set "+sum(r, v)), "s[%d][%d:] += b * a", r, 4*v)
			}
		}
	}
	f.op(advance("R1", 4*tileRows*unroll), "a of the next step; after the last one, of the next tile")
	f.op(advance("R8", 16*tileVecs*unroll), "")
	loopEnd(f, "R7", "while steps are left")
	f.op(seq("Get R0", "Set R8"), "row of C")
	for r := range tileRows {
		for v := range tileVecs {
			s := sum(r, v)
			f.op(seq(address("R6"), "If"), "if accumulate")
			f.op(seq(address("R8"), fmt.Sprintf("V128Load $%d", 16*v), "Get "+s, "F32x4Add", "Set "+s), "s[%d][%d:] += c", r, 4*v)
			f.op("End", "")
			f.op(seq(address("R8"), "Get "+s, fmt.Sprintf("V128Store $0, $%d", 16*v)), "c[%d][%d:] = s", r, 4*v)
		}
		f.op(seq("Get R8", "Get R5", "I64Add", "Set R8"), "next row")
	}
	f.op(seq("Get R8", "Set R0"), "next tile")
	loopEnd(f, "R4", "while tiles are left")
	f.op("RET", "")
	f.line("")
}

// spread writes a row into a tile of width columns: the transposing half of packing.
func spread(f *file, width int) {
	f.text(fmt.Sprintf("spread%d", width), "dst, src unsafe.Pointer, quads uintptr", "MOVD", []argument{
		{"dst", "R0", fmt.Sprintf("dst[%d*i] = src[i]", width)},
		{"src", "R1", ""},
		{"quads", "R2", "len(src)/4, not 0"},
	}, "The elements are 4 bytes.")
	f.op("Loop", "for each 4 elements")
	for i := range 4 {
		f.op(seq(address("R0"), address("R1"), fmt.Sprintf("I32Load $%d", 4*i), fmt.Sprintf("I32Store $0, $%d", 4*width*i)), "dst[%d] = src[%d]", width*i, i)
	}
	f.op(advance("R0", 16*width), "")
	f.op(advance("R1", 16), "")
	loopEnd(f, "R2", "while quads are left")
	f.op("RET", "")
	f.line("")
}

// gather copies width columns of each row one after the other: packing where the matrix has the order of the tile.
func gather(f *file, width int) {
	f.text(fmt.Sprintf("gather%d", width), "dst, src unsafe.Pointer, rows, ld uintptr", "MOVD", []argument{
		{"dst", "R0", fmt.Sprintf("(rows, %d), dense", width)},
		{"src", "R1", "rows ld bytes apart"},
		{"rows", "R2", "not 0"},
		{"ld", "R3", ""},
	})
	f.op("Loop", "for each row")
	i := 0
	for ; i+4 <= width; i += 4 {
		f.op(seq(address("R0"), address("R1"), fmt.Sprintf("V128Load $%d", 4*i), fmt.Sprintf("V128Store $0, $%d", 4*i)), "dst[%d:] = src[%d:]", i, i)
	}
	for ; i < width; i++ {
		f.op(seq(address("R0"), address("R1"), fmt.Sprintf("I32Load $%d", 4*i), fmt.Sprintf("I32Store $0, $%d", 4*i)), "dst[%d] = src[%d]", i, i)
	}
	f.op(advance("R0", 4*width), "")
	f.op(seq("Get R1", "Get R3", "I64Add", "Set R1"), "next row")
	loopEnd(f, "R2", "while rows are left")
	f.op("RET", "")
	f.line("")
}
