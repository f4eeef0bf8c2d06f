//go:build goexperiment.simd

package kernel

import (
	"sync"
	"unsafe"
)

// The packed product of the amd64 bodies, after Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008), with one
// change: A is packed with every element repeated over a whole vector. archsimd has no broadcasting load, and a broadcast from a register
// would compete with the multiply-adds for port 5; so it is paid once an element and group of rows, not once a tile.
//
//	for columns of C and k in chunks, packLimit elements of B:
//	    pack B into panels of `columns` columns, k split into blocks of at most `depth`
//	    for groups of `rows` rows:                    its rows of C stay in the first-level cache
//	        for blocks of k:
//	            pack A: rows x depth x lanes          stays in the first-level cache
//	            for panels: tile                      the panels of B stream from the second-level cache

// tiling is what the vector widths differ in. Pointers are to float32, strides in bytes.
type tiling struct {
	lanes   int // float32 in a vector
	rows    int // rows of a tile
	panel   int // rows of A that lie together in its packed form; rows is a multiple of it
	columns int // columns of a tile
	narrow  int // columns of the narrow tile, for the last columns; 0 when there is none
	depth   int // the largest block of k

	// tile adds A B to rows x columns of C, or writes it when load is false. k is a positive multiple of
	// unroll. tileNarrow does the same to rows x narrow.
	tile, tileNarrow func(c unsafe.Pointer, ldc uintptr, a, b unsafe.Pointer, k int, load bool)

	// repeat packs a panel of A: for each of k columns, `step` bytes apart, for each of `panel` rows, `row` bytes apart, the element over a
	// whole vector. Only the first `rows` rows are there.
	repeat func(dst, a unsafe.Pointer, row, step uintptr, rows, k int)
}

const (
	unroll      = 4       // k is filled up to a multiple of it with zeros, which change no sum
	packLimit   = 1 << 18 // elements of packed B: 1 MB, half of a second-level cache
	packColumns = 1024    // and its most columns
	strip       = 8       // groups of rows of a transposed A that are copied together: 48 rows of AVX-512 are three cache lines
)

// packed is the memory of one product, reused.
type packed struct{ a, b, c, strip []float32 }

var packs = sync.Pool{New: func() any { return new(packed) }}

// aligned returns n elements that start on a cache line, in the memory of *s where it fits.
func aligned(s *[]float32, n int) unsafe.Pointer {
	const line = 64
	if cap(*s) < n+line/4 {
		*s = make([]float32, n+line/4)
	}
	p := unsafe.Pointer(unsafe.SliceData(*s))
	return unsafe.Add(p, -uintptr(p)&(line-1))
}

// at returns the address of element i of p.
func at(p unsafe.Pointer, i int) unsafe.Pointer { return unsafe.Add(p, 4*i) }

// body makes a body of the tiling.
func (t *tiling) body(name string, available func() bool) *body {
	return &body{
		name:      name,
		width:     4 * t.lanes,
		available: available,
		matmul:    t.matmul,
	}
}

// operand is a matrix inside a larger one.
type operand struct {
	p      unsafe.Pointer
	stride int // elements from a row to the next
}

// matmul splits the larger side of C over the threads when the work is worth it: splitWork multiply-adds a thread.
func (t *tiling) matmul(c, a, b []float32, m, n, k int, f form, accumulate bool) {
	const splitWork = 1 << 20
	lda, ldb := k, n
	if f == formTN {
		lda = m
	}
	if f == formNT {
		ldb = k
	}
	cm := operand{unsafe.Pointer(&c[0]), n}
	am := operand{unsafe.Pointer(&a[0]), lda}
	bm := operand{unsafe.Pointer(&b[0]), ldb}
	parts := 1
	if threads := Parallel(); threads > 1 {
		parts = min(threads, m*n/splitWork*k+m*n%splitWork*k/splitWork)
	}
	if parts <= 1 {
		t.block(cm, am, bm, m, n, k, f, accumulate)
		return
	}
	var wait sync.WaitGroup
	run := func(i0, i1, j0, j1 int) {
		c, a, b := cm, am, bm
		c.p = at(c.p, i0*c.stride+j0)
		if f == formTN {
			a.p = at(a.p, i0)
		} else {
			a.p = at(a.p, i0*lda)
		}
		if f == formNT {
			b.p = at(b.p, j0*ldb)
		} else {
			b.p = at(b.p, j0)
		}
		t.block(c, a, b, i1-i0, j1-j0, k, f, accumulate)
	}
	split, unit := m, t.rows
	if n > m {
		split, unit = n, t.columns
	}
	step := roundUp((split+parts-1)/parts, unit)
	for from := step; from < split; from += step {
		to := min(from+step, split)
		wait.Go(func() {
			if n > m {
				run(0, m, from, to)
			} else {
				run(from, to, 0, n)
			}
		})
	}
	if n > m {
		run(0, m, 0, min(step, n))
	} else {
		run(0, min(step, m), 0, n)
	}
	wait.Wait()
}

