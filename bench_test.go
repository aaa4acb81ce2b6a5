package vpptoken_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
)

// canned answers every request from memory, so that what is measured is the client alone.
type canned string

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return nil, err
		}
		if err := r.Body.Close(); err != nil {
			return nil, err
		}
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(c)),
		Body: io.NopCloser(strings.NewReader(string(c))), Request: r,
	}, nil
}

func cannedClient(b *testing.B, answer string) *vpptoken.Client {
	b.Helper()
	ts := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: bearer})
	c, err := vpptoken.NewClient(ts, vpptoken.WithHTTPClient(&http.Client{Transport: canned(answer)}))
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// BenchmarkUpdate is one PATCH of two properties, its answer read.
func BenchmarkUpdate(b *testing.B) {
	c := cannedClient(b, fixture(b, "seed-update-response.json"))
	b.ReportAllocs()
	for b.Loop() {
		p := vpptoken.NewPatch().SetDisplayName("Field iPads").SetAutomaticallyUpdateApps(true)
		if _, err := c.Update(b.Context(), tokenID, p); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGet is one GET, its answer read.
func BenchmarkGet(b *testing.B) {
	c := cannedClient(b, fixture(b, "seed-update-response.json"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Get(b.Context(), tokenID); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkList is one page of a hundred tokens.
func BenchmarkList(b *testing.B) {
	one := fixture(b, "seed-update-response.json")
	var tokens []string
	for i := range 100 {
		tokens = append(tokens, strings.Replace(one, tokenID, fmt.Sprintf("00000000-0000-4000-8000-%012d", i), 1))
	}
	c := cannedClient(b, `{"value":[`+strings.Join(tokens, ",")+`]}`)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range c.List(b.Context()) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != len(tokens) {
			b.Fatalf("%d tokens", n)
		}
	}
}
