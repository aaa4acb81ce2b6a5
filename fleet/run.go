package fleet

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"sync"
	"sync/atomic"
)

// run is one pass over the keys. Three parties take part: the loop, which receives results;
// produce, which takes the keys; and one work for each running key.
type run[K, V any] struct {
	ctx       context.Context
	f         func(context.Context, K) (V, error)
	slots     chan struct{}     // one element for each work, and one for the next key
	results   chan Result[K, V] // closed when everything has ended
	left      atomic.Bool       // the loop wants no more keys
	keysEnded func()            // set before results is closed: repeats in the loop whatever ended the keys
}

// produce takes the keys and starts their work. It is separate from the loop because keys may come
// slowly.
func (r *run[K, V]) produce(keys iter.Seq[K]) {
	var under sync.WaitGroup
	defer close(r.results)
	defer under.Wait()
	r.keysEnded = runtime.Goexit // unless we get to the end, or meet a panic
	defer func() {
		if p := recover(); p != nil {
			r.keysEnded = func() { panic(p) }
		}
	}()
	r.slots <- struct{}{}
	for k := range keys {
		if r.ctx.Err() == nil {
			under.Go(func() { r.work(k) })
		} else {
			r.results <- Result[K, V]{Key: k, Err: ended(r.ctx)}
		}
		select { // room for the next key before it is asked for
		case r.slots <- struct{}{}:
		case <-r.ctx.Done(): // it won't need any
		}
		if r.left.Load() {
			break
		}
	}
	r.keysEnded = func() {}
}

// work calls f and delivers a result, however f ends. It frees its slot once the loop has the
// result.
func (r *run[K, V]) work(k K) {
	result := Result[K, V]{Key: k, Err: errors.New("fleet: the function ended its goroutine (runtime.Goexit)")}
	defer func() {
		if p := recover(); p != nil {
			result.Err = newPanicError(p)
		}
		r.results <- result
		<-r.slots
	}()
	result.Value, result.Err = r.f(r.ctx, k)
}

// ended returns why ctx ended: its error, and its cause if that says more.
func ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}
