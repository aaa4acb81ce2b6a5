package vpptoken_test

import (
	"regexp"
	"testing"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

// Releases set the version; the caller's product stands before it.
func TestUserAgentNamesTheVersion(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t, vpptoken.WithUserAgent("nordwind-monitor/2.1"))
	mock.RegisterResponder("GET", faulttest.Item, faulttest.Respond(200, faulttest.BareToken))
	if _, err := c.Get(t.Context(), faulttest.ID); err != nil {
		t.Fatal(err)
	}
	got := mock.Requests()[0].Header.Get("User-Agent")
	if !regexp.MustCompile(`^nordwind-monitor/2\.1 vpptoken/\d+\.\d+\.\d+\b`).MatchString(got) {
		t.Errorf("User-Agent %q", got)
	}
}
