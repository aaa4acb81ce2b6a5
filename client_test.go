package vpptoken_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

func TestOperations(t *testing.T) {
	t.Parallel()
	for _, version := range []struct {
		name vpptoken.APIVersion
		url  string
	}{{vpptoken.VersionBeta, faulttest.Root}, {vpptoken.VersionV1, faulttest.RootV1}} {
		for _, op := range faulttest.Operations() {
			t.Run(string(version.name)+"/"+op.Name, func(t *testing.T) {
				t.Parallel()
				c, mock := faulttest.Mock(t, vpptoken.WithAPIVersion(version.name))
				if op.BetaOnly && version.name == vpptoken.VersionV1 {
					_, err := op.Call(t.Context(), c, faulttest.ID)
					if !errors.Is(err, vpptoken.ErrNotInVersion) || !strings.Contains(err.Error(), op.Name) {
						t.Errorf("got %v, want ErrNotInVersion with the name of the operation", err)
					}
					if _, ok := errors.AsType[*vpptoken.Error](err); ok {
						t.Error("an *Error although nothing left the process")
					}
					return
				}
				mock.RegisterResponder(op.Method, "=~.*", faulttest.Respond(op.Status, op.Answer))
				got, err := op.Call(t.Context(), c, faulttest.ID)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(op.Want, got); diff != "" {
					t.Errorf("result (-want +got):\n%s", diff)
				}
				if len(mock.Requests()) != 1 {
					t.Fatalf("%d requests: %v", len(mock.Requests()), mock.Lines())
				}
				s := mock.Requests()[0]
				// The quotes of a function parameter may travel raw or encoded.
				if u := strings.ReplaceAll(s.URL, "%27", "'"); u != version.url+op.Path || s.Body != op.Body {
					t.Errorf("sent %s\n%s\nwant %s\n%s", s.URL, s.Body, version.url+op.Path, op.Body)
				}
				accept, contentType := "application/json", ""
				if op.Accept != "" {
					accept = op.Accept
				}
				if op.Body != "" {
					contentType = "application/json"
				}
				for name, want := range map[string]string{
					"Authorization": "Bearer " + faulttest.Bearer, "Accept": accept, "Content-Type": contentType,
					"Idempotency-Key": "", "X-Idempotency-Key": "", "SdkVersion": "", "Cookie": "",
				} {
					if got := s.Header.Get(name); got != want {
						t.Errorf("%s: %q, want %q", name, got, want)
					}
				}
				if id := s.Header.Get("Client-Request-Id"); len(id) != 36 {
					t.Errorf("client-request-id %q is no GUID", id)
				}
				if ua := s.Header.Get("User-Agent"); !strings.HasPrefix(ua, "vpptoken/") {
					t.Errorf("User-Agent %q", ua)
				}
			})
		}
	}
}

// Microsoft's examples show the entity bare and under "value"; both must be read.
func TestBareAndWrapped(t *testing.T) {
	t.Parallel()
	for _, op := range faulttest.Operations() {
		if op.Want == nil || !op.Item {
			continue
		}
		for _, answer := range []string{
			faulttest.BareToken, faulttest.WrappedToken, "\uFEFF" + faulttest.BareToken,
			`{"@odata.context":"https://graph.microsoft.com/beta/$metadata#x","value":` + faulttest.BareToken + `}`,
		} {
			c, mock := faulttest.Mock(t)
			mock.RegisterResponder(op.Method, "=~.*",
				faulttest.Respond(200, answer, "Content-Type", "application/json; charset=utf-8"))
			got, err := op.Call(t.Context(), c, faulttest.ID)
			if diff := cmp.Diff(op.Want, got); err != nil || diff != "" {
				t.Errorf("%s %s: %v\n%s", op.Name, answer, err, diff)
			}
		}
	}
}

