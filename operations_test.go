package vpptoken_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
)

// operation is one row of the service's table of operations.
type operation struct {
	name, method, path, body, accept string // name is how errors call it
	status                           int
	answer                           string
	betaOnly, item                   bool
	call                             func(ctx context.Context, c *vpptoken.Client, id string, opts ...vpptoken.CallOption) (any, error)
	want                             any
}

func operations() []operation {
	token := &vpptoken.VPPToken{ID: tokenID, DisplayName: "Field iPads"}
	const item = "/" + tokenID
	return []operation{
		{
			name: "list", method: "GET", status: 200, answer: `{"value":[` + bareToken + `]}`,
			call: func(ctx context.Context, c *vpptoken.Client, _ string, opts ...vpptoken.CallOption) (any, error) {
				var list []vpptoken.ListOption
				for _, o := range opts {
					list = append(list, o)
				}
				return collect(c.List(ctx, list...))
			},
			want: []*vpptoken.VPPToken{token},
		},
		{
			name: "get", method: "GET", path: item, status: 200, answer: bareToken, item: true,
			call: func(ctx context.Context, c *vpptoken.Client, id string, opts ...vpptoken.CallOption) (any, error) {
				return c.Get(ctx, id, opts...)
			},
			want: token,
		},
		{
			name: "create", method: "POST", status: 201, answer: bareToken,
			body: `{"@odata.type":"#microsoft.graph.vppToken","organizationName":"Nordwind","vppTokenAccountType":"education",` +
				`"appleId":"apps@nordwind.example","token":"Token value","automaticallyUpdateApps":true,"countryOrRegion":"no"}`,
			call: func(ctx context.Context, c *vpptoken.Client, _ string, opts ...vpptoken.CallOption) (any, error) {
				return c.Create(ctx, vpptoken.NewSecret("Token value"), &vpptoken.Patch{
					AppleID: new("apps@nordwind.example"), OrganizationName: new("Nordwind"), CountryOrRegion: new("no"),
					AccountType: new(vpptoken.AccountTypeEducation), AutomaticallyUpdateApps: new(true),
				}, opts...)
			},
			want: token,
		},
		{
			name: "update", method: "PATCH", path: item, status: 200, answer: bareToken, item: true,
			body: `{"automaticallyUpdateApps":false,"countryOrRegion":null}`,
			call: func(ctx context.Context, c *vpptoken.Client, id string, opts ...vpptoken.CallOption) (any, error) {
				return c.Update(ctx, id, vpptoken.NewPatch().ClearCountryOrRegion().SetAutomaticallyUpdateApps(false), opts...)
			},
			want: token,
		},
		{
			name: "delete", method: "DELETE", path: item, status: 204, item: true,
			call: func(ctx context.Context, c *vpptoken.Client, id string, opts ...vpptoken.CallOption) (any, error) {
				return nil, c.Delete(ctx, id, opts...)
			},
		},
		{
			name: "count", method: "GET", path: "/$count", status: 200, answer: "3000", accept: "text/plain",
			call: func(ctx context.Context, c *vpptoken.Client, _ string, opts ...vpptoken.CallOption) (any, error) {
				return c.Count(ctx, opts...)
			},
			want: 3000,
		},
		{
			name: "syncLicenses", method: "POST", path: item + "/syncLicenses", status: 200, answer: wrappedToken, item: true,
			call: func(ctx context.Context, c *vpptoken.Client, id string, opts ...vpptoken.CallOption) (any, error) {
				return c.SyncLicenses(ctx, id, opts...)
			},
			want: token,
		},
		{
			name: "revokeLicenses", method: "POST", path: item + "/revokeLicenses", status: 204, betaOnly: true, item: true,
			body: `{"notifyManagedDevices":true,"revokeUntrackedLicenses":false}`,
			call: func(ctx context.Context, c *vpptoken.Client, id string, opts ...vpptoken.CallOption) (any, error) {
				return nil, c.RevokeLicenses(ctx, id, vpptoken.RevokeOptions{NotifyManagedDevices: true}, opts...)
			},
		},
		{
			name: "syncLicenseCounts", method: "POST", path: "/syncLicenseCounts", status: 204, betaOnly: true,
			call: func(ctx context.Context, c *vpptoken.Client, _ string, opts ...vpptoken.CallOption) (any, error) {
				return nil, c.SyncLicenseCounts(ctx, opts...)
			},
		},
		{
			name: "getLicensesForApp", method: "GET", path: "/getLicensesForApp(bundleId='com.example.app')", status: 200, betaOnly: true,
			answer: `{"value":[{"vppTokenId":"` + tokenID + `","appleId":null,"organizationName":"Nordwind","availableLicenseCount":5,"usedLicenseCount":7}]}`,
			call: func(ctx context.Context, c *vpptoken.Client, _ string, opts ...vpptoken.CallOption) (any, error) {
				return collect(c.LicensesForApp(ctx, "com.example.app", opts...))
			},
			want: []*vpptoken.LicenseSummary{{VPPTokenID: tokenID, OrganizationName: "Nordwind", AvailableLicenseCount: 5, UsedLicenseCount: 7}},
		},
	}
}

