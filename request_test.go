package vpptoken_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

// A client that sends a different body, or none, with the repeat of a PATCH loses the update or half of it.
func TestRetriedPatchSendsTheSameBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, mock := faulttest.Mock(t)
		mock.RegisterResponder("PATCH", faulttest.Item, faulttest.Respond(503, "").Then(faulttest.Respond(504, "<html>")).Then(faulttest.Respond(200, faulttest.BareToken)))
		p := vpptoken.NewPatch().SetDisplayName("Field iPads").SetToken(vpptoken.NewSecret("Token value"))
		if _, err := c.Update(t.Context(), faulttest.ID, p); err != nil {
			t.Fatal(err)
		}
		want := "PATCH " + faulttest.Item + ` {"token":"Token value","displayName":"Field iPads"}`
		if diff := cmp.Diff([]string{want, want, want}, mock.Lines()); diff != "" {
			t.Error(diff)
		}
		for _, s := range mock.Requests() {
			if s.Header.Get("Client-Request-Id") != mock.Requests()[0].Header.Get("Client-Request-Id") || s.Header.Get("Content-Type") != "application/json" {
				t.Errorf("the headers changed between attempts: %v", s.Header)
			}
		}
	})
}

// A client that repeats these on an unclear failure makes a second token, or revokes twice.
func TestUnclearFailuresAreNotRepeated(t *testing.T) {
	t.Parallel()
	for _, op := range faulttest.Operations() {
		if op.Method != "POST" {
			continue
		}
		for _, answer := range []httpmock.Responder{
			faulttest.Respond(500, ""), faulttest.Respond(502, ""), faulttest.Respond(503, ""), faulttest.Respond(504, ""),
			httpmock.NewErrorResponder(errors.New("the line is cut")),
		} {
			c, mock := faulttest.Mock(t)
			mock.RegisterResponder("POST", "=~.*", answer)
			_, err := op.Call(t.Context(), c, faulttest.ID)
			e, ok := errors.AsType[*vpptoken.Error](err)
			if !ok || mock.GetTotalCallCount() != 1 || e.Attempts != 1 {
				t.Errorf("%s: %d requests, %v", op.Name, mock.GetTotalCallCount(), err)
				continue
			}
			if !e.Ambiguous || vpptoken.Retryable(err) {
				t.Errorf("%s: Ambiguous %v, Retryable %v for %v", op.Name, e.Ambiguous, vpptoken.Retryable(err), err)
			}
		}
	}
}

// Gateways put a Content-Type on answers that have no content.
func TestNoContentMayHaveAType(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	empty := httpmock.NewStringResponder(http.StatusNoContent, "").HeaderSet(http.Header{"Content-Type": {"text/html"}})
	mock.RegisterResponder(http.MethodDelete, faulttest.Item, empty)
	mock.RegisterResponder(http.MethodPatch, faulttest.Item, empty)
	mock.RegisterResponder(http.MethodGet, faulttest.Item, httpmock.NewStringResponder(http.StatusOK, faulttest.BareToken))
	if err := c.Delete(t.Context(), faulttest.ID); err != nil {
		t.Error(err)
	}
	if token, err := c.Update(t.Context(), faulttest.ID, vpptoken.NewPatch().SetDisplayName("x")); err != nil || token.ID != faulttest.ID {
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
			return httpmock.NewStringResponse(http.StatusNotFound, `{"error":{"code":"ResourceNotFound","message":"gone"}}`), nil
		})
		c, _ := faulttest.Mock(t, vpptoken.WithHTTPClient(&http.Client{Transport: rt}))
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		if err := c.Delete(ctx, faulttest.ID); err != nil {
			t.Error("the first attempt had deleted it:", err)
		}
	})
}

// What a caller's header holds stays out of an error also when the answer was a success that can't be used.
func TestUnusableSuccessEchoesNoHeader(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	mock.RegisterResponder(http.MethodGet, faulttest.Item, httpmock.NewStringResponder(http.StatusOK, "{}").HeaderSet(http.Header{"Request-Id": {"canary-key"}}))
	_, err := c.Get(t.Context(), faulttest.ID, vpptoken.WithHeader("X-Api-Key", "canary-key"))
	if err == nil || strings.Contains(err.Error(), "canary-key") {
		t.Error(err)
	}
}
