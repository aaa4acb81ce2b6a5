package vpptoken_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"
	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

func TestFreshClientRequestIDs(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	mock.RegisterResponder("GET", faulttest.Item, faulttest.Respond(200, faulttest.BareToken))
	for range 3 {
		if _, err := c.Get(t.Context(), faulttest.ID); err != nil {
			t.Fatal(err)
		}
	}
	ids := map[string]bool{}
	for _, s := range mock.Requests() {
		ids[s.Header.Get("Client-Request-Id")] = true
	}
	if len(ids) != 3 {
		t.Errorf("three calls sent %d different ids", len(ids))
	}
}

func TestUpdateReadsAfter204(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	mock.RegisterResponder("PATCH", faulttest.Item, faulttest.Respond(204, ""))
	mock.RegisterResponder("GET", faulttest.Item, faulttest.Respond(200, faulttest.BareToken))
	got, err := c.Update(t.Context(), faulttest.ID, vpptoken.NewPatch().SetDisplayName("Field iPads"))
	if err != nil || got == nil || got.DisplayName != "Field iPads" {
		t.Fatalf("got %v, %v", got, err)
	}
	want := []string{"PATCH " + faulttest.Item + ` {"displayName":"Field iPads"}`, "GET " + faulttest.Item}
	if diff := cmp.Diff(want, mock.Lines()); diff != "" {
		t.Error(diff)
	}
}

func TestUpdateAcceptedButNotReadable(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	mock.RegisterResponder("PATCH", faulttest.Item, faulttest.Respond(204, ""))
	mock.RegisterResponder("GET", faulttest.Item, faulttest.Respond(403, `{"error":{"code":"Forbidden","message":"no reads"}}`))
	got, err := c.Update(t.Context(), faulttest.ID, vpptoken.NewPatch().SetDisplayName("Field iPads"))
	e, ok := errors.AsType[*vpptoken.Error](err)
	if got != nil || !ok {
		t.Fatalf("got %v, %v, want an *Error", got, err)
	}
	if !e.Ambiguous || !strings.Contains(err.Error(), "accepted") || strings.Count(err.Error(), "403") != 1 || e.Op != "update" {
		t.Errorf("got %q, Ambiguous %v, Op %q: it must say that the update was accepted", err, e.Ambiguous, e.Op)
	}
}

func TestUpdateRefusesEmptyPatch(t *testing.T) {
	t.Parallel()
	for _, p := range []*vpptoken.Patch{nil, {}, vpptoken.NewPatch()} {
		ts := new(faulttest.CountedSource)
		c, mock := faulttest.MockFor(t, ts)
		got, err := c.Update(t.Context(), faulttest.ID, p)
		if got != nil || !errors.Is(err, vpptoken.ErrEmptyPatch) {
			t.Errorf("got %v, %v, want ErrEmptyPatch", got, err)
		}
		if _, ok := errors.AsType[*vpptoken.Error](err); ok || mock.GetTotalCallCount() != 0 || ts.Asked.Load() != 0 {
			t.Errorf("sent %d requests, asked for %d bearers, *Error %v", mock.GetTotalCallCount(), ts.Asked.Load(), ok)
		}
	}
}

// Graph ignores this word in a PATCH, so a caller who sends it would wait for nothing.
func TestUpdateRefusesUnknownFutureValue(t *testing.T) {
	t.Parallel()
	c, _ := faulttest.Mock(t)
	_, err := c.Update(t.Context(), faulttest.ID, vpptoken.NewPatch().SetAppDeliveryProtocolType(vpptoken.DeliveryProtocolUnknownFutureValue))
	if err == nil || !strings.Contains(err.Error(), "unknownFutureValue") {
		t.Errorf("got %v", err)
	}
}

