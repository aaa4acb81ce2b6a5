package vpptoken_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
)

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
	c, err := vpptoken.NewClient(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: bearer}), opts...)
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
		betaURL + "/?$skiptoken=a", betaURL + "()?$skiptoken=a",
		"/beta/deviceAppManagement/vppTokens?$skiptoken=a", "vppTokens?$skiptoken=a", "?$skiptoken=a",
		betaURL + "?$skiptoken=a&filler=" + long,
	} {
		s := &byQuery{pages: map[string]string{"": page(link, "1"), "a": page("", "2")}}
		got, err := collect(s.client(t).List(t.Context()))
		if err != nil || !slices.Equal(ids(got), []string{"1", "2"}) || !strings.HasPrefix(s.asked[1], betaURL+"?$skiptoken=a") {
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
		betaURL + "?$skiptoken=a#b":                            "fragment",
		betaURL + "?$skiptoken=" + strings.Repeat("a", 64<<10): "64 KiB",
	} {
		s := &byQuery{pages: map[string]string{"": page(link, "1")}}
		got, err := collect(s.client(t).List(t.Context()))
		if !errors.Is(err, vpptoken.ErrUntrustedURL) || !strings.Contains(err.Error(), rule) || len(got) != 1 || len(s.asked) != 1 {
			t.Errorf("%.80s: %d tokens, %d requests, %v; want %q", link, len(got), len(s.asked), err, rule)
		}
	}
}

// F04: a gateway passes on the links of the service behind it.
func TestF04Gateway(t *testing.T) {
	t.Parallel()
	const gateway = "https://gw.example/graph"
	for _, link := range []string{
		betaURL + "?$skiptoken=a", "https://graph.microsoft.com:443/beta/deviceAppManagement/vppTokens()?$skiptoken=a",
		"/beta/deviceAppManagement/vppTokens?$skiptoken=a", gateway + "/beta/deviceAppManagement/vppTokens?$skiptoken=a",
	} {
		s := &byQuery{pages: map[string]string{"": page(link, "1"), "a": page("", "2")}}
		got, err := collect(s.client(t, vpptoken.WithBaseURL(gateway)).List(t.Context()))
		want := gateway + "/beta/deviceAppManagement/vppTokens?$skiptoken=a"
		if err != nil || len(got) != 2 || s.asked[1] != want {
			t.Errorf("%s: %d tokens, %v, asked %q", link, len(got), err, s.asked)
		}
	}
	for _, link := range []string{
		"https://graph.microsoft.us/beta/deviceAppManagement/vppTokens?$skiptoken=a",
		"https://evil.example/beta/deviceAppManagement/vppTokens?$skiptoken=a",
	} {
		s := &byQuery{pages: map[string]string{"": page(link, "1")}}
		if _, err := collect(s.client(t, vpptoken.WithBaseURL(gateway)).List(t.Context())); !errors.Is(err, vpptoken.ErrUntrustedURL) {
			t.Errorf("%s: %v", link, err)
		}
	}
}

// F05: a token at the end of a page and again at the start of the next is one token.
func TestF05TokenOnTwoPages(t *testing.T) {
	t.Parallel()
	next := func(token string) string { return betaURL + "?$skiptoken=" + token }
	for name, tc := range map[string]struct {
		pages [][]string
		want  []string
	}{
		"one":          {[][]string{{"a", "b"}, {"b", "c"}}, []string{"a", "b", "c"}},
		"two":          {[][]string{{"a", "b", "c"}, {"b", "c", "d"}}, []string{"a", "b", "c", "d"}},
		"three pages":  {[][]string{{"a", "b"}, {"b", "c"}, {"c", "d"}}, []string{"a", "b", "c", "d"}},
		"a whole page": {[][]string{{"a", "b"}, {"a", "b"}, {"c"}}, []string{"a", "b", "c"}},
		"same page":    {[][]string{{"a", "a"}, {"b"}}, []string{"a", "b"}},
		"none":         {[][]string{{"a"}, {"b"}, {"c"}}, []string{"a", "b", "c"}},
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
			s.pages[from] = page(to, list...)
		}
		got, err := collect(s.client(t).List(t.Context()))
		if err != nil || !slices.Equal(ids(got), tc.want) {
			t.Errorf("%s: %v, %v; want %v", name, ids(got), err, tc.want)
		}
	}
}

// Without ids there is nothing to compare: no token is left out.
func TestF05WithoutIDs(t *testing.T) {
	t.Parallel()
	const twice = `{"value":[{"displayName":"x"},{"displayName":"x"}]}`
	got, err := collect((&byQuery{pages: map[string]string{"": twice}}).client(t).List(t.Context(), vpptoken.WithSelect("displayName")))
	if err != nil || len(got) != 2 {
		t.Errorf("%d tokens, %v", len(got), err)
	}
}

// F06: an empty page that links to itself is the end; with tokens on it, or in a wider circle, it is a fault.
func TestF06EmptyPageThatLinksToItself(t *testing.T) {
	t.Parallel()
	self := betaURL + "?$skiptoken=a"
	for name, tc := range map[string]struct {
		pages map[string]string
		want  int
		fails bool
	}{
		"first page":       {map[string]string{"": page(betaURL)}, 0, false},
		"first, relative":  {map[string]string{"": page("vppTokens")}, 0, false},
		"last page":        {map[string]string{"": page(self, "1"), "a": page(self)}, 1, false},
		"last, other case": {map[string]string{"": page(self, "1"), "a": page(strings.Replace(self, "vppTokens", "VPPTokens()", 1))}, 1, false},
		"with tokens":      {map[string]string{"": page(self, "1"), "a": page(self, "2")}, 2, true},
		"circle of two":    {map[string]string{"": page(self), "a": page(betaURL)}, 0, true},
	} {
		got, err := collect((&byQuery{pages: tc.pages}).client(t).List(t.Context()))
		if len(got) != tc.want || tc.fails != (err != nil) || err != nil && !strings.Contains(err.Error(), "repeat") {
			t.Errorf("%s: %d tokens, %v", name, len(got), err)
		}
	}
}

