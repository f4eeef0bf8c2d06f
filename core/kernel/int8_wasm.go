package kernel

import "unsafe"

func init() { registerInt8(&int8Wasm) }

// int8Wasm: panels of 8 channels, pairs of k for i32x4.dot_i16x8_s, 4 pairs a step. The tile is that of the float32 product.
var int8Wasm = int8Body{name: "wasm-simd", nr: tileColumns, kq: 2, kStep: 8, matmul: matmulInt8Wasm}

// matmulInt8Wasm widens and packs a block of rows of activations and then goes from panel to panel. Tiles that stick out of Y go to scratch memory.
func matmulInt8Wasm(y []float32, a []uint8, aScale []float32, aZero []int32, packed []int8, wScale []float32, wSum []int32, bias []float32, m, n, k int) {
	s := scratchesWasm.Get().(*scratchWasm)
	kPad := roundUp(k, 8)
	if k == 0 { // one step of zeros: the packed panels are empty
		kPad = 8
		packed = make([]int8, roundUp(n, tileColumns)*kPad)
	}
	block := min(m, max(2*packBlock/kPad/tileRows, 1)*tileRows)
	tiles := (block + tileRows - 1) / tileRows
	aPacked := scratch(&s.a16, tiles*tileRows*kPad)
	tile := scratch(&s.c, tiles*tileRows*tileColumns)
	scale, zero := scratch(&s.scale, tiles*tileRows), scratch(&s.zero, tiles*tileRows)
	// The last panel reads 8 channels, whatever n is.
	var lastScale, lastBias [tileColumns]float32
	var lastSum [tileColumns]int32
	last := n &^ (tileColumns - 1)
	copy(lastScale[:], wScale[last:n])
	copy(lastSum[:], wSum[last:n])
	var noBias [tileColumns]float32
	if bias != nil {
		copy(lastBias[:], bias[last:n])
	}
	for i0 := 0; i0 < m; i0 += block {
		rows := min(block, m-i0)
		for i := 0; i < rows; i += tileRows {
			packActivations(aPacked[i*kPad:][:tileRows*kPad], a[(i0+i)*k:], min(tileRows, rows-i), k)
		}
		clear(scale[copy(scale, aScale[i0:i0+rows]):])
		clear(zero[copy(zero, aZero[i0:i0+rows]):])
		for j := 0; j < n; j += tileColumns {
			w, ws, wz, b := at(packed, j*kPad), unsafe.Pointer(&lastScale), unsafe.Pointer(&lastSum), unsafe.Pointer(&lastBias)
			whole := 0 // rows of tiles that lie inside Y
			if j < last {
				ws, wz, b = at(wScale, j), at(wSum, j), unsafe.Pointer(&noBias)
				if bias != nil {
					b = at(bias, j)
				}
				whole = rows / tileRows * tileRows
			}
			steps := uintptr(kPad / 8)
			if whole > 0 {
				int8Tiles(at(y, i0*n+j), at(aPacked, 0), w, steps, uintptr(whole/tileRows), uintptr(4*n), at(scale, 0), at(zero, 0), ws, wz, b)
			}
			if whole < rows {
				int8Tiles(at(tile, 0), at(aPacked, whole*kPad), w, steps, uintptr((rows-whole+tileRows-1)/tileRows), 4*tileColumns, at(scale, whole), at(zero, whole), ws, wz, b)
				for i := whole; i < rows; i++ {
					copy(y[(i0+i)*n+j:(i0+i+1)*n], tile[(i-whole)*tileColumns:][:tileColumns])
				}
			}
		}
	}
	scratchesWasm.Put(s)
}

// packActivations widens rows of a (rows, k) into a tile: dst[(p*5+r)*2+q] = a[r*k+2*p+q]. What lies
// elsewhere stays: behind k it meets weights of zero, and sums of other rows are not used.
func packActivations(dst []int16, a []uint8, rows, k int) {
	for r := range rows {
		row := a[r*k:][:k]
		if octets := k / 8; octets > 0 {
			spreadPairs5(at(dst, 2*r), at(row, 0), uintptr(octets))
		}
		for p := k &^ 7; p < k; p++ {
			dst[(p/2*tileRows+r)*2+p%2] = int16(row[p])
		}
	}
}

//go:noescape
func int8Tiles(y, a, w unsafe.Pointer, steps, tiles, ldy uintptr, aScale, aZero, wScale, wSum, bias unsafe.Pointer)

//go:noescape
func spreadPairs5(dst, src unsafe.Pointer, octets uintptr)
