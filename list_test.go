package vpptoken_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
)

// page is the body of one page.
func page(nextLink string, ids ...string) string {
	var items []string
	for _, id := range ids {
		items = append(items, `{"id":"`+id+`"}`)
	}
	link := ""
	if nextLink != "" {
		link = `"@odata.nextLink":` + strconv.Quote(nextLink) + `,`
	}
	return `{"@odata.context":"https://graph.microsoft.com/beta/$metadata#deviceAppManagement/vppTokens",` + link + `"value":[` + strings.Join(items, ",") + `]}`
}

func idsOf(tokens []*vpptoken.VPPToken) []string {
	var ids []string
	for _, t := range tokens {
		ids = append(ids, t.ID)
	}
	return ids
}

func TestListReadsAllPages(t *testing.T) {
	t.Parallel()
	c, mock := newClient(t)
	var w wire
	// The link is opaque: it goes back exactly as it came. An empty page in between is legal.
	second, third := betaURL+"?$top=2&$skiptoken=a%2Fb%20c'd&x", betaURL+"?%24skiptoken=bmV4dA%3D%3D"
	mock.RegisterResponder("GET", betaURL, w.answer(200, page(second, "1", "2")).
		Then(w.answer(200, page(third))).Then(w.answer(200, page("", "3"))))
	list := c.List(t.Context())
	if len(w.sent) != 0 {
		t.Error("List sent something before the first pull")
	}
	for range 2 { // a second range starts again
		got, err := collect(list)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"1", "2", "3"}, idsOf(got)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"GET " + betaURL, "GET " + second, "GET " + third}, w.lines()); diff != "" {
			t.Error(diff)
		}
		w.sent = nil
		mock.RegisterResponder("GET", betaURL, w.answer(200, page(second, "1", "2")).
			Then(w.answer(200, page(third))).Then(w.answer(200, page("", "3"))))
	}
}

func TestListIsLazy(t *testing.T) {
	t.Parallel()
	ts := &countingSource{}
	c, mock := newClientFor(t, ts)
	var w wire
	mock.RegisterResponder("GET", betaURL, w.answer(200, page(betaURL+"?$skiptoken=2", "1", "2")))
	list := c.List(t.Context())
	if ts.asked != 0 || len(w.sent) != 0 {
		t.Error("something happened before the first pull")
	}
	seen := 0
	for token, err := range list {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; token.ID == "2" { // the last of its page
			break
		}
	}
	if seen != 2 || len(w.sent) != 1 {
		t.Errorf("saw %d tokens over %d requests, want 2 over 1", seen, len(w.sent))
	}
}

func TestListErrorIsLast(t *testing.T) {
	t.Parallel()
	c, mock := newClient(t)
	var w wire
	mock.RegisterResponder("GET", betaURL, w.answer(200, page(betaURL+"?$skiptoken=2", "1")).
		Then(w.answer(403, `{"error":{"code":"Forbidden","message":"no"}}`)))
	got, err := collect(c.List(t.Context()))
	if diff := cmp.Diff([]string{"1"}, idsOf(got)); diff != "" {
		t.Error(diff)
	}
	e, ok := errors.AsType[*vpptoken.Error](err)
	if !ok || !errors.Is(err, vpptoken.ErrForbidden) {
		t.Fatalf("got %v, want ErrForbidden", err)
	}
	if e.Op != "list" || e.Path != "/deviceAppManagement/vppTokens" || strings.Contains(err.Error(), "skiptoken") {
		t.Errorf("Op %q, Path %q, text %q", e.Op, e.Path, err)
	}
}

