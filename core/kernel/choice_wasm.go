//go:build relaxed

package kernel

import "time"

// int8Choice runs two kernels in turn on the products it is given, timing both, and after a while stays with the faster one: which one that
// is depends on the processor, and nothing else tells it in WebAssembly. An engine first runs code that it has compiled in haste, where the
// two differ little, and compiles well in the background, which a busy machine delays; so there are several trials, each after twice as
// many products as the one before, and the last verdict counts. The results have the same bits.
type int8Choice struct {
	kernels [2]func(p int8Product) // of the same packing; the first where time stands still
	now     func() time.Time

	winner   int                 // of the last trial
	chosen   func(p int8Product) // nil during a trial
	calls    int                 // since the last trial began
	trials   int
	spent    [2]time.Duration // in this trial
	measured [2]float64       // multiply-adds in that time
}

const (
	// choiceWarm products go by before the clock counts in the first trial: an engine compiles a function well only after it has run for a while.
	choiceWarm = 64

	// choiceTime is long against the grain of a browser's clock, 0.1 or 1 ms.
	choiceTime = 30 * time.Millisecond

	// choiceMost products without a verdict: the clock does not move while code runs, as on some servers.
	choiceMost = 4096

	// After trial t, choiceRest<<t products go to its winner. The slower kernel takes at most twice the time, so that the trials together cost
	// a few per cent of the first thousand products and nothing after.
	choiceRest   = 128
	choiceTrials = 5
)

func (c *int8Choice) matmul(p int8Product) {
	if c.chosen != nil {
		c.chosen(p)
		if c.trials < choiceTrials {
			c.calls++
			if c.calls == choiceRest<<c.trials {
				c.chosen, c.calls, c.spent, c.measured = nil, 0, [2]time.Duration{}, [2]float64{}
			}
		}
		return
	}
	// 0, 1, 0, 1, then 1, 0, 1, 0: the four products of a block go to either kernel.
	i := (c.calls ^ c.calls>>2) & 1
	start := c.now()
	c.kernels[i](p)
	if c.calls >= choiceWarm || c.trials > 0 {
		c.spent[i] += c.now().Sub(start)
		c.measured[i] += float64(p.m) * float64(p.n) * float64(p.k)
	}
	c.calls++
	switch {
	case c.calls >= choiceMost:
		c.settle(0)
		c.trials = choiceTrials // another trial would tell as little
	case c.spent[0] >= choiceTime && c.spent[1] >= choiceTime:
		faster := 0
		if c.spent[1].Seconds()*c.measured[0] < c.spent[0].Seconds()*c.measured[1] {
			faster = 1
		}
		c.settle(faster)
	}
}

// settle ends a trial.
func (c *int8Choice) settle(i int) {
	c.winner, c.chosen = i, c.kernels[i]
	c.trials++
	c.calls = 0
}
