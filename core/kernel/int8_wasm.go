package kernel

import "unsafe"

// int8TilesWasm is one int8 kernel of register tiles. Panels have tileColumns channels.
type int8TilesWasm struct {
	rows  int // of a tile
	bytes int // of an activation as the kernel reads it: 1 or 2
	step  int // of k
	tiles func(y, a, w, aScale, aZero, wScale, wSum, bias, add unsafe.Pointer, ldy, lda, steps, tiles, panels uintptr)
}

// int8Block bounds the rows of activations that go from panel to panel of W, in bytes: with a panel they stay in the first-level cache.
const int8Block = 1 << 14

// int8Base multiplies pairs of k, widened to 16 bits, by i32x4.dot_i16x8_s.
var int8Base = &int8TilesWasm{rows: tileRows, bytes: 2, step: 8, tiles: int8Tiles}

// body is the kernel with its order of packed weights: groups of so many k.
func (t *int8TilesWasm) body(name string, group int) *int8Body {
	return &int8Body{name: name, nr: tileColumns, kq: group, kStep: t.step, matmul: t.matmul, packRow: t.packRow}
}

// packRow packs a channel of weights into its panel of tileColumns channels.
func (t *int8TilesWasm) packRow(panel, row []int8) (done int) {
	blocks := len(row) / 16
	switch {
	case blocks == 0:
	case t.bytes == 2:
		spreadHalves8(at(panel, 0), at(row, 0), uintptr(blocks))
	default:
		spread8(at(panel, 0), at(row, 0), uintptr(blocks))
	}
	return 16 * blocks
}

// sumInt8Vector is SumInt8 of the first weights; it returns how many.
func sumInt8Vector(w []int8) (sum int32, least int8, done int) {
	blocks := len(w) / 16
	if blocks == 0 {
		return 0, 0, 0
	}
	var out struct {
		sum   [4]int32
		least [16]int8
	}
	sumInt8Blocks(unsafe.Pointer(&out), at(w, 0), uintptr(blocks))
	for _, v := range out.least {
		least = min(least, v)
	}
	return out.sum[0] + out.sum[1] + out.sum[2] + out.sum[3], least, 16 * blocks
}

// int8Band is a band of rows of a product, its operands as the assembly reads them.
type int8Band struct {
	*int8TilesWasm
	int8Product
	s         *scratchWasm
	row, kPad int
	a         unsafe.Pointer // of the first row
	lda       int            // bytes from row to row of a
	add       []float32
}

// matmul takes the activations in bands of rows, and each band from panel to panel.
func (t *int8TilesWasm) matmul(p int8Product) {
	s := scratchesWasm.Get().(*scratchWasm)
	if p.k == 0 { // one step of zeros: the packed panels are empty
		p.k, p.a, p.packed = t.step, make([]uint8, p.m*t.step), make([]int8, roundUp(p.n, tileColumns)*t.step)
	}
	b := &s.band // not on the stack: what calls an assembly function by a variable lets its operands escape
	*b = int8Band{int8TilesWasm: t, int8Product: p, s: s, kPad: roundUp(p.k, t.step), add: p.then.Add}
	if p.then.GELU {
		b.add = nil // it comes after GELU
	}
	bands := (p.m*b.kPad*t.bytes + int8Block - 1) / int8Block
	height := roundUp((p.m+bands-1)/bands, t.rows)
	sums := take(&s.sums, roundUp(p.n, tileColumns))
	for j, v := range p.wSum[:p.n] {
		sums[j] = sumPair(v)
	}
	take(&s.zeros, len(sums))
	// The last panel reads 8 channels, whatever n is.
	last := p.n &^ (tileColumns - 1)
	copy(s.lastScale[:], p.wScale[last:p.n])
	clear(s.lastBias[:])
	if p.bias != nil {
		copy(s.lastBias[:], p.bias[last:p.n])
	}
	for ; b.row < p.m; b.row += height {
		rows := min(height, p.m-b.row)
		b.prepare(rows)
		if rows < t.rows {
			b.product(0, 1, rows, 0, last)
			b.product(0, 1, rows, last, p.n)
		} else {
			whole := rows / t.rows
			b.product(0, whole, whole*t.rows, 0, last)
			b.product(0, whole, whole*t.rows, last, p.n)
			if whole*t.rows < rows { // a tile that ends with the last row: some rows are computed again
				b.product(rows-t.rows, 1, t.rows, 0, last)
				b.product(rows-t.rows, 1, t.rows, last, p.n)
			}
		}
		if p.then.GELU {
			b.finish(0, 1, b.row*p.n, rows*p.n)
		}
	}
	*b = int8Band{}
	scratchesWasm.Put(s)
}