// A bearer that is sent to a foreign nextLink is stolen.
func TestForeignNextLinkGetsNoBearer(t *testing.T) {
	t.Parallel()
	for name, link := range map[string]string{
		"other host":             "https://graph.microsoft.com.evil.example/beta/deviceAppManagement/vppTokens?canary",
		"other scheme":           "http://graph.microsoft.com/beta/deviceAppManagement/vppTokens?canary",
		"other port":             "https://graph.microsoft.com:8443/beta/deviceAppManagement/vppTokens?canary",
		"user":                   "https://canary@graph.microsoft.com/beta/deviceAppManagement/vppTokens",
		"user that looks a host": "https://graph.microsoft.com@evil.example/beta/deviceAppManagement/vppTokens?canary",
		"other version":          "https://graph.microsoft.com/v1.0/deviceAppManagement/vppTokens?canary",
		"other collection":       "https://graph.microsoft.com/beta/users?canary",
		"longer collection":      "https://graph.microsoft.com/beta/deviceAppManagement/vppTokensX?canary",
		"item":                   "https://graph.microsoft.com/beta/deviceAppManagement/vppTokens/1?canary",
		"dot dot":                "https://graph.microsoft.com/beta/deviceAppManagement/vppTokens/../../me?canary",
		"encoded slash":          "https://graph.microsoft.com/beta/deviceAppManagement%2FvppTokens?canary",
		"double slash":           "//evil.example/beta/deviceAppManagement/vppTokens?canary",
		"backslash":              `https:\\evil.example\beta?canary`,
		"opaque":                 "https:graph.microsoft.com/beta/deviceAppManagement/vppTokens?canary",
		"not an address":         "://canary",
		"very long":              betaURL + "?canary" + strings.Repeat("x", 64<<10),
	} {
		ts := &countingSource{}
		c, mock := newClientFor(t, ts)
		var w wire
		mock.RegisterResponder("GET", betaURL, w.answer(200, page(link, "1")))
		got, err := collect(c.List(t.Context()))
		e, ok := errors.AsType[*vpptoken.Error](err)
		if !errors.Is(err, vpptoken.ErrUntrustedURL) || !ok {
			t.Errorf("%s: got %v, want ErrUntrustedURL as *Error", name, err)
			continue
		}
		if len(got) != 1 || len(w.sent) != 1 || ts.asked != 1 {
			t.Errorf("%s: %d tokens, %d requests, %d bearers", name, len(got), len(w.sent), ts.asked)
		}
		if strings.Contains(err.Error()+e.Message, "canary") || vpptoken.Retryable(err) {
			t.Errorf("%s: the text shows the link, or the error is retryable: %v", name, err)
		}
	}
}

func TestListFindsLoops(t *testing.T) {
	t.Parallel()
	a, b := betaURL+"?$skiptoken=a", betaURL+"?$skiptoken=b"
	for name, links := range map[string][]string{
		"itself": {betaURL},
		"same":   {a, a},
		"circle": {a, b, a},
	} {
		c, mock := newClient(t)
		var w wire
		answer := w.answer(200, page(links[0], "0"))
		for i, link := range links[1:] {
			answer = answer.Then(w.answer(200, page(link, strconv.Itoa(i+1))))
		}
		mock.RegisterResponder("GET", betaURL, answer)
		got, err := collect(c.List(t.Context()))
		if err == nil || !strings.Contains(err.Error(), "repeat") {
			t.Errorf("%s: got %v, want an error that says so", name, err)
		}
		if len(w.sent) != len(links) || len(got) != len(links) {
			t.Errorf("%s: %d requests, %d tokens, want %d of each", name, len(w.sent), len(got), len(links))
		}
	}
}

// endless answers every request with a page that leads to another.
type endless struct{ requests int }

func (e *endless) RoundTrip(*http.Request) (*http.Response, error) {
	e.requests++
	body := page(fmt.Sprintf("%s?$skiptoken=%d", betaURL, e.requests))
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}

func TestListStopsAtTenThousandPages(t *testing.T) {
	t.Parallel()
	service := &endless{}
	ts := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: bearer})
	c, err := vpptoken.NewClient(ts, vpptoken.WithHTTPClient(&http.Client{Transport: service}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = collect(c.List(t.Context()))
	if err == nil || !strings.Contains(err.Error(), "10,000") || service.requests != 10_000 {
		t.Errorf("%d requests, then %v", service.requests, err)
	}
}

func TestListRefusesWhatIsNoPage(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, `{}`, `null`, `[]`, `{"value":null}`, `{"value":{}}`, `{"value":"x"}`, `{"value":[null]}`, `{"value":[{}]}`, `{"value":[3]}`,
		`{"value":[{"displayName":"no id"}]}`, `{"value":[]}{}`, `{"value":[],"value":[]}`, `{"value":[{"id":"1","id":"2"}]}`,
		`{"value":[{"id":7}]}`, `{"value":[],"@odata.nextLink":7}`, `<html></html>`, `{"value":[{"id":"1"}`,
	} {
		c, mock := newClient(t, vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}))
		var w wire
		mock.RegisterResponder("GET", betaURL, w.answer(200, body, "Content-Type", "application/json"))
		got, err := collect(c.List(t.Context()))
		if _, ok := errors.AsType[*vpptoken.Error](err); !ok || len(got) != 0 {
			t.Errorf("%s: got %d tokens, %v, want an *Error", body, len(got), err)
		}
	}
}

