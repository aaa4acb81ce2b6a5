package vpptoken_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

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
			t.Context(), c, faulttest.ID, vpptoken.WithHeader("prefer", "first"), vpptoken.WithHeader("Prefer", "include-unknown-enum-members"),
			vpptoken.WithHeader("Accept-Language", "nb"), vpptoken.WithClientRequestID(id),
		)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string][]string{
			"Prefer": {"include-unknown-enum-members"}, "Accept-Language": {"nb"}, "Client-Request-Id": {id}, "Authorization": {"Bearer " + faulttest.Bearer},
		} {
			if diff := cmp.Diff(want, mock.Requests()[0].Header.Values(name)); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", op.Name, name, diff)
			}
		}
	}
}

func TestCallOptionRefusals(t *testing.T) {
	t.Parallel()
	refused := map[string]vpptoken.CallOption{
		"nil":                   nil,
		"Authorization":         vpptoken.WithHeader("Authorization", "Bearer canary"),
		"authorization":         vpptoken.WithHeader("aUTHORIZATION", "Bearer canary"),
		"Host":                  vpptoken.WithHeader("Host", "evil.example"),
		"Content-Type":          vpptoken.WithHeader("Content-Type", "text/html"),
		"Content-Length":        vpptoken.WithHeader("content-length", "1"),
		"Content-Encoding":      vpptoken.WithHeader("Content-Encoding", "gzip"),
		"Idempotency-Key":       vpptoken.WithHeader("Idempotency-Key", "1"),
		"CR LF in value":        vpptoken.WithHeader("Prefer", "x\r\nAuthorization: canary"),
		"LF in value":           vpptoken.WithHeader("Prefer", "x\ny"),
		"NUL in value":          vpptoken.WithHeader("Prefer", "x\x00"),
		"CR LF in key":          vpptoken.WithHeader("Prefer\r\nX", "x"),
		"colon in key":          vpptoken.WithHeader("Prefer:", "x"),
		"space in key":          vpptoken.WithHeader("Authorization ", "x"),
		"no key":                vpptoken.WithHeader("", "x"),
		"no request id":         vpptoken.WithClientRequestID(""),
		"request id with CR LF": vpptoken.WithClientRequestID("a\r\nb"),
		"nil Metadata":          vpptoken.WithMetadata(nil),
	}
	for _, op := range faulttest.Operations() {
		for name, o := range refused {
			ts := new(faulttest.CountedSource)
			c, mock := faulttest.MockFor(t, ts)
			_, err := op.Call(t.Context(), c, faulttest.ID, o)
			if err == nil || !strings.HasPrefix(err.Error(), "vpptoken: "+op.Name+": ") || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s, %s: got %v", op.Name, name, err)
			}
			if _, ok := errors.AsType[*vpptoken.Error](err); ok || mock.GetTotalCallCount() != 0 || ts.Asked.Load() != 0 {
				t.Errorf("%s, %s: something left the process", op.Name, name)
			}
		}
	}
}

func TestBetaOnlyOrderIsRefusedOnV1(t *testing.T) {
	t.Parallel()
	c, _ := faulttest.Mock(t, vpptoken.WithAPIVersion(vpptoken.VersionV1))
	_, err := faulttest.Collect(c.List(t.Context(), vpptoken.WithOrderBy("state", "displayName desc")))
	if !errors.Is(err, vpptoken.ErrNotInVersion) || !strings.Contains(err.Error(), "displayName") {
		t.Error(err)
	}
}

func TestBetaOnlyPropertiesOnV1(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]*vpptoken.Patch{
		"tokenActionResults":                  vpptoken.NewPatch().SetTokenActionResults(),
		"dataSharingConsentGranted":           vpptoken.NewPatch().SetDataSharingConsentGranted(false),
		"displayName":                         vpptoken.NewPatch().ClearDisplayName(),
		"locationName":                        vpptoken.NewPatch().ClearLocationName(),
		"claimTokenManagementFromExternalMdm": vpptoken.NewPatch().SetClaimTokenManagementFromExternalMDM(false),
		"roleScopeTagIds":                     vpptoken.NewPatch().SetRoleScopeTagIDs(),
		"appleDeviceAppDeliveryProtocolType":  vpptoken.NewPatch().SetAppDeliveryProtocolType(vpptoken.DeliveryProtocolDefault),
	} {
		ts := new(faulttest.CountedSource)
		c, mock := faulttest.MockFor(t, ts, vpptoken.WithAPIVersion(vpptoken.VersionV1))
		_, patched := c.Update(t.Context(), faulttest.ID, p.SetAppleID("apps@nordwind.example"))
		_, selected := faulttest.Collect(c.List(t.Context(), vpptoken.WithSelect("id", name)))
		for _, err := range []error{patched, selected} {
			if !errors.Is(err, vpptoken.ErrNotInVersion) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: got %v, want ErrNotInVersion with the property's name", name, err)
			}
			if _, ok := errors.AsType[*vpptoken.Error](err); ok {
				t.Errorf("%s: an *Error although nothing left the process", name)
			}
		}
		if mock.GetTotalCallCount() != 0 || ts.Asked.Load() != 0 {
			t.Errorf("%s: something left the process", name)
		}
	}
}

