package leaktest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/contenttoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
	"github.com/vpptoken/vpptoken/internal/graph"
	"github.com/vpptoken/vpptoken/internal/leaktest"
	"github.com/vpptoken/vpptoken/renew"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// A service that has stored a content token may quote it in the answer to any later call of the
// client: to the read after an update without a body, to a sync, to the next operation.
func TestLeakEchoedLater(t *testing.T) {
	t.Parallel()
	for name, text := range leaktest.Disguises(faulttest.AppleToken) {
		for _, status := range []int{200, 204} {
			sent := false
			service := &faulttest.Service{
				Answer: faulttest.AnswerFunc(func(_ int, r *http.Request) (*http.Response, error) {
					if r.Method == http.MethodPatch && !sent {
						sent = true
						return faulttest.Answer(status, ""), nil
					}
					return faulttest.Answer(400, `{"error":{"code":"x","message":`+leaktest.JSONText("stored: "+text)+`}}`), nil
				}),
			}
			client := faulttest.Client(t, service)
			patch := vpptoken.NewPatch().SetToken(vpptoken.NewSecret(faulttest.AppleToken))
			_, err := client.Update(t.Context(), faulttest.ID, patch)
			errs := []error{err}
			for _, op := range faulttest.Operations() {
				errs = append(errs, op.Run(t.Context(), client))
			}
			for i, err := range errs {
				if shown := leaktest.Leaks(fmt.Sprint(err)); err == nil || shown != "" {
					t.Errorf("%s, %d, call %d: a secret (%.12s...) shows in %.400v", name, status, i, shown, err)
				}
			}
			leaktest.ShowsNoSecret(t, *client)
		}
	}
}

// However many other uploads come between an update and the read after it, the read knows the
// update's own token.
func TestLeakEchoedAfterManyUploads(t *testing.T) {
	t.Parallel()
	var client *vpptoken.Client
	upload := func(text string) error {
		_, err := client.Update(t.Context(), faulttest.ID, vpptoken.NewPatch().SetToken(vpptoken.NewSecret(text)))
		return err
	}
	client = faulttest.Client(t, &faulttest.Service{
		Answer: faulttest.AnswerFunc(func(n int, _ *http.Request) (*http.Response, error) {
			switch {
			case n == 0:
				return faulttest.Answer(204, ""), nil
			case n > 1:
				return faulttest.Answer(200, faulttest.BareToken), nil
			}
			for i := range 20 {
				if err := upload(fmt.Sprintf("another-content-token-%d", i)); err != nil {
					t.Error(err)
				}
			}
			return faulttest.Answer(400, `{"error":{"message":`+leaktest.JSONText(faulttest.AppleToken)+`}}`), nil
		}),
	})
	err := upload(faulttest.AppleToken)
	if shown := leaktest.Leaks(fmt.Sprint(err)); err == nil || shown != "" {
		t.Errorf("a secret (%.12s...) shows in %v", shown, err)
	}
}

