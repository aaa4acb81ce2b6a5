package vpptoken_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

// Gateways put a Content-Type on answers that have no content.
func TestNoContentMayHaveAType(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	empty := httpmock.NewStringResponder(http.StatusNoContent, "").HeaderSet(http.Header{"Content-Type": {"text/html"}})
	mock.RegisterResponder(http.MethodDelete, faulttest.Item, empty)
	mock.RegisterResponder(http.MethodPatch, faulttest.Item, empty)
	mock.RegisterResponder(http.MethodGet, faulttest.Item,
		httpmock.NewStringResponder(http.StatusOK, faulttest.BareToken))
	if err := c.Delete(t.Context(), faulttest.ID); err != nil {
		t.Error(err)
	}
	if token, err := c.Update(t.Context(), faulttest.ID, vpptoken.NewPatch().SetDisplayName("x")); err != nil ||
		token.ID != faulttest.ID {
		t.Error(token, err)
	}
}

// An answer that came whole counts, even when the time is over right after it.
func TestAnswerAtTheDeadlineCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := 0
		rt := roundTripper(func(*http.Request) (*http.Response, error) {
			if n++; n == 1 {
				return nil, errors.New("reset")
			}
			time.Sleep(8 * time.Second)
			return httpmock.NewStringResponse(http.StatusNotFound,
				`{"error":{"code":"ResourceNotFound","message":"gone"}}`), nil
		})
		c, _ := faulttest.Mock(t, vpptoken.WithHTTPClient(&http.Client{Transport: rt}))
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		if err := c.Delete(ctx, faulttest.ID); err != nil {
			t.Error("the first attempt had deleted it:", err)
		}
	})
}

// What a caller's header holds stays out of an error also when the answer was a success that can't
// be used.
func TestUnusableSuccessEchoesNoHeader(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	mock.RegisterResponder(http.MethodGet, faulttest.Item,
		httpmock.NewStringResponder(http.StatusOK, "{}").HeaderSet(http.Header{"Request-Id": {"canary-key"}}))
	_, err := c.Get(t.Context(), faulttest.ID, vpptoken.WithHeader("X-Api-Key", "canary-key"))
	if err == nil || strings.Contains(err.Error(), "canary-key") {
		t.Error(err)
	}
}

// F08: a success without a body is read afterward; where nothing can be read it is an error.
func TestF08EmptySuccess(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 201, 202, 204} {
		for _, body := range []string{"", " \r\n", "\uFEFF"} {
			c, mock := faulttest.Mock(t)
			mock.RegisterResponder("PATCH", faulttest.Item,
				faulttest.Respond(status, body, "Content-Type", "text/html"))
			mock.RegisterResponder("POST", faulttest.Item+"/syncLicenses", faulttest.Respond(status, body))
			mock.RegisterResponder("GET", faulttest.Item, faulttest.Respond(200, faulttest.BareToken))
			mock.RegisterResponder("POST", faulttest.Root, faulttest.Respond(status, body))
			if token, err := c.Update(t.Context(), faulttest.ID, vpptoken.NewPatch().SetDisplayName("x")); err != nil ||
				token.ID != faulttest.ID {
				t.Errorf("%d %q: update: %v, %v", status, body, token, err)
			}
			if token, err := c.SyncLicenses(t.Context(), faulttest.ID); err != nil || token.ID != faulttest.ID {
				t.Errorf("%d %q: sync: %v, %v", status, body, token, err)
			}
			if len(mock.Requests()) != 4 {
				t.Errorf("%d %q: %d requests", status, body, len(mock.Requests()))
			}
		}
	}
	c, mock := faulttest.Mock(t)
	mock.RegisterResponder("GET", faulttest.Item, faulttest.Respond(200, ""))
	if token, err := c.Get(t.Context(), faulttest.ID); err == nil || token != nil {
		t.Errorf("get: %v, %v", token, err)
	}
}

// R22: an answer for another token is not taken for the one that was asked for.
func TestR22AnswerForAnotherToken(t *testing.T) {
	t.Parallel()
	const other = `{"id":"11111111-2222-4333-8444-555555555555"}`
	for answer, fails := range map[string]bool{other: true, strings.ToUpper(faulttest.ID): false} {
		if !fails {
			answer = `{"id":"` + answer + `"}`
		}
		c, mock := faulttest.Mock(t)
		mock.RegisterResponder("GET", faulttest.Item, faulttest.Respond(200, answer))
		mock.RegisterResponder("PATCH", faulttest.Item, faulttest.Respond(200, answer))
		mock.RegisterResponder("POST", faulttest.Item+"/syncLicenses", faulttest.Respond(200, answer))
		_, err := c.Get(t.Context(), faulttest.ID)
		if (err != nil) != fails {
			t.Errorf("get %s: %v", answer, err)
		}
		_, err = c.Update(t.Context(), faulttest.ID, vpptoken.NewPatch().SetDisplayName("x"))
		e, ok := errors.AsType[*vpptoken.Error](err)
		if ok != fails || ok && !e.Ambiguous {
			t.Errorf("update %s: %v", answer, err)
		}
		_, err = c.SyncLicenses(t.Context(), faulttest.ID)
		e, ok = errors.AsType[*vpptoken.Error](err)
		if ok != fails || ok && (!e.Ambiguous || vpptoken.Retryable(err)) {
			t.Errorf("sync %s: %v", answer, err)
		}
	}
	for id, other := range map[string]string{"a": "b", "token-1": "token-2", "x": "x "} {
		c, mock := faulttest.Mock(t)
		mock.RegisterResponder("GET", faulttest.Root+"/"+id, faulttest.Respond(200, `{"id":"`+other+`"}`))
		if got, err := c.Get(t.Context(), id); err == nil || got != nil {
			t.Errorf("get %s: %v", id, got)
		}
	}
}

