package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/examples/internal/clitest"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// counter is a transport that counts the updates that the service carried out, by the token's id,
// and those that it refused.
type counter struct {
	next http.RoundTripper
	then func(carriedOut int) // after each one that was carried out; nil is nothing

	mu      sync.Mutex
	updates map[string]int
	refused int
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := c.next.RoundTrip(r)
	if err != nil || r.Method != http.MethodPatch {
		return answer, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if answer.StatusCode != http.StatusOK {
		c.refused++
		return answer, nil
	}
	if c.updates == nil {
		c.updates = make(map[string]int)
	}
	c.updates[r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]]++
	if c.then != nil {
		c.then(len(c.updates))
	}
	return answer, nil
}

// many are n tokens that differ from what the tests want.
func many(n int) []vpptoken.VPPToken { return embeddedTokens(time.Now(), n)[3:] }

// The service takes 50 changes in half a second, and the client is not told. Half of the tokens are
// named one by one.
func TestR20EveryUpdateArrivesOnce(t *testing.T) {
	t.Parallel()
	const total = 600
	srv := vpptokentest.NewServer(vpptokentest.WithThrottle(50, 500*time.Millisecond))
	t.Cleanup(srv.Close)
	entries := []string{`{"id":"*","settings":{"automaticallyUpdateApps":true}}`}
	for i, token := range many(total) {
		if id := srv.Add(token); i%2 == 0 {
			entries = append(entries,
				fmt.Sprintf(`{"id":%q,"settings":{"automaticallyUpdateApps":true,"countryOrRegion":"se"}}`, id))
		}
	}
	wanted, err := readDesired(clitest.File(t, "desired.json", "["+strings.Join(entries, ",\n")+"]"),
		vpptoken.VersionBeta)
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{next: http.DefaultTransport}
	w := &work{srv.Client(vpptoken.WithHTTPClient(&http.Client{Transport: c})), 16, io.Discard}
	results, err := w.plan(t.Context(), wanted)
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	w.apply(t.Context(), results)
	t.Logf("%d updates in %v, %d refused", len(c.updates), time.Since(begun), c.refused)
	for _, r := range results {
		if r.status != changed || c.updates[r.token.ID] != 1 {
			t.Errorf("%s is %s after %d updates: %v", r.token.DisplayName, r.status, c.updates[r.token.ID], r.err)
		}
	}
	swedish := 0
	for _, token := range srv.Tokens() {
		if token.CountryOrRegion == "se" {
			swedish++
		}
		if !token.AutomaticallyUpdateApps {
			t.Errorf("%s was not changed", token.DisplayName)
		}
	}
	if len(results) != total || swedish != total/2 {
		t.Errorf("%d results, %d with an entry of their own", len(results), swedish)
	}
}

func TestInterruptedInTheMiddle(t *testing.T) {
	t.Parallel()
	s := service{clitest.NewService(t, many(60)...)}
	ctx, interrupt := context.WithCancel(t.Context())
	c := &counter{next: s, then: func(n int) {
		if n == 20 {
			interrupt()
		}
	}}
	file := clitest.File(t, "desired.json", `[{"id":"*","settings":{"automaticallyUpdateApps":true}}]`)
	args := []string{
		"-tenant", "contoso.example", "-client-id", "app", "-file", file, "-apply", "-json", "-parallel", "4",
	}
	o := clitest.Run(clitest.Through(ctx, c), run, map[string]string{cli.SecretVariable: clitest.ClientSecret}, args...)
	list := clitest.JSON[[]entry](t, o)
	count := make(map[status]int)
	for _, e := range list {
		count[e.Status]++
		token, _ := s.Token(e.ID)
		switch {
		case e.Status == changed && token.AutomaticallyUpdateApps,
			e.Status == differs && !token.AutomaticallyUpdateApps:
		case e.Status == failed && strings.Contains(e.Error, "it may have been carried out"):
		default:
			t.Errorf("%s is %s, its apps are updated: %t; %s",
				e.DisplayName, e.Status, token.AutomaticallyUpdateApps, e.Error)
		}
	}
	if len(list) != 60 || count[changed] < 16 || count[changed] > 24 || count[failed] > 4 {
		t.Errorf("%d results: %v", len(list), count)
	}
	want(t, o, cli.ExitFailed,
		fmt.Sprintf("error: interrupted: %d tokens failed and %d were left as they are: run it again to go on",
			count[failed], count[differs]))
	again := s.reconcile(t, file, "-apply")
	want(t, again, cli.ExitOK, "")
	if slices.ContainsFunc(s.Tokens(), func(t vpptoken.VPPToken) bool { return !t.AutomaticallyUpdateApps }) {
		t.Error("the next run did not go on")
	}
}

func TestEmbeddedTokensAreMany(t *testing.T) {
	t.Parallel()
	o := clitest.Run(t.Context(), run, nil, "-apply", "-tokens", "90")
	want(t, o, cli.ExitOK, "")
	clitest.Holds(t, o, `changed   School 90  automaticallyUpdateApps  false     true`,
		`1 in order, 0 to change, 92 changed, 0 failed.`)
}
