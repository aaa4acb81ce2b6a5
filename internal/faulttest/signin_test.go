package faulttest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
	"github.com/vpptoken/vpptoken/internal/leaktest"
)

const grant = `{"token_type":"Bearer","expires_in":3599,"access_token":"` + faulttest.Bearer + `"}`

// obedient is a transport that ends with the context of its request, as a real one does.
type obedient struct{ *faulttest.Service }

func (o obedient) RoundTrip(r *http.Request) (*http.Response, error) {
	type result struct {
		resp *http.Response
		err  error
	}
	done := make(chan result, 1)
	go func() {
		resp, err := o.Service.RoundTrip(r) //nolint:bodyclose // the client reads it
		done <- result{resp, err}
	}()
	select {
	case got := <-done:
		return got.resp, got.err
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// signIns returns a Source, and a context with the authority that it asks, over a transport.
func signIns(
	t *testing.T, answer func(n int) (*http.Response, error),
) (*vpptoken.Source, context.Context, *faulttest.Service) {
	t.Helper()
	authority := &faulttest.Service{
		Answer: faulttest.AnswerFunc(func(n int, _ *http.Request) (*http.Response, error) { return answer(n) }),
	}
	source, err := vpptoken.CloudGlobal.AppSource("contoso.example", "client-id", faulttest.ClientSecret)
	if err != nil {
		t.Fatal(err)
	}
	return source, context.WithValue(t.Context(), oauth2.HTTPClient,
		&http.Client{Transport: obedient{authority}}), authority
}

func granted() (*http.Response, error) { return faulttest.Answer(200, grant), nil }

// A sign-in that fails in passing is repeated for every operation, because nothing was sent; one
// that is refused is not.
func TestR19FailsOnce(t *testing.T) {
	t.Parallel()
	type reply struct { // the linter takes a function that returns an answer for one that is left open
		give func() (*http.Response, error)
	}
	fails := func(err error) reply {
		return reply{func() (*http.Response, error) { return nil, err }}
	}
	answers := func(status int, headers ...string) reply {
		return reply{func() (*http.Response, error) {
			return faulttest.Answer(status, `{"error":"temporarily_unavailable","error_description":"AADSTS90033"}`,
				headers...), nil
		}}
	}
	refused := func(status int, code string) reply {
		return reply{func() (*http.Response, error) {
			return faulttest.Answer(status,
				`{"error":"`+code+`","error_description":"AADSTS7000215: `+faulttest.ClientSecret+`"}`), nil
		}}
	}
	for name, tt := range map[string]struct {
		first  reply
		code   string // of a refusal
		passes bool
		wait   time.Duration // at least
	}{
		"reset":           {fails(&net.OpError{Op: "read", Err: syscall.ECONNRESET}), "", true, 0},
		"refused to talk": {fails(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}), "", true, 0},
		"closed":          {fails(io.EOF), "", true, 0},
		"408":             {answers(408), "", true, 0},
		"429":             {answers(429, "Retry-After", "17"), "", true, 17 * time.Second},
		"500":             {answers(500), "", true, 0},
		"503":             {answers(503), "", true, 0},
		"504":             {answers(504), "", true, 0},
		"secret":          {refused(401, "invalid_client"), "invalid_client", false, 0},
		"grant":           {refused(400, "invalid_grant"), "invalid_grant", false, 0},
	} {
		for _, op := range faulttest.Operations() {
			t.Run(name+"/"+op.Name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					source, ctx, authority := signIns(t, func(n int) (*http.Response, error) {
						if n == 0 {
							return tt.first.give()
						}
						return granted()
					})
					service := &faulttest.Service{Answer: faulttest.Always(op.Status, op.Answer)}
					client := faulttest.ClientFor(t, source, vpptoken.WithHTTPClient(&http.Client{Transport: service}))
					began := time.Now()
					var meta vpptoken.Metadata
					err := op.Run(ctx, client, vpptoken.WithMetadata(&meta))
					if tt.passes {
						if err != nil || meta.Attempts != 1 || len(service.Requests()) != 1 ||
							len(authority.Requests()) != 2 || time.Since(began) < max(tt.wait, time.Second/2) {
							t.Errorf("after %v, %d attempts, %d sign-ins: %v",
								time.Since(began), meta.Attempts, len(authority.Requests()), err)
						}
						return
					}
					e := faulttest.Error(t, err)
					if !errors.Is(err, vpptoken.ErrSignIn) || e.Code != tt.code ||
						!strings.Contains(e.Message, "AADSTS7000215") || vpptoken.Retryable(err) {
						t.Errorf("error %+v", *e)
					}
					if e.Attempts != 0 || e.Ambiguous || e.StatusCode != 0 || len(service.Requests()) != 0 ||
						len(authority.Requests()) != 1 {
						t.Errorf("%d requests, %d sign-ins, error %+v",
							len(service.Requests()), len(authority.Requests()), *e)
					}
					leaktest.ShowsNoSecret(t, err)
					if err := op.Run(ctx, client); err != nil {
						t.Errorf("the next call: %v", err)
					}
				})
			})
		}
	}
}

