// Package fleet runs one job over many tenants, or over many of anything, and loses none of them.
//
// Programs that watch or renew many tenants tend to fail in silence: the loop ends at the first bad
// tenant, an error is swallowed, a partial result passes for the whole. [ForEach] gives every key
// its own [Result]. An error, a panic or the end of the context becomes the Err of the keys that it
// met, and never hides another key:
//
//	for r := range fleet.ForEach(ctx, slices.Values(tenants), 8, check) {
//		if r.Err != nil {
//			fmt.Println(r.Key, "is unknown:", r.Err)
//			continue
//		}
//		fmt.Println(r.Key, r.Value.Level)
//	}
//
// It knows nothing of VPP tokens, retries nothing and keeps nothing; each client has its own
// retries and limits. For more than one machine, make each key a job of the engine that you have.
package fleet

import (
	"context"
	"errors"
	"iter"
)

// Result is what became of one key.
type Result[K, V any] struct {
	Key   K
	Value V // what f returned, also beside an error; the zero value when f did not return
	// Err is what f returned. A panic of f, a nil f or ctx, and a ctx that ended before f was
	// called show here too.
	Err error
}

// ForEach runs f over the keys, at most limit at a time, and yields every key's result or error as
// it comes: it never stops at the first error, never drops one, and turns a panic of f into that
// key's error. There is exactly one result per key, also for keys that fail, in the order in which
// they are ready. A limit below 1 is 1.
//
// Nothing runs before the loop begins, and everything has ended when it does. Breaking out of it
// cancels the context of what is under way and waits for it, so f must heed its context. When ctx
// ends, the keys that were not begun are yielded with its cause ([context.Cause]), and those under
// way with what f makes of it.
//
// A key is taken from keys only when there is room to run it. The sequence runs in a goroutine of
// its own, so that results need not wait for the next key; the end of the loop does wait for it. It
// can be infinite, if the loop breaks. Should it panic, the loop panics with the same value, after
// the results of the keys before it.
//
// The error that a panic becomes says where it happened. It shows a fault that Go's runtime found,
// such as an index out of range, and no other value: that may hold a secret. When the value is an
// error, [errors.Is] and [errors.As] find it.
//
// What is returned can be ranged over again, if keys can, and starts from the beginning.
func ForEach[K, V any](
	ctx context.Context, keys iter.Seq[K], limit int, f func(context.Context, K) (V, error),
) iter.Seq[Result[K, V]] {
	switch {
	case keys == nil:
		return func(func(Result[K, V]) bool) {}
	case f == nil:
		f = fail[K, V](errors.New("fleet: the function is nil"))
	case ctx == nil:
		f = fail[K, V](errors.New("fleet: the context is nil"))
	}
	if ctx == nil {
		ctx = context.Background()
	}
	return func(yield func(Result[K, V]) bool) {
		ctx, cancel := context.WithCancel(ctx)
		r := &run[K, V]{
			ctx:     ctx,
			f:       f,
			slots:   make(chan struct{}, max(limit, 1)),
			results: make(chan Result[K, V]),
		}
		go r.produce(keys)
		defer func() { // also when the body of the loop panics
			r.left.Store(true)
			cancel()
			for range r.results { // until all have ended
			}
			r.keysEnded()
		}()
		for result := range r.results {
			if !yield(result) {
				return
			}
		}
	}
}

func fail[K, V any](err error) func(context.Context, K) (V, error) {
	return func(context.Context, K) (v V, _ error) { return v, err }
}
