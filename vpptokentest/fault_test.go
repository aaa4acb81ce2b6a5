package vpptokentest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

func TestFaultStatus(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.Add(vpptoken.VPPToken{DisplayName: "Field"})
	s.Fail(
		vpptokentest.Fault{Status: 429, RetryAfter: "2.128"},
		vpptokentest.Fault{},
		vpptokentest.Fault{Status: 503, Body: "<html>", Header: http.Header{"content-type": {"text/html"}}},
		vpptokentest.Fault{Status: 307, Header: http.Header{"Location": {"https://elsewhere.example/"}}},
		vpptokentest.Fault{Status: 401},
	)
	patch := func() reply { return s.send("PATCH", "/beta"+collection+"/"+id, `{"displayName":"x"}`) }
	shown := func(want string) {
		t.Helper()
		n := s.UnusedFaults()
		s.Edit(id, func(token *vpptoken.VPPToken) {
			if token.DisplayName != want {
				t.Errorf("with %d faults to come the display name is %q, want %q", n, token.DisplayName, want)
			}
		})
	}

	r := patch()
	if r.status != 429 || r.header.Get("Retry-After") != "2.128" ||
		!strings.Contains(r.body, `"code":"TooManyRequests"`) {
		t.Errorf("%d %v %s", r.status, r.header, r.body)
	}
	checkError(t, r)
	shown("Field")
	if r := patch(); r.status != 200 {
		t.Errorf("the zero fault answers %d", r.status)
	}
	shown("x")
	if r := patch(); r.status != 503 || r.body != "<html>" || r.header.Get("Content-Type") != "text/html" ||
		r.header.Get("Retry-After") != "" {
		t.Errorf("%d %v %s", r.status, r.header, r.body)
	}
	if r := patch(); r.status != 307 || r.body != "" || r.header.Get("Location") != "https://elsewhere.example/" {
		t.Errorf("%d %v %s", r.status, r.header, r.body)
	}
	if n := s.UnusedFaults(); n != 1 {
		t.Errorf("UnusedFaults = %d, want 1", n)
	}
	if r := patch(); r.status != 401 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if n := s.UnusedFaults(); n != 0 {
		t.Errorf("UnusedFaults = %d, want 0", n)
	}
	if r := patch(); r.status != 200 {
		t.Errorf("after the last fault: %d", r.status)
	}
}

// The errors that Intune nests have the form of the fixtures.
func TestFaultIntune(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.Fail(vpptokentest.Fault{Status: 400, Intune: true}, vpptokentest.Fault{Status: 401, Intune: true})

	type intune struct {
		Version int `json:"_version"`
		Message string
	}
	var inner intune
	r := s.send("GET", "/beta"+collection, "")
	nested := parse[struct {
		Error struct{ Code, Message string }
	}](t, r.body)
	inner = parse[intune](t, nested.Error.Message)
	if r.status != 400 || nested.Error.Code != "BadRequest" || inner.Version != 3 ||
		!strings.Contains(inner.Message, "Activity ID: "+r.header.Get("request-id")+" - Url: https://") {
		t.Errorf("%d %s", r.status, r.body)
	}

	r = s.send("GET", "/beta"+collection, "")
	nested = parse[struct {
		Error struct{ Code, Message string }
	}](t, r.body)
	wrapped := parse[struct{ ErrorCode, Message string }](t, nested.Error.Message)
	inner = parse[intune](t, wrapped.Message)
	if r.status != 401 || nested.Error.Code != "UnknownError" || wrapped.ErrorCode != "Forbidden" ||
		inner.Version != 3 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r.header.Get("WWW-Authenticate") != "" {
		t.Error("a scripted 401 has a challenge that nobody asked for")
	}
}

func parse[T any](t *testing.T, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

// Each fault breaks the answer in its way; the request is carried out only when the fault lets it
// be.
func TestFaultConnection(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		fault   vpptokentest.Fault
		status  int // 0: no answer comes
		cut     bool
		changed bool
	}{
		{"reset", vpptokentest.Fault{Reset: true}, 0, false, false},
		{"reset after the work", vpptokentest.Fault{Reset: true, AfterEffect: true}, 0, false, true},
		{"error after the work", vpptokentest.Fault{Status: 500, AfterEffect: true}, 500, false, true},
		{"204 after the work", vpptokentest.Fault{Status: 204, AfterEffect: true}, 204, false, true},
		{"truncated", vpptokentest.Fault{Truncate: true}, 200, true, true},
		{"truncated error", vpptokentest.Fault{Status: 500, Truncate: true}, 500, true, false},
		{"truncated nothing", vpptokentest.Fault{Status: 204, Truncate: true}, 0, false, false},
		{"another body", vpptokentest.Fault{Body: "null"}, 200, false, true},
		{"slow", vpptokentest.Fault{Delay: time.Millisecond}, 200, false, true},
		{"slow error", vpptokentest.Fault{Delay: time.Millisecond, Status: 504}, 504, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			id := s.Add(vpptoken.VPPToken{DisplayName: "Field"})
			s.Fail(tt.fault)
			r, err := s.try("PATCH", "/beta"+collection+"/"+id, `{"displayName":"x"}`)
			switch {
			case r.status != tt.status:
				t.Errorf("status = %d, error %v, want status %d", r.status, err, tt.status)
			case (r.status == 0 || tt.cut) != (err != nil):
				t.Errorf("error = %v", err)
			case tt.cut && !errors.Is(err, io.ErrUnexpectedEOF):
				t.Errorf("error = %v, want an unexpected EOF", err)
			case tt.fault.Body != "" && r.body != tt.fault.Body:
				t.Errorf("body = %s, want %s", r.body, tt.fault.Body)
			}
			if got := s.get(id)["displayName"] == "x"; got != tt.changed {
				t.Errorf("carried out: %v, want %v", got, tt.changed)
			}
			if n := len(s.Requests()); n != 2 {
				t.Errorf("%d requests were recorded, want 2", n)
			}
		})
	}
}

