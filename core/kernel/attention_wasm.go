package kernel

import (
	"math"
	"unsafe"
)

// registerAttention takes a body into use. kernels are asked for anew in each call. Call it from init functions only, the best body last.
func registerAttention(name string, kernels func() *attentionTiles) {
	body := &attentionBody{name, func(y, qkv []float32, queries, tokens, heads, headDim int) {
		kernels().run(y, qkv, queries, tokens, heads, headDim)
	}}
	attentionBodies = append(attentionBodies, body)
	attentionUsed = body
}

// attentionTiles are the kernels of a body: its products and what makes codes for them. See _gen/wasm_attention.go.
type attentionTiles struct {
	*int8TilesWasm
	group   int // k of a group of packed weights
	queries func(codes, scale, zero, x, table unsafe.Pointer, rows, ldx, ldc, blocks uintptr)
	keys    func(codes, scale, sum, x, table unsafe.Pointer, rows, ldx, blocks uintptr)
	values  func(codes, scale, x, table unsafe.Pointer, groups, rows, ldx uintptr)
	powers  func(codes, scale, x, table, edge unsafe.Pointer, rows, ldx, ldc, blocks uintptr)
}

var attentionBase = &attentionTiles{int8Base, 2, headQueries2, headKeys2, headValues2, powerRows2}

// attentionConstants are in the order of _gen/wasm_attention.go; the one that depends on the head is set in a copy.
var attentionConstants = func() (t [11]lanes4) {
	for i, v := range []float32{roundMagic, math.Float32frombits(roundMagicBits), minQuantizeScale, maxActivation, 1, 0,
		powerMin, powerC3, powerC2, powerC1, powerC0} {
		t[i] = splat4(v)
	}
	return t
}()

// attentionFactor is the place of the factor of the scales of q in attentionConstants.
const attentionFactor = 5

// attentionBand is how many tiles of queries go from scores to result at once: their scores stay in the first-level cache.
const attentionBand = 8

// headWasm is the memory of one head, reused.
type headWasm struct {
	q, p                           []byte
	k, v                           []int8
	qScale, kScale, vScale, pScale []float32
	qZero, kSum                    []int32
	scores, y                      []float32
	table                          [11]lanes4
	edge                           softmaxEdge
}