// block is the product on one thread.
func (t *tiling) block(c, a, b operand, m, n, k int, f form, accumulate bool) {
	buf := packs.Get().(*packed)
	columns := min(roundUp(n, t.columns), packColumns)
	chunk := packLimit / columns
	for j := 0; j < n; j += columns {
		for p := 0; p < k; p += chunk {
			c, a, b := c, a, b
			c.p = at(c.p, j)
			if f == formTN {
				a.p = at(a.p, p*a.stride)
			} else {
				a.p = at(a.p, p)
			}
			if f == formNT {
				b.p = at(b.p, j*b.stride+p)
			} else {
				b.p = at(b.p, p*b.stride+j)
			}
			t.chunk(buf, c, a, b, m, min(columns, n-j), min(chunk, k-p), f, accumulate || p > 0)
		}
	}
	packs.Put(buf)
}

// chunk is a product whose packed B is at most packLimit.
func (t *tiling) chunk(buf *packed, c, a, b operand, m, n, k int, f form, accumulate bool) {

	// Blocks of k of about the same size.
	blocks := (k + t.depth - 1) / t.depth
	depth := roundUp((k+blocks-1)/blocks, unroll)

	pb := aligned(&buf.b, roundUp(n, t.columns)*(k+blocks*unroll))
	t.packB(pb, b, n, k, depth, f)
	pa := aligned(&buf.a, t.rows*depth*t.lanes)
	pc := aligned(&buf.c, t.rows*t.columns)
	strips := t.rows * strip
	for i := 0; i < m; i += t.rows {
		group, at0 := a, i
		if f == formTN {
			// The rows of a group are columns of A: a part of a cache line each, far apart. A strip is copied once for many groups.
			from := i / strips * strips
			width := min(strips, m-from)
			ps := aligned(&buf.strip, width*k)
			if i == from {
				copyRows(ps, width, at(a.p, from), a.stride, k, width)
			}
			group, at0 = operand{ps, width}, i-from
		}
		rows := min(t.rows, m-i)
		panels := pb
		for p := 0; p < k; p += depth {
			kc := min(depth, k-p)
			kp := roundUp(kc, unroll)
			load := accumulate || p > 0
			t.packA(pa, group, at0, rows, p, kc, f)
			for j := 0; j < n; {
				columns, run := t.columns, t.tile
				if t.narrow > 0 && n-j <= t.narrow {
					columns, run = t.narrow, t.tileNarrow
				}
				cp := at(c.p, i*c.stride+j)
				if rows == t.rows && n-j >= columns {
					run(cp, uintptr(4*c.stride), pa, panels, kp, load)
				} else {
					// The edge of C: through a tile of our own.
					edge := min(columns, n-j)
					if load {
						copyRows(pc, columns, cp, c.stride, rows, edge)
					}
					run(pc, uintptr(4*columns), pa, panels, kp, load)
					copyRows(cp, c.stride, pc, columns, rows, edge)
				}
				panels = at(panels, columns*kp)
				j += columns
			}
		}
	}
}

// copyRows copies a (rows, columns) matrix.
func copyRows(dst unsafe.Pointer, dstStride int, src unsafe.Pointer, srcStride, rows, columns int) {
	for r := range rows {
		copy(unsafe.Slice((*float32)(at(dst, r*dstStride)), columns), unsafe.Slice((*float32)(at(src, r*srcStride)), columns))
	}
}

// packA packs rows i.. and columns p..p+k of A: by panels of t.panel rows, in them by column, every element over a whole vector.
// Rows past the end keep what was there: their sums are not used.
func (t *tiling) packA(dst unsafe.Pointer, a operand, i, rows, p, k int, f form) {
	kp := roundUp(k, unroll)
	size := t.panel * t.lanes // of a column
	for r := 0; r < t.rows; r += t.panel {
		src, row, step := at(a.p, (i+r)*a.stride+p), uintptr(4*a.stride), uintptr(4)
		if f == formTN {
			src, row, step = at(a.p, p*a.stride+i+r), step, row
		}
		t.repeat(dst, src, row, step, min(t.panel, rows-r), k)
		clear(unsafe.Slice((*float32)(at(dst, k*size)), (kp-k)*size))
		dst = at(dst, kp*size)
	}
}

// packB packs B, n columns of k: by blocks of depth of k, in them by panels of t.columns columns (the last may be narrow), in them by k.
// Columns past the end and k past the end are zeros.
func (t *tiling) packB(dst unsafe.Pointer, b operand, n, k, depth int, f form) {
	for p := 0; p < k; p += depth {
		kc := min(depth, k-p)
		kp := roundUp(kc, unroll)
		for j := 0; j < n; {
			columns := t.columns
			if t.narrow > 0 && n-j <= t.narrow {
				columns = t.narrow
			}
			used := min(columns, n-j)
			if used < columns || kc < kp {
				clear(unsafe.Slice((*float32)(dst), columns*kp))
			}
			if f == formNT {
				transpose(dst, columns, at(b.p, j*b.stride+p), b.stride, used, kc)
			} else {
				copyRows(dst, columns, at(b.p, p*b.stride+j), b.stride, kc, used)
			}
			dst = at(dst, columns*kp)
			j += columns
		}
	}
}