func TestInvalidIDs(t *testing.T) {
	t.Parallel()
	ids := []string{
		"", ".", "..", "a/b", "../x", `a\b`, "a b", "a?b", "a#b", "a%2Fb", "a\r\nb", "a\x00b", "é", "a'b", "a(b)", "a;b", "a:b", "a@b",
		strings.Repeat("a", 129),
	}
	type call struct {
		name string
		run  func(c *vpptoken.Client, id string) error
	}
	calls := []call{
		{"startSync", func(c *vpptoken.Client, id string) error { _, err := c.StartSync(t.Context(), id); return err }},
		{"waitSync", func(c *vpptoken.Client, id string) error {
			_, err := c.WaitSync(t.Context(), &vpptoken.Sync{TokenID: id})
			return err
		}},
	}
	for _, op := range faulttest.Operations() {
		if op.Item {
			calls = append(calls, call{op.Name, func(c *vpptoken.Client, id string) error { _, err := op.Call(t.Context(), c, id); return err }})
		}
	}
	if len(calls) != 7 {
		t.Fatalf("%d calls take an id", len(calls))
	}
	for _, call := range calls {
		for _, id := range ids {
			ts := new(faulttest.CountedSource)
			c, mock := faulttest.MockFor(t, ts)
			err := call.run(c, id)
			if !errors.Is(err, vpptoken.ErrInvalidID) || !strings.HasPrefix(err.Error(), "vpptoken: ") {
				t.Errorf("%s(%q): got %v, want ErrInvalidID", call.name, id, err)
			}
			if _, ok := errors.AsType[*vpptoken.Error](err); ok || mock.GetTotalCallCount() != 0 || ts.Asked.Load() != 0 {
				t.Errorf("%s(%q): something left the process", call.name, id)
			}
		}
	}
}