// F01: where $count has no route the ids are counted, and the client remembers it.
func TestF01CountWithoutRoute(t *testing.T) {
	t.Parallel()
	for _, refusal := range []string{
		`{"error":{"code":"No method match route template","message":""}}`,
		`{"error":{"code":"BadRequest","message":"No OData route exists that match template ~/singleton/navigation/$count with http verb GET."}}`,
		`{"error":{"code":"BadRequest","message":"{\"Message\":\"no odata route exists\"}"}}`,
		`{"error":{"code":"ResourceNotFound","message":"Gone."}}`,
		`{"error":{"code":"BadRequest","message":"Resource not found for the segment '$count'."}}`,
	} {
		s := &byQuery{pages: map[string]string{
			"$count": refusal, "": `{"value":[{"id":"a"},{"id":"b"}],"@odata.nextLink":"` + betaURL + `?$select=id&$skiptoken=2"}`, "2": `{"value":[{"id":"b"},{"id":"c"}]}`,
		}}
		c := s.client(t)
		for range 2 {
			if n, err := c.Count(t.Context()); err != nil || n != 3 {
				t.Errorf("%s: %d, %v", refusal, n, err)
			}
		}
		want := []string{betaURL + "/$count", betaURL + "?$select=id", betaURL + "?$select=id&$skiptoken=2", betaURL + "?$select=id", betaURL + "?$select=id&$skiptoken=2"}
		if !slices.Equal(s.asked, want) {
			t.Errorf("asked %q", s.asked)
		}
	}
}

// F01: every other failure of Count is returned, and so is one of the list.
func TestF01CountFails(t *testing.T) {
	t.Parallel()
	other := &byQuery{pages: map[string]string{"$count": `{"error":{"code":"BadRequest","message":"Request not applicable to target tenant."}}`}}
	if n, err := other.client(t).Count(t.Context()); err == nil || n != 0 || len(other.asked) != 1 {
		t.Errorf("%d, %v, asked %q", n, err, other.asked)
	}
	list := &byQuery{pages: map[string]string{"$count": `{"error":{"code":"No method match route template"}}`, "": `{}`}}
	n, err := list.client(t).Count(t.Context(), vpptoken.WithClientRequestID("mine"))
	e, ok := errors.AsType[*vpptoken.Error](err)
	if n != 0 || !ok || e.Op != "count" || e.ClientRequestID != "mine" {
		t.Errorf("%d, %v", n, err)
	}
}

// F08: a success without a body is read afterwards; where nothing can be read it is an error.
func TestF08EmptySuccess(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 201, 202, 204} {
		for _, body := range []string{"", " \r\n", "\uFEFF"} {
			c, mock := newClient(t)
			var w wire
			mock.RegisterResponder("PATCH", itemURL, w.answer(status, body, "Content-Type", "text/html"))
			mock.RegisterResponder("POST", itemURL+"/syncLicenses", w.answer(status, body))
			mock.RegisterResponder("GET", itemURL, w.answer(200, bareToken))
			mock.RegisterResponder("POST", betaURL, w.answer(status, body))
			if token, err := c.Update(t.Context(), tokenID, vpptoken.NewPatch().SetDisplayName("x")); err != nil || token.ID != tokenID {
				t.Errorf("%d %q: update: %v, %v", status, body, token, err)
			}
			if token, err := c.SyncLicenses(t.Context(), tokenID); err != nil || token.ID != tokenID {
				t.Errorf("%d %q: sync: %v, %v", status, body, token, err)
			}
			if len(w.sent) != 4 {
				t.Errorf("%d %q: %d requests", status, body, len(w.sent))
			}
		}
	}
	c, mock := newClient(t)
	mock.RegisterResponder("GET", itemURL, (&wire{}).answer(200, ""))
	if token, err := c.Get(t.Context(), tokenID); err == nil || token != nil {
		t.Errorf("get: %v, %v", token, err)
	}
}

// R22: an answer for another token is not taken for the one that was asked for.
func TestR22AnswerForAnotherToken(t *testing.T) {
	t.Parallel()
	const other = `{"id":"11111111-2222-4333-8444-555555555555"}`
	for answer, fails := range map[string]bool{other: true, strings.ToUpper(tokenID): false} {
		if !fails {
			answer = `{"id":"` + answer + `"}`
		}
		c, mock := newClient(t)
		mock.RegisterResponder("GET", itemURL, (&wire{}).answer(200, answer))
		mock.RegisterResponder("PATCH", itemURL, (&wire{}).answer(200, answer))
		_, err := c.Get(t.Context(), tokenID)
		if (err != nil) != fails {
			t.Errorf("get %s: %v", answer, err)
		}
		_, err = c.Update(t.Context(), tokenID, vpptoken.NewPatch().SetDisplayName("x"))
		e, ok := errors.AsType[*vpptoken.Error](err)
		if ok != fails || ok && !e.Ambiguous {
			t.Errorf("update %s: %v", answer, err)
		}
	}
}