func TestListQuery(t *testing.T) {
	t.Parallel()
	c, mock := newClient(t)
	var w wire
	mock.RegisterResponder("GET", betaURL, w.answer(200, page("")))
	_, err := collect(c.List(
		t.Context(), vpptoken.WithTop(5), vpptoken.WithSelect("id", "displayName"),
		vpptoken.WithOrderBy("displayName desc", "id"), vpptoken.WithFilter("state eq 'valid' & a+b=100%#?"),
		vpptoken.WithHeader("Prefer", "x"),
	))
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(w.sent[0].URL)
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"$top": {"5"}, "$select": {"id,displayName"}, "$orderby": {"displayName desc,id"}, "$filter": {"state eq 'valid' & a+b=100%#?"},
	}
	if diff := cmp.Diff(want, u.Query()); diff != "" {
		t.Errorf("query (-want +got):\n%s", diff)
	}
	if strings.Contains(u.RawQuery, "+") || u.Fragment != "" {
		t.Errorf("OData reads a + as itself: %s", u.RawQuery)
	}
	if w.sent[0].Header.Get("Prefer") != "x" {
		t.Error("a CallOption has no effect on List")
	}
}

// With $select a token may come without an id: it was not asked for.
func TestListSelectsWithoutID(t *testing.T) {
	t.Parallel()
	c, mock := newClient(t)
	mock.RegisterResponder("GET", betaURL, (&wire{}).answer(200, `{"value":[{"displayName":"a"},{"displayName":"b"}]}`))
	got, err := collect(c.List(t.Context(), vpptoken.WithSelect("displayName")))
	if err != nil || len(got) != 2 || got[1].DisplayName != "b" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestListOptionRefusals(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]vpptoken.ListOption{
		"nil":               {nil},
		"nil call option":   {vpptoken.CallOption(nil)},
		"top 0":             {vpptoken.WithTop(0)},
		"top -1":            {vpptoken.WithTop(-1)},
		"select nothing":    {vpptoken.WithSelect()},
		"select empty":      {vpptoken.WithSelect("id", "")},
		"select query":      {vpptoken.WithSelect("id&$top=1")},
		"filter empty":      {vpptoken.WithFilter(" ")},
		"filter line break": {vpptoken.WithFilter("a\r\nb")},
		"order by nothing":  {vpptoken.WithOrderBy()},
		"twice":             {vpptoken.WithTop(1), vpptoken.WithTop(2)},
	} {
		c, mock := newClient(t)
		got, err := collect(c.List(t.Context(), opts...))
		if len(got) != 0 || err == nil || !strings.HasPrefix(err.Error(), "vpptoken: list: ") || mock.GetTotalCallCount() != 0 {
			t.Errorf("%s: %d tokens, %v", name, len(got), err)
		}
	}
}