// prepare finds or makes the activations, scales and zero points of the next rows.
func (b *int8Band) prepare(rows int) {
	t, s, k := b.int8TilesWasm, b.s, b.k
	some := max(rows, t.rows)
	scale, zero := take(&s.scale, some), take(&s.zero, some)
	clear(scale[copy(scale, b.aScale[b.row:b.row+rows]):])
	clear(zero[rows:])
	for i, z := range b.aZero[b.row : b.row+rows] {
		zero[i] = zeroPair(z)
	}
	if t.bytes == 1 && k == b.kPad && rows >= t.rows {
		b.a, b.lda = at(b.int8Product.a, b.row*k), k
		return
	}
	// What lies behind k meets weights of zero, and sums of rows that do not exist are not used.
	b.lda = b.kPad * t.bytes
	packed := take(&s.bytes, some*b.lda)
	b.a = at(packed, 0)
	from := b.int8Product.a[b.row*k:][:rows*k]
	switch {
	case t.bytes == 1:
		for r := range rows {
			copy(packed[r*b.lda:], from[r*k:(r+1)*k])
		}
	case k == b.kPad:
		widenOctets(b.a, at(from, 0), uintptr(rows*k/8))
	default:
		for r := range rows {
			row := from[r*k:][:k]
			if k >= 8 {
				widenOctets(at(packed, r*b.lda), at(row, 0), uintptr(k/8))
			}
			for x := k &^ 7; x < k; x++ {
				packed[r*b.lda+2*x], packed[r*b.lda+2*x+1] = row[x], 0
			}
		}
	}
}

// product computes tiles from a row of the band on, rows of which exist, of the channels from j to end, none or whole panels or a part of one.
// Tiles that stick out of Y go through scratch memory.
func (b *int8Band) product(row, tiles, rows, j, end int) {
	if j == end {
		return
	}
	s := b.s
	panels := (end - j + tileColumns - 1) / tileColumns
	wScale, bias := at(s.lastScale[:], 0), at(s.lastBias[:], 0)
	if (end-j)%tileColumns == 0 {
		wScale, bias = at(b.wScale, j), at(s.zeros, j)
		if b.bias != nil {
			bias = at(b.bias, j)
		}
	}
	run := func(y, add unsafe.Pointer, ldy int) {
		b.tiles(y, unsafe.Add(b.a, row*b.lda), at(b.packed, j*b.kPad), at(s.scale, row), at(s.zero, row), wScale, at(s.sums, j), bias, add,
			uintptr(4*ldy), uintptr(b.lda), uintptr(b.kPad/b.step), uintptr(tiles), uintptr(panels))
	}
	first := (b.row+row)*b.n + j
	if rows == tiles*b.int8TilesWasm.rows && (end-j)%tileColumns == 0 {
		var add unsafe.Pointer
		if b.add != nil {
			add = at(b.add, first)
		}
		run(at(b.y, first), add, b.n)
		return
	}
	width, ld := end-j, panels*tileColumns
	size := tiles * b.int8TilesWasm.rows * ld
	tile := take(&s.c, 2*size)
	var add unsafe.Pointer
	if b.add != nil {
		add = at(tile, size)
		for r := range rows {
			copy(tile[size+r*ld:][:width], b.add[first+r*b.n:])
		}
	}
	run(at(tile, 0), add, ld)
	for r := range rows {
		copy(b.y[first+r*b.n:][:width], tile[r*ld:])
	}
}

// sumPair and zeroPair are numbers in two halves of 16 bits, so that i32x4.dot_i16x8_s of them is -sum*zero: one instruction of an x64
// engine where a product of 32 bits is two. |sum| <= 127*maxInt8K < 2^23, 0 <= zero <= 127.
func sumPair(sum int32) int32   { return sum&0xff | sum>>8<<16 }
func zeroPair(zero int32) int32 { return -zero&0xffff | -zero<<24 }

//go:noescape
func int8Tiles(y, a, w, aScale, aZero, wScale, wSum, bias, add unsafe.Pointer, ldy, lda, steps, tiles, panels uintptr)

//go:noescape
func spreadHalves8(dst, src unsafe.Pointer, octets uintptr)

//go:noescape
func sumInt8Blocks(out, w unsafe.Pointer, blocks uintptr)

//go:noescape
func widenOctets(dst, src unsafe.Pointer, octets uintptr)