// What has an id is the token, whatever else it holds.
func TestTokenWithAMemberValue(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`{"a":1}`, `{"id":"another"}`, `{}`, `"x"`, `[{"id":"another"}]`, `null`} {
		c, mock := faulttest.Mock(t)
		mock.RegisterResponder("GET", faulttest.Item, faulttest.Respond(200, `{"id":"`+faulttest.ID+`","value":`+value+`}`))
		if got, err := c.Get(t.Context(), faulttest.ID); err != nil || got.ID != faulttest.ID ||
			string(got.Extra["value"]) != value {
			t.Errorf("%s: got %v, %v", value, got, err)
		}
	}
}

func TestClientPrintsItsRoot(t *testing.T) {
	t.Parallel()
	c, _ := faulttest.Mock(t)
	for _, v := range []any{c, *c} {
		if got := fmt.Sprint(v); !strings.Contains(got, "https://graph.microsoft.com/beta") {
			t.Errorf("a client prints as %s", got)
		}
	}
}

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
	mock.RegisterResponder("GET", faulttest.Item,
		faulttest.Respond(403, `{"error":{"code":"Forbidden","message":"no reads"}}`))
	got, err := c.Update(t.Context(), faulttest.ID, vpptoken.NewPatch().SetDisplayName("Field iPads"))
	e, ok := errors.AsType[*vpptoken.Error](err)
	if got != nil || !ok {
		t.Fatalf("got %v, %v, want an *Error", got, err)
	}
	if !e.Ambiguous || !strings.Contains(err.Error(), "accepted") || strings.Count(err.Error(), " 403 ") != 1 ||
		e.Op != "update" {
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
	_, err := c.Update(t.Context(), faulttest.ID,
		vpptoken.NewPatch().SetAppDeliveryProtocolType(vpptoken.DeliveryProtocolUnknownFutureValue))
	if err == nil || !strings.Contains(err.Error(), "unknownFutureValue") {
		t.Errorf("got %v", err)
	}
}

