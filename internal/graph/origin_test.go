package graph_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/vpptoken/vpptoken/internal/graph"
)

const (
	root       = "https://graph.microsoft.com"
	resource   = "/deviceAppManagement/vppTokens"
	collection = root + "/beta" + resource
)

func parse(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// direct are the pages of a list at the service itself, gateway those behind one.
func direct(t *testing.T) graph.Pages {
	t.Helper()
	return graph.Pages{Base: parse(t, root+"/beta"), Home: parse(t, root+"/beta"), Collection: parse(t, collection)}
}

func gateway(t *testing.T) graph.Pages {
	t.Helper()
	const base = "https://gw.example/graph/beta"
	return graph.Pages{Base: parse(t, base), Home: parse(t, root+"/beta"), Collection: parse(t, base+resource)}
}

// F02, F03: the shapes that services write links in all lead to the one collection.
func TestF03NextLinkShapes(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("x", 64<<10-len(collection)-1)
	for link, query := range map[string]string{
		collection:                                                             "",
		collection + "?$top=2&$skiptoken=bmV4dA":                               "$top=2&$skiptoken=bmV4dA",
		collection + "?$filter=state%20eq%20'valid'":                           "$filter=state%20eq%20'valid'",
		collection + "?$skiptoken=a/../b?c":                                    "$skiptoken=a/../b?c",
		"HTTPS://Graph.Microsoft.com/beta" + resource + "?$skip=1":             "$skip=1",
		root + ":443/beta" + resource + "?$skip=1":                             "$skip=1",
		root + "/Beta/deviceappmanagement/VPPTOKENS?$skip=1":                   "$skip=1",
		collection + "/?$skip=1":                                               "$skip=1",
		collection + "()?$skip=1":                                              "$skip=1",
		collection + "()/":                                                     "",
		"/beta" + resource + "?$skip=1":                                        "$skip=1",
		"/beta" + resource + "()?$skip=1":                                      "$skip=1",
		"beta" + resource + "?$skip=1":                                         "$skip=1",
		"deviceAppManagement/vppTokens?$skip=1":                                "$skip=1",
		"vppTokens?$skip=1":                                                    "$skip=1",
		"?$skip=1":                                                             "$skip=1",
		collection + "?" + strings.Repeat("x", 9_500):                          strings.Repeat("x", 9_500),
		collection + "?" + longest:                                             longest,
		root + "/beta/deviceAppManagement/vpp%54okens?$skiptoken=%2e%2e%2f%00": "$skiptoken=%2e%2e%2f%00",
	} {
		u, err := direct(t).Next(link)
		if err != nil {
			t.Errorf("Next(%.100q): %v", link, err)
			continue
		}
		want := parse(t, collection)
		want.RawQuery = query
		if u.String() != want.String() {
			t.Errorf("Next(%.100q) = %.200s", link, u)
		}
	}
}

// R11: what leads elsewhere is refused, and the text says by which rule, and nothing of the link.
func TestR11NextLinkRefusals(t *testing.T) {
	t.Parallel()
	for link, rule := range map[string]string{
		"http://graph.microsoft.com/beta" + resource:                   "another scheme",
		"http://graph.microsoft.com:443/beta" + resource:               "another scheme",
		"ftp://graph.microsoft.com/beta" + resource:                    "another scheme",
		root + ":8443/beta" + resource:                                 "another port",
		root + ":80/beta" + resource:                                   "another port",
		root + ":/beta" + resource:                                     "another port",
		"https://graph.microsoft.com.evil.example/beta" + resource:     "another host",
		"https://graph.microsoft.com./beta" + resource:                 "another host",
		"https://evil.example/beta" + resource:                         "another host",
		"//graph.microsoft.com/beta" + resource:                        "another scheme",
		"//evil.example/beta" + resource:                               "another scheme",
		"https://user@graph.microsoft.com/beta" + resource:             "names a user",
		"https://graph.microsoft.com@evil.example/beta" + resource:     "names a user",
		"https:graph.microsoft.com/beta" + resource:                    "names a user or is not a plain address",
		`https://graph.microsoft.com\@evil.example/beta` + resource:    "character",
		"https://graph.micro\u017foft.com/beta" + resource:             "character",
		"https://graph.microsoft\u3002com/beta" + resource:             "character",
		collection + "?a b":                                            "character",
		collection + "?\r\nX: y":                                       "character",
		collection + "#":                                               "fragment",
		"://x":                                                         "not an address",
		"https://graph%2emicrosoft.com/beta" + resource:                "not an address",
		"https:/beta" + resource:                                       "another host",
		collection + "?" + strings.Repeat("x", 64<<10-len(collection)): "64 KiB",
		root + "/v1.0" + resource:                                      "another collection",
		root + "/beta/me":                                              "another collection",
		root + "/beta":                                                 "another collection",
		collection + "/1":                                              "another collection",
		collection + "X":                                               "another collection",
		collection + "/../vppTokens":                                   "another collection",
		collection + "//":                                              "another collection",
		root + "/beta/deviceAppManagement%2FvppTokens":                 "another collection",
		root + "/beta/deviceAppManagement%2fvppTokens":                 "another collection",
		"/me":              "another collection",
		"me?evil":          "another collection",
		"../vppTokens":     "another collection",
		"/v1.0" + resource: "another collection",
	} {
		u, err := direct(t).Next(link)
		if u != nil || !errors.Is(err, graph.ErrUntrustedURL) || !strings.Contains(err.Error(), rule) {
			t.Errorf("Next(%.100q) = %v, %v; want a refusal that says %q", link, u, err, rule)
		}
		if err != nil && strings.Contains(err.Error(), "evil") {
			t.Errorf("Next(%q): the text shows the link: %v", link, err)
		}
	}
}

// F04: behind a gateway the service still writes links to itself; they are asked at the gateway.
func TestF04NextLinkBehindAGateway(t *testing.T) {
	t.Parallel()
	for link, want := range map[string]bool{
		"https://gw.example/graph/beta" + resource + "?$skiptoken=a":              true,
		"https://gw.example:443/graph/beta" + resource + "?$skiptoken=a":          true,
		"/graph/beta" + resource + "?$skiptoken=a":                                true,
		collection + "?$skiptoken=a":                                              true,
		"https://GRAPH.microsoft.com:443/beta" + resource + "()?$skiptoken=a":     true,
		"/beta" + resource + "?$skiptoken=a":                                      true,
		"?$skiptoken=a":                                                           true,
		"https://gw.example/beta" + resource + "?$skiptoken=a":                    false,
		"https://graph.microsoft.us/beta" + resource + "?$skiptoken=a":            false,
		"http://graph.microsoft.com/beta" + resource + "?$skiptoken=a":            false,
		root + "/v1.0" + resource + "?$skiptoken=a":                               false,
		root + "/graph/beta" + resource + "?$skiptoken=a":                         false,
		"https://user@graph.microsoft.com/beta" + resource + "?$skiptoken=a":      false,
		"https://graph.microsoft.com:8443/beta" + resource + "?$skiptoken=a":      false,
		"https://evil.example/graph/beta" + resource + "?$skiptoken=a":            false,
		"https://gw.example.evil.example/graph/beta" + resource + "?$skiptoken=a": false,
	} {
		u, err := gateway(t).Next(link)
		switch {
		case !want && !errors.Is(err, graph.ErrUntrustedURL):
			t.Errorf("Next(%q) = %v, %v; want a refusal", link, u, err)
		case want && (err != nil || u.String() != "https://gw.example/graph/beta"+resource+"?$skiptoken=a"):
			t.Errorf("Next(%q) = %v, %v", link, u, err)
		}
	}
}

// F02: a default port is the same origin, named or not.
func TestF02SameOrigin(t *testing.T) {
	t.Parallel()
	for addresses, want := range map[[2]string]bool{
		{"https://h/a", "https://H/b"}:              true,
		{"https://h:443/a", "https://h/b"}:          true,
		{"https://h/a", "https://h:443/b"}:          true,
		{"http://127.0.0.1:80", "http://127.0.0.1"}: true,
		{"http://[::1]:80", "http://[::1]"}:         true,
		{"https://h:80", "https://h"}:               false,
		{"https://h:", "https://h"}:                 false,
		{"https://h:8443", "https://h"}:             false,
		{"http://h", "https://h"}:                   false,
		{"https://u@h", "https://h"}:                false,
		{"https://i", "https://h"}:                  false,
		{"https:h", "https://h"}:                    false,
	} {
		if got := graph.SameOrigin(parse(t, addresses[0]), parse(t, addresses[1])); got != want {
			t.Errorf("SameOrigin(%v) = %t", addresses, got)
		}
	}
}
