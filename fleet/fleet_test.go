package fleet_test

import (
	"context"
	"errors"
	"iter"
	"math"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken/fleet"
)

// upTo yields 0 to n-1, and counts in taken how many were asked for.
func upTo(n int, taken *atomic.Int64) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			taken.Add(1)
			if !yield(i) {
				return
			}
		}
	}
}

func double(_ context.Context, k int) (int, error) { return 2 * k, nil }

var errOdd = errors.New("odd")

// mixed does everything that a function can do to a key.
func mixed(_ context.Context, k int) (string, error) {
	switch k % 5 {
	case 1:
		return "", errOdd
	case 2:
		panic("two")
	case 3:
		runtime.Goexit()
	case 4:
		return "beside the error", errOdd
	}
	return strconv.Itoa(k), nil
}

func TestAsManyResultsAsKeys(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{-1, 0, 1, 2, 7, 100, math.MaxInt} {
		t.Run(strconv.Itoa(limit), func(t *testing.T) {
			t.Parallel()
			const n = 100
			seen := map[int]fleet.Result[int, string]{}
			for r := range fleet.ForEach(t.Context(), upTo(n, new(atomic.Int64)), limit, mixed) {
				if _, twice := seen[r.Key]; twice {
					t.Errorf("key %d twice", r.Key)
				}
				seen[r.Key] = r
			}
			if len(seen) != n {
				t.Errorf("%d results for %d keys", len(seen), n)
			}
			for k, r := range seen {
				want := fleet.Result[int, string]{Key: k}
				var wantErr bool
				switch k % 5 {
				case 0:
					want.Value = strconv.Itoa(k)
				case 4:
					want.Value, wantErr = "beside the error", true
				default:
					wantErr = true
				}
				if (r.Err != nil) != wantErr || r.Value != want.Value {
					t.Errorf("key %d: %+v", k, r)
				}
				if odd := k%5 == 1 || k%5 == 4; odd && r.Err != errOdd { //nolint:errorlint // unwrapped is the point
					t.Errorf("key %d: error %v, want the function's own", k, r.Err)
				}
			}
		})
	}
}

func TestNoKeys(t *testing.T) {
	t.Parallel()
	for r := range fleet.ForEach(t.Context(), upTo(0, new(atomic.Int64)), 3, double) {
		t.Errorf("result %v", r)
	}
	for r := range fleet.ForEach(t.Context(), nil, 3, double) {
		t.Errorf("result %v of nil keys", r)
	}
}

func TestLimit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ limit, want int }{{-3, 1}, {0, 1}, {1, 1}, {2, 2}, {5, 5}, {12, 12}, {50, 12}} {
		t.Run(strconv.Itoa(tt.limit), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var running, most atomic.Int64
				start := time.Now()
				for range fleet.ForEach(t.Context(), upTo(12, new(atomic.Int64)), tt.limit,
					func(context.Context, int) (int, error) {
						if n := running.Add(1); n > most.Load() {
							most.Store(n) // all of them start one after the other, on one clock tick
						}
						time.Sleep(time.Second)
						running.Add(-1)
						return 0, nil
					}) {
				}
				if got := int(most.Load()); got != tt.want {
					t.Errorf("%d at a time, want %d", got, tt.want)
				}
				rounds := (12 + tt.want - 1) / tt.want
				if took := time.Since(start); took != time.Duration(rounds)*time.Second {
					t.Errorf("took %v, want %d rounds of a second", took, rounds)
				}
			})
		})
	}
}

type arrival struct {
	Key int
	At  time.Duration
}

func TestResultsAsTheyCome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var got []arrival
		for r := range fleet.ForEach(t.Context(), slices.Values([]int{5, 1, 3}), 3, sleepSeconds) {
			got = append(got, arrival{r.Key, time.Since(start)})
		}
		want := []arrival{{1, time.Second}, {3, 3 * time.Second}, {5, 5 * time.Second}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("arrivals (-want +got):\n%s", diff)
		}
	})
}

func sleepSeconds(_ context.Context, k int) (int, error) {
	time.Sleep(time.Duration(k) * time.Second)
	return k, nil
}

func TestResultsDoNotWaitForTheNextKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		slow := func(yield func(int) bool) {
			if yield(1) {
				time.Sleep(time.Hour)
				yield(2)
			}
		}
		var got []arrival
		for r := range fleet.ForEach(t.Context(), slow, 3, sleepSeconds) {
			got = append(got, arrival{r.Key, time.Since(start)})
		}
		want := []arrival{{1, time.Second}, {2, time.Hour + 2*time.Second}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("arrivals (-want +got):\n%s", diff)
		}
	})
}