// A sign-in that fails for good ends after MaxAttempts, and the budget of the client bounds those
// of many calls.
func TestR19FailsForGood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source, ctx, authority := signIns(t, func(int) (*http.Response, error) {
			return faulttest.Answer(503, "", "Retry-After", "3"), nil
		})
		service := &faulttest.Service{Answer: faulttest.Always(200, faulttest.BareToken)}
		client := faulttest.ClientFor(t, source, vpptoken.WithHTTPClient(&http.Client{Transport: service}))
		_, err := client.Get(ctx, faulttest.ID)
		e := faulttest.Error(t, err)
		if len(authority.Requests()) != 4 || !errors.Is(err, vpptoken.ErrSignIn) || !vpptoken.Retryable(err) ||
			e.RetryAfter != 3*time.Second || errors.Is(err, vpptoken.ErrThrottled) {
			t.Errorf("%d sign-ins, error %+v", len(authority.Requests()), *e)
		}
		for range 50 {
			_, _ = client.Get(ctx, faulttest.ID)
		}
		if n := len(authority.Requests()); n > 51+20 {
			t.Errorf("%d sign-ins by 51 calls", n)
		}
	})
}

// A sign-in that hangs ends with the attempt, and the next call works: with a Source, and with a
// source that knows no context.
func TestR19HangsOnce(t *testing.T) {
	t.Parallel()
	for name, patience := range map[string]time.Duration{"caller's deadline": 3 * time.Second, "attempt's": 0} {
		for _, plain := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/%v", name, plain), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					hang := func(n int) {
						if n == 0 {
							time.Sleep(time.Hour)
						}
					}
					source, ctx, _ := signIns(t, func(n int) (*http.Response, error) {
						hang(n)
						return granted()
					})
					var ts oauth2.TokenSource = source
					if plain {
						ts = &faulttest.CountedSource{Answer: func(n int) (*oauth2.Token, error) {
							hang(n - 1)
							return &oauth2.Token{AccessToken: faulttest.Bearer}, nil
						}}
					}
					service := &faulttest.Service{Answer: faulttest.Always(200, faulttest.BareToken)}
					client := faulttest.ClientFor(t, ts, vpptoken.WithHTTPClient(&http.Client{Transport: service}))
					began, want := time.Now(), 30*time.Second
					short := ctx
					if patience > 0 {
						var cancel context.CancelFunc
						short, cancel = context.WithTimeout(ctx, patience)
						defer cancel()
						want = patience
					}
					_, err := client.Get(short, faulttest.ID)
					if time.Since(began) != want || errors.Is(err, context.DeadlineExceeded) != (patience > 0) ||
						!vpptoken.Retryable(err) {
						t.Errorf("after %v, want %v: %v", time.Since(began), want, err)
					}
					named := strings.Contains(err.Error(), "get: sign-in failed: no whole answer within 30s")
					if patience == 0 && (!errors.Is(err, vpptoken.ErrSignIn) || !named) {
						t.Errorf("no sign-in that hung: %v", err)
					}
					for range 5 {
						if _, err := client.Get(ctx, faulttest.ID); err != nil {
							t.Errorf("after %v: %v", time.Since(began), err)
						}
					}
					// A source that knows no context gives up its slot when the time of an attempt is over.
					if limit := 30 * time.Second; time.Since(began) > limit {
						t.Errorf("the next calls had to wait until %v", time.Since(began))
					}
					time.Sleep(time.Hour)
				})
			})
		}
	}
}

