package kernel

import (
	"math"
	"unsafe"
)

// The row kernels of the forward pass in assembly: see _gen/wasm_rows.go. They give the bits of the generic bodies.

// lanes4 is a vector as the assembly reads it.
type lanes4 [4]float32

func splat4(v float32) lanes4 { return lanes4{v, v, v, v} }

// rowConstants are those of exp32, normal32 and geluShort in the order of _gen/wasm_rows.go.
var rowConstants = func() (t [31]lanes4) {
	for i, v := range []float32{expMin, log2E, roundBit, 1, ln2Hi, ln2Lo, expC5, expC4, expC3, expC2, expC1, expC0,
		-0.5, -normalMax, tailP, tailC8, tailC7, tailC6, tailC5, tailC4, tailC3, tailC2, tailC1, tailC0,
		shortMax, shortC5, shortC4, shortC3, shortC2, shortC1, shortC0} {
		t[i] = splat4(v)
	}
	return t
}()

// geluWasm is GELU. What fills no pair of pieces goes through a pair that is filled up.
func geluWasm(y, x []float32) bool {
	y = y[:len(x)]
	if pairs := len(x) / 16; pairs > 0 {
		geluPieces(at(y, 0), at(x, 0), unsafe.Pointer(&rowConstants), uintptr(pairs), 32)
	}
	if rest := len(x) &^ 15; rest < len(x) {
		var piece [16]float32
		copy(piece[:], x[rest:])
		geluPieces(unsafe.Pointer(&piece), unsafe.Pointer(&piece), unsafe.Pointer(&rowConstants), 1, 32)
		copy(y[rest:], piece[:])
	}
	return true
}

// geluShortWasm is geluShort. What fills no block goes through one that is filled up.
func geluShortWasm(y, x []float32) bool {
	y = y[:len(x)]
	if blocks := len(x) / 16; blocks > 0 {
		geluShortBlocks(at(y, 0), at(x, 0), unsafe.Pointer(&rowConstants), uintptr(blocks))
	}
	if rest := len(x) &^ 15; rest < len(x) {
		var block [16]float32
		copy(block[:], x[rest:])
		geluShortBlocks(unsafe.Pointer(&block), unsafe.Pointer(&block), unsafe.Pointer(&rowConstants), 1)
		copy(y[rest:], block[:])
	}
	return true
}

// softmaxEdge says how many of the last 16 numbers of a row there are.
type softmaxEdge struct {
	mask [16]uint32  // all ones where there is a number
	fill [16]float32 // -Inf where there is none
	low  lanes4      // -Inf
}

func newSoftmaxEdge(dim int) (e softmaxEdge) {
	low := float32(math.Inf(-1))
	e.low = splat4(low)
	for i := range e.mask {
		if last := (dim - 1) % 16; i <= last {
			e.mask[i] = math.MaxUint32
		} else {
			e.fill[i] = low
		}
	}
	return e
}

// softmaxWasm is Softmax. Rows that do not fill their last 16 numbers go through one that does.
func softmaxWasm(y, x []float32, rows, dim int) bool {
	edge := newSoftmaxEdge(dim)
	blocks := uintptr((dim + 15) / 16)
	if dim%16 == 0 {
		copy(y[:rows*dim], x)
		if rows > 0 {
			softmaxRows(at(y, 0), unsafe.Pointer(&rowConstants), unsafe.Pointer(&edge), uintptr(rows), blocks, uintptr(4*dim))
		}
		return true
	}
	s := scratchesWasm.Get().(*scratchWasm)
	row := take(&s.row, 16*int(blocks))
	for r := range rows {
		copy(row, x[r*dim:(r+1)*dim])
		softmaxRows(at(row, 0), unsafe.Pointer(&rowConstants), unsafe.Pointer(&edge), 1, blocks, 0)
		copy(y[r*dim:(r+1)*dim], row)
	}
	scratchesWasm.Put(s)
	return true
}

// normStats is what goes into layerNormRow and what comes out beside the row itself.
type normStats struct {
	dim, eps   float32
	mean, rstd float32
	lo, hi     lanes4 // of 0 and y, in 4 lanes
}

// layerNormWasm is LayerNorm for dim a multiple of 16.
func layerNormWasm(y, mean, rstd, x, gain, bias []float32, rows int, eps float32) bool {
	dim := len(gain)
	if dim%16 != 0 {
		return false
	}
	stats := normStats{dim: float32(dim), eps: eps}
	for r := range rows {
		layerNormRow(at(y, r*dim), at(x, r*dim), at(gain, 0), at(bias, 0), unsafe.Pointer(&stats), uintptr(dim/16))
		if mean != nil {
			mean[r] = stats.mean
		}
		if rstd != nil {
			rstd[r] = stats.rstd
		}
	}
	return true
}

// normalizeRowsWasm is NormalizeRows for dim a multiple of 16.
func normalizeRowsWasm(q []uint8, scale []float32, zero []int32, x, gain, bias []float32, rows, dim int, eps float32) bool {
	if dim%16 != 0 {
		return false
	}
	s := scratchesWasm.Get().(*scratchWasm)
	row := take(&s.row, dim)
	stats := normStats{dim: float32(dim), eps: eps}
	for r := range rows {
		layerNormRow(at(row, 0), at(x, r*dim), at(gain, 0), at(bias, 0), unsafe.Pointer(&stats), uintptr(dim/16))
		lo, hi := foldSpan(&stats.lo, &stats.hi)
		var inv float32
		scale[r], inv, zero[r] = quantizeParameters(lo, hi)
		codesWasm(q[r*dim:(r+1)*dim], row, lo, hi, inv, zero[r])
	}
	scratchesWasm.Put(s)
	return true
}

// interleaveWasm is Interleave of the first elements; it returns how many of each plane.
func interleaveWasm(dst, a, b, c []float32) (done int) {
	quads := len(a) / 4
	if quads > 0 {
		interleaveQuads(at(dst, 0), at(a, 0), at(b, 0), at(c, 0), uintptr(quads))
	}
	return 4 * quads
}

//go:noescape
func interleaveQuads(dst, a, b, c unsafe.Pointer, quads uintptr)

//go:noescape
func geluPieces(y, x, table unsafe.Pointer, pairs, ld uintptr)

//go:noescape
func geluShortBlocks(y, x, table unsafe.Pointer, blocks uintptr)

//go:noescape
func softmaxRows(x, table, edge unsafe.Pointer, rows, blocks, ld uintptr)

//go:noescape
func layerNormRow(y, x, gain, bias, stats unsafe.Pointer, blocks uintptr)
