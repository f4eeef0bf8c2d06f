package main

import "fmt"

// tile is a block of sums in registers: rows by vecs vectors of 4 columns, each inner loop unroll steps of k. An x64 engine has 15 vector
// registers to give (V8 keeps one), an arm64 engine more: sums, the vectors of B, and one for the value of A must fit, and where a product
// is rounded before it is added, one for the product.
type tile struct{ rows, vecs, unroll int }

var (
	baseTile    = tile{rows: 5, vecs: 2, unroll: 4} // 10 sums + 2 + 1, and 1 for the product
	relaxedTile = tile{rows: 6, vecs: 2, unroll: 4} // 12 sums + 2 + 1
)

// sum names the register of the sums of row r, vector v.
func (t tile) sum(r, v int) string { return fmt.Sprintf("V%d", r*t.vecs+v) }

// column names the register of vector v of B, and row that of the value of A.
func (t tile) column(v int) string { return fmt.Sprintf("V%d", t.rows*t.vecs+v) }
func (t tile) row() string         { return fmt.Sprintf("V%d", t.rows*t.vecs+t.vecs) }

// columns is the number of columns of the tile.
func (t tile) columns() int { return 4 * t.vecs }

// sums calls f for every sum.
func (t tile) sums(f func(r, v int, sum string)) {
	for r := range t.rows {
		for v := range t.vecs {
			f(r, v, t.sum(r, v))
		}
	}
}
