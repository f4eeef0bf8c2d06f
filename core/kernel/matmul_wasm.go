package kernel

import (
	"sync"
	"unsafe"
)

// The tile of the assembly: see _gen/wasm_tile.go.
const (
	tileRows    = 5
	tileColumns = 8
	tileStep    = 4 // k is filled up to a multiple of it with zeros, which change no sum
)

// tileWasm is one kernel of register tiles and how its rows of A are packed.
type tileWasm struct {
	rows   int
	tiles  func(c, a, b unsafe.Pointer, steps, tiles, ldc, accumulate uintptr)
	step   int // of k
	spread func(dst, src unsafe.Pointer, quads uintptr)
	gather func(dst, src unsafe.Pointer, rows, ld uintptr)
}

var baseTiles = &tileWasm{rows: tileRows, tiles: matmulTiles, step: tileStep, spread: spread5, gather: gather5}

const (
	// packBlock bounds the packed rows of A, in elements: they stay in the second-level cache while the panels of B pass by.
	packBlock = 1 << 17

	// kBlock bounds the k of one pass, so that a packed panel of B stays in the first-level cache.
	kBlock = 512
)

// scratchWasm is the memory of one product, reused.
type scratchWasm struct {
	a, b, c []float32
	row, p  []float32
	bytes   []byte
	scale   []float32
	zero    []int32
	sums    []int32
	zeros   []float32 // never written
	band    int8Band
	head    headWasm

	// The channels of the last panel of int8 weights, filled up.
	lastScale, lastBias [tileColumns]float32
}

var scratchesWasm = sync.Pool{New: func() any { return new(scratchWasm) }}

// matmulWasm takes k in blocks. It packs a block of A and then one panel of 8 columns of B after the other; the sums of a block of k begin
// with those of the blocks before, so the order of a sum is that of one pass. Tiles that stick out of C go to scratch memory.
func matmulWasm(t *tileWasm, c, a, b []float32, m, n, k int, f form, accumulate bool) {
	s := scratchesWasm.Get().(*scratchWasm)
	blocks := (k + kBlock - 1) / kBlock
	depth := roundUp((k+blocks-1)/blocks, t.step)
	height := min(roundUp(m, t.rows), max(packBlock/depth/t.rows, 1)*t.rows)
	aPacked := take(&s.a, height*depth)
	bPacked := take(&s.b, tileColumns*depth)
	tile := take(&s.c, height*tileColumns)
	lda, ldb := k, k
	if f == formTN {
		lda = m
	}
	if f != formNT {
		ldb = n
	}
	for i0 := 0; i0 < m; i0 += height {
		rows := min(height, m-i0)
		for p := 0; p < k; p += depth {
			p1 := min(p+depth, k)
			steps, add := uintptr(roundUp(p1-p, t.step)/t.step), uintptr(0)
			if accumulate || p > 0 {
				add = 1
			}
			stride := int(steps) * t.step
			for i := 0; i < rows; i += t.rows {
				panel := aPacked[i*stride:][:t.rows*stride]
				if f == formTN {
					packColumns(panel, a[p*lda+i0+i:], min(t.rows, rows-i), t.rows, lda, p1-p, t.gather)
				} else {
					packRows(panel, a[(i0+i)*lda+p:], min(t.rows, rows-i), t.rows, lda, p1-p, t.spread)
				}
			}
			for j := 0; j < n; j += tileColumns {
				width := min(tileColumns, n-j)
				panel := bPacked[:tileColumns*stride]
				if f == formNT {
					packRows(panel, b[j*ldb+p:], width, tileColumns, ldb, p1-p, spread8)
				} else {
					packColumns(panel, b[p*ldb+j:], width, tileColumns, ldb, p1-p, gather8)
				}
				whole := rows / t.rows * t.rows // rows of tiles that lie inside C
				if width < tileColumns {
					whole = 0
				}
				if whole > 0 {
					t.tiles(at(c, i0*n+j), at(aPacked, 0), at(bPacked, 0), steps, uintptr(whole/t.rows), uintptr(4*n), add)
				}
				if whole < rows {
					if add > 0 {
						for i := whole; i < rows; i++ {
							copy(tile[(i-whole)*tileColumns:][:width], c[(i0+i)*n+j:])
						}
					}
					t.tiles(at(tile, 0), at(aPacked, whole*stride), at(bPacked, 0), steps, uintptr((rows-whole+t.rows-1)/t.rows), 4*tileColumns, add)
					for i := whole; i < rows; i++ {
						copy(c[(i0+i)*n+j:][:width], tile[(i-whole)*tileColumns:])
					}
				}
			}
		}
	}
	scratchesWasm.Put(s)
}

// at returns the address of s[i]; s[i:] may be empty.
func at[T any](s []T, i int) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(s[i:])) }

// packRows interleaves k elements of each of the rows of src, ld apart, into dst (k filled up, width): dst[p*width+r] = src[r*ld+p], zeros
// elsewhere.
func packRows(dst, src []float32, rows, width, ld, k int, spread func(dst, src unsafe.Pointer, quads uintptr)) {
	if rows < width {
		clear(dst)
	} else {
		clear(dst[width*k:])
	}
	for r := range rows {
		row := src[r*ld:][:k]
		if quads := k / 4; quads > 0 {
			spread(at(dst, r), at(row, 0), uintptr(quads))
		}
		for p := k &^ 3; p < k; p++ {
			dst[p*width+r] = row[p]
		}
	}
}

// packColumns copies the first columns of src (k, ld) into dst (k filled up, width), zeros elsewhere.
func packColumns(dst, src []float32, columns, width, ld, k int, gather func(dst, src unsafe.Pointer, rows, ld uintptr)) {
	if columns < width {
		clear(dst)
		for p := range k {
			copy(dst[p*width:], src[p*ld:][:columns])
		}
		return
	}
	gather(at(dst, 0), at(src, 0), uintptr(k), uintptr(4*ld))
	clear(dst[width*k:])
}

//go:noescape
func matmulTiles(c, a, b unsafe.Pointer, steps, tiles, ldc, accumulate uintptr)

//go:noescape
func spread5(dst, src unsafe.Pointer, quads uintptr)

//go:noescape
func spread8(dst, src unsafe.Pointer, quads uintptr)

//go:noescape
func gather5(dst, src unsafe.Pointer, rows, ld uintptr)

//go:noescape
func gather8(dst, src unsafe.Pointer, rows, ld uintptr)
