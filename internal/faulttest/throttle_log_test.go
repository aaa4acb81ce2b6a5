package faulttest_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

// The log says of a throttled call that it is held, until when, and why; and of one that waits for
// others as well.
func TestR20Log(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		service := &faulttest.Service{Answer: faulttest.Once(faulttest.Always(429, "", "Retry-After", "10"),
			faulttest.Always(200, faulttest.BareToken))}
		client := faulttest.Client(t, service, vpptoken.WithLogger(logger), vpptoken.WithWriteLimit(1, time.Minute))
		if _, err := client.Update(t.Context(), faulttest.ID, vpptoken.NewPatch().SetDisplayName("x")); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			// The bubble's clock begins at the turn of the millennium.
			`level=WARN msg="vpptoken: retry" operation=update`,
			`status=429 attempt=1 request_id="" reason="Too Many Requests" wait=10s until=2000-01-01T00:00:10.000Z`,
			`level=DEBUG msg="vpptoken: held" operation=update`, `reason="write limit" until=2000-01-01T00:01:00.060Z`,
		} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log lacks %s:\n%s", want, &log)
			}
		}
	})
}

// An error of a call that was held past its deadline says why, and when there is room.
func TestR20HeldPastTheDeadlineByThePace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := faulttest.Client(t, &faulttest.Service{Answer: faulttest.Always(200, faulttest.BareToken)},
			vpptoken.WithWriteLimit(1, time.Minute))
		if _, err := client.Update(t.Context(), faulttest.ID, vpptoken.NewPatch().SetDisplayName("x")); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		began := time.Now()
		_, err := client.Update(ctx, faulttest.ID, vpptoken.NewPatch().SetDisplayName("y"))
		wait, ok := vpptoken.RetryAfter(err)
		if time.Since(began) != 0 || !errors.Is(err, vpptoken.ErrThrottled) ||
			!errors.Is(err, context.DeadlineExceeded) || !vpptoken.Retryable(err) {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		if e := faulttest.Error(t, err); !ok || wait < time.Minute || wait > 61*time.Second || e.Attempts != 0 ||
			!strings.Contains(err.Error(), "write limit") {
			t.Errorf("wait %v: %v", wait, err)
		}
	})
}
