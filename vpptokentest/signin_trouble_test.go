package vpptokentest_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken/vpptokentest"
)

// What is wrong is answered as Microsoft Entra does.
func TestF41SignInRefusals(t *testing.T) {
	t.Parallel()
	s := newService(t)
	tenant, id, secret := s.Credentials()
	scope := "scope=" + s.Cloud().Scope()
	app, device, refresh := "grant_type=client_credentials", "grant_type="+deviceGrant, "grant_type=refresh_token"
	client, key := "client_id="+id, "client_secret="+secret
	for _, tt := range []struct {
		name, path string
		form       []string
		status     int
		code       string
		number     float64
	}{
		{
			"tenant", "/other.example/oauth2/v2.0/token",
			[]string{app, client, key, scope},
			400, "invalid_request", 90002,
		},
		{
			"tenant, device code", "/other.example/oauth2/v2.0/devicecode",
			[]string{client, scope},
			400, "invalid_request", 90002,
		},
		{
			"an application has one tenant", "/organizations/oauth2/v2.0/token",
			[]string{app, client, key, scope},
			400, "invalid_request", 90002,
		},
		{"no client", "token", []string{app, key, scope}, 400, "invalid_request", 900144},
		{"client", "token", []string{app, "client_id=canary", key, scope}, 400, "unauthorized_client", 700016},
		{"client, device code", "devicecode", []string{"client_id=canary", scope}, 400, "unauthorized_client", 700016},
		{"no secret", "token", []string{app, client, scope}, 401, "invalid_client", 7000216},
		{"secret", "token", []string{app, client, "client_secret=canary", scope}, 401, "invalid_client", 7000215},
		{"no scope", "token", []string{app, client, key}, 400, "invalid_request", 900144},
		{
			"scope of another cloud", "token",
			[]string{app, client, key, "scope=https://graph.microsoft.com/.default"},
			400, "invalid_scope", 70011,
		},
		{
			"scope of a person", "token",
			[]string{app, client, key, "scope=" + s.URL() + "/DeviceManagementApps.Read.All"},
			400, "invalid_scope", 70011,
		},
		{"no scope, device code", "devicecode", []string{client}, 400, "invalid_request", 900144},
		{
			"scope, device code", "devicecode",
			[]string{client, "scope=https://graph.microsoft.us/.default"},
			400, "invalid_scope", 70011,
		},
		{
			"scope of nothing", "devicecode",
			[]string{client, "scope=offline_access openid"},
			400, "invalid_scope", 70011,
		},
		{"no grant", "token", []string{client, key, scope}, 400, "invalid_request", 900144},
		{"grant", "token", []string{"grant_type=password", client, key, scope}, 400, "unsupported_grant_type", 70003},
		{"twice", "token", []string{app, client, client, key, scope}, 400, "invalid_request", 9002313},
		{"no device code", "token", []string{device, client}, 400, "invalid_request", 900144},
		{"device code", "token", []string{device, client, "device_code=canary"}, 400, "bad_verification_code", 70000},
		{"no refresh token", "token", []string{refresh, client}, 400, "invalid_request", 900144},
		{"refresh token", "token", []string{refresh, client, "refresh_token=canary"}, 400, "invalid_grant", 70000},
		{
			"organizations", "/organizations/oauth2/v2.0/token",
			[]string{device, client, "device_code=canary"},
			400, "bad_verification_code", 70000,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &service{s.Server, t, s.hc}
			path := tt.path
			if !strings.HasPrefix(path, "/") {
				path = "/" + tenant + "/oauth2/v2.0/" + path
			}
			status, m := s.post(path, tt.form...)
			description, _ := m["error_description"].(string)
			numbers, _ := m["error_codes"].([]any)
			if status != tt.status || m["error"] != tt.code || len(numbers) != 1 || numbers[0] != tt.number {
				t.Errorf("%d %v, want %d %s %v", status, m, tt.status, tt.code, tt.number)
			}
			want := fmt.Sprintf(`^AADSTS%.0f: .+ Trace ID: [0-9a-f-]{36} Correlation ID: [0-9a-f-]{36} Timestamp: \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$`, tt.number)
			if !regexp.MustCompile(want).MatchString(description) {
				t.Errorf("description %q", description)
			}
			if strings.Contains(fmt.Sprint(m), "canary") || strings.Contains(fmt.Sprint(m), secret) {
				t.Errorf("the answer quotes what was sent: %v", m)
			}
		})
	}
	for method, path := range map[string]string{
		"GET": "/oauth2/v2.0/token", "POST": "/oauth2/v2.0/authorize", "PUT": "/oauth2/token",
	} {
		want := 404
		if method == "GET" {
			want = 400
		}
		if r := s.send(method, "/"+tenant+path, ""); r.status != want {
			t.Errorf("%s %s: %d, want %d", method, path, r.status, want)
		}
	}
	r := s.send("POST", "/"+tenant+"/oauth2/v2.0/token", `{"client_secret":"canary"}`)
	if r.status != 400 || strings.Contains(r.body, "canary") {
		t.Errorf("JSON: %d %s", r.status, r.body)
	}
}

// A fault meets a sign-in only when its path says so.
func TestF41SignInFaults(t *testing.T) {
	t.Parallel()
	s := newService(t)
	tenant, id, secret := s.Credentials()
	cfg, err := s.Cloud().ClientCredentials(tenant, id, secret)
	if err != nil {
		t.Fatal(err)
	}
	s.Fail(
		vpptokentest.Fault{Status: 503, Method: "GET"},
		vpptokentest.Fault{Status: 500},
		vpptokentest.Fault{Path: "/devicecode"},
		vpptokentest.Fault{Path: "/oauth2/v2.0/token", Status: 429, RetryAfter: "7", Intune: true},
		vpptokentest.Fault{Path: "/token", Status: 503},
		vpptokentest.Fault{Path: "/token", Status: 401},
		vpptokentest.Fault{Path: "/token", Status: 400, Body: `{"error":"authorization_pending"}`, Times: 2},
		vpptokentest.Fault{Path: "/token", Reset: true},
	)
	for i, want := range []string{
		"429 temporarily_unavailable", "503 temporarily_unavailable", "401 invalid_client", "400 authorization_pending",
		"400 authorization_pending",
	} {
		_, err := cfg.Token(t.Context())
		var e *oauth2.RetrieveError
		if !errors.As(err, &e) || fmt.Sprint(e.Response.StatusCode, " ", e.ErrorCode) != want {
			t.Errorf("sign-in %d: %v, want %s", i, err, want)
		} else if i == 0 && e.Response.Header.Get("Retry-After") != "7" {
			t.Error("no Retry-After")
		}
	}
	var e *oauth2.RetrieveError
	if _, err := cfg.Token(t.Context()); err == nil || errors.As(err, &e) {
		t.Errorf("a reset: %v", err)
	}
	if _, err := cfg.Token(t.Context()); err != nil {
		t.Errorf("after the faults: %v", err)
	}
	if n := s.UnusedFaults(); n != 3 {
		t.Errorf("UnusedFaults = %d, want 3", n)
	}
}
