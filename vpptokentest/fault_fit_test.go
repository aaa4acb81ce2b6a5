package vpptokentest_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// A fault waits for the request that fits it; the others pass it by and take what stands behind.
func TestF41FaultWaits(t *testing.T) {
	t.Parallel()
	const one, sync = "/beta" + collection + "/one", "/beta" + collection + "/one/syncLicenses"
	type request struct {
		method, path string
		want         int
	}
	for _, tt := range []struct {
		name     string
		faults   []vpptokentest.Fault
		requests []request
		unused   int
	}{
		{
			"method",
			[]vpptokentest.Fault{{Method: "PATCH", Status: 412}},
			[]request{{"GET", one, 200}, {"PATCH", one, 412}, {"PATCH", one, 200}},
			0,
		},
		{
			"end of the path",
			[]vpptokentest.Fault{{Path: "/syncLicenses", Status: 409}},
			[]request{{"GET", one, 200}, {"POST", sync, 409}, {"POST", sync, 200}},
			0,
		},
		{
			"both",
			[]vpptokentest.Fault{{Method: "GET", Path: "/one", Status: 503}},
			[]request{{"PATCH", one, 200}, {"GET", "/beta" + collection, 200}, {"GET", one, 503}},
			0,
		},
		{
			"those behind go on",
			[]vpptokentest.Fault{{Path: "/syncLicenses", Status: 409}, {Status: 500}, {}, {Status: 502}},
			[]request{{"GET", one, 500}, {"GET", one, 200}, {"POST", sync, 409}, {"POST", sync, 502}},
			0,
		},
		{
			"the first that fits",
			[]vpptokentest.Fault{{Status: 500}, {Path: "/one", Status: 501}},
			[]request{{"GET", one, 500}, {"GET", one, 501}},
			0,
		},
		{
			"times",
			[]vpptokentest.Fault{{Method: "PATCH", Status: 429, Times: 2}, {Method: "PATCH", Status: 503}},
			[]request{
				{"PATCH", one, 429}, {"GET", one, 200}, {"PATCH", one, 429}, {"PATCH", one, 503}, {"PATCH", one, 200},
			},
			0,
		},
		{
			"zero faults pass requests",
			[]vpptokentest.Fault{{Method: "GET", Times: 2}, {Method: "GET", Status: 404}},
			[]request{{"GET", one, 200}, {"GET", one, 200}, {"GET", one, 404}},
			0,
		},
		{
			"escaped",
			[]vpptokentest.Fault{{Path: "/a b", Status: 500}, {Path: "/a%20b", Status: 501}},
			[]request{{"GET", "/beta" + collection + "/a%20b", 500}, {"GET", "/beta" + collection + "/a%20b", 501}},
			0,
		},
		{
			"never met",
			[]vpptokentest.Fault{{Method: "DELETE", Status: 500, Times: 3}, {Path: "/two"}},
			[]request{{"GET", one, 200}},
			4,
		},
		{"partly met", []vpptokentest.Fault{{Status: 500, Times: 3}}, []request{{"GET", one, 500}}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.Add(vpptoken.VPPToken{ID: "one"})
			s.Fail(tt.faults...)
			for i, r := range tt.requests {
				body := ""
				if r.method == http.MethodPatch {
					body = `{"displayName":"x"}`
				}
				if got := s.send(r.method, r.path, body).status; got != r.want {
					t.Errorf("request %d, %s %s: %d, want %d", i, r.method, r.path, got, r.want)
				}
			}
			if n := s.UnusedFaults(); n != tt.unused {
				t.Errorf("UnusedFaults = %d, want %d", n, tt.unused)
			}
		})
	}
}

// What people have met, each scripted in a line.
func TestF41FaultInALine(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	id, c := s.Add(vpptoken.VPPToken{DisplayName: "Field"}), s.Client()

	s.Fail(vpptokentest.Fault{
		Method: "PATCH", Status: 412, Body: `{"error":{"code":"ConditionNotMet","message":"x"}}`, Times: 9,
	})
	_, err := c.Update(t.Context(), id, vpptoken.NewPatch().SetDisplayName("x"))
	var e *vpptoken.Error
	if !errors.As(err, &e) || e.StatusCode != http.StatusPreconditionFailed || e.Code != "ConditionNotMet" {
		t.Errorf("412: %v", err)
	}
	for s.UnusedFaults() > 0 { // how often the client tries is its own affair
		_, _ = c.Update(t.Context(), id, vpptoken.NewPatch().SetDisplayName("x"))
	}

	s.Fail(vpptokentest.Fault{Method: "DELETE", Status: 200, AfterEffect: true}) // an empty 200
	if err := c.Delete(t.Context(), id); err != nil {
		t.Errorf("an empty 200: %v", err)
	}

	next := s.URL() + "/beta" + collection + "?$skiptoken=a"
	s.Fail(
		vpptokentest.Fault{
			Path: "vppTokens", Body: `{"value":[{"id":"a"},{"id":"b"}],"@odata.nextLink":"` + next + `"}`,
		},
		vpptokentest.Fault{Path: "vppTokens", Status: 200, Body: `{"value":[{"id":"c"}]}`},
	)
	var ids []string
	for token, err := range c.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, token.ID)
	}
	if want := []string{"a", "b", "c"}; !slices.Equal(ids, want) {
		t.Errorf("pages of the test's own: %v, want %v", ids, want)
	}
}