func TestKeysAreTakenLazily(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 4} {
		synctest.Test(t, func(t *testing.T) {
			var taken atomic.Int64
			seq := fleet.ForEach(t.Context(), upTo(40, &taken), limit, double)
			synctest.Wait()
			if n := taken.Load(); n != 0 {
				t.Errorf("limit %d: %d keys taken before the loop began", limit, n)
			}
			yielded := 0
			for range seq {
				yielded++
				synctest.Wait() // all that can run has run, and waits for us
				if n, most := int(taken.Load()), min(yielded+limit, 40); n != most {
					t.Errorf("limit %d: %d keys taken at result %d, want %d", limit, n, yielded, most)
				}
			}
		})
	}
}

func TestBreakCancelsAndWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var taken, begun, ended atomic.Int64
		var causes sync.Map
		for r := range fleet.ForEach(t.Context(), upTo(40, &taken), 4, func(ctx context.Context, k int) (int, error) {
			begun.Add(1)
			defer ended.Add(1)
			if k == 0 {
				return 0, nil
			}
			<-ctx.Done()
			causes.Store(k, ctx.Err())
			time.Sleep(5 * time.Second) // cleaning up
			return 0, ctx.Err()
		}) {
			if r.Key != 0 {
				t.Errorf("key %d ended before it was canceled", r.Key)
			}
			synctest.Wait()
			if n := begun.Load(); n != 5 {
				t.Errorf("%d begun at the break, want 5", n)
			}
			break
		}
		if b, e := begun.Load(), ended.Load(); b != 5 || e != 5 {
			t.Errorf("%d begun and %d ended after the loop, want 5 and 5", b, e)
		}
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("the loop ended after %v, want the 5s of the clean-up", took)
		}
		if n := taken.Load(); n != 5 {
			t.Errorf("%d keys taken, want 5", n)
		}
		for k := range 4 {
			if saw, _ := causes.Load(k + 1); saw != any(context.Canceled) {
				t.Errorf("key %d saw %v", k+1, saw)
			}
		}
	})
}

// A body that panics, or ends its goroutine as t.FailNow does, leaves the loop as well.
func TestLeavingByPanicAndGoexit(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(){
		"panic":  func() { panic("body") },
		"Goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var begun, ended atomic.Int64
				var got any
				var wg sync.WaitGroup
				wg.Go(func() {
					defer func() { got = recover() }()
					for range fleet.ForEach(t.Context(), upTo(9, new(atomic.Int64)), 3,
						func(ctx context.Context, k int) (int, error) {
							begun.Add(1)
							defer ended.Add(1)
							if k > 0 {
								<-ctx.Done()
								time.Sleep(time.Second)
							}
							return 0, nil
						}) {
						leave()
					}
				})
				wg.Wait()
				if name == "panic" && got != "body" {
					t.Errorf("recovered %v, want the panic of the body", got)
				}
				if b, e := begun.Load(), ended.Load(); b != e || b == 0 {
					t.Errorf("%d begun, %d ended", b, e)
				}
			})
		})
	}
}

func TestRangeAgain(t *testing.T) {
	t.Parallel()
	var taken atomic.Int64
	seq := fleet.ForEach(t.Context(), upTo(10, &taken), 3, double)
	for range seq {
		break
	}
	var wg sync.WaitGroup
	for range 4 { // also at the same time
		wg.Go(func() {
			sum := 0
			for r := range seq {
				sum += r.Value
			}
			if sum != 90 {
				t.Errorf("sum %d, want 90", sum)
			}
		})
	}
	wg.Wait()
}

func TestInfiniteKeys(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, ctx := range map[string]context.Context{"live": t.Context(), "ended": ended} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forever := func(yield func(int) bool) {
				for yield(1) {
				}
			}
			n := 0
			for range fleet.ForEach(ctx, forever, 5, double) {
				if n++; n == 1000 {
					break
				}
			}
			if n != 1000 {
				t.Errorf("%d results, want 1000", n)
			}
		})
	}
}

func TestPull(t *testing.T) {
	t.Parallel()
	next, stop := iter.Pull(fleet.ForEach(t.Context(), upTo(10, new(atomic.Int64)), 3, double))
	if r, ok := next(); !ok || r.Err != nil || r.Value != 2*r.Key {
		t.Errorf("next = %+v, %v", r, ok)
	}
	stop()
	if r, ok := next(); ok {
		t.Errorf("next after stop = %+v", r)
	}
}
