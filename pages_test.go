package vpptoken_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/internal/faulttest"
)

func TestListReadsAllPages(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	// The link is opaque: it goes back exactly as it came. An empty page in between is legal.
	second, third := faulttest.Root+"?$top=2&$skiptoken=a%2Fb%20c'd&x", faulttest.Root+"?%24skiptoken=bmV4dA%3D%3D"
	mock.RegisterResponder("GET", faulttest.Root, faulttest.Respond(200, faulttest.Page(second, "1", "2")).
		Then(faulttest.Respond(200, faulttest.Page(third))).Then(faulttest.Respond(200, faulttest.Page("", "3"))))
	list := c.List(t.Context())
	if len(mock.Requests()) != 0 {
		t.Error("List sent something before the first pull")
	}
	for range 2 { // a second range starts again
		got, err := faulttest.Collect(list)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"1", "2", "3"}, ids(got)); diff != "" {
			t.Error(diff)
		}
		diff := cmp.Diff([]string{"GET " + faulttest.Root, "GET " + second, "GET " + third}, mock.Lines())
		if diff != "" {
			t.Error(diff)
		}
		mock.Forget()
		mock.RegisterResponder("GET", faulttest.Root, faulttest.Respond(200, faulttest.Page(second, "1", "2")).
			Then(faulttest.Respond(200, faulttest.Page(third))).Then(faulttest.Respond(200, faulttest.Page("", "3"))))
	}
}

// Some servers write every property, so that the last page's link is null or empty.
func TestListEndsAtALinkToNothing(t *testing.T) {
	t.Parallel()
	for _, link := range []string{`null`, `""`} {
		c, mock := faulttest.Mock(t)
		mock.RegisterResponder("GET", faulttest.Root,
			faulttest.Respond(200, `{"@odata.nextLink":`+link+`,"value":[{"id":"1"}]}`))
		got, err := faulttest.Collect(c.List(t.Context()))
		if err != nil || !slices.Equal(ids(got), []string{"1"}) || len(mock.Requests()) != 1 {
			t.Errorf("%s: got %v, %v over %d requests", link, ids(got), err, len(mock.Requests()))
		}
	}
}

func TestListIsLazy(t *testing.T) {
	t.Parallel()
	ts := new(faulttest.CountedSource)
	c, mock := faulttest.MockFor(t, ts)
	mock.RegisterResponder("GET", faulttest.Root,
		faulttest.Respond(200, faulttest.Page(faulttest.Root+"?$skiptoken=2", "1", "2")))
	list := c.List(t.Context())
	if ts.Asked.Load() != 0 || len(mock.Requests()) != 0 {
		t.Error("something happened before the first pull")
	}
	seen := 0
	for token, err := range list {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; token.ID == "2" { // the last of its page
			break
		}
	}
	if seen != 2 || len(mock.Requests()) != 1 {
		t.Errorf("saw %d tokens over %d requests, want 2 over 1", seen, len(mock.Requests()))
	}
}

func TestListErrorIsLast(t *testing.T) {
	t.Parallel()
	c, mock := faulttest.Mock(t)
	mock.RegisterResponder("GET", faulttest.Root,
		faulttest.Respond(200, faulttest.Page(faulttest.Root+"?$skiptoken=2", "1")).
			Then(faulttest.Respond(403, `{"error":{"code":"Forbidden","message":"no"}}`)))
	got, err := faulttest.Collect(c.List(t.Context()))
	if diff := cmp.Diff([]string{"1"}, ids(got)); diff != "" {
		t.Error(diff)
	}
	e, ok := errors.AsType[*vpptoken.Error](err)
	if !ok || !errors.Is(err, vpptoken.ErrForbidden) {
		t.Fatalf("got %v, want ErrForbidden", err)
	}
	if e.Op != "list" || e.Path != "/deviceAppManagement/vppTokens" || strings.Contains(err.Error(), "skiptoken") {
		t.Errorf("Op %q, Path %q, text %q", e.Op, e.Path, err)
	}
}

