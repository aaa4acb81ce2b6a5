package vpptoken_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

// seed adds the JSON fixtures to a corpus.
func seed(f *testing.F, pattern string) {
	f.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(names) == 0 {
		f.Fatalf("no fixtures %s: %v", pattern, err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
}

// An id that is accepted is exactly one segment of the path, and is sent as it is.
func FuzzID(f *testing.F) {
	for _, s := range []string{
		faulttest.ID, "", ".", "..", "...", "a/b", "a%2fb", "%2e%2e", "a?b", "a#b", "a b", "a\\b", "é",
		"a\x00", "$count",
		"~._-", strings.Repeat("a", 128), strings.Repeat("a", 129),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, id string) {
		body, _ := json.Marshal(map[string]string{"id": id}) // never fails
		service := &faulttest.Service{Answer: faulttest.Always(200, string(body))}
		_, err := faulttest.Client(t, service).Get(t.Context(), id)
		sent := service.Requests()
		if errors.Is(err, vpptoken.ErrInvalidID) {
			if len(sent) != 0 {
				t.Errorf("%q was refused and sent", id)
			}
			return
		}
		if err != nil || len(sent) != 1 || sent[0].URL != faulttest.Root+"/"+id || strings.ContainsAny(id, "/?#%\\ ") ||
			len(id) > 128 || id == "." || id == ".." || id == "" {
			t.Errorf("%q: error %v, requests %+v", id, err, sent)
		}
	})
}

// An address that is accepted is https or loopback, and every request goes to its host, below its
// path.
func FuzzBaseURL(f *testing.F) {
	for _, s := range []string{
		"https://graph.microsoft.com", "https://graph.microsoft.com/", "https://proxy.example:8443/graph/",
		"http://127.0.0.1:8080", "http://[::1]:1", "http://localhost", "http://localhost.evil.example",
		"http://127.0.0.1.evil.example", "https://u:p@h", "https://h?q", "https://h#f", "https://h/a/../b",
		"https://h//",
		"https:h", "//h", "https://", "https://h\x83", "HTTPS://H:443", "https://h/%2e%2e", "https://h/a%2fb",
		`https://h\@evil`, "https://h:port", "https://h:00001",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, root string) {
		service := &faulttest.Service{Answer: faulttest.Always(200, `{"id":"1"}`)}
		client, err := vpptoken.NewClient(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: faulttest.Bearer}),
			vpptoken.WithHTTPClient(&http.Client{Transport: service}), vpptoken.WithBaseURL(root))
		if err != nil {
			if client != nil || !strings.HasPrefix(err.Error(), "vpptoken: ") {
				t.Errorf("%q: client %v, error %v", root, client, err)
			}
			return
		}
		if _, err := client.Get(t.Context(), "1"); err != nil {
			t.Fatalf("%q: %v", root, err)
		}
		want, err := url.Parse(root)
		if err != nil {
			t.Fatalf("%q was accepted: %v", root, err)
		}
		got, err := url.Parse(service.Requests()[0].URL)
		if err != nil {
			t.Fatal(err)
		}
		host := want.Hostname()
		local := host == "127.0.0.1" || host == "::1" || strings.EqualFold(host, "localhost") ||
			strings.HasPrefix(host, "127.") || strings.Contains(host, ":")
		usual := map[string]string{"https": "443", "http": "80"}[want.Scheme] // a port that need not be named
		port := strings.TrimLeft(want.Port(), "0")
		same := got.Scheme == want.Scheme && got.Hostname() == strings.ToLower(want.Hostname()) &&
			cmp.Or(got.Port(), usual) == cmp.Or(port, usual)
		if !same || got.User != nil || got.RawQuery != "" || got.Fragment != "" || got.Scheme != "https" && !local ||
			got.Path != strings.TrimSuffix(want.Path, "/")+"/beta/deviceAppManagement/vppTokens/1" {
			t.Errorf("%q: the request went to %s", root, got)
		}
	})
}

