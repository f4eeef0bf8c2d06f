package metatune

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"haguruma/core/kernel"
)

// eachCore runs jobs 0..n-1 over all cores, one goroutine a core: start makes
// the function of one goroutine, done is told how many are through. While it
// runs, kernels stay on their own core.
func eachCore(ctx context.Context, n int, start func() func(i int), done func(n int)) error {
	old := kernel.SetParallel(1)
	defer kernel.SetParallel(old)
	var next, finished atomic.Int64
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			run := start()
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				run(i)
				done(int(finished.Add(1)))
			}
		}()
	}
	wg.Wait()
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
