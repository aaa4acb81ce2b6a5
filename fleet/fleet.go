// Package fleet runs one function over many tenants, or many of anything, and loses none of them.
//
// Programs that watch or renew many tenants tend to fail silently: the loop ends at the first bad
// tenant, an error is swallowed, a partial result passes for the whole. [ForEach] gives every key
// its own [Result]. An error, a panic or the end of the context becomes the Err of the keys that it
// affects, and never hides another key:
//
//	for r := range fleet.ForEach(ctx, slices.Values(tenants), 8, check) {
//		if r.Err != nil {
//			fmt.Println(r.Key, "is unknown:", r.Err)
//			continue
//		}
//		fmt.Println(r.Key, r.Value.Level)
//	}
//
// The package knows nothing about VPP tokens, retries nothing and keeps no state; each client has
// its own retries and limits. To use more than one machine, make each key a job in your job engine.
package fleet

import (
	"context"
	"errors"
	"iter"
)

// Result is the result of one key.
type Result[K, V any] struct {
	Key   K
	Value V // what f returned, even with an error; zero if f did not return
	// Err is the error that f returned, or reports a panic of f, a nil f or ctx, or a ctx that ended
	// before f was called.
	Err error
}

// ForEach calls f for the keys, at most limit at a time, and yields each result as soon as it is
// ready. It does not stop at an error, and turns a panic of f into that key's error. There is
// exactly one result per key, also for keys that fail. A limit below 1 means 1.
//
// Nothing runs before the loop begins, and nothing runs after it ends. Breaking out of the loop
// cancels the context of the running calls and waits for them, so f must respect its context. When
// ctx ends, keys that were not started yield its error and its cause ([context.Cause]), and the
// others whatever f returns.
//
// ForEach takes a key from keys only when there is room to run it. The sequence runs in its own
// goroutine, so that results need not wait for the next key; the end of the loop does wait for it.
// It can be infinite if the loop breaks. If it panics, the loop panics with the same value, after
// the results of the preceding keys.
//
// The error for a panic says where it happened. It shows a runtime error, such as an index out of
// range, but no other value, which may hold a secret. If the value is an error, [errors.Is] and
// [errors.As] find it.
//
// If keys can be ranged over again, so can the result, which starts over.
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