// A client that gives up while an answer is late has its request carried out only with AfterEffect.
func TestFaultDelayOutlastsClient(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		s := newService(t)
		id := s.Add(vpptoken.VPPToken{})
		s.Fail(vpptokentest.Fault{Delay: time.Hour, AfterEffect: after})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Client().Delete(ctx, id) }()
		for len(s.Requests()) == 0 {
			time.Sleep(time.Millisecond)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("error = %v, want that the client gave up", err)
		}
		read := func() int { return s.send("GET", "/beta"+collection+"/"+id, "").status }
		for start := time.Now(); after && read() != 404 && time.Since(start) < 10*time.Second; {
			time.Sleep(time.Millisecond)
		}
		if got, want := read(), map[bool]int{false: 200, true: 404}[after]; got != want {
			t.Errorf("AfterEffect %v: then %d, want %d", after, got, want)
		}
	}
}

func TestCloseGivesUpDelays(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.Fail(vpptokentest.Fault{Delay: time.Hour})
	done := make(chan error, 1)
	go func() {
		_, err := s.try("GET", "/beta"+collection, "")
		done <- err
	}()
	for len(s.Requests()) == 0 {
		time.Sleep(time.Millisecond)
	}
	s.Close()
	if err := <-done; err == nil {
		t.Error("a delayed request was answered by a closed server")
	}
	s.Close()
}

func TestMisusePanics(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.Add(vpptoken.VPPToken{ID: "one"})
	for _, tt := range []struct {
		want string
		do   func()
	}{
		{"vpptokentest: Fail: status 99 is not one of 200 to 599", func() { s.Fail(vpptokentest.Fault{Status: 99}) }},
		{"vpptokentest: Fail: status 600 is not one of 200 to 599", func() { s.Fail(vpptokentest.Fault{Status: 600}) }},
		{"vpptokentest: Fail: Times is -1", func() { s.Fail(vpptokentest.Fault{}, vpptokentest.Fault{Times: -1}) }},
		{
			"vpptokentest: Fail: Path is the end of a path, without a query",
			func() { s.Fail(vpptokentest.Fault{Path: "/vppTokens?$top=1"}) },
		},
		{`vpptokentest: Edit: there is no token "two"`, func() { s.Edit("two", func(*vpptoken.VPPToken) {}) }},
		{`vpptokentest: StartSync: there is no token "two"`, func() { s.StartSync("two") }},
		{
			"vpptokentest: WithThrottle: 0 in 1s is no limit",
			func() { vpptokentest.NewServer(vpptokentest.WithThrottle(0, time.Second)) },
		},
		{
			"vpptokentest: WithThrottle: 1 in 0s is no limit",
			func() { vpptokentest.NewServer(vpptokentest.WithThrottle(1, 0)) },
		},
		{
			"vpptokentest: WithSyncRefusal: status 200 is not one of 400 to 599",
			func() { vpptokentest.NewServer(vpptokentest.WithSyncRefusal(200)) },
		},
		{`vpptokentest: NextSync: there is no token "two"`, func() { s.NextSync("two", vpptokentest.SyncFails) }},
		{`vpptokentest: Add: token "two" can't be written as JSON: a time or a value of Extra is none`, func() {
			s.Add(vpptoken.VPPToken{ID: "two", Extra: map[string]json.RawMessage{"x": json.RawMessage("{")}})
		}},
		{`vpptokentest: Edit: token "one" can't be written as JSON: a time or a value of Extra is none`, func() {
			s.Edit("one", func(token *vpptoken.VPPToken) {
				token.LastSyncDateTime = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
			})
		}},
		{"vpptokentest: Add: Extra holds displayName, which has a field of its own", func() {
			s.Add(vpptoken.VPPToken{Extra: map[string]json.RawMessage{"displayName": json.RawMessage("1")}})
		}},
	} {
		func() {
			defer func() {
				if got := recover(); got != tt.want {
					t.Errorf("panic %v, want %s", got, tt.want)
				}
			}()
			tt.do()
		}()
	}
	equal(t, s.get("one"), map[string]any{"state": "valid"}) // and no lock was left behind
	if n := s.UnusedFaults(); n != 0 {
		t.Errorf("UnusedFaults = %d after a refused one", n)
	}
}
