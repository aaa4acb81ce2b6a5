package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/examples/internal/clitest"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// contentText is the file of Nordwind AS:
// {"expDate":"2028-03-01T12:00:00+0000","token":"bm8=","orgName":"Nordwind AS"}.
const contentText = "eyJleHBEYXRlIjoiMjAyOC0wMy0wMVQxMjowMDowMCswMDAwIiwidG9rZW4iOiJibTg9Iiwib3JnTmFtZSI6Ik5vcmR3aW5kIEFTIn0="

func TestRealService(t *testing.T) {
	t.Parallel()
	s := clitest.NewService(t, embeddedToken())
	file := clitest.File(t, "sToken_for_Oslo.vpptoken", contentText+"\n")
	r := s.Run(t, run, "-id", id, "-display-name", "Field iPads", "-country", "no", "-token-file", file)
	clitest.Want(t, r, cli.ExitOK, "")
	clitest.NoSecrets(t, r, contentText)
	if got, want := sent(t, r), `{"token":"REDACTED","countryOrRegion":"no","displayName":"Field iPads"}`; got != want {
		t.Errorf("shown %s, want %s", got, want)
	}
	var methods []string
	for _, q := range s.Requests() {
		methods = append(methods, q.Method)
		if q.Method == http.MethodPatch &&
			q.Body != `{"token":"`+contentText+`","countryOrRegion":"no","displayName":"Field iPads"}` {
			t.Errorf("another body arrived: %d bytes", len(q.Body))
		}
	}
	if diff := cmp.Diff([]string{"GET", "PATCH", "GET"}, methods); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if got := row(r, "displayName"); got != "displayName Field Field iPads" {
		t.Errorf("row %q", got)
	}
	if row(r, "lastModifiedDateTime") == "" || row(r, "countryOrRegion") != "" || row(r, "id") != "" {
		t.Errorf("shown is not what differs, and that only:\n%s", r.Stdout)
	}
	if !strings.Contains(r.Stdout, "PATCH https://graph.microsoft.com/beta/deviceAppManagement/vppTokens/"+id+"\n") {
		t.Errorf("no request line:\n%s", r.Stdout)
	}
}

func TestRealServiceFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		faults []vpptokentest.Fault
		stderr string
		sent   bool
	}{
		{"before", []vpptokentest.Fault{{Status: 403}}, "error: vpptoken: get: 403 Forbidden", false},
		{"update", []vpptokentest.Fault{{}, {Status: 409}}, "error: vpptoken: update: 409 Conflict", true},
		{
			"after",
			[]vpptokentest.Fault{{}, {}, {Status: 403}},
			"error: the update was carried out, but reading the token afterward failed: vpptoken: get: 403", true,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := clitest.NewService(t, embeddedToken())
			s.Fail(tt.faults...)
			r := s.Run(t, run, "-id", id, "-country", "se")
			clitest.Want(t, r, cli.ExitFailed, tt.stderr)
			clitest.NoSecrets(t, r, contentText)
			if s.UnusedFaults() != 0 {
				t.Error("not every fault was met")
			}
			if strings.Contains(r.Stdout, `{"countryOrRegion":"se"}`) != tt.sent {
				t.Errorf("stdout:\n%s", r.Stdout)
			}
		})
	}
}
