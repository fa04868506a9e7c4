//go:build cgo

package vision

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
)

// parallel does jobs 0..n-1 on as many workers as OpenCV may have threads, in
// about that order, and returns the errors there were. It stops early when one
// fails or the context ends.
func (e *mtcnnEngine) parallel(ctx context.Context, n int, do func(worker, job int) error) error {
	threads, err := threads()
	if err != nil {
		return err
	}
	workers := min(threads, runtime.GOMAXPROCS(0), n)
	for len(e.inputs) < workers {
		e.inputs = append(e.inputs, nil)
	}
	var next atomic.Int64
	errs := make([]error, workers)
	work := func(worker int) {
		for {
			job := int(next.Add(1)) - 1
			if job >= n || errs[worker] != nil {
				return
			}
			if errs[worker] = ctx.Err(); errs[worker] == nil {
				errs[worker] = do(worker, job)
			}
			if errs[worker] != nil {
				next.Store(int64(n)) // the others need not go on
			}
		}
	}
	var wg sync.WaitGroup
	for worker := 1; worker < workers; worker++ {
		wg.Go(func() { work(worker) })
	}
	if workers > 0 {
		work(0)
	}
	wg.Wait()
	return errors.Join(errs...)
}