// run makes codes of the rows of k and the columns of v of a head once, where the products want them, and takes the queries in bands: scores,
// probabilities, product with v straight into the rows of y. The last tile ends with the last query: it computes some of them again.
func (t *attentionTiles) run(y, qkv []float32, queries, tokens, heads, headDim int) {
	dim, rows := heads*headDim, t.int8TilesWasm.rows
	lo, hi := spanWasm(qkv[:tokens*3*dim])
	if headDim%16 != 0 || lo == -quantizeLimit || hi == quantizeLimit { // the kernels hold no value to the limit
		runAttentionProducts(y, qkv, queries, tokens, heads, headDim)
		return
	}
	s := scratchesWasm.Get().(*scratchWasm)
	h := &s.head
	depth, kPanels, all := roundUp(tokens, 16), (tokens+tileColumns-1)/tileColumns, roundUp(queries, rows)
	bands := (all + attentionBand*rows - 1) / (attentionBand * rows)
	band := roundUp((queries+bands-1)/bands, rows)
	if band > queries { // the tile that ends with the last query is a band of its own
		band = max(queries/rows*rows, rows)
	}
	lq, lp := headDim*t.bytes, depth*t.bytes // bytes of a row
	q, p := take(&h.q, all*lq), take(&h.p, band*lp)
	k, v := take(&h.k, kPanels*tileColumns*headDim), take(&h.v, headDim*depth)
	qScale, kScale := take(&h.qScale, all), take(&h.kScale, kPanels*tileColumns)
	pScale, vScale := take(&h.pScale, band), take(&h.vScale, headDim)
	qZero, kSum := take(&h.qZero, all), take(&h.kSum, kPanels*tileColumns)
	scores, tile := take(&h.scores, band*depth), take(&h.y, rows*headDim)
	zeros := at(take(&s.zeros, max(kPanels*tileColumns, headDim, band)), 0)
	h.table, h.edge = attentionConstants, newSoftmaxEdge(tokens)
	h.table[attentionFactor] = splat4(attentionScale(headDim))
	table, edge, ld := unsafe.Pointer(&h.table), unsafe.Pointer(&h.edge), uintptr(4*3*dim)
	for first := 0; first < dim; first += headDim { // channel of a head
		t.queries(at(q, 0), at(qScale, 0), at(qZero, 0), at(qkv, first), table, uintptr(queries), ld, uintptr(lq), uintptr(headDim/16))
		for j := range kPanels {
			row := j * tileColumns
			t.keys(at(k, row*headDim), at(kScale, row), at(kSum, row), at(qkv, row*3*dim+dim+first), table, uintptr(min(tileColumns, tokens-row)), ld, uintptr(headDim/16))
		}
		t.headValues(v, vScale, qkv[2*dim+first:], tokens, headDim, 3*dim)
		for end := 0; end < queries; {
			row := end
			end = min(end+band, queries)
			tiles := (end - row + rows - 1) / rows
			row = max(end-tiles*rows, 0)
			t.tiles(at(scores, 0), at(q, row*lq), at(k, 0), at(qScale, row), at(qZero, row), at(kScale, 0), at(kSum, 0), zeros, nil,
				uintptr(4*depth), uintptr(lq), uintptr(headDim/t.step), uintptr(tiles), uintptr(kPanels))
			t.powers(at(p, 0), at(pScale, 0), at(scores, 0), table, edge, uintptr(tiles*rows), uintptr(4*depth), uintptr(lp), uintptr(depth/16))
			out, ldy := at(y, row*dim+first), dim
			if queries < rows {
				out, ldy = at(tile, 0), headDim
			}
			t.tiles(out, at(p, 0), at(v, 0), at(pScale, 0), zeros, at(vScale, 0), zeros, zeros, nil,
				uintptr(4*ldy), uintptr(lp), uintptr(depth/t.step), uintptr(tiles), uintptr(headDim/tileColumns))
		}
		if queries < rows {
			for i := range queries {
				copy(y[i*dim+first:][:headDim], tile[i*headDim:])
			}
		}
	}
	scratchesWasm.Put(s)
}

// headValues makes panels of the columns of x, rows ld apart: of each group of rows, 8 columns; zeros behind the last row.
func (t *attentionTiles) headValues(codes []int8, scale, x []float32, tokens, headDim, ld int) {
	whole := tokens / t.group
	panel := len(codes) / headDim * tileColumns
	for j := 0; j < headDim; j += tileColumns {
		to := codes[j*panel/tileColumns:][:panel]
		clear(to[whole*t.group*tileColumns:])
		t.values(at(to, 0), at(scale, j), at(x, j), unsafe.Pointer(&attentionConstants), uintptr(whole), uintptr(tokens), uintptr(4*ld))
		for r := whole * t.group; r < tokens; r++ {
			for c, v := range x[r*ld+j:][:tileColumns] {
				weightCodesGeneric(to[(whole*tileColumns+c)*t.group+r%t.group:][:1], unsafe.Slice(&v, 1), scale[j+c])
			}
		}
	}
}

//go:noescape
func headQueries2(codes, scale, zero, x, table unsafe.Pointer, rows, ldx, ldc, blocks uintptr)

//go:noescape
func headKeys2(codes, scale, sum, x, table unsafe.Pointer, rows, ldx, blocks uintptr)

//go:noescape
func headValues2(codes, scale, x, table unsafe.Pointer, groups, rows, ldx uintptr)

//go:noescape
func powerRows2(codes, scale, x, table, edge unsafe.Pointer, rows, ldx, ldc, blocks uintptr)