// collect reads a list to its end and checks that an error, if any, is its last element and comes without a value.
func collect[T any](seq func(func(*T, error) bool)) ([]*T, error) {
	var list []*T
	var failed error
	for v, err := range seq {
		switch {
		case failed != nil:
			return list, fmt.Errorf("the list went on after its error: %w", failed)
		case (v == nil) == (err == nil):
			return list, fmt.Errorf("the list gave %v with the error %w", v, err)
		case err != nil:
			failed = err
		default:
			list = append(list, v)
		}
	}
	return list, failed
}

func TestOperations(t *testing.T) {
	t.Parallel()
	for _, version := range []struct {
		name vpptoken.APIVersion
		url  string
	}{{vpptoken.VersionBeta, betaURL}, {vpptoken.VersionV1, v1URL}} {
		for _, op := range operations() {
			t.Run(string(version.name)+"/"+op.name, func(t *testing.T) {
				t.Parallel()
				c, mock := newClient(t, vpptoken.WithAPIVersion(version.name))
				var w wire
				if op.betaOnly && version.name == vpptoken.VersionV1 {
					_, err := op.call(t.Context(), c, tokenID)
					if !errors.Is(err, vpptoken.ErrNotInVersion) || !strings.Contains(err.Error(), op.name) {
						t.Errorf("got %v, want ErrNotInVersion with the name of the operation", err)
					}
					if _, ok := errors.AsType[*vpptoken.Error](err); ok {
						t.Error("an *Error although nothing left the process")
					}
					return
				}
				mock.RegisterResponder(op.method, "=~.*", w.answer(op.status, op.answer))
				got, err := op.call(t.Context(), c, tokenID)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(op.want, got); diff != "" {
					t.Errorf("result (-want +got):\n%s", diff)
				}
				if len(w.sent) != 1 {
					t.Fatalf("%d requests: %v", len(w.sent), w.lines())
				}
				s := w.sent[0]
				// The quotes of a function parameter may travel raw or encoded.
				if u := strings.ReplaceAll(s.URL, "%27", "'"); u != version.url+op.path || s.Body != op.body {
					t.Errorf("sent %s\n%s\nwant %s\n%s", s.URL, s.Body, version.url+op.path, op.body)
				}
				accept, contentType := "application/json", ""
				if op.accept != "" {
					accept = op.accept
				}
				if op.body != "" {
					contentType = "application/json"
				}
				for name, want := range map[string]string{
					"Authorization": "Bearer " + bearer, "Accept": accept, "Content-Type": contentType,
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
	for _, op := range operations() {
		if op.want == nil || !op.item {
			continue
		}
		for _, answer := range []string{
			bareToken, wrappedToken, "\uFEFF" + bareToken,
			`{"@odata.context":"https://graph.microsoft.com/beta/$metadata#x","value":` + bareToken + `}`,
		} {
			c, mock := newClient(t)
			var w wire
			mock.RegisterResponder(op.method, "=~.*", w.answer(200, answer, "Content-Type", "application/json; charset=utf-8"))
			got, err := op.call(t.Context(), c, tokenID)
			if diff := cmp.Diff(op.want, got); err != nil || diff != "" {
				t.Errorf("%s %s: %v\n%s", op.name, answer, err, diff)
			}
		}
	}
}

func TestZeroTokenIsNeverSuccess(t *testing.T) {
	t.Parallel()
	for _, op := range operations() {
		if _, ok := op.want.(*vpptoken.VPPToken); !ok {
			continue
		}
		for _, answer := range []string{`{}`, `{"value":{}}`, `{"value":null}`, `null`, `[]`, `{"displayName":"x"}`, `{}{}`} {
			c, mock := newClient(t, vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}))
			var w wire
			mock.RegisterResponder(op.method, "=~.*", w.answer(op.status, answer, "Content-Type", "application/json"))
			_, err := op.call(t.Context(), c, tokenID)
			if e, ok := errors.AsType[*vpptoken.Error](err); !ok {
				t.Errorf("%s of %s: got %v, want an *Error", op.name, answer, err)
			} else if e.StatusCode != op.status {
				t.Errorf("%s of %s: status %d was lost", op.name, answer, e.StatusCode)
			}
		}
	}
}