// A stub may answer each id of the service's with one of its own, and the other way round.
func TestR22MadeUpIDs(t *testing.T) {
	t.Parallel()
	for id, made := range map[string]string{faulttest.ID: "1", "1": faulttest.ID, "a": "A"} {
		c, mock := faulttest.Mock(t)
		mock.RegisterResponder("GET", faulttest.Root+"/"+id, faulttest.Respond(200, `{"id":"`+made+`"}`))
		if got, err := c.Get(t.Context(), id); err != nil || got.ID != made {
			t.Errorf("get %s: %v, %v", id, got, err)
		}
	}
}

// R22: a success without a body whose token can't be read afterward fails as the write, which may
// well have been carried out.
func TestR22EmptySuccessThatCannotBeRead(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	mock.RegisterResponder("PATCH", faulttest.Item, faulttest.Respond(204, ""))
	mock.RegisterResponder("POST", faulttest.Item+"/syncLicenses", faulttest.Respond(200, ""))
	mock.RegisterResponder("GET", faulttest.Item,
		faulttest.Respond(403, `{"error":{"code":"Forbidden","message":"no role"}}`))
	for op, path := range map[string]string{
		"update": "/" + faulttest.ID, "syncLicenses": "/" + faulttest.ID + "/syncLicenses",
	} {
		mock.Forget()
		err := faulttest.Named(t, op).Run(t.Context(), c)
		e := faulttest.Error(t, err)
		if !e.Ambiguous || e.Op != op || e.Method == http.MethodGet || !strings.HasSuffix(e.Path, path) ||
			!errors.Is(err, vpptoken.ErrForbidden) || !strings.Contains(e.Message, "accepted it") ||
			!strings.HasSuffix(e.Message, "no role") {
			t.Errorf("%s: error %+v (%v)", op, *e, err)
		}
		if len(mock.Requests()) != 2 || e.Attempts != 2 {
			t.Errorf("%s: %d requests", op, len(mock.Requests()))
		}
	}
}

// R22: the read after a success without a body belongs to the same call: a gateway may let nothing
// pass without the caller's header.
func TestR22ReadAfterEmptySuccessIsOfTheCall(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	mock.RegisterResponder("PATCH", faulttest.Item, faulttest.Respond(204, ""))
	mock.RegisterResponder("POST", faulttest.Item+"/syncLicenses", faulttest.Respond(200, ""))
	mock.RegisterResponder("GET", faulttest.Item, faulttest.Respond(200, faulttest.BareToken))
	for _, op := range []string{"update", "syncLicenses"} {
		mock.Forget()
		var meta vpptoken.Metadata
		err := faulttest.Named(t, op).Run(t.Context(), c, vpptoken.WithHeader("X-Gateway", "yes"),
			vpptoken.WithHeader("If-Match", `W/"1"`), vpptoken.WithClientRequestID("of-the-call"), vpptoken.WithMetadata(&meta))
		if err != nil || len(mock.Requests()) != 2 {
			t.Fatalf("%s: %d requests, %v", op, len(mock.Requests()), err)
		}
		for _, r := range mock.Requests() {
			if r.Header.Get("X-Gateway") != "yes" || (r.Header.Get("If-Match") == "") != (r.Method == http.MethodGet) || r.Header.Get("Client-Request-Id") != "of-the-call" {
				t.Errorf("%s: %s has the headers %v", op, r.Method, r.Header)
			}
		}
		if meta.ClientRequestID != "of-the-call" || meta.Attempts != 1 {
			t.Errorf("%s: %+v", op, meta)
		}
	}
}

// canned answers every request from memory, so that what is measured is the client alone.
type canned string

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return nil, err
		}
		if err := r.Body.Close(); err != nil {
			return nil, err
		}
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		ContentLength: int64(len(c)),
		Body:          io.NopCloser(strings.NewReader(string(c))), Request: r,
	}, nil
}

func cannedClient(b *testing.B, answer string) *vpptoken.Client {
	b.Helper()
	ts := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: faulttest.Bearer})
	c, err := vpptoken.NewClient(ts, vpptoken.WithHTTPClient(&http.Client{Transport: canned(answer)}))
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// BenchmarkUpdate is one PATCH of two properties, its answer read.
func BenchmarkUpdate(b *testing.B) {
	c := cannedClient(b, faulttest.Fixture(b, "seed-update-response.json"))
	b.ReportAllocs()
	for b.Loop() {
		p := vpptoken.NewPatch().SetDisplayName("Field iPads").SetAutomaticallyUpdateApps(true)
		if _, err := c.Update(b.Context(), faulttest.ID, p); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGet is one GET, its answer read.
func BenchmarkGet(b *testing.B) {
	c := cannedClient(b, faulttest.Fixture(b, "seed-update-response.json"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Get(b.Context(), faulttest.ID); err != nil {
			b.Fatal(err)
		}
	}
}
