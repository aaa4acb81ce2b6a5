package graph_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/vpptoken/vpptoken/internal/graph"
)

const collection = "https://graph.microsoft.com/beta/deviceAppManagement/vppTokens"

func TestNextLink(t *testing.T) {
	t.Parallel()
	base, err := url.Parse(collection)
	if err != nil {
		t.Fatal(err)
	}
	for link, want := range map[string]bool{
		collection:                                   true,
		collection + "?$top=2&$skiptoken=bmV4dA":     true,
		collection + "?$filter=state%20eq%20'valid'": true,
		"HTTPS://Graph.Microsoft.com/beta/deviceAppManagement/vppTokens?$skip=1": true,
		collection + "?" + strings.Repeat("x", 8<<10-len(collection)-1):          true,
		collection + "?" + strings.Repeat("x", 8<<10-len(collection)):            false,
		"": false,
		"http://graph.microsoft.com/beta/deviceAppManagement/vppTokens":                false,
		"https://graph.microsoft.com:443/beta/deviceAppManagement/vppTokens":           false,
		"https://graph.microsoft.com:8443/beta/deviceAppManagement/vppTokens":          false,
		"https://graph.microsoft.com.evil.example/beta/deviceAppManagement/vppTokens":  false,
		"https://evil.example/beta/deviceAppManagement/vppTokens":                      false,
		"https://user@graph.microsoft.com/beta/deviceAppManagement/vppTokens":          false,
		"https://graph.microsoft.com@evil.example/beta/deviceAppManagement/vppTokens":  false,
		`https://graph.microsoft.com\@evil.example/beta/deviceAppManagement/vppTokens`: false,
		"https://graph.micro\u017foft.com/beta/deviceAppManagement/vppTokens":          false,
		"//graph.microsoft.com/beta/deviceAppManagement/vppTokens":                     false,
		"/beta/deviceAppManagement/vppTokens":                                          false,
		"https:/beta/deviceAppManagement/vppTokens":                                    false,
		"https:beta":                 false,
		collection + "/":             false,
		collection + "/../vppTokens": false,
		collection + "#":             false,
		collection + "?a b":          false,
		collection + "?\r\nX: y":     false,
		"https://graph.microsoft.com/beta/deviceAppManagement%2FvppTokens": false,
		"https://graph.microsoft.com/beta/deviceAppManagement%2fvppTokens": false,
		"https://graph.microsoft.com/v1.0/deviceAppManagement/vppTokens":   false,
		"https://graph.microsoft.com/beta/me":                              false,
	} {
		u, err := graph.NextLink(link, base)
		if (err == nil) != want || (u == nil) == want {
			t.Errorf("NextLink(%.100q) = %v, %v; accepted should be %v", link, u, err, want)
		}
		if err != nil && (!errors.Is(err, graph.ErrUntrustedURL) || strings.Contains(err.Error(), "evil")) {
			t.Errorf("NextLink(%q): error %v", link, err)
		}
	}
}

func FuzzNextLink(f *testing.F) {
	for _, s := range []string{
		collection, collection + "?$skip=1", collection + "/..", "https://graph.microsoft.com@evil.example/", "//evil.example", `https:\\evil.example`,
		"https://graph.microsoft.com/beta/deviceAppManagement/%76ppTokens", "https://GRAPH.microsoft.com/beta/deviceAppManagement/vppTokens", "https://[::1]/",
	} {
		f.Add(s)
	}
	base, err := url.Parse(collection)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, link string) {
		u, err := graph.NextLink(link, base)
		if err != nil {
			return
		}
		again, err := url.Parse(u.String())
		if err != nil {
			t.Fatalf("%q was accepted as %q, which does not parse: %v", link, u, err)
		}
		for _, u := range []*url.URL{u, again} {
			if u.Scheme != "https" || strings.ToLower(u.Host) != "graph.microsoft.com" || u.User != nil || u.Opaque != "" || u.Path != base.Path ||
				strings.Count(u.EscapedPath(), "/") != 3 || u.Fragment != "" || len(link) > 8<<10 {
				t.Errorf("%q was accepted as %q", link, u)
			}
		}
	})
}