// Whatever an answer is, Get gives a token with an id or an error. What was decoded survives
// encoding and decoding, and never shows a secret.
func FuzzDecodeToken(f *testing.F) {
	seed(f, "seed-update-response.json")
	for _, s := range []string{
		`{"id":"1"}`, `{"value":{"id":"1"}}`, "\uFEFF" + `{"id":"1","x":[1]}`, `{"id":"1","ID":"2","Value":{"id":"3"}}`,
		"null", "{}", `{"id":"1"}{}`, `{"id":"1","id":"2"}`, `{"id":"\ud800"}`,
		`{"id":"1","lastSyncDateTime":"0001-01-01T00:00:00-08:00"}`, `{"id":"1","token":"REDACTED"}`,
		`{"id":"1","tokenActionResults":[{"totalLicensesCount":-0}]}`,
		`{"id":"1","expirationDateTime":null,"roleScopeTagIds":null}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		token, err := faulttest.Client(t,
			&faulttest.Service{Answer: faulttest.Always(200, string(body))}).Get(t.Context(),
			faulttest.ID)
		if (token == nil) == (err == nil) || token != nil && token.ID == "" {
			t.Fatalf("token %+v, error %v", token, err)
		}
		if err != nil {
			if len(err.Error()) > 8<<10 || strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("error %q", err)
			}
			return
		}
		stable(t, token)
	})
}

// stable encodes and decodes v twice: the second round changes nothing.
func stable(t *testing.T, token *vpptoken.VPPToken) {
	t.Helper()
	token.Token = vpptoken.Secret{} // is redacted, and so not kept, by design
	first, err := json.Marshal(token)
	if err != nil {
		t.Fatalf("what was read can't be written: %v", err)
	}
	var back vpptoken.VPPToken
	if err := json.Unmarshal(first, &back); err != nil {
		t.Fatalf("what was written can't be read: %v in %s", err, first)
	}
	second, err := json.Marshal(&back)
	if err != nil || string(first) != string(second) {
		t.Errorf("not stable:\n%s\n%s\n%v", first, second, err)
	}
	if !reflect.DeepEqual(extraOf(token), extraOf(&back)) {
		t.Errorf("Extra changed: %s, %s", token.Extra, back.Extra)
	}
}

// extraOf returns the names in Extra; encoding compacts the values.
func extraOf(token *vpptoken.VPPToken) map[string]bool {
	names := make(map[string]bool)
	for name := range token.Extra {
		names[name] = true
	}
	return names
}

// A list ends, gives only whole tokens and at most one error, last.
func FuzzDecodeList(f *testing.F) {
	seed(f, "list-page-beta.json")
	for _, s := range []string{
		`{"value":[]}`, `{"value":[{"id":"1"}]}`, `{"value":[null]}`, `{"value":null}`, `{"value":{}}`, "[]",
		`{"value":[],"value":[]}`, `{"Value":[{"id":"1"}],"value":[]}`,
		`{"value":[],"@odata.nextLink":"` + faulttest.Root + `?$skip=1"}`, `{"value":[],"@odata.nextLink":"//evil"}`,
		`{"value":[],"@odata.nextLink":""}`, `{"value":[{"id":"1"},{}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		service := &faulttest.Service{Answer: faulttest.Always(200, string(body))}
		ended := false
		for token, err := range faulttest.Client(t, service).List(t.Context()) {
			if ended || (token == nil) == (err == nil) || token != nil && token.ID == "" {
				t.Fatalf("token %+v, error %v, after an error %v", token, err, ended)
			}
			if ended = err != nil; !ended {
				stable(t, token)
			}
		}
		for _, s := range service.Requests() {
			if s.URL != faulttest.Root && !strings.HasPrefix(s.URL, faulttest.Root+"?") &&
				!strings.Contains(s.URL, "%") {
				t.Errorf("a request to %s", s.URL)
			}
		}
	})
}

// An error's status and request-id survive any body, on one line and of bounded length.
func FuzzDecodeError(f *testing.F) {
	seed(f, "error-*.json")
	for _, s := range []string{
		"", "null", "[]", "<html>", `{"error":"x"}`,
		`{"error":{"message":"{\"Message\":\"` + faulttest.Bearer + `\"}"}}`, "\xff", strings.Repeat("[", 1000),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		err := faulttest.Named(t, "update").Run(t.Context(),
			faulttest.Client(t, &faulttest.Service{Answer: faulttest.Always(400, string(body), "Request-Id", "req-1")}))
		if e := faulttest.Error(t, err); e.StatusCode != http.StatusBadRequest || e.RequestID != "req-1" ||
			e.Attempts != 1 || len(e.Message) > 4<<10 || len(e.Code) > 4<<10 {
			t.Errorf("error %+v", *e)
		}
		if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r == 0x7f }) ||
			strings.Contains(err.Error(), faulttest.Bearer) || strings.Contains(err.Error(), faulttest.AppleToken) {
			t.Errorf("error %q", err)
		}
	})
}

