package main

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The program runs as it stands, with the cloud and the credentials swapped.
func TestQuickstart(t *testing.T) { //nolint:paralleltest // it swaps standard output and the environment
	srv := vpptokentest.NewServer()
	defer srv.Close()
	off := srv.Add(vpptoken.VPPToken{DisplayName: "off"})
	on := srv.Add(vpptoken.VPPToken{DisplayName: "on", AutomaticallyUpdateApps: true})
	tenant, clientID, secret := srv.Credentials()
	for name, value := range map[string]string{"TENANT_ID": tenant, "CLIENT_ID": clientID, "CLIENT_SECRET": secret} {
		t.Setenv(name, value)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout, cloud = w, srv.Cloud()
	main()
	os.Stdout = stdout
	_ = w.Close()
	printed, err := io.ReadAll(r)
	if err != nil || strings.Count(string(printed), "\n") != 1 || !strings.Contains(string(printed), "off") {
		t.Errorf("it printed %q, %v", printed, err)
	}
	for _, id := range []string{off, on} {
		if token, _ := srv.Token(id); !token.AutomaticallyUpdateApps {
			t.Errorf("%s has no automatic updates", token.DisplayName)
		}
	}
	patches := 0
	for _, request := range srv.Requests() {
		if request.Method == http.MethodPatch {
			patches++
		}
	}
	if patches != 1 {
		t.Errorf("%d PATCHes, want one", patches)
	}
}
