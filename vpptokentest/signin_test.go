package vpptokentest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
)

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// post sends a form, given as name=value, to an address of the sign-in and returns the members of
// the answer.
func (s *service) post(path string, form ...string) (int, map[string]any) {
	s.t.Helper()
	values := url.Values{}
	for _, f := range form {
		name, value, _ := strings.Cut(f, "=")
		values.Add(name, value)
	}
	resp, err := s.hc.PostForm(s.URL()+path, values)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	kind := resp.Header.Get("Content-Type")
	if !strings.HasPrefix(kind, "application/json") || resp.Header.Get("Request-Id") != "" {
		s.t.Errorf("%s: Content-Type %q, request-id %q", path, kind, resp.Header.Get("Request-Id"))
	}
	var m map[string]any
	text, err := io.ReadAll(resp.Body)
	if err != nil || json.Unmarshal(text, &m) != nil {
		s.t.Fatalf("%s: %v %s", path, err, text)
	}
	return resp.StatusCode, m
}

func TestF41SignInAsApplication(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.Add(vpptoken.VPPToken{})
	if s.Cloud().GraphURL() != s.URL() {
		t.Errorf("Graph is at %s, want %s", s.Cloud().GraphURL(), s.URL())
	}
	tenant, id, secret := s.Credentials()
	cfg, err := s.Cloud().ClientCredentials(tenant, id, secret)
	if err != nil {
		t.Fatal(err)
	}
	token, err := cfg.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(token.Expiry); left < 55*time.Minute || left > time.Hour || token.RefreshToken != "" {
		t.Errorf("the bearer lasts %v, refresh token %t", left, token.RefreshToken != "")
	}
	client, err := vpptoken.NewClient(oauth2.StaticTokenSource(token), vpptoken.WithCloud(s.Cloud()))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := client.Count(t.Context()); n != 1 || err != nil {
		t.Errorf("Count = %d, %v", n, err)
	}
	cfg.AuthStyle = oauth2.AuthStyleInHeader
	if _, err := cfg.Token(t.Context()); err != nil {
		t.Errorf("with HTTP Basic: %v", err)
	}
	if again, err := cfg.Token(t.Context()); err != nil || again.AccessToken == token.AccessToken {
		t.Errorf("a second sign-in gives the same bearer, or %v", err)
	}
}

// A device code is pending for a poll, is spent once, and brings a refresh token when one was asked
// for.
func TestF41SignInAsPerson(t *testing.T) {
	t.Parallel()
	s := newService(t)
	tenant, id, _ := s.Credentials()
	root := "/" + tenant + "/oauth2/v2.0/"
	status, code := s.post(root+"devicecode", "client_id="+id,
		"scope="+s.Cloud().GraphURL()+"/DeviceManagementApps.Read.All offline_access")
	if status != 200 || code["user_code"] == "" || code["interval"] != 1.0 || code["expires_in"] != 900.0 ||
		code["verification_uri"] == "" || code["message"] == "" {
		t.Fatalf("%d %v", status, code)
	}
	poll := func() (int, map[string]any) {
		return s.post(root+"token", "grant_type="+deviceGrant, "client_id="+id,
			fmt.Sprint("device_code=", code["device_code"]))
	}
	if status, m := poll(); status != 400 || m["error"] != "authorization_pending" {
		t.Errorf("first poll: %d %v", status, m)
	}
	status, token := poll()
	if status != 200 || token["access_token"] == "" || token["token_type"] != "Bearer" ||
		token["expires_in"] != 3599.0 {
		t.Fatalf("second poll: %d %v", status, token)
	}
	if status, m := poll(); status != 400 || m["error"] != "invalid_grant" {
		t.Errorf("a code that is spent: %d %v", status, m)
	}
	status, again := s.post(root+"token", "grant_type=refresh_token", "client_id="+id,
		fmt.Sprint("refresh_token=", token["refresh_token"]))
	if status != 200 || again["access_token"] == token["access_token"] ||
		again["refresh_token"] == token["refresh_token"] {
		t.Errorf("refresh: %d", status)
	}
	r := s.send("GET", "/beta"+collection, "", fmt.Sprint("Authorization: Bearer ", again["access_token"]))
	if r.status != 200 {
		t.Errorf("Graph with that bearer: %d", r.status)
	}
	_, code = s.post(root+"devicecode", "client_id="+id, "scope=DeviceManagementApps.Read.All")
	poll()
	if status, m := poll(); status != 200 || m["refresh_token"] != nil {
		t.Errorf("a refresh token that nobody asked for: %d", status)
	}
}

// The library that programs use gets through with the device code, too.
func TestF41SignInThroughOAuth2(t *testing.T) {
	t.Parallel()
	s := newService(t)
	tenant, id, _ := s.Credentials()
	cfg, err := s.Cloud().DeviceCode(tenant, id)
	if err != nil {
		t.Fatal(err)
	}
	code, err := cfg.DeviceAuth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	token, err := cfg.DeviceAccessToken(t.Context(), code)
	if err != nil || token.RefreshToken == "" {
		t.Fatalf("no refresh token, or %v", err)
	}
	token.Expiry = time.Now().Add(-time.Hour)
	fresh, err := cfg.TokenSource(t.Context(), token).Token()
	if err != nil || fresh.AccessToken == token.AccessToken {
		t.Errorf("refresh: %v", err)
	}
}