// A time that is read is written as the same instant, with the same offset.
func FuzzTime(f *testing.F) {
	for _, s := range []string{
		"2016-12-31T23:57:57.2481234-08:00", "2026-11-20T14:50:53Z", "2026-11-20T14:50:53.123456789012Z",
		"0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "2026-02-30T00:00:00Z",
		"2026-11-20T14:50:53", "2026-11-20", "2026-11-20T14:50:53+24:00", "2026-11-20T24:00:00Z", "", "now",
		"0000-12-31T23:59:59-23:59",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Skip()
		}
		var token vpptoken.VPPToken
		if err := json.Unmarshal([]byte(`{"id":"1","expirationDateTime":`+string(quoted)+`}`), &token); err != nil {
			if err.Error() != "vpptoken: property expirationDateTime has a value of the wrong kind" {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		encoded, err := json.Marshal(token)
		if err != nil {
			t.Fatalf("%q was read and can't be written: %v", text, err)
		}
		var back vpptoken.VPPToken
		err = json.Unmarshal(encoded, &back)
		if err != nil || !back.ExpirationDateTime.Equal(token.ExpirationDateTime) {
			t.Errorf("%q came back as %v, was %v: %v", text, back.ExpirationDateTime, token.ExpirationDateTime, err)
		}
		_, before := token.ExpirationDateTime.Zone()
		_, after := back.ExpirationDateTime.Zone()
		if before != after {
			t.Errorf("%q: the offset %v became %v", text, before, after)
		}
		if want, err := time.Parse(time.RFC3339Nano, text); err == nil && want.Year() > 1 &&
			!want.Equal(token.ExpirationDateTime) {
			t.Errorf("%q was read as %v", text, token.ExpirationDateTime)
		}
	})
}

// A link that is followed leads to the same origin and collection; any other ends the list before a
// token is fetched.
func FuzzNextLink(f *testing.F) {
	for _, s := range []string{
		faulttest.Root + "?$skip=1", faulttest.Root, "https://evil.example/", "//evil.example",
		"https://graph.microsoft.com@evil.example/", faulttest.Root + "/..", faulttest.Root + "#x",
		"https://graph.micro\u017foft.com/beta/deviceAppManagement/vppTokens",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, link string) {
		quoted, err := json.Marshal(link)
		if err != nil || link == "" {
			t.Skip()
		}
		source := &faulttest.CountedSource{Answer: func(int) (*oauth2.Token, error) { // which nobody keeps
			return &oauth2.Token{AccessToken: faulttest.Bearer, Expiry: time.Now()}, nil
		}}
		service := &faulttest.Service{Answer: faulttest.Once(faulttest.Always(200,
			`{"value":[],"@odata.nextLink":`+string(quoted)+`}`), faulttest.Always(200, `{"value":[]}`))}
		client := faulttest.ClientFor(t, source, vpptoken.WithHTTPClient(&http.Client{Transport: service}))
		err = faulttest.Last(client.List(t.Context()))
		sent := service.Requests()
		if int(source.Asked.Load()) != len(sent) {
			t.Errorf("%q: the source was asked %d times for %d requests", link, source.Asked.Load(), len(sent))
		}
		if len(sent) == 1 {
			if err != nil { // nil is for a page that leads to itself
				faulttest.WantError(t, err)
			}
			return
		}
		u, parseErr := url.Parse(sent[1].URL)
		if err != nil || parseErr != nil || u.Scheme != "https" || !strings.EqualFold(u.Host, "graph.microsoft.com") ||
			u.User != nil || u.Path != "/beta/deviceAppManagement/vppTokens" || sent[1].Method != http.MethodGet {
			t.Errorf("%q was followed to %s: %v", link, sent[1].URL, err)
		}
	})
}
