package kernel

import "unsafe"

func init() { registerInt8(int8Base.body("wasm-simd", 2)) }

// int8TilesWasm is one int8 kernel of register tiles and how its rows of activations are packed. Panels have tileColumns channels.
type int8TilesWasm struct {
	rows  int // of a tile
	bytes int // of a packed activation: 1 or 2
	step  int // of k
	tiles func(y, a, w unsafe.Pointer, steps, tiles, ldy uintptr, aScale, aZero, wScale, wSum, bias, add unsafe.Pointer)
	pack  func(t *int8TilesWasm, dst []byte, a []uint8, rows, k int)
}

// int8Block bounds the packed rows of activations, in bytes: they stay in the second-level cache, the better part of them in the first,
// while the panels of W pass by.
const int8Block = 1 << 16

// int8Base multiplies pairs of k, widened to 16 bits, by i32x4.dot_i16x8_s.
var int8Base = &int8TilesWasm{rows: tileRows, bytes: 2, step: 8, tiles: int8Tiles, pack: packPairs}

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

// sumInt8Wasm is SumInt8 of the first weights; it returns how many.
func sumInt8Wasm(w []int8) (sum int32, least int8, done int) {
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

// matmul packs a block of rows of activations and then goes from panel to panel. Tiles that stick out of Y go to scratch memory.
func (t *int8TilesWasm) matmul(p int8Product) {
	s := scratchesWasm.Get().(*scratchWasm)
	m, n, k, packed := p.m, p.n, p.k, p.packed
	kPad := roundUp(k, t.step)
	if k == 0 { // one step of zeros: the packed panels are empty
		kPad = t.step
		packed = make([]int8, roundUp(n, tileColumns)*kPad)
	}
	height := min(roundUp(m, t.rows), max(int8Block/(kPad*t.bytes)/t.rows, 1)*t.rows)
	aPacked := scratch(&s.bytes, height*kPad*t.bytes)
	tile := scratch(&s.c, 2*height*tileColumns)
	tile, tileAdd := tile[:height*tileColumns], tile[height*tileColumns:]
	scale, zero := scratch(&s.scale, height), scratch(&s.zero, height)
	// The last panel reads 8 channels, whatever n is.
	last := n &^ (tileColumns - 1)
	copy(s.lastScale[:], p.wScale[last:n])
	sums := scratch(&s.sums, roundUp(n, tileColumns))
	for j, v := range p.wSum[:n] {
		sums[j] = sumPair(v)
	}
	clear(s.lastBias[:])
	if p.bias != nil {
		copy(s.lastBias[:], p.bias[last:n])
	}
	steps := uintptr(kPad / t.step)
	for i0 := 0; i0 < m; i0 += height {
		rows := min(height, m-i0)
		for i := 0; i < rows; i += t.rows {
			t.pack(t, aPacked[i*kPad*t.bytes:][:t.rows*kPad*t.bytes], p.a[(i0+i)*k:], min(t.rows, rows-i), k)
		}
		clear(scale[copy(scale, p.aScale[i0:i0+rows]):])
		clear(zero[rows:])
		for i, z := range p.aZero[i0 : i0+rows] {
			zero[i] = zeroPair(z)
		}
		for j := 0; j < n; j += tileColumns {
			w, ws, wz, b := at(packed, j*kPad), unsafe.Pointer(&s.lastScale), at(sums, j), unsafe.Pointer(&s.lastBias)
			width := min(tileColumns, n-j)
			whole := 0 // rows of tiles that lie inside Y
			if j < last {
				ws, b = at(p.wScale, j), unsafe.Pointer(&s.noBias)
				if p.bias != nil {
					b = at(p.bias, j)
				}
				whole = rows / t.rows * t.rows
			}
			fused := p.then.Add != nil && !p.then.GELU
			if whole > 0 {
				var add unsafe.Pointer
				if fused {
					add = at(p.then.Add, i0*n+j)
				}
				t.tiles(at(p.y, i0*n+j), at(aPacked, 0), w, steps, uintptr(whole/t.rows), uintptr(4*n), at(scale, 0), at(zero, 0), ws, wz, b, add)
			}
			if whole < rows {
				var add unsafe.Pointer
				if fused {
					add = at(tileAdd, 0)
					for i := whole; i < rows; i++ {
						copy(tileAdd[(i-whole)*tileColumns:], p.then.Add[(i0+i)*n+j:][:width])
					}
				}
				t.tiles(at(tile, 0), at(aPacked, whole*kPad*t.bytes), w, steps, uintptr((rows-whole+t.rows-1)/t.rows), 4*tileColumns, at(scale, whole), at(zero, whole), ws, wz, b, add)
				for i := whole; i < rows; i++ {
					copy(p.y[(i0+i)*n+j:][:width], tile[(i-whole)*tileColumns:])
				}
			}
			if p.then.GELU {
				if width == tileColumns && p.then.Add == nil {
					geluPanel(p.y[i0*n+j:], rows, n)
				} else {
					p.finish(i0, rows, j, width)
				}
			}
		}
	}
	scratchesWasm.Put(s)
}

// sumPair and zeroPair are numbers in two halves of 16 bits, so that i32x4.dot_i16x8_s of them is -sum*zero: one instruction of an x64
// engine where a product of 32 bits is two. |sum| <= 127*maxInt8K < 2^23, 0 <= zero <= 127.
func sumPair(sum int32) int32   { return sum&0xff | sum>>8<<16 }
func zeroPair(zero int32) int32 { return -zero&0xffff | -zero<<24 }

// packPairs widens rows of a (rows, k) into a tile of int16: dst[(p*5+r)*2+q] = a[r*k+2*p+q]. What lies
// elsewhere stays: behind k it meets weights of zero, and sums of other rows are not used.
func packPairs(t *int8TilesWasm, dst []byte, a []uint8, rows, k int) {
	wide := unsafe.Slice((*int16)(unsafe.Pointer(unsafe.SliceData(dst))), len(dst)/2)
	for r := range rows {
		row := a[r*k:][:k]
		if octets := k / 8; octets > 0 {
			spreadPairs5(at(wide, 2*r), at(row, 0), uintptr(octets))
		}
		for p := k &^ 7; p < k; p++ {
			wide[(p/2*t.rows+r)*2+p%2] = int16(row[p])
		}
	}
}

//go:noescape
func int8Tiles(y, a, w unsafe.Pointer, steps, tiles, ldy uintptr, aScale, aZero, wScale, wSum, bias, add unsafe.Pointer)

//go:noescape
func spreadHalves8(dst, src unsafe.Pointer, octets uintptr)

//go:noescape
func sumInt8Blocks(out, w unsafe.Pointer, blocks uintptr)

//go:noescape
func spreadPairs5(dst, src unsafe.Pointer, octets uintptr)