// The module's own sources sign in, the cloud named once, and a bearer that has ended is replaced.
func TestF41SignInThroughSource(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	s := newService(t, withClock(c))
	tenant, id, secret := s.Credentials()
	app, err := s.Cloud().AppSource(tenant, id, secret)
	if err != nil {
		t.Fatal(err)
	}
	shown := false
	person, err := s.Cloud().DeviceSource(t.Context(), tenant, id, func(*oauth2.DeviceAuthResponse) { shown = true })
	if err != nil || !shown {
		t.Fatalf("shown: %v, %v", shown, err)
	}
	for _, source := range []oauth2.TokenSource{app, person} {
		client, err := vpptoken.NewClient(source, vpptoken.WithHTTPClient(s.hc))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := client.SyncLicenseCounts(t.Context()); err != nil {
				t.Error(err)
			}
			c.advance(2 * time.Hour)
		}
	}
}

// A bearer and a device code end by the server's clock.
func TestF41SignInEnds(t *testing.T) {
	t.Parallel()
	c := newClock(t)
	s := newService(t, withClock(c))
	tenant, id, secret := s.Credentials()
	root := "/" + tenant + "/oauth2/v2.0/"
	_, token := s.post(root+"token", "grant_type=client_credentials", "client_id="+id, "client_secret="+secret,
		"scope="+s.Cloud().Scope())
	_, code := s.post(root+"devicecode", "client_id="+id, "scope="+s.Cloud().Scope())
	get := func() reply {
		return s.send("GET", "/beta"+collection, "", fmt.Sprint("Authorization: Bearer ", token["access_token"]))
	}
	c.advance(3598 * time.Second)
	if r := get(); r.status != 200 {
		t.Errorf("a second before its end: %d", r.status)
	}
	c.advance(time.Second)
	if r := get(); r.status != 401 || !strings.Contains(r.body, "InvalidAuthenticationToken") ||
		!strings.Contains(r.body, "expired") {
		t.Errorf("at its end: %d %s", r.status, r.body)
	}
	status, m := s.post(root+"token", "grant_type="+deviceGrant, "client_id="+id,
		fmt.Sprint("device_code=", code["device_code"]))
	description := fmt.Sprint(m["error_description"])
	if status != 400 || m["error"] != "expired_token" || !strings.HasPrefix(description, "AADSTS70020: ") {
		t.Errorf("a device code after 15 minutes: %d %v", status, m)
	}
}

// What was recorded of a sign-in holds neither secrets nor codes, in no field.
func TestF41SignInIsRecordedWithoutSecrets(t *testing.T) {
	t.Parallel()
	s := newService(t)
	tenant, id, secret := s.Credentials()
	path, scope := "/"+tenant+"/oauth2/v2.0/token", "scope="+s.Cloud().Scope()
	_, token := s.post(path, "grant_type=client_credentials", "client_id="+id, "client_secret="+secret, scope)
	_, code := s.post("/"+tenant+"/oauth2/v2.0/devicecode", "client_id="+id, scope+" offline_access")
	var person map[string]any
	for range 2 {
		_, person = s.post(path, "grant_type="+deviceGrant, "client_id="+id,
			fmt.Sprint("device_code=", code["device_code"]))
	}
	s.post(path, "grant_type=refresh_token", "client_id="+id, fmt.Sprint("refresh_token=", person["refresh_token"]))
	s.send("GET", "/beta"+collection, "", fmt.Sprint("Authorization: Bearer ", token["access_token"]))
	s.send("POST", path+"?client_secret="+secret, `{"client_secret":"`+secret+`"}`)
	s.send("POST", path+"?"+secret, "%zz"+secret)
	s.send("POST", "/"+tenant+"/oauth2/token?x="+secret, "client_secrets="+secret)

	all := s.Requests()
	if want := "client_id=" + id + "&client_secret=REDACTED&grant_type=client_credentials&scope=" +
		url.QueryEscape(s.Cloud().Scope()); all[0].Body != want {
		t.Errorf("recorded %q, want %q", all[0].Body, want)
	}
	for _, r := range all {
		text := fmt.Sprint(r.Method, r.Path, r.Query, r.Header, r.Body)
		for _, secret := range []any{
			secret, token["access_token"], code["device_code"], person["access_token"], person["refresh_token"],
		} {
			if strings.Contains(text, fmt.Sprint(secret)) {
				t.Errorf("recorded with a secret: %s", text)
			}
		}
	}
}

// The server can be served elsewhere: links and scopes are of the address that was asked.
func TestF41Handler(t *testing.T) {
	t.Parallel()
	s := newService(t)
	addMany(s, 3)
	tenant, id, secret := s.Credentials()
	for _, secure := range []bool{false, true} {
		seen := 0
		start := httptest.NewServer
		if secure {
			start = httptest.NewTLSServer
		}
		front := start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen++
			s.ServeHTTP(w, r)
		}))
		ctx := context.WithValue(t.Context(), oauth2.HTTPClient, front.Client())
		cloud, err := vpptoken.NewCloud(front.URL, front.URL)
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := cloud.ClientCredentials(tenant, id, secret)
		if err != nil {
			t.Fatal(err)
		}
		client, err := vpptoken.NewClient(cfg.TokenSource(ctx), vpptoken.WithCloud(cloud),
			vpptoken.WithHTTPClient(front.Client()))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, err := range client.List(ctx, vpptoken.WithTop(2)) {
			if err != nil {
				t.Fatalf("%s: %v", front.URL, err)
			}
			n++
		}
		if n != 3 || seen != 3 {
			t.Errorf("%s: %d tokens in %d requests", front.URL, n, seen)
		}
		front.Close()
	}
}
