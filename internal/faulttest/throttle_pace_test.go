package faulttest_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

// A slow sign-in beside it: the bearer is asked for after the wait, and the pace counts from when
// the request leaves.
func TestR20SlowSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := intune(100, otherwise["absent"])
		s.strict = true
		source := faulttest.SourceFunc(func() (*oauth2.Token, error) {
			time.Sleep(8 * time.Second)
			return &oauth2.Token{AccessToken: faulttest.Bearer, Expiry: time.Now().Add(90 * time.Second)}, nil
		})
		client := faulttest.ClientFor(t, oauth2.ReuseTokenSource(nil, source),
			vpptoken.WithHTTPClient(&http.Client{Transport: s}))
		var group sync.WaitGroup
		for i := range 500 {
			group.Go(func() {
				_, err := client.Update(t.Context(), faulttest.ID, vpptoken.NewPatch().SetDisplayName(strconv.Itoa(i)))
				if err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if s.refused > 0 || len(s.done) != 500 {
			t.Errorf("%d refused, %d done", s.refused, len(s.done))
		}
	})
}

// A write whose sign-in took longer than the period counts from when it was sent, and one whose
// answer took long does not slow the pace.
func TestR20PaceCountsWhatIsSent(t *testing.T) {
	t.Parallel()
	type write struct{ at, source, answer, sent time.Duration }
	for name, writes := range map[string][]write{
		"slow sources": {
			{0, 15 * time.Second, 0, 15 * time.Second},
			{0, 15 * time.Second, 0, 15 * time.Second},
			{5 * time.Second, 0, 0, 5 * time.Second},
			{5 * time.Second, 0, 0, 5 * time.Second},
			{12 * time.Second, 0, 0, 12 * time.Second},
			{16 * time.Second, 0, 0, 16 * time.Second},
			{17 * time.Second, 0, 0, 22 * time.Second},
		},
		"slow answers": {
			{0, 0, 9 * time.Second, 0},
			{0, 0, 9 * time.Second, 0},
			{0, 0, 9 * time.Second, 0},
			{0, 0, 9 * time.Second, 0},
			{time.Second, 0, 0, 10 * time.Second},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				type key struct{}
				began := time.Now()
				source := contextSource(func(ctx context.Context) (*oauth2.Token, error) {
					w, _ := ctx.Value(key{}).(write)
					time.Sleep(w.source)
					return &oauth2.Token{AccessToken: faulttest.Bearer}, nil
				})
				service := &faulttest.Service{
					Answer: faulttest.AnswerFunc(func(_ int, r *http.Request) (*http.Response, error) {
						w, _ := r.Context().Value(key{}).(write)
						if sent := time.Since(began); sent < w.sent || sent > w.sent+time.Second {
							t.Errorf("the write of %v was sent at %v, want %v", w.at, sent, w.sent)
						}
						time.Sleep(w.answer)
						return faulttest.Answer(200, faulttest.BareToken), nil
					}),
				}
				client := faulttest.ClientFor(t, source, vpptoken.WithHTTPClient(&http.Client{Transport: service}),
					vpptoken.WithWriteLimit(4, 10*time.Second))
				var group sync.WaitGroup
				for _, w := range writes {
					group.Go(func() {
						time.Sleep(w.at)
						_, err := client.Update(context.WithValue(t.Context(), key{}, w), faulttest.ID,
							vpptoken.NewPatch().SetDisplayName("x"))
						if err != nil {
							t.Error(err)
						}
					})
				}
				group.Wait()
			})
		})
	}
}

// The longest period is one, however many wait for it.
func TestR20LongestPeriod(t *testing.T) {
	t.Parallel()
	for _, per := range []time.Duration{math.MaxInt64, math.MaxInt64 / 2, math.MaxInt64 / 20} {
		synctest.Test(t, func(t *testing.T) {
			service := &faulttest.Service{Answer: faulttest.Always(200, `{"id":"1"}`)}
			client := faulttest.Client(t, service, vpptoken.WithWriteLimit(2, per))
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			began, sent := time.Now(), 0
			var group sync.WaitGroup
			var without context.Context
			without, cancel = context.WithCancel(t.Context()) // without a deadline they stay in line
			defer cancel()
			for range 2 + 100 {
				group.Go(func() { _, _ = client.Update(without, faulttest.ID, vpptoken.NewPatch().SetDisplayName("a")) })
			}
			synctest.Wait()
			_, err := client.Update(ctx, faulttest.ID, vpptoken.NewPatch().SetDisplayName("b"))
			if sent = len(service.Requests()); sent != 2 || !errors.Is(err, context.DeadlineExceeded) ||
				time.Since(began) != 0 {
				t.Errorf("%v: %d were sent, the last took %v: %v", per, sent, time.Since(began), err)
			}
			cancel()
			group.Wait()
		})
	}
}
