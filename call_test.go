package vpptoken_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"github.com/vpptoken/vpptoken"
)

func TestCallOptionsAreSent(t *testing.T) {
	t.Parallel()
	for _, op := range operations() {
		c, mock := newClient(t)
		var w wire
		mock.RegisterResponder(op.method, "=~.*", w.answer(op.status, op.answer))
		const id = "00000000-0000-4000-8000-000000000078"
		_, err := op.call(
			t.Context(), c, tokenID, vpptoken.WithHeader("prefer", "first"), vpptoken.WithHeader("Prefer", "include-unknown-enum-members"),
			vpptoken.WithHeader("Accept-Language", "nb"), vpptoken.WithClientRequestID(id),
		)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string][]string{
			"Prefer": {"include-unknown-enum-members"}, "Accept-Language": {"nb"}, "Client-Request-Id": {id}, "Authorization": {"Bearer " + bearer},
		} {
			if diff := cmp.Diff(want, w.sent[0].Header.Values(name)); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", op.name, name, diff)
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
	for _, op := range operations() {
		for name, o := range refused {
			ts := &countingSource{}
			c, mock := newClientFor(t, ts)
			_, err := op.call(t.Context(), c, tokenID, o)
			if err == nil || !strings.HasPrefix(err.Error(), "vpptoken: "+op.name+": ") || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s, %s: got %v", op.name, name, err)
			}
			if _, ok := errors.AsType[*vpptoken.Error](err); ok || mock.GetTotalCallCount() != 0 || ts.asked != 0 {
				t.Errorf("%s, %s: something left the process", op.name, name)
			}
		}
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	const serviceID, ownID = "00000000-0000-4000-8000-000000000077", "00000000-0000-4000-8000-000000000078"
	headers := []string{
		"Request-Id", serviceID, "Date", "Fri, 20 Nov 2026 13:50:50 GMT", "X-Ms-Ags-Diagnostic", `{"ServerInfo":{"Ring":"1"}}`,
		"Deprecation", "@1767225600", "Sunset", "Sat, 20 Nov 2027 00:00:00 GMT", "Set-Cookie", "secret",
	}
	for _, op := range operations() {
		for _, failing := range []bool{false, true} {
			c, mock := newClient(t)
			want := vpptoken.Metadata{StatusCode: op.status, Attempts: 1, RequestID: serviceID, ClientRequestID: ownID}
			answer := (&wire{}).answer(op.status, op.answer, headers...)
			if failing {
				want.StatusCode = http.StatusConflict
				answer = (&wire{}).answer(want.StatusCode, `{"error":{"code":"Conflict","message":"taken"}}`, headers...)
			}
			mock.RegisterResponder(op.method, "=~.*", answer)
			got := vpptoken.Metadata{StatusCode: 1, Attempts: 99, RequestID: "of an earlier call"}
			_, err := op.call(t.Context(), c, tokenID, vpptoken.WithMetadata(&got), vpptoken.WithClientRequestID(ownID))
			if failing != (err != nil) || failing && !errors.Is(err, vpptoken.ErrConflict) {
				t.Errorf("%s: got %v", op.name, err)
			}
			for _, name := range []string{"Date", "X-Ms-Ags-Diagnostic", "Deprecation", "Sunset"} {
				if got.Header.Get(name) == "" {
					t.Errorf("%s: header %s is missing", op.name, name)
				}
			}
			if got.Header.Get("Set-Cookie") != "" {
				t.Errorf("%s: Set-Cookie is handed out", op.name)
			}
			got.Header = nil
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", op.name, diff)
			}
		}
	}
}

func TestMetadataWithoutAnswer(t *testing.T) {
	t.Parallel()
	c, mock := newClient(t, vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}))
	mock.RegisterResponder("GET", itemURL, httpmock.NewErrorResponder(errors.New("the line is cut")))
	var m vpptoken.Metadata
	_, err := c.Get(t.Context(), tokenID, vpptoken.WithMetadata(&m), vpptoken.WithClientRequestID("a-1"))
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
		c, mock := newClient(t)
		var w wire
		mock.RegisterResponder("GET", itemURL, w.answer(503, "").Then(w.answer(200, bareToken)))
		var m vpptoken.Metadata
		if _, err := c.Get(t.Context(), tokenID, vpptoken.WithMetadata(&m)); err != nil {
			t.Fatal(err)
		}
		if m.Attempts != 2 || m.StatusCode != http.StatusOK {
			t.Errorf("%d attempts, status %d", m.Attempts, m.StatusCode)
		}
	})
}