// Who waits for a fetch takes its result, also one that is a failure.
func TestR19SixtyFourWait(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]bool{"succeeds": false, "fails": true} {
		for _, plain := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/%v", name, plain), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var asked atomic.Int32
					source, ctx, _ := signIns(t, func(int) (*http.Response, error) {
						asked.Add(1)
						time.Sleep(300 * time.Millisecond)
						if fails {
							return faulttest.Answer(400, `{"error":"invalid_client"}`), nil
						}
						return granted()
					})
					var ts oauth2.TokenSource = source
					if plain {
						ts = faulttest.SourceFunc(func() (*oauth2.Token, error) {
							asked.Add(1)
							time.Sleep(300 * time.Millisecond)
							if fails {
								return nil, errors.New("sealed")
							}
							return &oauth2.Token{AccessToken: faulttest.Bearer}, nil
						})
					}
					service := &faulttest.Service{Answer: faulttest.Always(200, faulttest.BareToken)}
					client := faulttest.ClientFor(t, ts, vpptoken.WithHTTPClient(&http.Client{Transport: service}))
					began := time.Now()
					var calls sync.WaitGroup
					for range 64 {
						calls.Go(func() {
							_, err := client.Get(ctx, faulttest.ID)
							if errors.Is(err, vpptoken.ErrSignIn) != fails ||
								time.Since(began) != 300*time.Millisecond {
								t.Errorf("after %v: %v", time.Since(began), err)
							}
						})
					}
					calls.Wait()
					if asked.Load() != 1 {
						t.Errorf("the source was asked %d times", asked.Load())
					}
				})
			})
		}
	}
}

// A context may bring a client without a transport of its own.
func TestR19ClientWithoutTransport(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, grant)
	}))
	t.Cleanup(server.Close)
	cloud, err := vpptoken.NewCloud(server.URL, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	source, err := cloud.AppSource("contoso.example", "client-id", faulttest.ClientSecret)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{})
	if got, err := source.TokenContext(ctx, ""); err != nil || got.AccessToken != faulttest.Bearer {
		t.Errorf("signed in: %t, %v", got != nil, err)
	}
}

// A source that gets the call's context and ignores it holds its own call, and no other.
func TestR19HeldByNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		source := contextSource(func(context.Context) (*oauth2.Token, error) {
			if asked.Add(1) == 1 {
				time.Sleep(time.Hour)
			}
			return &oauth2.Token{AccessToken: faulttest.Bearer}, nil
		})
		service := &faulttest.Service{Answer: faulttest.Always(200, faulttest.BareToken)}
		client := faulttest.ClientFor(t, source, vpptoken.WithHTTPClient(&http.Client{Transport: service}))
		var held sync.WaitGroup
		held.Go(func() { _, _ = client.Get(t.Context(), faulttest.ID) })
		synctest.Wait()
		began := time.Now()
		if _, err := client.Get(t.Context(), faulttest.ID); err != nil || time.Since(began) != 0 {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		held.Wait()
	})
}

// Over a real network: a proxy that refuses, its page in place of an answer, a certificate that
// nobody trusts, and nobody there.
func TestR19OnTheWire(t *testing.T) {
	t.Parallel()
	silent := log.New(io.Discard, "", 0)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		_, _ = io.WriteString(w, "<html>"+faulttest.ClientSecret)
	}))
	t.Cleanup(page.Close)
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = silent
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	proxyURL, err := url.Parse(page.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxied := &http.Transport{Proxy: http.ProxyURL(proxyURL)}
	t.Cleanup(proxied.CloseIdleConnections)
	for name, tt := range map[string]struct {
		authority string
		through   http.RoundTripper
		text      string
		passes    bool
	}{
		"page":        {page.URL, nil, "200 OK: a page of HTML, perhaps of a proxy", false},
		"certificate": {untrusted.URL, nil, "the service's certificate or TLS is not acceptable", false},
		"gone":        {"http://" + nobody, nil, "network error: ", true},
		"proxy":       {"https://login.example", proxied, "the proxy refused the connection", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud, err := vpptoken.NewCloud("http://"+nobody, tt.authority)
			if err != nil {
				t.Fatal(err)
			}
			source, err := cloud.AppSource("contoso.example", "client-id", faulttest.ClientSecret)
			if err != nil {
				t.Fatal(err)
			}
			ctx := t.Context()
			if tt.through != nil {
				ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: tt.through})
			}
			_, err = faulttest.ClientFor(t, source, faulttest.Quick(5*time.Second)).Get(ctx, faulttest.ID)
			e := faulttest.Error(t, err)
			if !strings.Contains(err.Error(), "get: sign-in failed: "+tt.text) || !errors.Is(err, vpptoken.ErrSignIn) ||
				vpptoken.Retryable(err) != tt.passes || e.Attempts != 0 {
				t.Errorf("error %v, Retryable %v", err, vpptoken.Retryable(err))
			}
			leaktest.ShowsNoSecret(t, err)
		})
	}
}