// What both versions have must pass on v1.0.
func TestV1Properties(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t, vpptoken.WithAPIVersion(vpptoken.VersionV1))
	mock.RegisterResponder("PATCH", faulttest.RootV1+"/"+faulttest.ID, faulttest.Respond(200, faulttest.BareToken))
	mock.RegisterResponder("GET", faulttest.RootV1, faulttest.Respond(200, faulttest.Page("")))
	p := vpptoken.NewPatch().ClearAppleID().SetState(vpptoken.StateValid).SetToken(vpptoken.NewSecret("Token value"))
	if _, err := c.Update(t.Context(), faulttest.ID, p); err != nil {
		t.Fatal(err)
	}
	if got := mock.Requests()[0].Body; got != `{"appleId":null,"token":"Token value","state":"valid"}` {
		t.Errorf("sent %s", got)
	}
	all := []string{
		"id", "organizationName", "vppTokenAccountType", "appleId", "expirationDateTime", "lastSyncDateTime", "token",
		"lastModifiedDateTime", "state", "lastSyncStatus", "automaticallyUpdateApps", "countryOrRegion",
	}
	if _, err := faulttest.Collect(c.List(t.Context(), vpptoken.WithSelect(all...))); err != nil {
		t.Error(err)
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	const serviceID, ownID = "00000000-0000-4000-8000-000000000077", "00000000-0000-4000-8000-000000000078"
	headers := []string{
		"Request-Id", serviceID, "Date", "Fri, 20 Nov 2026 13:50:50 GMT", "X-Ms-Ags-Diagnostic", `{"ServerInfo":{"Ring":"1"}}`,
		"Deprecation", "@1767225600", "Sunset", "Sat, 20 Nov 2027 00:00:00 GMT", "Set-Cookie", "secret",
	}
	for _, op := range faulttest.Operations() {
		for _, failing := range []bool{false, true} {
			c, mock := faulttest.Mock(t)
			want := vpptoken.Metadata{StatusCode: op.Status, Attempts: 1, RequestID: serviceID, ClientRequestID: ownID}
			answer := faulttest.Respond(op.Status, op.Answer, headers...)
			if failing {
				want.StatusCode = http.StatusConflict
				answer = faulttest.Respond(want.StatusCode, `{"error":{"code":"Conflict","message":"taken"}}`, headers...)
			}
			mock.RegisterResponder(op.Method, "=~.*", answer)
			got := vpptoken.Metadata{StatusCode: 1, Attempts: 99, RequestID: "of an earlier call"}
			_, err := op.Call(t.Context(), c, faulttest.ID, vpptoken.WithMetadata(&got), vpptoken.WithClientRequestID(ownID))
			if failing != (err != nil) || failing && !errors.Is(err, vpptoken.ErrConflict) {
				t.Errorf("%s: got %v", op.Name, err)
			}
			for _, name := range []string{"Date", "X-Ms-Ags-Diagnostic", "Deprecation", "Sunset"} {
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

func TestMetadataCountsAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, mock := faulttest.Mock(t)
		mock.RegisterResponder("GET", faulttest.Item, faulttest.Respond(503, "").Then(faulttest.Respond(200, faulttest.BareToken)))
		var m vpptoken.Metadata
		if _, err := c.Get(t.Context(), faulttest.ID, vpptoken.WithMetadata(&m)); err != nil {
			t.Fatal(err)
		}
		if m.Attempts != 2 || m.StatusCode != http.StatusOK {
			t.Errorf("%d attempts, status %d", m.Attempts, m.StatusCode)
		}
	})
}

// What a Metadata holds is of the call that it was given to last.
func TestMetadataIsNotOfAnotherCall(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	mock.RegisterResponder(http.MethodGet, faulttest.Item, httpmock.NewStringResponder(http.StatusOK, faulttest.BareToken))
	var m vpptoken.Metadata
	if _, err := c.Get(t.Context(), faulttest.ID, vpptoken.WithMetadata(&m)); err != nil || m.StatusCode != http.StatusOK {
		t.Fatal(m, err)
	}
	if _, err := c.Get(t.Context(), "..", vpptoken.WithMetadata(&m)); err == nil || m.StatusCode != 0 || m.ClientRequestID != "" {
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