// A client that sends a different body, or none, with the repeat of a PATCH loses the update or half of it.
func TestRetriedPatchSendsTheSameBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, mock := newClient(t)
		var w wire
		mock.RegisterResponder("PATCH", itemURL, w.answer(503, "").Then(w.answer(504, "<html>")).Then(w.answer(200, bareToken)))
		p := vpptoken.NewPatch().SetDisplayName("Field iPads").SetToken(vpptoken.NewSecret("Token value"))
		if _, err := c.Update(t.Context(), tokenID, p); err != nil {
			t.Fatal(err)
		}
		want := "PATCH " + itemURL + ` {"token":"Token value","displayName":"Field iPads"}`
		if diff := cmp.Diff([]string{want, want, want}, w.lines()); diff != "" {
			t.Error(diff)
		}
		for _, s := range w.sent {
			if s.Header.Get("Client-Request-Id") != w.sent[0].Header.Get("Client-Request-Id") || s.Header.Get("Content-Type") != "application/json" {
				t.Errorf("the headers changed between attempts: %v", s.Header)
			}
		}
	})
}

// A client that repeats these on an unclear failure makes a second token, or revokes twice.
func TestUnclearFailuresAreNotRepeated(t *testing.T) {
	t.Parallel()
	for _, op := range operations() {
		if op.method != "POST" {
			continue
		}
		for _, answer := range []httpmock.Responder{
			(&wire{}).answer(500, ""), (&wire{}).answer(502, ""), (&wire{}).answer(503, ""), (&wire{}).answer(504, ""),
			httpmock.NewErrorResponder(errors.New("the line is cut")),
		} {
			c, mock := newClient(t)
			mock.RegisterResponder("POST", "=~.*", answer)
			_, err := op.call(t.Context(), c, tokenID)
			e, ok := errors.AsType[*vpptoken.Error](err)
			if !ok || mock.GetTotalCallCount() != 1 || e.Attempts != 1 {
				t.Errorf("%s: %d requests, %v", op.name, mock.GetTotalCallCount(), err)
				continue
			}
			if !e.Ambiguous || vpptoken.Retryable(err) {
				t.Errorf("%s: Ambiguous %v, Retryable %v for %v", op.name, e.Ambiguous, vpptoken.Retryable(err), err)
			}
		}
	}
}

// Reading a token, changing a field and sending the difference must not lose the change or write back what Intune keeps.
func TestReadModifyWriteKeepsTheChange(t *testing.T) {
	t.Parallel()
	c, mock := newClient(t)
	var w wire
	mock.RegisterResponder("GET", itemURL, w.answer(200, fixture(t, "seed-update-response.json")))
	mock.RegisterResponder("PATCH", itemURL, w.answer(200, bareToken))
	current, err := c.Get(t.Context(), tokenID)
	if err != nil {
		t.Fatal(err)
	}
	want := vpptoken.NewPatch().SetOrganizationName(current.OrganizationName).SetDisplayName("Field iPads").SetAutomaticallyUpdateApps(false)
	if _, err = c.Update(t.Context(), tokenID, want.Diff(current)); err != nil {
		t.Fatal(err)
	}
	if got := w.sent[1].Body; got != `{"automaticallyUpdateApps":false,"displayName":"Field iPads"}` {
		t.Errorf("sent %s", got)
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
		ts := &countingSource{}
		c, mock := newClientFor(t, ts, vpptoken.WithAPIVersion(vpptoken.VersionV1))
		_, patched := c.Update(t.Context(), tokenID, p.SetAppleID("apps@nordwind.example"))
		_, selected := collect(c.List(t.Context(), vpptoken.WithSelect("id", name)))
		for _, err := range []error{patched, selected} {
			if !errors.Is(err, vpptoken.ErrNotInVersion) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: got %v, want ErrNotInVersion with the property's name", name, err)
			}
			if _, ok := errors.AsType[*vpptoken.Error](err); ok {
				t.Errorf("%s: an *Error although nothing left the process", name)
			}
		}
		if mock.GetTotalCallCount() != 0 || ts.asked != 0 {
			t.Errorf("%s: something left the process", name)
		}
	}
}

// What both versions have must pass on v1.0.
func TestV1Properties(t *testing.T) {
	t.Parallel()
	c, mock := newClient(t, vpptoken.WithAPIVersion(vpptoken.VersionV1))
	var w wire
	mock.RegisterResponder("PATCH", v1URL+"/"+tokenID, w.answer(200, bareToken))
	mock.RegisterResponder("GET", v1URL, w.answer(200, page("")))
	p := vpptoken.NewPatch().ClearAppleID().SetState(vpptoken.StateValid).SetToken(vpptoken.NewSecret("Token value"))
	if _, err := c.Update(t.Context(), tokenID, p); err != nil {
		t.Fatal(err)
	}
	if got := w.sent[0].Body; got != `{"appleId":null,"token":"Token value","state":"valid"}` {
		t.Errorf("sent %s", got)
	}
	all := []string{
		"id", "organizationName", "vppTokenAccountType", "appleId", "expirationDateTime", "lastSyncDateTime", "token",
		"lastModifiedDateTime", "state", "lastSyncStatus", "automaticallyUpdateApps", "countryOrRegion",
	}
	if _, err := collect(c.List(t.Context(), vpptoken.WithSelect(all...))); err != nil {
		t.Error(err)
	}
}
