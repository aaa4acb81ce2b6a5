package vpptoken_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

func TestLicensesForApp(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	// The quote is doubled, then all is percent-encoded, so that it stays one segment of the path.
	first := faulttest.Root + "/getLicensesForApp(bundleId='O%27%27Brien%3F%23%20%C3%A4%25')"
	next := first + "?$skiptoken=2"
	mock.RegisterResponder("GET", "=~getLicensesForApp",
		faulttest.Respond(200, `{"@odata.nextLink":"`+next+`","value":[{"usedLicenseCount":1}]}`).
			Then(faulttest.Respond(200, `{"value":[{"usedLicenseCount":2}]}`)))
	got, err := faulttest.Collect(c.LicensesForApp(t.Context(), "O'Brien?# ä%"))
	if err != nil || len(got) != 2 || got[1].UsedLicenseCount != 2 {
		t.Errorf("got %v, %v", got, err)
	}
	if diff := cmp.Diff([]string{"GET " + first, "GET " + next}, mock.Lines()); diff != "" {
		t.Error(diff)
	}
	mock.Forget()
	if _, err := faulttest.Collect(c.LicensesForApp(t.Context(), "a/../b")); err != nil {
		t.Fatal(err)
	}
	if want := faulttest.Root +
		"/getLicensesForApp(bundleId='a%2F..%2Fb')"; mock.Requests()[0].URL != strings.ReplaceAll(want, "'", "%27") &&
		mock.Requests()[0].URL != want {
		t.Errorf("sent %s, want %s", mock.Requests()[0].URL, want)
	}
	c, mock = faulttest.Mock(t, vpptoken.WithBaseURL("https://gw.example/a%20b"))
	mock.RegisterResponder("GET", "=~getLicensesForApp", faulttest.Respond(200, `{"value":[]}`))
	if _, err := faulttest.Collect(c.LicensesForApp(t.Context(), "a/../b")); err != nil {
		t.Fatal(err)
	}
	if got := mock.Requests()[0].URL; !strings.HasSuffix(got, "'a%2F..%2Fb')") && !strings.HasSuffix(got, "%27a%2F..%2Fb%27)") {
		t.Errorf("behind a path with an escape: sent %s", got)
	}
	for _, bad := range []string{"", "a\xff"} {
		c, mock := faulttest.Mock(t)
		_, err := faulttest.Collect(c.LicensesForApp(t.Context(), bad))
		if err == nil || mock.GetTotalCallCount() != 0 {
			t.Errorf("bundle id %q: got %v", bad, err)
		}
	}
	var nilOption vpptoken.CallOption
	if _, err := faulttest.Collect(c.LicensesForApp(t.Context(), "com.example.app", nilOption)); err == nil {
		t.Error("a nil option is taken")
	}
}

func TestLicensesForAppRefusesWhatIsNoPage(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, `{}`, `null`, `[]`, `{"value":null}`, `{"value":{}}`, `{"value":[null]}`,
		`{"value":[{"usedLicenseCount":"7"}]}`,
		`{"value":[{"usedLicenseCount":1,"usedLicenseCount":2}]}`, `{"value":[]}[]`,
	} {
		c, mock := faulttest.Mock(t, vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}))
		mock.RegisterResponder("GET", "=~getLicensesForApp",
			faulttest.Respond(200, body, "Content-Type", "application/json"))
		got, err := faulttest.Collect(c.LicensesForApp(t.Context(), "com.example.app"))
		if e, ok := errors.AsType[*vpptoken.Error](err); !ok || len(got) != 0 || e.Op != "getLicensesForApp" {
			t.Errorf("%s: got %d, %v, want an *Error", body, len(got), err)
		}
	}
}

func TestLicensesForAppRefusesForeignLinks(t *testing.T) {
	t.Parallel()
	// The collection of tokens is not that of this function, nor are the licenses of another app.
	for _, link := range []string{
		faulttest.Root, faulttest.Root + "/getLicensesForApp(bundleId='com.other.app')",
		"https://evil.example/",
	} {
		ts := new(faulttest.CountedSource)
		c, mock := faulttest.MockFor(t, ts)
		mock.RegisterResponder("GET", "=~getLicensesForApp",
			faulttest.Respond(200, `{"@odata.nextLink":"`+link+`","value":[]}`))
		_, err := faulttest.Collect(c.LicensesForApp(t.Context(), "com.example.app"))
		if !errors.Is(err, vpptoken.ErrUntrustedURL) || ts.Asked.Load() != 1 {
			t.Errorf("%s: got %v after %d bearers", link, err, ts.Asked.Load())
		}
	}
}
