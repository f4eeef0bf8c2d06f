//go:build goexperiment.simd && amd64

package kernel

import (
	"sync"
	"sync/atomic"
)

// int8Job is one int8 product on several threads. It is cut into items, a panel of channels by a band of rows, that the threads take one
// after the other. Jobs are reused: a product allocates nothing in steady state.
type int8Job struct {
	int8Product
	lda  int // from row to row of a, a multiple of kStep
	kPad int

	nr, panels, band int // channels a panel, panels, rows a band
	items            int64
	threads          int
	panel            func(j *int8Job, row, rows, column int) // computes one item
	next             atomic.Int64
	wait             sync.WaitGroup
	work             func() // takes items until none is left; made once, so that starting a thread allocates nothing
	padded           []uint8

	// The channels of the last panel when it is not full, for a body that reads it whole.
	tailScale, tailBias [avx2Channels]float32
	tailSum             [avx2Channels]int32
}

var int8Jobs = sync.Pool{New: func() any {
	j := new(int8Job)
	j.work = func() {
		defer j.wait.Done()
		for i := j.next.Add(1) - 1; i < j.items; i = j.next.Add(1) - 1 {
			row, panel := int(i)/j.panels*j.band, int(i)%j.panels
			rows, column := min(j.band, j.m-row), panel*j.nr
			j.panel(j, row, rows, column)
			if j.threads > 1 {
				j.finish(row, rows, column, min(j.nr, j.n-column))
			}
		}
	}
	return j
}}

// int8BandBytes of activations stay in the second-level cache while the panels pass by.
const int8BandBytes = 1 << 18

// matmulInt8Job runs a product panel by panel. Rows of activations that are no multiple of kStep long are copied to rows that are: the
// tail of a packed panel is zeros, but the bytes behind the last row are not ours to read. share is the number of multiply-adds that pays for
// starting a thread: about 50 microseconds of work.
func matmulInt8Job(body *int8Body, panel func(j *int8Job, row, rows, column int), share int, p int8Product) {
	j := int8Jobs.Get().(*int8Job)
	m, n, k := p.m, p.n, p.k
	j.int8Product, j.kPad, j.lda, j.nr, j.panel = p, roundUp(k, body.kStep), k, body.nr, panel
	if j.lda != j.kPad {
		j.lda = j.kPad
		if len(j.padded) < m*j.lda {
			j.padded = make([]uint8, m*j.lda)
		}
		for i := range m {
			copy(j.padded[i*j.lda:], p.a[i*k:(i+1)*k]) // what is behind meets weights of zero
		}
		j.a = j.padded
	}
	j.panels = (n + j.nr - 1) / j.nr
	if whole := n &^ (avx2Channels - 1); whole < n {
		copy(j.tailScale[:], p.wScale[whole:n])
		copy(j.tailSum[:], p.wSum[whole:n])
		clear(j.tailBias[:])
		if p.bias != nil {
			copy(j.tailBias[:], p.bias[whole:n])
		}
	}
	threads := max(1, min(Parallel(), m*n*k/share))
	j.threads = threads
	j.band = max(1, min(m, int8BandBytes/max(j.lda, 1)))
	if threads > 1 { // several items a thread, so that a slow one does not hold up the others
		bands := (4*threads + j.panels - 1) / j.panels
		j.band = min(j.band, max((m+bands-1)/bands, 1))
	}
	j.items = int64((m + j.band - 1) / j.band * j.panels)
	j.next.Store(0)
	j.wait.Add(threads)
	for range threads - 1 {
		go j.work()
	}
	j.work()
	j.wait.Wait()
	if threads == 1 { // long rows are faster than those of a panel
		j.finish(0, 1, 0, m*n)
	}
	j.int8Product = int8Product{}
	int8Jobs.Put(j)
}