func TestListFixture(t *testing.T) {
	t.Parallel()
	c, mock := newClient(t)
	var w wire
	mock.RegisterResponder("GET", betaURL, w.answer(200, fixture(t, "list-page-beta.json")).Then(w.answer(200, page("", "3"))))
	got, err := collect(c.List(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || w.sent[1].URL != betaURL+"?$top=2&$skiptoken=bmV4dA" {
		t.Fatalf("%d tokens over %v", len(got), w.lines())
	}
	date := func(s string) time.Time {
		d, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	want := &vpptoken.VPPToken{
		ID: "00000000-0000-4000-8000-000000000002", OrganizationName: "Nordwind School District",
		AccountType: vpptoken.AccountTypeEducation, ExpirationDateTime: date("2026-11-30T00:00:00Z"),
		LastModifiedDateTime: date("2026-11-19T08:00:00Z"), State: vpptoken.StateDuplicateLocationID,
		TokenActionResults: []vpptoken.ActionResult{{
			ODataType: "#microsoft.graph.vppTokenRevokeLicensesActionResult", ActionName: "revokeLicenses",
			ActionState: vpptoken.ActionStateFailed, StartDateTime: date("2026-11-19T07:00:00Z"),
			LastUpdatedDateTime: date("2026-11-19T07:05:00.5Z"),
			ActionFailureReason: vpptoken.ActionFailureReasonAppleFailure, TotalLicensesCount: 40, FailedLicensesCount: 3,
		}},
		LastSyncStatus: vpptoken.SyncStatusFailed, DataSharingConsentGranted: true,
		AppDeliveryProtocolType: "someFutureProtocol",
		Extra:                   map[string]json.RawMessage{"lastAppCount": json.RawMessage("12")},
	}
	if diff := cmp.Diff(want, got[1], cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("second token (-want +got):\n%s", diff)
	}
	if got[1].AppDeliveryProtocolType.IsKnown() || !got[0].AppDeliveryProtocolType.IsKnown() {
		t.Error("IsKnown of the delivery protocols")
	}
	if got[0].Extra != nil {
		t.Errorf("Extra of a token without unknown properties: %v", got[0].Extra)
	}
}

func TestLicensesForApp(t *testing.T) {
	t.Parallel()
	c, mock := newClient(t)
	var w wire
	// The quote is doubled, then all is percent-encoded, so that it stays one segment of the path.
	first := betaURL + "/getLicensesForApp(bundleId='O%27%27Brien%3F%23%20%C3%A4%25')"
	next := first + "?$skiptoken=2"
	mock.RegisterResponder("GET", "=~getLicensesForApp", w.answer(200, `{"@odata.nextLink":"`+next+`","value":[{"usedLicenseCount":1}]}`).
		Then(w.answer(200, `{"value":[{"usedLicenseCount":2}]}`)))
	got, err := collect(c.LicensesForApp(t.Context(), "O'Brien?# ä%"))
	if err != nil || len(got) != 2 || got[1].UsedLicenseCount != 2 {
		t.Errorf("got %v, %v", got, err)
	}
	if diff := cmp.Diff([]string{"GET " + first, "GET " + next}, w.lines()); diff != "" {
		t.Error(diff)
	}
	w.sent = nil
	if _, err := collect(c.LicensesForApp(t.Context(), "a/../b")); err != nil {
		t.Fatal(err)
	}
	if want := betaURL + "/getLicensesForApp(bundleId='a%2F..%2Fb')"; w.sent[0].URL != strings.ReplaceAll(want, "'", "%27") && w.sent[0].URL != want {
		t.Errorf("sent %s, want %s", w.sent[0].URL, want)
	}
	for _, bad := range []string{"", "a\xff"} {
		c, mock := newClient(t)
		if _, err := collect(c.LicensesForApp(t.Context(), bad)); err == nil || mock.GetTotalCallCount() != 0 {
			t.Errorf("bundle id %q: got %v", bad, err)
		}
	}
	var nilOption vpptoken.CallOption
	if _, err := collect(c.LicensesForApp(t.Context(), "com.example.app", nilOption)); err == nil {
		t.Error("a nil option is taken")
	}
}

func TestLicensesForAppRefusesWhatIsNoPage(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, `{}`, `null`, `[]`, `{"value":null}`, `{"value":{}}`, `{"value":[null]}`, `{"value":[{"usedLicenseCount":"7"}]}`,
		`{"value":[{"usedLicenseCount":1,"usedLicenseCount":2}]}`, `{"value":[]}[]`,
	} {
		c, mock := newClient(t, vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}))
		mock.RegisterResponder("GET", "=~getLicensesForApp", (&wire{}).answer(200, body, "Content-Type", "application/json"))
		got, err := collect(c.LicensesForApp(t.Context(), "com.example.app"))
		if e, ok := errors.AsType[*vpptoken.Error](err); !ok || len(got) != 0 || e.Op != "getLicensesForApp" {
			t.Errorf("%s: got %d, %v, want an *Error", body, len(got), err)
		}
	}
}

func TestLicensesForAppRefusesForeignLinks(t *testing.T) {
	t.Parallel()
	// The collection of tokens is not that of this function, nor are the licences of another app.
	for _, link := range []string{betaURL, betaURL + "/getLicensesForApp(bundleId='com.other.app')", "https://evil.example/"} {
		ts := &countingSource{}
		c, mock := newClientFor(t, ts)
		mock.RegisterResponder("GET", "=~getLicensesForApp", (&wire{}).answer(200, `{"@odata.nextLink":"`+link+`","value":[]}`))
		_, err := collect(c.LicensesForApp(t.Context(), "com.example.app"))
		if !errors.Is(err, vpptoken.ErrUntrustedURL) || ts.asked != 1 {
			t.Errorf("%s: got %v after %d bearers", link, err, ts.asked)
		}
	}
}
