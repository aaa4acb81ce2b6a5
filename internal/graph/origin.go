package graph

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// maxLink bounds a link to the next page. Skip tokens of 9,500 characters have been seen.
const maxLink = 64 << 10

// SameOrigin reports whether u has the scheme, host and port of base, and nothing misleading.
func SameOrigin(u, base *url.URL) bool { return strayed(u, base) == "" }

// strayed says how u differs from base's origin, or "" if it does not.
func strayed(u, base *url.URL) string {
	switch {
	case u.User != nil || u.Opaque != "":
		return "names a user or is not a plain address"
	case u.Scheme != base.Scheme:
		return "has another scheme"
	case !strings.EqualFold(u.Hostname(), base.Hostname()):
		return "leads to another host"
	case port(u) != port(base):
		return "leads to another port"
	}
	return ""
}

// port returns u's port, explicit or default.
func port(u *url.URL) string {
	switch p := u.Port(); {
	case p != "" || strings.HasSuffix(u.Host, ":"):
		return p
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// Pages decides where the pages of one list may be.
type Pages struct {
	Base       *url.URL // the service's root and version, where requests go
	Home       *url.URL // the root and version in the service's own view; differs behind a gateway
	Collection *url.URL // below Base
}

// Next returns the address of the page that link leads to: the collection's own, with the link's
// query. Services write links in several forms, so Next ignores letter case, a default port, a
// trailing slash and "()"; a link may be relative, or point to Home when there is a gateway in
// front of it. Any other link is ErrUntrustedURL, and the text says which rule it broke.
func (p Pages) Next(link string) (*url.URL, error) {
	u, why := p.read(link)
	if why != "" {
		return nil, fmt.Errorf("the link to the next page %s: %w", why, ErrUntrustedURL)
	}
	next := *p.Collection
	next.RawQuery = u.RawQuery
	return &next, nil
}

func (p Pages) read(link string) (u *url.URL, why string) {
	// This also keeps out characters that only case-fold to the letters of the host.
	odd := func(c rune) bool { return c <= ' ' || c > '~' || c == '\\' }
	switch {
	case len(link) > maxLink:
		return nil, "is longer than 64 KiB"
	case strings.ContainsFunc(link, odd):
		return nil, "holds a character that no address has"
	case strings.Contains(link, "#"):
		return nil, "has a fragment"
	}
	u, err := url.Parse(link)
	if err != nil {
		return nil, "is not an address"
	}
	resource := strings.TrimPrefix(p.Collection.Path, p.Base.Path)
	var paths []string
	switch {
	case u.Scheme == "" && u.Host == "" && u.User == nil && !strings.HasPrefix(link, "//"):
		if u.Path != "" && u.Path[0] != '/' {
			u.Path = "/" + strings.TrimPrefix(u.Path, "./")
		}
		self := resource[strings.LastIndexByte(resource, '/'):]
		paths = []string{"", self, resource, p.Base.Path + resource, p.Home.Path + resource}
	case strayed(u, p.Base) == "":
		paths = []string{p.Base.Path + resource}
	case strayed(u, p.Home) == "":
		paths = []string{p.Home.Path + resource}
	default:
		return nil, strayed(u, p.Base)
	}
	same := func(path string) bool { return strings.EqualFold(plainPath(u.Path), path) }
	if strings.Contains(strings.ToLower(u.RawPath), "%2f") || !slices.ContainsFunc(paths, same) {
		return nil, "leads to another collection"
	}
	return u, ""
}

// plainPath strips what may follow the name of a collection.
func plainPath(path string) string {
	return strings.TrimSuffix(strings.TrimSuffix(path, "/"), "()")
}
