package kernel

import (
	"sync"
	"unsafe"
)

// The tile of the assembly: see _gen/wasm_matmul.go.
const (
	tileRows    = 5
	tileColumns = 8
	tileStep    = 4 // k is filled up to a multiple of it with zeros, which change no sum
)

func init() {
	register(&body{
		name:  "wasm-simd",
		width: 16,
		matmul: func(c, a, b []float32, m, n, k int, f form, accumulate bool) {
			matmulWasm(c, a, b, m, n, k, f, accumulate)
		},
		// Baseline WebAssembly has no fused multiply-add: the only body is the strict one.
		strict: func(c, a, b []float32, m, n, k int, f form) { matmulWasm(c, a, b, m, n, k, f, false) },
	})
}

// packBlock bounds the packed rows of A, in elements: they stay in the second-level cache while the panels of B pass by.
const packBlock = 1 << 16

// scratchWasm is the memory of one product, reused.
type scratchWasm struct {
	a, b, c []float32
	a16     []int16
	scale   []float32
	zero    []int32
}

var scratchesWasm = sync.Pool{New: func() any { return new(scratchWasm) }}

// scratch returns a slice of length n in the memory of s where it fits.
func scratch[T any](s *[]T, n int) []T {
	if cap(*s) < n {
		*s = make([]T, n)
	}
	return (*s)[:n]
}

// matmulWasm packs a block of rows of A and then one panel of 8 columns of B after the other. Tiles that stick out of C go to scratch memory.
func matmulWasm(c, a, b []float32, m, n, k int, f form, accumulate bool) {
	s := scratchesWasm.Get().(*scratchWasm)
	kPad := roundUp(k, tileStep)
	block := min(m, max(packBlock/kPad/tileRows, 1)*tileRows)
	aPacked := scratch(&s.a, roundUp(block, tileRows)*kPad)
	bPacked := scratch(&s.b, tileColumns*kPad)
	tile := scratch(&s.c, roundUp(block, tileRows)*tileColumns)
	for i0 := 0; i0 < m; i0 += block {
		rows := min(block, m-i0)
		for i := 0; i < rows; i += tileRows {
			panel := aPacked[i*kPad:][:tileRows*kPad]
			if f == formTN {
				packColumns(panel, a, i0+i, min(tileRows, rows-i), tileRows, m, k)
			} else {
				packRows(panel, a[(i0+i)*k:], min(tileRows, rows-i), tileRows, k)
			}
		}
		for j := 0; j < n; j += tileColumns {
			width := min(tileColumns, n-j)
			if f == formNT {
				packRows(bPacked, b[j*k:], width, tileColumns, k)
			} else {
				packColumns(bPacked, b, j, width, tileColumns, n, k)
			}
			whole := rows / tileRows * tileRows // rows of tiles that lie inside C
			if width < tileColumns {
				whole = 0
			}
			if whole > 0 {
				var add uintptr
				if accumulate {
					add = 1
				}
				matmulTiles(at(c, i0*n+j), at(aPacked, 0), at(bPacked, 0), uintptr(kPad/tileStep), uintptr(whole/tileRows), uintptr(4*n), add)
			}
			if whole < rows {
				matmulTiles(at(tile, 0), at(aPacked, whole*kPad), at(bPacked, 0), uintptr(kPad/tileStep), uintptr((rows-whole+tileRows-1)/tileRows), 4*tileColumns, 0)
				for i := whole; i < rows; i++ {
					from, to := tile[(i-whole)*tileColumns:][:width], c[(i0+i)*n+j:][:width]
					if accumulate {
						for x, v := range from {
							to[x] += v
						}
					} else {
						copy(to, from)
					}
				}
			}
		}
	}
	scratchesWasm.Put(s)
}

// at returns the address of s[i]; s[i:] may be empty.
func at[T any](s []T, i int) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(s[i:])) }

// packRows interleaves the rows of src (rows, k) into dst (k filled up, width): dst[p*width+r] = src[r*k+p], zeros elsewhere.
func packRows(dst, src []float32, rows, width, k int) {
	if rows < width {
		clear(dst)
	} else {
		clear(dst[width*k:])
	}
	for r := range rows {
		row := src[r*k:][:k]
		if quads := k / 4; quads > 0 {
			if width == tileRows {
				spread5(at(dst, r), at(row, 0), uintptr(quads))
			} else {
				spread8(at(dst, r), at(row, 0), uintptr(quads))
			}
		}
		for p := k &^ 3; p < k; p++ {
			dst[p*width+r] = row[p]
		}
	}
}

// packColumns copies columns column, column+1, ... of src (k, ld) into dst (k filled up, width), zeros elsewhere.
func packColumns(dst, src []float32, column, columns, width, ld, k int) {
	switch {
	case columns < width:
		clear(dst)
		for p := range k {
			copy(dst[p*width:], src[p*ld+column:][:columns])
		}
		return
	case width == tileRows:
		gather5(at(dst, 0), at(src, column), uintptr(k), uintptr(4*ld))
	default:
		gather8(at(dst, 0), at(src, column), uintptr(k), uintptr(4*ld))
	}
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