// The steps of a renewal are several calls.
func TestLeakEchoedInARenewal(t *testing.T) {
	t.Parallel()
	expires := time.Now().AddDate(1, 0, 0)
	text := vpptokentest.ContentToken("Nordwind", expires)
	ct, err := contenttoken.Parse([]byte(text.Reveal()))
	if err != nil {
		t.Fatal(err)
	}
	echo := `{"error":{"code":"x","message":` + leaktest.JSONText("stored: "+text.Reveal()) + `}}`
	for name, fault := range map[string]vpptokentest.Fault{
		"upload": {Method: "PATCH"}, "sync": {Path: "/syncLicenses"}, "poll": {Method: "GET"},
	} {
		srv := vpptokentest.NewServer()
		id := srv.Add(vpptoken.VPPToken{OrganizationName: "Nordwind", State: vpptoken.StateExpired})
		fault.Status, fault.Body, fault.Times = 400, echo, 100
		o := renew.Options{PollEvery: 50 * time.Millisecond, OnStep: func(s renew.Step) {
			if s == renew.StepVerify || name != "poll" && s == renew.StepApply {
				srv.Fail(fault)
			}
		}}
		report, err := renew.Run(t.Context(), srv.Client(), id, ct, o)
		srv.Close()
		shown := fmt.Sprintf("%+v %v", report, err)
		for i := 0; i+12 <= len(text.Reveal()); i++ {
			if strings.Contains(shown, text.Reveal()[i:i+12]) {
				t.Errorf("%s: a piece of the content token shows in %s", name, shown)
				break
			}
		}
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A run in a new process has sent nothing yet, but it has the file.
func TestLeakEchoedToAnotherProcess(t *testing.T) {
	t.Parallel()
	expires := time.Now().AddDate(1, 0, 0)
	secret := vpptokentest.ContentToken("Nordwind", expires)
	text := secret.Reveal()
	ct, err := contenttoken.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	srv := vpptokentest.NewServer()
	t.Cleanup(srv.Close)
	id := srv.Add(vpptoken.VPPToken{OrganizationName: "Nordwind"})
	made, err := renew.MakePlan(t.Context(), srv.Client(), id, ct, renew.Options{})
	if err != nil {
		t.Fatal(err)
	}
	stored, err := json.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	plan := new(renew.Plan)
	if err := json.Unmarshal(stored, plan); err != nil {
		t.Fatal(err)
	}
	for name, step := range map[string]func(*vpptoken.Client) error{
		"MakePlan": func(c *vpptoken.Client) error {
			_, err := renew.MakePlan(t.Context(), c, id, ct, renew.Options{})
			return err
		},
		"Apply": func(c *vpptoken.Client) error { return plan.Apply(t.Context(), c, ct) },
		"Run": func(c *vpptoken.Client) error {
			_, err := renew.Run(t.Context(), c, id, ct, renew.Options{})
			return err
		},
	} {
		srv.Fail(vpptokentest.Fault{
			Method: "GET", Status: 400, Header: http.Header{"Request-Id": {text[20:60]}},
			Body: `{"error":{"code":"x","message":` + leaktest.JSONText("stored: "+text) + `}}`,
		})
		err := step(srv.Client())
		after, _ := json.Marshal(plan) // never fails
		shown := fmt.Sprint(err) + string(after)
		for i := 0; i+12 <= len(text); i++ {
			if strings.Contains(shown, text[i:i+12]) {
				t.Errorf("%s: %s", name, shown)
				break
			}
		}
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A run that finds the file uploaded sends it no more, and hides it all the same.
func TestLeakEchoedToARunThatGoesOn(t *testing.T) {
	t.Parallel()
	secret := vpptokentest.ContentToken("Nordwind", time.Now().AddDate(1, 0, 0))
	text := secret.Reveal()
	ct, err := contenttoken.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	srv := vpptokentest.NewServer()
	t.Cleanup(srv.Close)
	id := srv.Add(vpptoken.VPPToken{OrganizationName: "Nordwind", ExpirationDateTime: ct.ExpirationDateTime})
	srv.Fail(vpptokentest.Fault{
		Path: "/syncLicenses", Status: 400, Body: `{"error":{"code":"x","message":` + leaktest.JSONText("stored: "+text) + `}}`,
	})
	_, err = renew.Run(t.Context(), srv.Client(), id, ct, renew.Options{})
	if err == nil || strings.Contains(err.Error(), text[40:52]) {
		t.Error(err)
	}
}

// A made-up secret that is a word hides no word.
func TestLeakShortSecretsHideNothing(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/token") {
			_, _ = io.WriteString(w, `{"access_token":"`+faulttest.Bearer+`","token_type":"Bearer","expires_in":3600}`)
			return
		}
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":{"code":"x","message":"The client is unknown."}}`)
	}))
	t.Cleanup(server.Close)
	cloud, err := vpptoken.NewCloud(server.URL, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	source, err := cloud.AppSource("contoso.example", "client-id", "client")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := faulttest.ClientFor(t, source).Get(t.Context(), "1"); !strings.Contains(err.Error(), "The client is unknown.") {
		t.Error(err)
	}
}

// What was used to sign in, and an access token that is no longer used, are as secret as the current
// one.
func TestLeakWhatTheSourceHolds(t *testing.T) {
	t.Parallel()
	const device, refresh = "device-code-0123456789-canary", "refresh-token-0123456789-canary"
	authority := func(t *testing.T, first string) *httptest.Server {
		t.Helper()
		n := 0
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if strings.HasSuffix(r.URL.Path, "/devicecode") {
				_, _ = io.WriteString(w, `{"device_code":"`+device+`","user_code":"U","expires_in":900,"interval":1,"verification_uri":"https://x"}`)
				return
			}
			if n++; n <= 2 {
				_, _ = io.WriteString(w, `{"access_token":"`+first+`","token_type":"Bearer","expires_in":30,"refresh_token":"`+refresh+`"}`)
			} else {
				_, _ = io.WriteString(w, `{"access_token":"another-0123456789","token_type":"Bearer","expires_in":3600}`)
			}
		}))
		t.Cleanup(s.Close)
		return s
	}
	echo := func(t *testing.T, secrets ...string) *httptest.Server {
		t.Helper()
		n := 0
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if n++; n <= 2 {
				_, _ = io.WriteString(w, `{"id":"1"}`)
				return
			}
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":{"code":"x","message":`+leaktest.JSONText(strings.Join(secrets, " and "))+`}}`)
		}))
		t.Cleanup(s.Close)
		return s
	}
	for _, kind := range []string{"app", "device"} {
		secrets := []string{faulttest.Bearer, faulttest.ClientSecret}
		if kind == "device" {
			secrets = []string{faulttest.Bearer, device, refresh}
		}
		cloud, err := vpptoken.NewCloud(echo(t, secrets...).URL, authority(t, faulttest.Bearer).URL)
		if err != nil {
			t.Fatal(err)
		}
		source, err := cloud.AppSource("contoso.example", "client-id", faulttest.ClientSecret)
		if kind == "device" {
			source, err = cloud.DeviceSource(t.Context(), "contoso.example", "client-id", func(*oauth2.DeviceAuthResponse) {})
		}
		if err != nil {
			t.Fatal(err)
		}
		client, err := vpptoken.NewClient(source, vpptoken.WithRetry(vpptoken.Retry{MaxAttempts: 1}))
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			_, err = client.Get(t.Context(), "1")
		}
		for _, secret := range secrets {
			if err == nil || strings.Contains(err.Error(), secret[:12]) || strings.Contains(err.Error(), secret[len(secret)-12:]) {
				t.Errorf("%s: %v", kind, err)
			}
		}
	}
}

