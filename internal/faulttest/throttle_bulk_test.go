package faulttest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vpptoken/vpptoken"
)

// Writes against a cloud of Microsoft are paced by themselves: none is refused, whatever the kind
// of window.
func TestR20Paced(t *testing.T) {
	t.Parallel()
	for _, goroutines := range []int{4, 16, 64, 256} {
		for _, fixed := range []bool{false, true} {
			for _, latency := range []time.Duration{
				0, 25 * time.Millisecond, 150 * time.Millisecond, 300 * time.Millisecond,
			} {
				t.Run(fmt.Sprintf("%d goroutines/fixed=%v/%v", goroutines, fixed, latency), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						s := intune(100, otherwise["absent"])
						s.fixed, s.strict, s.there, s.back = fixed, true, latency, latency
						if goroutines == 4 && latency > 200*time.Millisecond {
							t.Skip("so few are slower than the limit")
						}
						took, lost := (&bulk{service: s, updates: 1000, goroutines: goroutines}).run(t)
						ratio := float64(took) / float64(s.ideal(1000))
						if len(lost) > 0 || s.refused > 0 || ratio > 1.05 {
							t.Errorf("%d lost, %d refused, %.3f of the ideal time", len(lost), s.refused, ratio)
						}
					})
				})
			}
		}
	}
}

// F18: where the limit is not known, it is found, and worked at.
func TestR20UnknownLimit(t *testing.T) {
	t.Parallel()
	for _, strict := range []bool{false, true} {
		for _, fixed := range []bool{false, true} {
			for name, refuse := range inFull {
				t.Run(fmt.Sprintf("strict=%v/fixed=%v/%s", strict, fixed, name), func(t *testing.T) {
					t.Parallel()
					testUnknown(t, strict, fixed, refuse, 1.15)
				})
			}
			for name, refuse := range otherwise {
				t.Run(fmt.Sprintf("strict=%v/fixed=%v/%s", strict, fixed, name), func(t *testing.T) {
					t.Parallel()
					most := 1.45
					if name == "too long" {
						most = 2.9 // it is the service's word
					}
					testUnknown(t, strict, fixed, refuse, most)
				})
			}
		}
	}
}

func testUnknown(t *testing.T, strict, fixed bool, refuse refusal, most float64) {
	t.Helper()
	for _, goroutines := range []int{1, 4, 64, 256} {
		for _, limit := range []vpptoken.Option{
			vpptoken.WithWriteLimit(0, 0), vpptoken.WithWriteLimit(100, 20*time.Second),
		} {
			if testing.Short() && goroutines > 4 {
				continue
			}
			synctest.Test(t, func(t *testing.T) {
				s := intune(50, refuse)
				s.strict, s.fixed = strict, fixed
				took, lost := (&bulk{
					service: s, updates: 1000, goroutines: goroutines, options: []vpptoken.Option{limit},
				}).run(t)
				ideal := s.ideal(1000)
				if goroutines == 1 { // its own requests take half of each period
					ideal += time.Duration(1000/s.limit) * s.per / 12
				}
				if ratio := float64(took) / float64(ideal); len(lost) > 0 || ratio > most {
					t.Errorf("%d goroutines: %d lost, %d refused, %.3f of the ideal time",
						goroutines, len(lost), s.refused, ratio)
				}
			})
		}
	}
}

// Clients of several processes share what the tenant has, and none of them loses anything.
func TestR20FourClients(t *testing.T) {
	t.Parallel()
	for _, strict := range []bool{false, true} {
		for _, fixed := range []bool{false, true} {
			for _, forms := range []map[string]refusal{inFull, otherwise} {
				for name, refuse := range forms {
					t.Run(fmt.Sprintf("strict=%v/fixed=%v/%s", strict, fixed, name), func(t *testing.T) {
						t.Parallel()
						for _, goroutines := range []int{1, 16, 64} {
							synctest.Test(t, func(t *testing.T) {
								s := intune(100, refuse)
								s.strict, s.fixed = strict, fixed
								_, lost := (&bulk{service: s, updates: 1000, clients: 4, goroutines: goroutines}).run(t)
								if len(lost) > 0 {
									t.Errorf("%d goroutines each: %d lost, the first: %v",
										goroutines, len(lost), lost[0])
								}
							})
						}
					})
				}
			}
		}
	}
}

// With its share of the limit, each of four clients is never refused.
func TestR20Shares(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := intune(100, otherwise["absent"])
		s.strict = true
		b := &bulk{service: s, updates: 1000, clients: 4, goroutines: 16, options: []vpptoken.Option{
			vpptoken.WithWriteLimit(25, 20*time.Second),
		}}
		took, lost := b.run(t)
		ratio := float64(took) / float64(s.ideal(1000))
		if len(lost) > 0 || s.refused > 0 || ratio > 1.15 { // they take of one list, and not the same number each
			t.Errorf("%d lost, %d refused, %.3f of the ideal time", len(lost), s.refused, ratio)
		}
	})
}

// A service that refuses for good gets few requests, and all calls end in time.
func TestR20RefusedForGood(t *testing.T) {
	t.Parallel()
	for _, forms := range []map[string]refusal{inFull, otherwise} {
		for name, refuse := range forms {
			for _, latency := range []time.Duration{0, 150 * time.Millisecond} {
				t.Run(fmt.Sprintf("%s/%v", name, latency), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						s := intune(0, refuse)
						s.there, s.back = latency, latency
						_, lost := (&bulk{service: s, updates: 64, goroutines: 64, timeout: time.Minute}).run(t)
						if s.sent > 124 || len(lost) != 64 {
							t.Errorf("%d requests, %d calls failed", s.sent, len(lost))
						}
						for _, err := range lost {
							if !errors.Is(err, context.DeadlineExceeded) {
								t.Errorf("%v does not tell that time ran out", err)
							}
						}
					})
				})
			}
		}
	}
}

// Calls without a deadline end as well when everything is refused: in two minutes besides the first
// waits that the service asks for, each with a request of its own.
func TestR20RefusedForGoodWithoutDeadline(t *testing.T) {
	t.Parallel()
	asked := map[string]time.Duration{"half": 10 * time.Second, "a period": 20 * time.Second, "too long": 50 * time.Second}
	for name, refuse := range otherwise {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := intune(0, refuse)
				took, lost := (&bulk{service: s, updates: 64, goroutines: 64}).run(t)
				if took > 2*time.Minute+3*asked[name]+time.Second || len(lost) != 64 {
					t.Errorf("took %v, %d calls failed", took, len(lost))
				}
			})
		})
	}
}

// A deadline of any length holds. What it leaves no time for is refused at once, and nothing of it
// is sent.
func TestR20Deadlines(t *testing.T) {
	t.Parallel()
	for _, timeout := range []time.Duration{
		time.Millisecond, time.Second, 10 * time.Second, 25 * time.Second, time.Minute, 3 * time.Minute, time.Hour,
	} {
		for _, limit := range []int{50, 100} {
			t.Run(fmt.Sprintf("%v/%d", timeout, limit), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := intune(limit, inFull["seconds"])
					s.there, s.back = 0, 0
					_, lost := (&bulk{service: s, updates: 300, goroutines: 300, timeout: timeout}).run(t)
					want := max(0, 300-limit*(1+int(timeout/(s.per+s.per/50))))
					if len(lost) != want {
						t.Errorf("%d lost, %d expected", len(lost), want)
					}
				})
			})
		}
	}
}