func TestValidIDs(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"0", "...", "a.b", "-._~", "aZ09", strings.Repeat("a", 128)} {
		c, mock := faulttest.Mock(t)
		mock.RegisterResponder("DELETE", "=~.*", faulttest.Respond(204, ""))
		if err := c.Delete(t.Context(), id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
		if diff := cmp.Diff([]string{"DELETE " + faulttest.Root + "/" + id}, mock.Lines()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestCreateBodies(t *testing.T) {
	t.Parallel()
	for want, n := range map[string]vpptoken.NewToken{
		`{"@odata.type":"#microsoft.graph.vppToken","token":"t","automaticallyUpdateApps":false}`: {Token: vpptoken.NewSecret("t")},
		`{"@odata.type":"#microsoft.graph.vppToken","token":"t","automaticallyUpdateApps":true,"dataSharingConsentGranted":true,` +
			`"displayName":"d","claimTokenManagementFromExternalMdm":true,"roleScopeTagIds":["0","7"]}`: {
			Token: vpptoken.NewSecret("t"), AutomaticallyUpdateApps: true, DataSharingConsentGranted: true, DisplayName: "d",
			ClaimTokenManagementFromExternalMDM: true, RoleScopeTagIDs: []string{"0", "7"},
		},
	} {
		c, mock := faulttest.Mock(t)
		mock.RegisterResponder("POST", faulttest.Root, faulttest.Respond(201, faulttest.BareToken))
		if _, err := c.Create(t.Context(), &n); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"POST " + faulttest.Root + " " + want}, mock.Lines()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	secret := vpptoken.NewSecret("Token value")
	for name, tc := range map[string]struct {
		version vpptoken.APIVersion
		token   *vpptoken.NewToken
		want    string
	}{
		"nil":         {vpptoken.VersionBeta, nil, "oken"},
		"no token":    {vpptoken.VersionBeta, &vpptoken.NewToken{AppleID: "apps@nordwind.example"}, "oken"},
		"displayName": {vpptoken.VersionV1, &vpptoken.NewToken{Token: secret, DisplayName: "d"}, "displayName"},
		"claim":       {vpptoken.VersionV1, &vpptoken.NewToken{Token: secret, ClaimTokenManagementFromExternalMDM: true}, "claimTokenManagementFromExternalMdm"},
		"consent":     {vpptoken.VersionV1, &vpptoken.NewToken{Token: secret, DataSharingConsentGranted: true}, "dataSharingConsentGranted"},
		"scope tags":  {vpptoken.VersionV1, &vpptoken.NewToken{Token: secret, RoleScopeTagIDs: []string{"0"}}, "roleScopeTagIds"},
		"not UTF-8":   {vpptoken.VersionBeta, &vpptoken.NewToken{Token: secret, DisplayName: "a\xff"}, "displayName"},
	} {
		c, mock := faulttest.Mock(t, vpptoken.WithAPIVersion(tc.version))
		got, err := c.Create(t.Context(), tc.token)
		if got != nil || err == nil || !strings.Contains(err.Error(), tc.want) || mock.GetTotalCallCount() != 0 {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
		if tc.version == vpptoken.VersionV1 && !errors.Is(err, vpptoken.ErrNotInVersion) {
			t.Errorf("%s: %v is not ErrNotInVersion", name, err)
		}
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]int{"0": 0, "42": 42, "\uFEFF17": 17, "5\r\n": 5, "3000": 3000} {
		c, mock := faulttest.Mock(t)
		mock.RegisterResponder("GET", faulttest.Root+"/$count", httpmock.NewStringResponder(200, answer))
		if got, err := c.Count(t.Context()); got != want || err != nil {
			t.Errorf("%q: got %d, %v, want %d", answer, got, err, want)
		}
	}
	for _, answer := range []string{"", "many", "-1", "1.5", `{"value":3}`, "0x10", "99999999999999999999", "1 2", "<html>"} {
		c, mock := faulttest.Mock(t, vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}))
		mock.RegisterResponder("GET", faulttest.Root+"/$count", httpmock.NewStringResponder(200, answer))
		got, err := c.Count(t.Context())
		if _, ok := errors.AsType[*vpptoken.Error](err); got != 0 || !ok {
			t.Errorf("%q: got %d, %v, want an *Error", answer, got, err)
		}
	}
}

// Nothing may panic without a client, and nothing may be sent without a context.
func TestNilContextAndUnmadeClients(t *testing.T) {
	t.Parallel()
	type call struct {
		name string
		run  func(ctx context.Context, c *vpptoken.Client) error
	}
	calls := []call{
		{"startSync", func(ctx context.Context, c *vpptoken.Client) error {
			_, err := c.StartSync(ctx, faulttest.ID)
			return err
		}},
		{"waitSync", func(ctx context.Context, c *vpptoken.Client) error {
			_, err := c.WaitSync(ctx, &vpptoken.Sync{TokenID: faulttest.ID})
			return err
		}},
	}
	for _, op := range faulttest.Operations() {
		calls = append(calls, call{op.Name, func(ctx context.Context, c *vpptoken.Client) error {
			_, err := op.Call(ctx, c, faulttest.ID)
			return err
		}})
	}
	for _, call := range calls {
		ts := new(faulttest.CountedSource)
		c, mock := faulttest.MockFor(t, ts)
		var noContext context.Context
		for name, err := range map[string]error{
			"nil ctx":     call.run(noContext, c),
			"zero Client": call.run(t.Context(), new(vpptoken.Client)),
			"nil Client":  call.run(t.Context(), nil),
		} {
			if err == nil || !strings.HasPrefix(err.Error(), "vpptoken: ") {
				t.Errorf("%s, %s: got %v", call.name, name, err)
			}
			if _, ok := errors.AsType[*vpptoken.Error](err); ok {
				t.Errorf("%s, %s: an *Error although nothing left the process", call.name, name)
			}
		}
		if mock.GetTotalCallCount() != 0 || ts.Asked.Load() != 0 {
			t.Errorf("%s: something left the process", call.name)
		}
	}
}

// Reading a token, changing a field and sending the difference must not lose the change or write back what Intune keeps.
func TestReadModifyWriteKeepsTheChange(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	mock.RegisterResponder("GET", faulttest.Item, faulttest.Respond(200, faulttest.Fixture(t, "seed-update-response.json")))
	mock.RegisterResponder("PATCH", faulttest.Item, faulttest.Respond(200, faulttest.BareToken))
	current, err := c.Get(t.Context(), faulttest.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := vpptoken.NewPatch().SetOrganizationName(current.OrganizationName).SetDisplayName("Field iPads").SetAutomaticallyUpdateApps(false)
	if _, err = c.Update(t.Context(), faulttest.ID, want.Diff(current)); err != nil {
		t.Fatal(err)
	}
	if got := mock.Requests()[1].Body; got != `{"automaticallyUpdateApps":false,"displayName":"Field iPads"}` {
		t.Errorf("sent %s", got)
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
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(c)),
		Body: io.NopCloser(strings.NewReader(string(c))), Request: r,
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
