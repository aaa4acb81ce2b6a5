package graph

import (
	"fmt"
	"net/url"
	"strings"
)

// SameOrigin reports whether u has the scheme, host and port of base and nothing that could mislead.
func SameOrigin(u, base *url.URL) bool {
	return u.Scheme == base.Scheme && strings.EqualFold(u.Host, base.Host) && u.User == nil && u.Opaque == ""
}

// NextLink checks an address that the service gave for the next page: it must be of base's origin and of exactly
// the collection that is being read, at most 8 KiB long.
func NextLink(link string, collection *url.URL) (*url.URL, error) {
	odd := func(c rune) bool { return c <= ' ' || c > '~' || c == '\\' || c == '#' } // also what only folds to the host's letters
	if len(link) > 8<<10 || strings.ContainsFunc(link, odd) {
		return nil, fmt.Errorf("the link to the next page is %w", ErrUntrustedURL)
	}
	u, err := url.Parse(link)
	if err != nil || !SameOrigin(u, collection) || u.Path != collection.Path || strings.Contains(strings.ToLower(u.RawPath), "%2f") {
		return nil, fmt.Errorf("the link to the next page is %w", ErrUntrustedURL)
	}
	return u, nil
}
