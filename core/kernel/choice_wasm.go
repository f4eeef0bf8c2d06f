//go:build relaxed

package kernel

import "time"

// int8Choice runs two kernels in turn on the products it is given, timing both, and after a while stays with the faster one: which one that
// is depends on the processor, and nothing else tells it in WebAssembly. The results have the same bits.
type int8Choice struct {
	kernels [2]func(p int8Product) // of the same packing; the first where time stands still
	now     func() time.Time

	chosen func(p int8Product) // nil while both are tried
	calls  int
	spent  [2]time.Duration
	work   [2]float64 // multiply-adds
}

const (
	// choiceWarm products go by before the clock counts: an engine compiles a function well only after it has run for a while.
	choiceWarm = 64

	// choiceTime is long against the grain of a browser's clock, 0.1 or 1 ms.
	choiceTime = 30 * time.Millisecond

	// choiceMost products without a verdict: the clock does not move while code runs, as on some servers.
	choiceMost = 4096
)

func (c *int8Choice) matmul(p int8Product) {
	if c.chosen != nil {
		c.chosen(p)
		return
	}
	// 0, 1, 0, 1, then 1, 0, 1, 0: the four products of a block go to either kernel.
	i := (c.calls ^ c.calls>>2) & 1
	start := c.now()
	c.kernels[i](p)
	if c.calls >= choiceWarm {
		c.spent[i] += c.now().Sub(start)
		c.work[i] += float64(p.m) * float64(p.n) * float64(p.k)
	}
	c.calls++
	switch {
	case c.calls >= choiceMost:
		c.chosen = c.kernels[0]
	case c.spent[0] >= choiceTime && c.spent[1] >= choiceTime:
		c.chosen = c.kernels[0]
		if c.spent[1].Seconds()*c.work[0] < c.spent[0].Seconds()*c.work[1] {
			c.chosen = c.kernels[1]
		}
	}
}
