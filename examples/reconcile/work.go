package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/fleet"
)

// work processes many tokens, several at a time. The client sees to it that this is no faster than
// the service allows.
type work struct {
	client   *vpptoken.Client
	parallel int
	stderr   io.Writer // shows how far it is
}

// apply carries out the plan. What it has not begun when ctx ends stays as planned.
func (w *work) apply(ctx context.Context, results []*result) {
	planned := slices.DeleteFunc(slices.Clone(results), func(r *result) bool { return r.status != differs })
	w.each(ctx, "changing", planned, (*result).apply)
}

// each calls f for all results. A failure affects only its own result.
func (w *work) each(
	ctx context.Context, what string, results []*result, f func(*result, context.Context, *vpptoken.Client) error,
) {
	count, stop := w.progress(what, len(results))
	defer stop()
	do := func(ctx context.Context, r *result) (struct{}, error) { return struct{}{}, f(r, ctx, w.client) }
	for r := range fleet.ForEach(ctx, slices.Values(results), w.parallel, do) {
		count(r.Err)
		if r.Err != nil && !untouched(ctx, r.Err) {
			r.Key.fail(r.Err)
		}
	}
}

// untouched reports whether err only means that ctx ended before the token was changed.
func untouched(ctx context.Context, err error) bool {
	failed, sent := errors.AsType[*vpptoken.Error](err)
	return ctx.Err() != nil && (!sent || errors.Is(err, ctx.Err()) && !failed.Ambiguous)
}

// progress shows how many tokens were counted, of a total that is 0 while it is not known.
func (w *work) progress(what string, total int) (count func(error), stop func()) {
	var done, failed atomic.Int64
	stop = cli.Progress(w.stderr, cli.IsTerminal(w.stderr), func(elapsed time.Duration) string {
		n := int(done.Load())
		text := fmt.Sprintf("%s: %d tokens, ", what, n)
		if total > 0 {
			text = fmt.Sprintf("%s: %d of %d tokens, %d failed, ", what, n, total, failed.Load())
		}
		return text + cli.Rate(n, total, elapsed)
	})
	return func(err error) {
		done.Add(1)
		if err != nil {
			failed.Add(1)
		}
	}, stop
}
