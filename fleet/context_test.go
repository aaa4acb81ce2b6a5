package fleet_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken/fleet"
)

func TestContextEnds(t *testing.T) {
	t.Parallel()
	cause := errors.New("the night is over")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(90*time.Second, func() { cancel(cause) })
		var taken, begun atomic.Int64
		errs := map[int]error{}
		for r := range fleet.ForEach(ctx, upTo(20, &taken), 2, func(ctx context.Context, k int) (int, error) {
			begun.Add(1)
			select {
			case <-time.After(time.Minute):
				return k, nil
			case <-ctx.Done():
				return 0, errOdd // what f makes of it
			}
		}) {
			if _, twice := errs[r.Key]; twice {
				t.Errorf("key %d twice", r.Key)
			}
			errs[r.Key] = r.Err
		}
		want := map[int]error{0: nil, 1: nil, 2: errOdd, 3: errOdd}
		for k := 4; k < 20; k++ {
			if err := errs[k]; !errors.Is(err, cause) || !errors.Is(err, context.Canceled) {
				t.Errorf("key %d: error %v, want the context's error and its cause", k, err)
			}
			want[k] = errs[k]
		}
		if !maps.Equal(want, errs) {
			t.Errorf("errors %v, want %v", errs, want)
		}
		if b, n := begun.Load(), taken.Load(); b != 4 || n != 20 {
			t.Errorf("%d begun of %d, want 4 of 20", b, n)
		}
	})
}

// What is under way may ignore the context. The keys that wait for its place need not.
func TestContextEndsWhileWorkIgnoresIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var got []arrival
		for r := range fleet.ForEach(ctx, slices.Values([]int{10, 20}), 1, sleepSeconds) {
			if want := r.Key == 20; errors.Is(r.Err, context.DeadlineExceeded) != want {
				t.Errorf("key %d: %v", r.Key, r.Err)
			}
			got = append(got, arrival{r.Key, time.Since(start)})
		}
		want := []arrival{{20, time.Second}, {10, 10 * time.Second}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("arrivals (-want +got):\n%s", diff)
		}
	})
}

func TestContextThatHasEnded(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n := 0
	for r := range fleet.ForEach(ctx, upTo(50, new(atomic.Int64)), 4, func(context.Context, int) (int, error) {
		t.Error("f was called")
		return 1, nil
	}) {
		if r.Err != context.Canceled || r.Key != n || r.Value != 0 { //nolint:errorlint // unwrapped is the point
			t.Errorf("result %d: %+v", n, r)
		}
		n++
	}
	if n != 50 {
		t.Errorf("%d results for 50 keys", n)
	}
}

func TestFunctionGetsTheContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "value")
	for r := range fleet.ForEach(ctx, slices.Values([]int{1}), 1, func(ctx context.Context, _ int) (any, error) {
		return ctx.Value(key{}), ctx.Err()
	}) {
		if r.Value != "value" || r.Err != nil {
			t.Errorf("result %+v", r)
		}
	}
}

func TestNil(t *testing.T) {
	t.Parallel()
	var noContext context.Context
	for _, tt := range []struct {
		name string
		ctx  context.Context
		f    func(context.Context, int) (int, error)
		want string
	}{
		{"context", noContext, double, "fleet: the context is nil"},
		{"function", t.Context(), nil, "fleet: the function is nil"},
		{"both", noContext, nil, "fleet: the function is nil"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var keys []int
			for r := range fleet.ForEach(tt.ctx, upTo(20, new(atomic.Int64)), 3, tt.f) {
				keys = append(keys, r.Key)
				if r.Err == nil || r.Err.Error() != tt.want || r.Value != 0 {
					t.Errorf("result %+v, want the error %s", r, tt.want)
				}
			}
			slices.Sort(keys)
			if want := slices.Collect(upTo(20, new(atomic.Int64))); !slices.Equal(want, keys) {
				t.Errorf("keys %v, want %v", keys, want)
			}
		})
	}
}
