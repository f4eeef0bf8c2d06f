package main

import "fmt"

func matmulWasm(f *file) {
	wasmFile(f, "", func(f *file, l loads) {
		matmulTile(f, l, baseTile, false)
		spread(f, baseTile.rows)
		spread(f, baseTile.columns())
		gather(f, baseTile.rows)
		gather(f, baseTile.columns())
	})
}

func matmulRelaxedWasm(f *file) {
	wasmFile(f, "relaxed", func(f *file, l loads) {
		matmulTile(f, l, relaxedTile, true)
		spread(f, relaxedTile.rows)
		gather(f, relaxedTile.rows)
	})
}

func matmulTile(f *file, l loads, t tile, fused bool) {
	name, doc := "matmulTiles", "Each product is rounded, then added to its sum in ascending k."
	if fused {
		name, doc = "matmulTilesRelaxed", "Products may be fused into their sums."
	}
	f.text(name, "c, a, b unsafe.Pointer, steps, tiles, ldc, accumulate uintptr", "MOVD", []argument{
		{"c", "R0", "tile of C; its rows are ldc bytes apart"},
		{"a", "R1", fmt.Sprintf("A, tile after tile, in a tile %d rows of each k", t.rows)},
		{"b", "R2", fmt.Sprintf("B, %d columns of each k", t.columns())},
		{"steps", "R3", fmt.Sprintf("k/%d, not 0", t.unroll)},
		{"tiles", "R4", fmt.Sprintf("tiles of %d rows, not 0", t.rows)},
		{"ldc", "R5", ""},
		{"accumulate", "R6", "not 0: the sums begin with C"},
	}, doc)
	f.op("Loop", "for each tile")
	f.op(seq("Get R3", "Set R7"), "steps left")
	f.op(seq("Get R2", "Set R8"), "b of this step")
	f.op(seq(address("R6"), "If"), "if accumulate")
	f.op(seq("Get R0", "Set R9"), "row of C")
	t.sums(func(r, v int, sum string) {
		f.op(seq(address("R9"), fmt.Sprintf("V128Load $%d", 16*v), "Set "+sum), "s[%d][%d:] = c", r, 4*v)
		if v == t.vecs-1 {
			f.op(seq("Get R9", "Get R5", "I64Add", "Set R9"), "next row")
		}
	})
	f.op("Else", "")
	t.sums(func(r, v int, sum string) {
		f.op(seq(zeroV, "Set "+sum), "s[%d][%d:] = 0", r, 4*v)
	})
	f.op("End", "")
	f.op("Loop", "for each %d of k", t.unroll)
	for u := range t.unroll {
		for v := range t.vecs {
			off := 16 * (u*t.vecs + v)
			f.op(seq(address("R8"), fmt.Sprintf("V128Load $%d", off), "Set "+t.column(v)), "b[k+%d][%d:]", u, 4*v)
		}
		for r := range t.rows {
			f.op(seq(address("R1"), l.at("V128Load32Splat", 4*(u*t.rows+r)), "Set "+t.row()), "a[%d][k+%d]", r, u)
			for v := range t.vecs {
				s := t.sum(r, v)
				if fused {
					f.op(seq("Get "+t.column(v), "Get "+t.row(), "Get "+s, "F32x4RelaxedMadd", "Set "+s), "s[%d][%d:] += b * a", r, 4*v)
				} else {
					f.op(seq("Get "+s, "Get "+t.column(v), "Get "+t.row(), "F32x4Mul", "F32x4Add", "Set "+s), "s[%d][%d:] += b * a", r, 4*v)
				}
			}
		}
	}
	f.op(advance("R1", 4*t.rows*t.unroll), "a of the next step; after the last one, of the next tile")
	f.op(advance("R8", 16*t.vecs*t.unroll), "")
	loopEnd(f, "R7", "while steps are left")
	t.sums(func(r, v int, sum string) {
		f.op(seq(address("R0"), "Get "+sum, fmt.Sprintf("V128Store $0, $%d", 16*v)), "c[%d][%d:] = s", r, 4*v)
		if v == t.vecs-1 {
			f.op(seq("Get R0", "Get R5", "I64Add", "Set R0"), "next row; after the last one, of the next tile")
		}
	})
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
