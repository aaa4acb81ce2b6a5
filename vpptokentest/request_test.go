package vpptokentest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

func TestRequests(t *testing.T) {
	t.Parallel()
	s := newService(t)
	if got := s.Requests(); len(got) != 0 {
		t.Errorf("a new server has seen %v", got)
	}
	s.send("GET", "/beta"+collection+"?$top=2&$select=id", "", "X-Mine: 7")
	s.send("PATCH", "/v1.0"+collection+"/a%20b", `{"appleId":"x"}`)
	s.send("GET", "/nothing", "", "Authorization:")
	s.send("GET", "/nothing", "", "Authorization: Basic canary")
	got := s.Requests()
	if len(got) != 4 {
		t.Fatalf("%d requests, want 4", len(got))
	}
	if r := got[0]; r.Method != http.MethodGet || r.Path != "/beta"+collection || r.Query.Get("$top") != "2" ||
		r.Query.Get("$select") != "id" ||
		r.Header.Get("X-Mine") != "7" || r.Header.Get("Authorization") != "Bearer REDACTED" || r.Body != "" {
		t.Errorf("first request: %v %v", r, r.Header)
	}
	if r := got[1]; r.Method != http.MethodPatch || r.Path != "/v1.0"+collection+"/a%20b" || r.Query != nil ||
		r.Body != `{"appleId":"x"}` {
		t.Errorf("second request: %v", r)
	}
	if got[2].Header.Get("Authorization") != "" || got[3].Header.Get("Authorization") != "REDACTED" {
		t.Errorf("Authorization: %q, %q", got[2].Header.Get("Authorization"), got[3].Header.Get("Authorization"))
	}
	got[0].Header.Set("X-Mine", "8")
	got[0].Query.Set("$top", "3")
	if r := s.Requests()[0]; r.Header.Get("X-Mine") != "7" || r.Query.Get("$top") != "2" {
		t.Error("a change of what Requests returned shows in what it returns next")
	}
}

func TestLargeBody(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.Add(vpptoken.VPPToken{})
	body := func(size int) string {
		return `{"displayName":"` + strings.Repeat("x", size-len(`{"displayName":""}`)) + `"}`
	}
	if r := s.send("PATCH", "/beta"+collection+"/"+id, body(1<<20)); r.status != 200 {
		t.Errorf("1 MiB: %d", r.status)
	}
	if r := s.send("PATCH", "/beta"+collection+"/"+id, body(1<<20+1)); r.status != 413 {
		t.Errorf("a byte more: %d", r.status)
	}
	if n := len(s.Requests()[1].Body); n != 1<<20 {
		t.Errorf("%d bytes of a body were kept", n)
	}
}

// Neither a request nor a server prints, logs or encodes a secret.
func TestNothingIsPrinted(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.Add(vpptoken.VPPToken{Token: vpptoken.NewSecret("canary")})
	s.send("PATCH", "/beta"+collection+"/"+id, `{"token":"canary"}`)
	s.send("PATCH", "/beta"+collection+"/"+id, `{"token":["canary"]}`)
	s.send("PATCH", "/beta"+collection+"/"+id, `{"state":"canary"}`)
	s.send("GET", "/beta"+collection+"?$top=2", "")
	token, err := s.TokenSource().Token()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		_, _ = fmt.Fprintf(&out, verb+verb+verb+"\n", s.Requests(), s.Requests()[0], s.Server)
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("x", "request", s.Requests()[0], "requests", s.Requests(), "server", s.Server)
	}
	if err := json.NewEncoder(&out).Encode(s.Requests()); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"canary", token.AccessToken} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q was printed: %s", secret, out.String())
		}
	}
	if got, want := fmt.Sprint(s.Requests()[0]), "PATCH /beta"+collection+"/"+id+" (18 bytes)"; got != want {
		t.Errorf("a request prints as %q, want %q", got, want)
	}
	if got, want := fmt.Sprint(s.Requests()[3]), "GET /beta"+collection+"?%24top=2 (0 bytes)"; got != want {
		t.Errorf("a request prints as %q, want %q", got, want)
	}
	if got, want := fmt.Sprint(s.Server), "vpptokentest.Server("+s.URL()+")"; got != want {
		t.Errorf("a server prints as %q, want %q", got, want)
	}
	for _, r := range []reply{
		s.send("PATCH", "/beta"+collection+"/"+id, `{"token":["canary"]}`),
		s.send("PATCH", "/beta"+collection+"/"+id, `{"token":"canary","x":1}`),
		s.send("GET", "/beta"+collection, "", "Authorization: Bearer canary"),
	} {
		if strings.Contains(r.body, "canary") {
			t.Errorf("an error quotes a value: %s", r.body)
		}
	}
}

func TestServersAreApart(t *testing.T) {
	t.Parallel()
	a, b := newService(t), newService(t)
	token, err := a.TokenSource().Token()
	if err != nil {
		t.Fatal(err)
	}
	if r := b.send("GET", "/beta"+collection, "", "Authorization: Bearer "+token.AccessToken); r.status != 401 {
		t.Errorf("another server's bearer: %d, want 401", r.status)
	}
	if !token.Valid() || !token.Expiry.IsZero() {
		t.Errorf("the token is to be valid without end, its expiry is %v", token.Expiry)
	}
}

func TestAddIsACopy(t *testing.T) {
	t.Parallel()
	s := newService(t)
	tags, extra := []string{"0"}, map[string]json.RawMessage{"x": json.RawMessage(`"a"`)}
	id := s.Add(vpptoken.VPPToken{RoleScopeTagIDs: tags, Extra: extra})
	var kept *vpptoken.VPPToken
	s.Edit(id, func(token *vpptoken.VPPToken) { kept, token.ID = token, "other" })
	before := s.send("GET", "/beta"+collection+"/"+id, "").body
	tags[0], extra["x"], extra["y"] = "9", json.RawMessage("1"), json.RawMessage("2")
	kept.RoleScopeTagIDs[0], kept.Extra["x"], kept.DisplayName = "8", json.RawMessage("3"), "x"
	if after := s.send("GET", "/beta"+collection+"/"+id, "").body; after != before {
		t.Errorf("the caller's copy is the server's:\n%s\n%s", before, after)
	}
	if got := s.Add(vpptoken.VPPToken{ID: id, DisplayName: "again"}); got != id {
		t.Errorf("Add = %s, want %s", got, id)
	}
	if list := s.page("/beta" + collection).Value; len(list) != 1 || list[0]["displayName"] != "again" {
		t.Errorf("after replacing: %v", list)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	s := newService(t, nil)
	id := s.Add(vpptoken.VPPToken{})
	s.Fail(make([]vpptokentest.Fault, 20)...)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				_, _ = s.try(http.MethodPost, "/beta"+collection+"/"+id+"/syncLicenses", "")
				_, _ = s.try(http.MethodPatch, "/beta"+collection+"/"+id, `{"displayName":"x"}`)
				_, _ = s.try(http.MethodGet, "/beta"+collection, "")
				s.Edit(id, func(token *vpptoken.VPPToken) { token.AppleID += "x" })
				s.NextSync(id, vpptokentest.SyncFails)
				s.Add(vpptoken.VPPToken{})
				_ = s.Requests()
			}
		})
	}
	wg.Wait()
	if n := len(s.Requests()); n != 120 {
		t.Errorf("%d requests, want 120", n)
	}
	equal(t, s.get(id), map[string]any{"appleId": strings.Repeat("x", 40)})
}
