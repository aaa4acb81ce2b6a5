package vpptoken_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

// F01: where $count has no route the ids are counted, and the client remembers it.
func TestF01CountWithoutRoute(t *testing.T) {
	t.Parallel()
	for _, refusal := range []string{
		`{"error":{"code":"No method match route template","message":""}}`,
		`{"error":{"code":"BadRequest","message":"No OData route exists that match template ~/singleton/navigation/$count with http verb GET."}}`,
		`{"error":{"code":"BadRequest","message":"{\"Message\":\"no odata route exists\"}"}}`,
		`{"error":{"code":"ResourceNotFound","message":"Gone."}}`,
		`{"error":{"message":"Route 'vppTokens/$count' was not found."}}`,
		`{"error":{"code":"BadRequest","message":"Resource not found for the segment '$count'."}}`,
	} {
		s := &byQuery{pages: map[string]string{
			"$count": refusal, "": `{"value":[{"id":"a"},{"id":"b"}],"@odata.nextLink":"` + faulttest.Root +
				`?$select=id&$skiptoken=2"}`, "2": `{"value":[{"id":"b"},{"id":"c"}]}`,
		}}
		c := s.client(t)
		for range 2 {
			if n, err := c.Count(t.Context()); err != nil || n != 3 {
				t.Errorf("%s: %d, %v", refusal, n, err)
			}
		}
		want := []string{
			faulttest.Root + "/$count", faulttest.Root + "?$select=id",
			faulttest.Root + "?$select=id&$skiptoken=2", faulttest.Root + "?$select=id",
			faulttest.Root + "?$select=id&$skiptoken=2",
		}
		if !slices.Equal(s.asked, want) {
			t.Errorf("asked %q", s.asked)
		}
	}
}

// F01: every other failure of Count is returned, and so is one of the list.
func TestF01CountFails(t *testing.T) {
	t.Parallel()
	for _, message := range []string{
		"Request not applicable to target tenant.", "The request was routed to another scale unit.", "Routing failed.",
		"The service could not route the request to the scale unit of the tenant.", "The route of the request is closed.",
	} {
		other := &byQuery{pages: map[string]string{"$count": `{"error":{"code":"BadRequest","message":"` + message + `"}}`}}
		if n, err := other.client(t).Count(t.Context()); err == nil || n != 0 || len(other.asked) != 1 {
			t.Errorf("%s: %d, %v, asked %q", message, n, err, other.asked)
		}
	}
	list := &byQuery{
		pages: map[string]string{"$count": `{"error":{"code":"No method match route template"}}`, "": `{}`},
	}
	n, err := list.client(t).Count(t.Context(), vpptoken.WithClientRequestID("mine"))
	e, ok := errors.AsType[*vpptoken.Error](err)
	if n != 0 || !ok || e.Op != "count" || e.ClientRequestID != "mine" {
		t.Errorf("%d, %v", n, err)
	}
}
