package graph_test

import (
	"context"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// numbered gives another token each time that it is asked.
type numbered struct {
	lives time.Duration // 0 is for ever
	asked int
}

func (n *numbered) Token() (*oauth2.Token, error) {
	n.asked++
	t := &oauth2.Token{AccessToken: "bearer-" + strconv.Itoa(n.asked)}
	if n.lives > 0 {
		t.Expiry = time.Now().Add(n.lives)
	}
	return t, nil
}

type numberedContext struct{ numbered }

func (n *numberedContext) TokenContext(context.Context, string) (*oauth2.Token, error) {
	return n.Token()
}

// A token is used again only while it surely lives, and only when the source can't tell one call
// from another.
func TestBearerIsUsedAgainWhileItLives(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		source  oauth2.TokenSource
		refused string // by the service
		want    []string
	}{
		"an hour": {&numbered{lives: time.Hour}, "", []string{"bearer-1", "bearer-1", "bearer-1"}},
		"an hour, refused": {
			&numbered{lives: time.Hour}, "bearer-1", []string{"bearer-1", "bearer-2", "bearer-2", "bearer-2"},
		},
		"a minute":             {&numbered{lives: time.Minute}, "", []string{"bearer-1", "bearer-2", "bearer-3"}},
		"two minutes, in time": {&numbered{lives: 2 * time.Minute}, "", []string{"bearer-1", "bearer-1", "bearer-2"}},
		"for ever":             {&numbered{}, "", []string{"bearer-1", "bearer-1", "bearer-2"}}, // a minute
		"for ever, refused":    {&numbered{}, "bearer-1", []string{"bearer-1", "bearer-2", "bearer-2", "bearer-3"}},
		"by the call": {
			&numberedContext{numbered{lives: time.Hour}}, "", []string{"bearer-1", "bearer-2", "bearer-3"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var sent []string
				rt := roundTripper(func(r *http.Request) (*http.Response, error) {
					bearer := r.Header.Get("Authorization")[len("Bearer "):]
					sent = append(sent, bearer)
					if bearer == tt.refused {
						return faulttest.Answer(http.StatusUnauthorized, ""), nil
					}
					return faulttest.Answer(http.StatusOK, faulttest.BareToken), nil
				})
				c, err := vpptoken.NewClient(tt.source, vpptoken.WithHTTPClient(&http.Client{Transport: rt}))
				if err != nil {
					t.Fatal(err)
				}
				for range 3 {
					if _, err := c.Get(t.Context(), faulttest.ID); err != nil {
						t.Error(err)
					}
					time.Sleep(45 * time.Second)
				}
				if diff := cmp.Diff(tt.want, sent); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A retry asks the source again, however long the first attempt's token lives: the wait before it
// may have been long.
func TestRepeatAsksForAFreshBearer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent []string
		rt := roundTripper(func(r *http.Request) (*http.Response, error) {
			sent = append(sent, r.Header.Get("Authorization")[len("Bearer "):])
			if len(sent) < 4 {
				return faulttest.Answer(http.StatusServiceUnavailable, ""), nil
			}
			return faulttest.Answer(http.StatusOK, faulttest.BareToken), nil
		})
		c, err := vpptoken.NewClient(&numbered{lives: time.Hour}, vpptoken.WithHTTPClient(&http.Client{Transport: rt}))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			_, err = c.Get(t.Context(), faulttest.ID)
		}
		diff := cmp.Diff([]string{"bearer-1", "bearer-2", "bearer-3", "bearer-4", "bearer-4"}, sent)
		if diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	})
}

// A refused token is not used again, also by calls that are not repeated: the next one asks the
// source.
func TestRefusedBearerIsDropped(t *testing.T) {
	t.Parallel()
	for status, attempts := range map[int]int{http.StatusUnauthorized: 1, http.StatusForbidden: 4} {
		var sent []string
		rt := roundTripper(func(r *http.Request) (*http.Response, error) {
			sent = append(sent, r.Header.Get("Authorization")[len("Bearer "):])
			if len(sent) == 1 {
				return faulttest.Answer(status, ""), nil
			}
			return faulttest.Answer(http.StatusOK, faulttest.BareToken), nil
		})
		c, err := vpptoken.NewClient(&numbered{lives: time.Hour}, vpptoken.WithHTTPClient(&http.Client{Transport: rt}),
			vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: attempts}))
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			_, err = c.Get(t.Context(), faulttest.ID)
		}
		if diff := cmp.Diff([]string{"bearer-1", "bearer-2", "bearer-2"}, sent); diff != "" || err != nil {
			t.Errorf("%d: %v (-want +got):\n%s", status, err, diff)
		}
	}
}
