package vpptoken_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

func TestCallOptionsAreSent(t *testing.T) {
	t.Parallel()
	for _, op := range faulttest.Operations() {
		c, mock := faulttest.Mock(t)
		mock.RegisterResponder(op.Method, "=~.*", faulttest.Respond(op.Status, op.Answer))
		const id = "00000000-0000-4000-8000-000000000078"
		_, err := op.Call(
			t.Context(), c, faulttest.ID, vpptoken.WithHeader("prefer", "first"),
			vpptoken.WithHeader("Prefer", "include-unknown-enum-members"),
			vpptoken.WithHeader("Accept-Language", "nb"), vpptoken.WithClientRequestID(id),
		)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string][]string{
			"Prefer": {"include-unknown-enum-members"}, "Accept-Language": {"nb"}, "Client-Request-Id": {id},
			"Authorization": {"Bearer " + faulttest.Bearer},
		} {
			if diff := cmp.Diff(want, mock.Requests()[0].Header.Values(name)); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", op.Name, name, diff)
			}
		}
	}
}

func TestListQuery(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	mock.RegisterResponder("GET", faulttest.Root, faulttest.Respond(200, faulttest.Page("")))
	list := c.List(
		t.Context(), vpptoken.WithTop(5), vpptoken.WithSelect("id", "displayName"),
		vpptoken.WithOrderBy("displayName desc", "id"), vpptoken.WithFilter("state eq 'valid' & a+b=100%#?"),
		vpptoken.WithHeader("Prefer", "x"),
	)
	for range 2 { // each range applies the options anew
		if _, err := faulttest.Collect(list); err != nil {
			t.Fatal(err)
		}
	}
	if first, second := mock.Requests()[0].URL, mock.Requests()[1].URL; first != second {
		t.Errorf("asked for %s and then for %s", first, second)
	}
	u, err := url.Parse(mock.Requests()[0].URL)
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"$top": {"5"}, "$select": {"id,displayName"}, "$orderby": {"displayName desc,id"},
		"$filter": {"state eq 'valid' & a+b=100%#?"},
	}
	if diff := cmp.Diff(want, u.Query()); diff != "" {
		t.Errorf("query (-want +got):\n%s", diff)
	}
	if strings.Contains(u.RawQuery, "+") || u.Fragment != "" {
		t.Errorf("OData reads a + as itself: %s", u.RawQuery)
	}
	if mock.Requests()[0].Header.Get("Prefer") != "x" {
		t.Error("a CallOption has no effect on List")
	}
}

// With $select a token may come without an id: it was not asked for.
func TestListSelectsWithoutID(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	mock.RegisterResponder("GET", faulttest.Root,
		faulttest.Respond(200, `{"value":[{"displayName":"a"},{"displayName":"b"}]}`))
	got, err := faulttest.Collect(c.List(t.Context(), vpptoken.WithSelect("displayName")))
	if err != nil || len(got) != 2 || got[1].DisplayName != "b" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	const serviceID, ownID = "00000000-0000-4000-8000-000000000077", "00000000-0000-4000-8000-000000000078"
	headers := []string{
		"Request-Id", serviceID, "Date", "Fri, 20 Nov 2026 13:50:50 GMT", "X-Ms-Ags-Diagnostic",
		`{"ServerInfo":{"Ring":"1"}}`,
		"Deprecation", "@1767225600", "Sunset", "Sat, 20 Nov 2027 00:00:00 GMT", "Set-Cookie", "secret",
		"Link", `<https://developer.example/retired>; rel="deprecation"`,
	}
	for _, op := range faulttest.Operations() {
		for _, failing := range []bool{false, true} {
			c, mock := faulttest.Mock(t)
			want := vpptoken.Metadata{StatusCode: op.Status, Attempts: 1, RequestID: serviceID, ClientRequestID: ownID}
			answer := faulttest.Respond(op.Status, op.Answer, headers...)
			if failing {
				want.StatusCode = http.StatusConflict
				answer = faulttest.Respond(want.StatusCode,
					`{"error":{"code":"Conflict","message":"taken"}}`, headers...)
			}
			mock.RegisterResponder(op.Method, "=~.*", answer)
			got := vpptoken.Metadata{StatusCode: 1, Attempts: 99, RequestID: "of an earlier call"}
			_, err := op.Call(t.Context(), c, faulttest.ID, vpptoken.WithMetadata(&got),
				vpptoken.WithClientRequestID(ownID))
			if failing != (err != nil) || failing && !errors.Is(err, vpptoken.ErrConflict) {
				t.Errorf("%s: got %v", op.Name, err)
			}
			for _, name := range []string{"Date", "X-Ms-Ags-Diagnostic", "Deprecation", "Sunset", "Link"} {
				if got.Header.Get(name) == "" {
					t.Errorf("%s: header %s is missing", op.Name, name)
				}
			}
			if got.Header.Get("Set-Cookie") != "" {
				t.Errorf("%s: Set-Cookie is handed out", op.Name)
			}
			got.Header = nil
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", op.Name, diff)
			}
		}
	}
}

