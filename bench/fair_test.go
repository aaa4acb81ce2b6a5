package bench_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/bench"
	"github.com/vpptoken/vpptoken/bench/floor"
)

// carrier answers with f and keeps what was asked.
type carrier struct {
	f    func(*http.Request) (*http.Response, error)
	seen []string
}

func (c *carrier) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		_ = req.Body.Close()
	}
	h := req.Header
	c.seen = append(c.seen,
		fmt.Sprintf("%s %s authorization %q accept %q content-type %q length %d id %t\n%s", req.Method, req.URL,
			h.Get("Authorization"), h.Get("Accept"), h.Get("Content-Type"), req.ContentLength,
			len(h.Get("client-request-id")) == 36, body))
	req = req.Clone(req.Context())
	req.Body = http.NoBody
	return c.f(req)
}

func TestSameRequests(t *testing.T) {
	t.Parallel()
	service := bench.NewService(bench.InMemory, 2*bench.PageSize+1)
	requests := func(maker bench.Maker) []string {
		t.Helper()
		c := &carrier{f: service.RoundTrip}
		client, err := maker(bench.InMemory, c)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		_, updateErr := client.Update(t.Context(), bench.TokenID, bench.Renewal())
		_, getErr := client.Get(t.Context(), bench.TokenID)
		walkErr := client.Walk(t.Context(), func(string) { n++ })
		if updateErr != nil || getErr != nil || walkErr != nil || n != 2*bench.PageSize+1 {
			t.Fatalf("update %v, get %v, walk %v after %d tokens", updateErr, getErr, walkErr, n)
		}
		return c.seen
	}
	ours := requests(bench.NewOurs)
	if len(ours) != 5 {
		t.Errorf("%d requests, want 5: a PATCH, a GET and 3 pages", len(ours))
	}
	want := `PATCH https://graph.microsoft.com/beta/deviceAppManagement/vppTokens/` + bench.TokenID +
		` authorization "Bearer bearer-of-the-benchmarks" accept "application/json" content-type "application/json" length 370 id true
{"token":"` + bench.Renewal().AppleToken + `","automaticallyUpdateApps":false,"displayName":"Nordwind, all schools"}`
	if ours[0] != want {
		t.Errorf("PATCH is\n%s\nwant\n%s", ours[0], want)
	}
	for name, maker := range map[string]bench.Maker{"floor": bench.NewFloor, "gathering": bench.NewGathering} {
		if theirs := requests(maker); !reflect.DeepEqual(ours, theirs) {
			t.Errorf("ours:\n%q\n%s:\n%q", ours, name, theirs)
		}
	}
}

func TestSameResults(t *testing.T) {
	t.Parallel()
	page := fixture(t, "list-page-beta.json")
	entity := bytes.ReplaceAll(fixture(t, "seed-update-response.json"), []byte("9ceb2f92-2f92-9ceb-922f-eb9c922feb9c"),
		[]byte(bench.TokenID))
	service := bench.NewService(bench.InMemory, 100)
	fixtures := func(req *http.Request) (*http.Response, error) {
		body := page
		switch {
		case req.Method == http.MethodPatch:
			body = entity
		case req.URL.RawQuery != "":
			body = []byte(`{"value":[]}`)
		}
		return &http.Response{
			StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), Request: req,
		}, nil
	}
	for name, f := range map[string]func(*http.Request) (*http.Response, error){
		"fixtures": fixtures, "service": service.RoundTrip,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ts := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "bearer-of-the-tests"})
			client, err := vpptoken.NewClient(ts, vpptoken.WithHTTPClient(&http.Client{Transport: &carrier{f: f}}))
			if err != nil {
				t.Fatal(err)
			}
			byHand := floor.New(bench.InMemory, ts, &carrier{f: f})

			ours, err := client.Update(t.Context(), bench.TokenID, vpptoken.NewPatch().SetDisplayName("x"))
			theirs, byHandErr := byHand.Update(t.Context(), bench.TokenID, &floor.Token{DisplayName: new("x")})
			if err != nil || byHandErr != nil {
				t.Fatal(err, byHandErr)
			}
			same(t, ours, theirs)

			var list []*vpptoken.VPPToken
			for token, err := range client.List(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, token)
			}
			n := 0
			for token, err := range byHand.List(t.Context()) {
				if err != nil || n == len(list) {
					t.Fatalf("token %d of %d: %v", n, len(list), err)
				}
				same(t, list[n], token)
				n++
			}
			if n < 2 || n != len(list) {
				t.Errorf("the floor read %d tokens of %d", n, len(list))
			}
		})
	}
}

// same compares through the floor's type, as JSON: there, a null or absent value of the service and
// a zero value are told apart only by the floor.
func same(t *testing.T, ours *vpptoken.VPPToken, theirs *floor.Token) {
	t.Helper()
	got, want := flat(t, ours), flat(t, theirs)
	if s := ours.Token.Reveal(); s != "" {
		got["token"] = s
	}
	for name := range ours.Extra {
		delete(got, name) // the floor drops what it does not know
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("ours:\n%v\nfloor:\n%v", got, want)
	}
}

// flat returns the members of v without those that hold the zero value.
func flat(t *testing.T, v any) map[string]any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	for name, value := range m {
		if value == false || value == "0001-01-01T00:00:00Z" {
			delete(m, name)
		}
	}
	return m
}

func fixture(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
