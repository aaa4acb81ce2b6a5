package faulttest_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

// A source of its own context gets the call's values and the end of the attempt.
func TestR13ContextOfTheFetch(t *testing.T) {
	t.Parallel()
	type key struct{}
	hc := &http.Client{}
	synctest.Test(t, func(t *testing.T) {
		source := contextSource(func(ctx context.Context) (*oauth2.Token, error) {
			if ctx.Value(key{}) != "trace" || ctx.Value(oauth2.HTTPClient) != hc {
				t.Error("the call's values are lost: tracing and the HTTP client of oauth2 travel in them")
			}
			<-ctx.Done()
			return nil, ctx.Err()
		})
		client := faulttest.ClientFor(t, source,
			vpptoken.WithHTTPClient(&http.Client{Transport: &faulttest.Service{Answer: faulttest.Always(200, "")}}))
		began := time.Now()
		ctx := context.WithValue(context.WithValue(t.Context(), key{}, "trace"), oauth2.HTTPClient, hc)
		_, err := client.Get(ctx, faulttest.ID)
		if took := time.Since(began); took != 30*time.Second || err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("took %v: %v", took, err)
		}
	})
}

type contextSource func(context.Context) (*oauth2.Token, error)

func (contextSource) Token() (*oauth2.Token, error) { return nil, errors.New("not this one") }

func (f contextSource) TokenContext(ctx context.Context, _ string) (*oauth2.Token, error) {
	return f(ctx)
}