func TestMetadataWithoutAnswer(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t, vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}))
	mock.RegisterResponder("GET", faulttest.Item, httpmock.NewErrorResponder(errors.New("the line is cut")))
	var m vpptoken.Metadata
	_, err := c.Get(t.Context(), faulttest.ID, vpptoken.WithMetadata(&m), vpptoken.WithClientRequestID("a-1"))
	if err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff(vpptoken.Metadata{Attempts: 1, ClientRequestID: "a-1"}, m); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What a Metadata holds is of the call that it was given to last.
func TestMetadataIsNotOfAnotherCall(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	mock.RegisterResponder(http.MethodGet, faulttest.Item,
		httpmock.NewStringResponder(http.StatusOK, faulttest.BareToken))
	var m vpptoken.Metadata
	_, err := c.Get(t.Context(), faulttest.ID, vpptoken.WithMetadata(&m))
	if err != nil || m.StatusCode != http.StatusOK {
		t.Fatal(m, err)
	}
	if _, err := c.Get(t.Context(), "..", vpptoken.WithMetadata(&m)); err == nil || m.StatusCode != 0 ||
		m.ClientRequestID != "" {
		t.Error(m, err)
	}
}

// The page size and the properties wanted. Pages are read while the loop goes on.
func ExampleWithSelect() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	ctx, client := context.Background(), srv.Client()
	srv.Add(vpptoken.VPPToken{DisplayName: "North"})
	srv.Add(vpptoken.VPPToken{DisplayName: "South"})

	for t, err := range client.List(ctx, vpptoken.WithTop(100), vpptoken.WithSelect("id", "displayName")) {
		if err != nil {
			fmt.Println("the list is not complete:", err)
			break
		}
		fmt.Println(t.DisplayName)
	}
	fmt.Println(srv.Requests()[0].Query.Encode())
	// Output:
	// North
	// South
	// %24select=id%2CdisplayName&%24top=100
}

// Metadata tells what the result does not, also of a call that failed.
func ExampleWithMetadata() {
	srv := vpptokentest.NewServer()
	defer srv.Close()
	var m vpptoken.Metadata
	_, err := srv.Client().Get(context.Background(), "no-such-token", vpptoken.WithMetadata(&m))
	fmt.Println(errors.Is(err, vpptoken.ErrNotFound), m.StatusCode, m.Attempts, m.RequestID != "")
	// Output: true 404 1 true
}

// What a caller may not be able to write: an option of List for another method.
func TestListOptionsAreNoCallOptions(t *testing.T) {
	t.Parallel()
	call := reflect.TypeFor[vpptoken.CallOption]()
	list := reflect.TypeFor[vpptoken.ListOption]()
	if !call.Implements(list) {
		t.Error("a CallOption is no ListOption")
	}
	for _, o := range []vpptoken.ListOption{
		vpptoken.WithTop(1), vpptoken.WithSelect("id"), vpptoken.WithFilter("x"), vpptoken.WithOrderBy("id"),
	} {
		if reflect.TypeOf(o).AssignableTo(call) {
			t.Errorf("%T is a CallOption", o)
		}
	}
}