func TestInvalidIDs(t *testing.T) {
	t.Parallel()
	ids := []string{
		"", ".", "..", "a/b", "../x", `a\b`, "a b", "a?b", "a#b", "a%2Fb", "a\r\nb", "a\x00b", "é", "a'b",
		"a(b)", "a;b",
		"a:b", "a@b",
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
			calls = append(calls, call{op.Name, func(c *vpptoken.Client, id string) error {
				_, err := op.Call(t.Context(), c, id)
				return err
			}})
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
			_, ok := errors.AsType[*vpptoken.Error](err)
			if ok || mock.GetTotalCallCount() != 0 || ts.Asked.Load() != 0 {
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

// F13: everything that a patch can say, a create can say too, and it says nothing else.
func TestF13CreateBodies(t *testing.T) {
	t.Parallel()
	const head = `{"@odata.type":"#microsoft.graph.vppToken"`
	type create struct {
		p    *vpptoken.Patch
		want string
	}
	creates := []create{
		{nil, head + `,"token":"t"}`},
		{vpptoken.NewPatch(), head + `,"token":"t"}`},
		{
			vpptoken.NewPatch().SetAutomaticallyUpdateApps(false).SetRoleScopeTagIDs().SetDisplayName("").
				ClearCountryOrRegion(),
			head + `,"token":"t","automaticallyUpdateApps":false,"countryOrRegion":null,"displayName":"","roleScopeTagIds":[]}`,
		},
		{
			vpptoken.NewPatch().SetAppDeliveryProtocolType(vpptoken.DeliveryProtocolDeclarativeDeviceManagement).
				SetOrganizationName("o"),
			head + `,"organizationName":"o","token":"t","appleDeviceAppDeliveryProtocolType":"declarativeDeviceManagement"}`,
		},
	}
	for _, tc := range patchCases(t) {
		before, after := "", `,"token":"t"`
		if slices.Contains([]string{
			"organizationName", "vppTokenAccountType", "appleId", "expirationDateTime",
			"lastSyncDateTime",
		}, tc.name) {
			before, after = after, before
		}
		if tc.name == "token" {
			continue
		}
		around := func(value string) string { return head + after + `,"` + tc.name + `":` + value + before + `}` }
		creates = append(creates, create{tc.set(vpptoken.NewPatch()), around(tc.value)},
			create{tc.zero(vpptoken.NewPatch()), around(tc.zeroValue)})
		if tc.clear != nil {
			creates = append(creates, create{tc.clear(vpptoken.NewPatch()), around("null")})
		}
	}
	for _, tc := range creates {
		c, mock := faulttest.Mock(t)
		mock.RegisterResponder("POST", faulttest.Root, faulttest.Respond(201, faulttest.BareToken))
		before := ""
		if tc.p != nil {
			before = encode(t, tc.p)
		}
		if _, err := c.Create(t.Context(), vpptoken.NewSecret("t"), tc.p); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"POST " + faulttest.Root + " " + tc.want}, mock.Lines()); diff != "" {
			t.Error(diff)
		}
		if tc.p != nil && encode(t, tc.p) != before {
			t.Errorf("Create changed the patch: %s", before)
		}
	}
}

func TestF13CreateRefuses(t *testing.T) {
	t.Parallel()
	secret := vpptoken.NewSecret("canary")
	for name, tc := range map[string]struct {
		version vpptoken.APIVersion
		token   vpptoken.Secret
		p       *vpptoken.Patch
		want    string
	}{
		"no token":     {vpptoken.VersionBeta, vpptoken.Secret{}, nil, "token"},
		"token in p":   {vpptoken.VersionBeta, secret, vpptoken.NewPatch().SetToken(secret), "token"},
		"only in p":    {vpptoken.VersionBeta, vpptoken.Secret{}, vpptoken.NewPatch().SetToken(secret), "token"},
		"zero in p":    {vpptoken.VersionBeta, secret, vpptoken.NewPatch().SetToken(vpptoken.Secret{}), "token"},
		"cleared in p": {vpptoken.VersionBeta, secret, vpptoken.NewPatch().ClearToken(), "token"},
		"displayName":  {vpptoken.VersionV1, secret, vpptoken.NewPatch().SetDisplayName("d"), "displayName"},
		"null":         {vpptoken.VersionV1, secret, vpptoken.NewPatch().ClearLocationName(), "locationName"},
		"consent": {
			vpptoken.VersionV1, secret, vpptoken.NewPatch().SetDataSharingConsentGranted(false),
			"dataSharingConsentGranted",
		},
		"scope tags":   {vpptoken.VersionV1, secret, vpptoken.NewPatch().SetRoleScopeTagIDs(), "roleScopeTagIds"},
		"not UTF-8":    {vpptoken.VersionBeta, secret, vpptoken.NewPatch().SetDisplayName("a\xff"), "displayName"},
		"token, UTF-8": {vpptoken.VersionBeta, vpptoken.NewSecret("canary\xff"), nil, "token"},
	} {
		c, mock := faulttest.Mock(t, vpptoken.WithAPIVersion(tc.version))
		got, err := c.Create(t.Context(), tc.token, tc.p)
		if got != nil || err == nil || !strings.Contains(err.Error(), tc.want) ||
			strings.Contains(err.Error(), "canary") ||
			len(mock.Requests()) != 0 {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
		if tc.version == vpptoken.VersionV1 && !errors.Is(err, vpptoken.ErrNotInVersion) {
			t.Errorf("%s: %v is not ErrNotInVersion", name, err)
		}
	}
}

// Reading a token, changing a field and sending the difference must not lose the change or write
// back what Intune keeps.
func TestReadModifyWriteKeepsTheChange(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	mock.RegisterResponder("GET", faulttest.Item,
		faulttest.Respond(200, faulttest.Fixture(t, "seed-update-response.json")))
	mock.RegisterResponder("PATCH", faulttest.Item, faulttest.Respond(200, faulttest.BareToken))
	current, err := c.Get(t.Context(), faulttest.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := vpptoken.NewPatch().SetOrganizationName(current.OrganizationName).SetDisplayName("Field iPads").
		SetAutomaticallyUpdateApps(false)
	if _, err = c.Update(t.Context(), faulttest.ID, want.Diff(current)); err != nil {
		t.Fatal(err)
	}
	if got := mock.Requests()[1].Body; got != `{"automaticallyUpdateApps":false,"displayName":"Field iPads"}` {
		t.Errorf("sent %s", got)
	}
}
