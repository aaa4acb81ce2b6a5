package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/fleet"
	"github.com/vpptoken/vpptoken/health"
)

// assess assesses tokens as they come and passes each verdict on. It keeps none of them, so its
// memory does not grow. It returns how many there were, even with an error.
func assess(
	tokens iter.Seq2[*vpptoken.VPPToken, error], tenant string, now time.Time, p health.Policy, each func(row) error,
) (n int, err error) {
	for token, err := range tokens {
		if err != nil {
			return n, err
		}
		n++
		if err := each(newRow(tenant, token, health.Assess(token, now, p))); err != nil {
			return n, err
		}
	}
	return n, nil
}

// judgment assesses a tenant's tokens one by one and returns how many there were, even with an
// error.
type judgment func(ctx context.Context, t cli.Tenant, each func(row) error) (int, error)

// pass assesses every tenant once, several at a time, and returns the worst level and the tenants
// that it did not finish because ctx ended. A tenant that fails, even halfway, gets its own row and
// hides no other. Rows come one at a time. An error of each ends the pass and is returned.
func pass(
	ctx context.Context, tenants []cli.Tenant, parallel int, judge judgment, each func(row) error,
) (worst health.Level, unread []string, failed error) {
	var mu sync.Mutex
	worst = health.LevelOK
	write := func(r row) error {
		mu.Lock()
		defer mu.Unlock()
		if failed != nil {
			return failed
		}
		if r.Level.Compare(worst) > 0 {
			worst = r.Level
		}
		failed = each(r)
		return failed
	}
	one := func(ctx context.Context, t cli.Tenant) (int, error) { return judge(ctx, t, write) }
	for r := range fleet.ForEach(ctx, slices.Values(tenants), parallel, one) {
		if ended := ctx.Err(); ended != nil && (errors.Is(r.Err, ended) || errors.Is(r.Err, context.Cause(ctx))) {
			unread, r.Err = append(unread, r.Key.Name), errors.New("the check was interrupted")
		}
		var err error
		switch {
		case r.Err != nil:
			text := fmt.Sprintf("The tenant could not be read, so nothing is known of its tokens: %v.", r.Err)
			if r.Value > 0 {
				text = fmt.Sprintf("Only %d tokens could be read, and there may be more: %v.", r.Value, r.Err)
			}
			err = write(tenantRow(r.Key.Name, "tenant-unreadable", text))
		case r.Value == 0:
			err = write(tenantRow(r.Key.Name, "no-tokens",
				"The tenant has no VPP token: check that it is the right one, or take it off the list."))
		}
		if err != nil {
			break
		}
	}
	return worst, unread, failed // the loop has waited for all writers
}
