package kernel

import "unsafe"

func init() {
	body := &attentionBody{"wasm-simd", runAttentionWasm}
	attentionBodies = append(attentionBodies, body)
	attentionUsed = body
}

// attentionTiles is how many tiles of queries go from scores to result at once: their scores stay in the first-level cache.
const attentionTiles = 8

// runAttentionWasm packs k and v of a head once, straight from the rows of qkv, and takes the queries in chunks: scores, softmax where
// they lie, product with v straight into the rows of y.
func runAttentionWasm(y, qkv []float32, queries, tokens, heads, headDim int) {
	s := scratchesWasm.Get().(*scratchWasm)
	dim := heads * headDim
	depth := roundUp(headDim, tileStep)
	most := min(attentionTiles, (queries+tileRows-1)/tileRows) // tiles of a chunk
	kPanel, vPanel := tileColumns*depth, tileColumns*roundUp(tokens, tileStep)
	kPanels, vPanels := (tokens+tileColumns-1)/tileColumns, (headDim+tileColumns-1)/tileColumns
	ldp := roundUp(tokens, 16)
	q, k := scratch(&s.a, most*tileRows*depth), scratch(&s.b, kPanels*kPanel)
	v, p := scratch(&s.c, vPanels*vPanel), scratch(&s.p, most*tileRows*ldp)
	edge := newSoftmaxEdge(tokens)
	var tile [attentionTiles * tileRows * tileColumns]float32
	for h := range heads {
		at0 := h * headDim
		for j := range kPanels {
			packRows(k[j*kPanel:][:kPanel], qkv[j*tileColumns*3*dim+dim+at0:], min(tileColumns, tokens-j*tileColumns), tileColumns, 3*dim, headDim, spread8)
		}
		for j := range vPanels {
			packColumns(v[j*vPanel:][:vPanel], qkv[2*dim+at0+j*tileColumns:], min(tileColumns, headDim-j*tileColumns), tileColumns, 3*dim, tokens, gather8)
		}
		for i0 := 0; i0 < queries; i0 += most * tileRows {
			rows := min(most*tileRows, queries-i0)
			tiles := (rows + tileRows - 1) / tileRows
			for i := 0; i < rows; i += tileRows {
				packRows(q[i*depth:][:tileRows*depth], qkv[(i0+i)*3*dim+at0:], min(tileRows, rows-i), tileRows, 3*dim, headDim, spread5)
			}
			Scale(q[:tiles*tileRows*depth], attentionScale(headDim))
			for j := range kPanels {
				matmulTiles(at(p, j*tileColumns), at(q, 0), at(k, j*kPanel), uintptr(depth/tileStep), uintptr(tiles), uintptr(4*ldp), 0)
			}
			softmaxRows(at(p, 0), unsafe.Pointer(&rowConstants), unsafe.Pointer(&edge), uintptr(rows), uintptr(ldp/16), uintptr(4*ldp))
			for j := range vPanels {
				width := min(tileColumns, headDim-j*tileColumns)
				steps := uintptr(vPanel / tileColumns / tileStep)
				whole := rows / tileRows // tiles that lie inside y
				if width < tileColumns {
					whole = 0
				}
				column := at0 + j*tileColumns
				if whole > 0 {
					matmulRowTiles(at(y, i0*dim+column), at(p, 0), at(v, j*vPanel), steps, uintptr(whole), uintptr(4*dim), uintptr(4*ldp))
				}
				if whole < tiles {
					matmulRowTiles(unsafe.Pointer(&tile), at(p, whole*tileRows*ldp), at(v, j*vPanel), steps, uintptr(tiles-whole), 4*tileColumns, uintptr(4*ldp))
					for i := whole * tileRows; i < rows; i++ {
						copy(y[(i0+i)*dim+column:][:width], tile[(i-whole*tileRows)*tileColumns:])
					}
				}
			}
		}
	}
	scratchesWasm.Put(s)
}
