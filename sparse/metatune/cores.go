package metatune

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"haguruma/core/kernel"
)

// deal hands jobs 0..n-1 to goroutines, each the next one when it is through: start makes the function of goroutine k, and is called on it. Kernels
// are left as they are. It returns when all is done.
func deal(goroutines, n int, start func(k int) func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for k := range min(goroutines, n) {
		wg.Go(func() {
			run := start(k)
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				run(i)
			}
		})
	}
	wg.Wait()
}

// eachCore runs jobs 0..n-1 over all cores, one goroutine a core: start makes
// the function of one goroutine, done is told how many are through. While it
// runs, kernels stay on their own core.
func eachCore(ctx context.Context, n int, start func() func(i int), done func(n int)) error {
	old := kernel.SetParallel(1)
	defer kernel.SetParallel(old)
	var finished atomic.Int64
	deal(runtime.GOMAXPROCS(0), n, func(int) func(i int) {
		run := start()
		return func(i int) {
			if ctx.Err() == nil {
				run(i)
				done(int(finished.Add(1)))
			}
		}
	})
	return ctx.Err()
}

// tryEachCore is eachCore for jobs that can fail: the first error ends the
// others and is returned.
func tryEachCore(ctx context.Context, n int, start func() func(i int) error, done func(n int)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err := eachCore(ctx, n, func() func(i int) {
		run := start()
		return func(i int) {
			if err := run(i); err != nil {
				cancel(err)
			}
		}
	}, done)
	if err != nil {
		return context.Cause(ctx)
	}
	return nil
}