// A hostile authority can put a secret that is made of small letters in the place of OAuth's code.
func TestLeakCodeOfTheAuthority(t *testing.T) {
	t.Parallel()
	const secret = "correct_horse_battery_staple"
	for answer, want := range map[string]string{secret: "", secret[5:20]: "", "invalid_client": "invalid_client"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"`+answer+`"}`)
		}))
		cloud, err := vpptoken.NewCloud(server.URL, server.URL)
		if err != nil {
			t.Fatal(err)
		}
		source, err := cloud.AppSource("contoso.example", "client-id", secret)
		if err != nil {
			t.Fatal(err)
		}
		_, err = source.TokenContext(t.Context(), "")
		server.Close()
		e := faulttest.Error(t, err)
		if e.Code != want || strings.Contains(err.Error(), secret[5:17]) {
			t.Errorf("%s: %v", answer, err)
		}
	}
}

// Printers that follow pointers into unexported fields reach no secret from a client, whose
// transport has buffers.
func TestLeakMemoryOfAClient(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"1"}`)
	}))
	t.Cleanup(server.Close)
	own := &http.Transport{}
	t.Cleanup(own.CloseIdleConnections)
	for _, opts := range [][]vpptoken.Option{nil, {vpptoken.WithHTTPClient(&http.Client{Transport: own})}} {
		client := faulttest.Loopback(t, server.URL, opts...)
		for range 3 {
			patch := vpptoken.NewPatch().SetToken(vpptoken.NewSecret(faulttest.AppleToken))
			if _, err := client.Update(t.Context(), "1", patch); err != nil {
				t.Fatal(err)
			}
		}
		var found strings.Builder
		reach(reflect.ValueOf(client), map[uintptr]bool{}, &found)
		if shown := leaktest.Leaks(found.String()); shown != "" || found.Len() == 0 {
			t.Errorf("%.12s... can be reached among %d bytes", shown, found.Len())
		}
	}
	var control strings.Builder
	reach(reflect.ValueOf(&struct{ buffer any }{[]byte(faulttest.AppleToken)}), map[uintptr]bool{}, &control)
	if leaktest.Leaks(control.String()) == "" {
		t.Error("the test does not find what a buffer holds")
	}
}

// reach writes all text that reflection reaches from v.
func reach(v reflect.Value, seen map[uintptr]bool, out *strings.Builder) {
	switch v.Kind() { //nolint:exhaustive // the others hold no text
	case reflect.Pointer:
		if !v.IsNil() && !seen[v.Pointer()] {
			seen[v.Pointer()] = true
			reach(v.Elem(), seen, out)
		}
	case reflect.Interface:
		if !v.IsNil() {
			reach(v.Elem(), seen, out)
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			reach(field, seen, out)
		}
	case reflect.Map:
		for at := v.MapRange(); at.Next(); {
			reach(at.Key(), seen, out)
			reach(at.Value(), seen, out)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if e := v.Index(i); e.Kind() == reflect.Uint8 {
				out.WriteByte(byte(e.Uint()))
			} else {
				reach(e, seen, out)
			}
		}
	case reflect.String:
		out.WriteString(v.String() + " ")
	}
}

// A context of renew's reaches the handlers of loggers and the hooks of httptrace, and contexts
// print what they hold.
func TestLeakContextWithASecret(t *testing.T) {
	t.Parallel()
	leaktest.ShowsNoSecret(t, graph.WithSecret(t.Context(), faulttest.AppleToken))
}
