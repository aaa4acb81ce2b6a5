package faulttest_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

// A late refusal of an old token does not cost the new one: one sign-in serves all that were
// refused.
func TestR12LateRefusals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source, ctx, authority := signIns(t, func(n int) (*http.Response, error) {
			return faulttest.Answer(200, strings.Replace(grant, faulttest.Bearer, fmt.Sprintf("bearer-%d", n), 1)), nil
		})
		service := &faulttest.Service{
			Answer: faulttest.AnswerFunc(func(n int, r *http.Request) (*http.Response, error) {
				time.Sleep(time.Duration(n+1) * time.Second)
				if r.Header.Get("Authorization") == "Bearer bearer-0" {
					return faulttest.Answer(401, ""), nil
				}
				return faulttest.Answer(200, faulttest.BareToken), nil
			}),
		}
		client := faulttest.ClientFor(t, source, vpptoken.WithHTTPClient(&http.Client{Transport: service}))
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				if _, err := client.Get(ctx, faulttest.ID); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if n := len(authority.Requests()); n != 2 || len(service.Requests()) != 16 {
			t.Errorf("%d sign-ins, %d requests", n, len(service.Requests()))
		}
	})
}

// A denial, in whichever form, is no reason to drop a token that is not a minute old: each call of
// an application without the role would sign in again.
func TestR12DenialKeepsAFreshToken(t *testing.T) {
	t.Parallel()
	wrapped := faulttest.Fixture(t, "error-intune-nested-twice.json")
	for name, denial := range map[string]faulttest.Answers{
		"403": faulttest.Always(403, ""), "401 around Forbidden": faulttest.Always(401, wrapped),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				source, ctx, authority := signIns(t, func(int) (*http.Response, error) { return granted() })
				service := &faulttest.Service{Answer: denial}
				client := faulttest.ClientFor(t, source, vpptoken.WithHTTPClient(&http.Client{Transport: service}))
				for i, signIns := range []int{1, 1, 1, 2} {
					if i == 2 {
						time.Sleep(61 * time.Second)
					}
					_, err := client.Get(ctx, faulttest.ID)
					if n := len(authority.Requests()); !errors.Is(err, vpptoken.ErrForbidden) || n != signIns {
						t.Errorf("call %d: %d sign-ins, want %d: %v", i, n, signIns, err)
					}
				}
				if n := len(service.Requests()); n != 4 {
					t.Errorf("%d requests", n)
				}
			})
		})
	}
}

// A bearer that is stale is replaced although the sign-in fails in passing first.
func TestR19BlipWhileABearerIsReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source, ctx, authority := signIns(t, func(n int) (*http.Response, error) {
			switch n {
			case 1:
				return faulttest.Answer(503, ""), nil
			case 2:
				return faulttest.Answer(200, strings.Replace(grant, faulttest.Bearer, "another", 1)), nil
			}
			return granted()
		})
		service := &faulttest.Service{
			Answer: faulttest.Once(faulttest.Always(401, ""), faulttest.Always(200, faulttest.BareToken)),
		}
		client := faulttest.ClientFor(t, source, vpptoken.WithHTTPClient(&http.Client{Transport: service}))
		var meta vpptoken.Metadata
		_, err := client.Get(ctx, faulttest.ID, vpptoken.WithMetadata(&meta))
		if err != nil || meta.Attempts != 2 || len(authority.Requests()) != 3 ||
			service.Requests()[1].Bearer != "Bearer another" {
			t.Errorf("%v, %d attempts, %d sign-ins", err, meta.Attempts, len(authority.Requests()))
		}
	})
}

// A refused token whose replacement is refused as well, as of a user whose sessions were revoked: the
// error names both, the sign-in's with its code.
func TestR19RefusedWhileABearerIsReplaced(t *testing.T) {
	t.Parallel()
	for _, op := range faulttest.Operations() {
		synctest.Test(t, func(t *testing.T) {
			source, ctx, _ := signIns(t, func(n int) (*http.Response, error) {
				if n == 0 {
					return granted()
				}
				return faulttest.Answer(400, `{"error":"invalid_grant","error_description":"AADSTS50173: revoked"}`), nil
			})
			service := &faulttest.Service{Answer: faulttest.Always(401, `{"error":{"code":"InvalidAuthenticationToken"}}`)}
			client := faulttest.ClientFor(t, source, vpptoken.WithHTTPClient(&http.Client{Transport: service}))
			err := op.Run(ctx, client)
			e := faulttest.Error(t, err)
			if !errors.Is(err, vpptoken.ErrSignIn) || !errors.Is(err, vpptoken.ErrUnauthorized) || e.Code != "invalid_grant" ||
				e.StatusCode != http.StatusUnauthorized || e.Attempts != 1 || e.Ambiguous || vpptoken.Retryable(err) ||
				!strings.Contains(err.Error(), "AADSTS50173") || len(service.Requests()) != 1 {
				t.Errorf("%s: error %+v (%v)", op.Name, *e, err)
			}
		})
	}
}