// byQuery answers list requests by their $skiptoken, and keeps the addresses asked for.
type byQuery struct {
	pages map[string]string
	asked []string
}

func (s *byQuery) RoundTrip(r *http.Request) (*http.Response, error) {
	s.asked = append(s.asked, r.URL.String())
	status, body := http.StatusOK, s.pages[r.URL.Query().Get("$skiptoken")]
	if strings.HasSuffix(r.URL.Path, "/$count") {
		status, body = http.StatusBadRequest, s.pages["$count"]
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func (s *byQuery) client(t *testing.T, opts ...vpptoken.Option) *vpptoken.Client {
	t.Helper()
	opts = append([]vpptoken.Option{vpptoken.WithHTTPClient(&http.Client{Transport: s})}, opts...)
	c, err := vpptoken.NewClient(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: faulttest.Bearer}), opts...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ids(tokens []*vpptoken.VPPToken) (all []string) {
	for _, t := range tokens {
		all = append(all, t.ID)
	}
	return all
}

// F02, F03: a link may name the default port, use other letter case, be relative, or be very long.
func TestF03LinksInAnyShape(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 9_500)
	for _, link := range []string{
		"https://graph.microsoft.com:443/beta/deviceAppManagement/vppTokens?$skiptoken=a",
		"https://GRAPH.microsoft.com/beta/deviceAppManagement/vpptokens?$skiptoken=a",
		faulttest.Root + "/?$skiptoken=a", faulttest.Root + "()?$skiptoken=a",
		"/beta/deviceAppManagement/vppTokens?$skiptoken=a", "vppTokens?$skiptoken=a", "?$skiptoken=a",
		"./vppTokens?$skiptoken=a",
		faulttest.Root + "?$skiptoken=a&filler=" + long,
	} {
		s := &byQuery{pages: map[string]string{"": faulttest.Page(link, "1"), "a": faulttest.Page("", "2")}}
		got, err := faulttest.Collect(s.client(t).List(t.Context()))
		if err != nil || !slices.Equal(ids(got), []string{"1", "2"}) ||
			!strings.HasPrefix(s.asked[1], faulttest.Root+"?$skiptoken=a") {
			t.Errorf("%.80s: %v, %v, asked %.120q", link, ids(got), err, s.asked)
		}
	}
}

// A link that is almost right is refused, saying which rule it broke.
func TestF03RefusalsSayWhy(t *testing.T) {
	t.Parallel()
	for link, rule := range map[string]string{
		"http://graph.microsoft.com/beta/deviceAppManagement/vppTokens?$skiptoken=a":      "another scheme",
		"https://graph.microsoft.com:444/beta/deviceAppManagement/vppTokens?$skiptoken=a": "another port",
		"https://graph.microsoft.us/beta/deviceAppManagement/vppTokens?$skiptoken=a":      "another host",
		"https://graph.microsoft.com/beta/deviceAppManagement/mobileApps?$skiptoken=a":    "another collection",
		"https://graph.microsoft.com/v1.0/deviceAppManagement/vppTokens?$skiptoken=a":     "another collection",
		"https://u:p@graph.microsoft.com/beta/deviceAppManagement/vppTokens?$skiptoken=a": "names a user",
		faulttest.Root + "?$skiptoken=a#b":                                                "fragment",
		faulttest.Root + "?$skiptoken=" + strings.Repeat("a", 64<<10):                     "64 KiB",
	} {
		s := &byQuery{pages: map[string]string{"": faulttest.Page(link, "1")}}
		got, err := faulttest.Collect(s.client(t).List(t.Context()))
		if !errors.Is(err, vpptoken.ErrUntrustedURL) || !strings.Contains(err.Error(), rule) || len(got) != 1 ||
			len(s.asked) != 1 {
			t.Errorf("%.80s: %d tokens, %d requests, %v; want %q", link, len(got), len(s.asked), err, rule)
		}
	}
}

// F04: a gateway passes on the links of the service behind it.
func TestF04Gateway(t *testing.T) {
	t.Parallel()
	const gateway = "https://gw.example/graph"
	for _, link := range []string{
		faulttest.Root + "?$skiptoken=a",
		"https://graph.microsoft.com:443/beta/deviceAppManagement/vppTokens()?$skiptoken=a",
		"/beta/deviceAppManagement/vppTokens?$skiptoken=a",
		gateway + "/beta/deviceAppManagement/vppTokens?$skiptoken=a",
	} {
		s := &byQuery{pages: map[string]string{"": faulttest.Page(link, "1"), "a": faulttest.Page("", "2")}}
		got, err := faulttest.Collect(s.client(t, vpptoken.WithBaseURL(gateway)).List(t.Context()))
		want := gateway + "/beta/deviceAppManagement/vppTokens?$skiptoken=a"
		if err != nil || len(got) != 2 || s.asked[1] != want {
			t.Errorf("%s: %d tokens, %v, asked %q", link, len(got), err, s.asked)
		}
	}
	for _, link := range []string{
		"https://graph.microsoft.us/beta/deviceAppManagement/vppTokens?$skiptoken=a",
		"https://evil.example/beta/deviceAppManagement/vppTokens?$skiptoken=a",
	} {
		s := &byQuery{pages: map[string]string{"": faulttest.Page(link, "1")}}
		if _, err := faulttest.Collect(s.client(t, vpptoken.WithBaseURL(gateway)).List(t.Context())); !errors.Is(err,
			vpptoken.ErrUntrustedURL) {
			t.Errorf("%s: %v", link, err)
		}
	}
}

// F05: a token at the end of a page and again at the start of the next is one token.
func TestF05TokenOnTwoPages(t *testing.T) {
	t.Parallel()
	next := func(token string) string { return faulttest.Root + "?$skiptoken=" + token }
	for name, tc := range map[string]struct {
		pages [][]string
		want  []string
	}{
		"one":           {[][]string{{"a", "b"}, {"b", "c"}}, []string{"a", "b", "c"}},
		"two":           {[][]string{{"a", "b", "c"}, {"b", "c", "d"}}, []string{"a", "b", "c", "d"}},
		"three pages":   {[][]string{{"a", "b"}, {"b", "c"}, {"c", "d"}}, []string{"a", "b", "c", "d"}},
		"a whole page":  {[][]string{{"a", "b"}, {"a", "b"}, {"c"}}, []string{"a", "b", "c"}},
		"same page":     {[][]string{{"a", "a"}, {"b"}}, []string{"a", "b"}},
		"empty between": {[][]string{{"a", "b"}, {}, {"b", "c"}}, []string{"a", "b", "c"}},
		"far apart":     {[][]string{{"a"}, {"b"}, {"c"}, {"a"}}, []string{"a", "b", "c", "a"}},
		"none":          {[][]string{{"a"}, {"b"}, {"c"}}, []string{"a", "b", "c"}},
	} {
		s := &byQuery{pages: map[string]string{}}
		for i, list := range tc.pages {
			from, to := strconv.Itoa(i), ""
			if i == 0 {
				from = ""
			}
			if i+1 < len(tc.pages) {
				to = next(strconv.Itoa(i + 1))
			}
			s.pages[from] = faulttest.Page(to, list...)
		}
		got, err := faulttest.Collect(s.client(t).List(t.Context()))
		if err != nil || !slices.Equal(ids(got), tc.want) {
			t.Errorf("%s: %v, %v; want %v", name, ids(got), err, tc.want)
		}
	}
}

// Without ids there is nothing to compare: no token is left out.
func TestF05WithoutIDs(t *testing.T) {
	t.Parallel()
	const twice = `{"value":[{"displayName":"x"},{"displayName":"x"}]}`
	got, err := faulttest.Collect((&byQuery{pages: map[string]string{"": twice}}).client(t).List(t.Context(),
		vpptoken.WithSelect("displayName")))
	if err != nil || len(got) != 2 {
		t.Errorf("%d tokens, %v", len(got), err)
	}
}

// F06: an empty page that links to itself is the end; with tokens on it, or in a wider circle, it
// is a fault.
func TestF06EmptyPageThatLinksToItself(t *testing.T) {
	t.Parallel()
	self := faulttest.Root + "?$skiptoken=a"
	for name, tc := range map[string]struct {
		pages map[string]string
		want  int
		fails bool
	}{
		"first page":      {map[string]string{"": faulttest.Page(faulttest.Root)}, 0, false},
		"first, relative": {map[string]string{"": faulttest.Page("vppTokens")}, 0, false},
		"last page":       {map[string]string{"": faulttest.Page(self, "1"), "a": faulttest.Page(self)}, 1, false},
		"last, other case": {map[string]string{
			"":  faulttest.Page(self, "1"),
			"a": faulttest.Page(strings.Replace(self, "vppTokens", "VPPTokens()", 1)),
		}, 1, false},
		"with tokens":   {map[string]string{"": faulttest.Page(self, "1"), "a": faulttest.Page(self, "2")}, 2, true},
		"circle of two": {map[string]string{"": faulttest.Page(self), "a": faulttest.Page(faulttest.Root)}, 0, true},
	} {
		got, err := faulttest.Collect((&byQuery{pages: tc.pages}).client(t).List(t.Context()))
		if len(got) != tc.want || tc.fails != (err != nil) || err != nil && !strings.Contains(err.Error(), "repeat") {
			t.Errorf("%s: %d tokens, %v", name, len(got), err)
		}
	}
}

// BenchmarkList is one page of a hundred tokens.
func BenchmarkList(b *testing.B) {
	one := faulttest.Fixture(b, "seed-update-response.json")
	var tokens []string
	for i := range 100 {
		tokens = append(tokens, strings.Replace(one, faulttest.ID, fmt.Sprintf("00000000-0000-4000-8000-%012d", i), 1))
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

// The memory of a long page is used for the next one: what was read of it must not change.
func TestPagesShareNoMemory(t *testing.T) {
	t.Parallel()
	const size = 200
	element := func(page, i int) string {
		n := fmt.Sprintf("%d-%04d", page, i)
		return `{"@odata.type":"#type.` + n + `","id":"` + n + `","organizationName":"organization ` + n +
			`","displayName":"\u0042ergen ` + n + `","state":"state` + n + `","lastSyncDateTime":"2026-11-2` + n[:1] +
			`T12:00:00Z","roleScopeTagIds":["tag ` + n + `","\u0074ag ` + n + `"],"tokenActionResults":[{"actionName":"action ` + n +
			`","actionState":"state ` + n + `"}],"unknown ` + n + `":{"text":"` + n + `","list":["` + strings.Repeat(n, 20) + `"]}}`
	}
	c, mock := faulttest.Mock(t)
	at := func(page int) string { return faulttest.Root + "?$skiptoken=" + strconv.Itoa(page) }
	want := make([]*vpptoken.VPPToken, 0, 4*size)
	for page := range 4 {
		var elements []string
		for i := range size {
			text, token := element(page, i), new(vpptoken.VPPToken)
			if err := json.Unmarshal([]byte(text), token); err != nil {
				t.Fatal(err)
			}
			elements, want = append(elements, text), append(want, token)
		}
		link, from := "", faulttest.Root
		if page < 3 {
			link = `"@odata.nextLink":"` + at(page+1) + `",`
		}
		if page > 0 {
			from = at(page)
		}
		mock.RegisterResponder("GET", from, faulttest.Respond(200, `{`+link+`"value":[`+strings.Join(elements, ",")+`]}`))
	}
	for range 4 { // walks at a time
		t.Run("", func(t *testing.T) {
			t.Parallel()
			got, err := faulttest.Collect(c.List(t.Context()))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
