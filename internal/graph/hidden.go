package graph

import (
	"net/http"
	"strings"
)

// maxWhole bounds the texts that are searched for one by one.
const maxWhole = 32

// hidden returns what was sent besides secrets and must not come back in a text: the query and the
// caller's own headers. What looks like a key, and what only the service can read, is opaque: no
// run of it is shown. The words of a filter also occur in messages, so only the whole filter is
// hidden. Ordinary headers are not hidden at all.
func hidden(query string, header http.Header) (opaque, whole []string) {
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		switch {
		case !callersOption(name) && len(value) >= run, len(whole) >= maxWhole:
			opaque = append(opaque, value)
		default:
			whole = append(whole, part, strings.ReplaceAll(part, "%20", "+"))
		}
	}
	for name, values := range header {
		for _, v := range values {
			switch {
			case ordinary(name, v):
			case len(v) >= run && !strings.Contains(v, " ") && strings.ContainsAny(v,
				"0123456789"), len(whole) >= maxWhole:
				opaque = append(opaque, v)
			default:
				whole = append(whole, v)
			}
		}
	}
	return opaque, whole
}

// callersOption reports whether the caller wrote a query parameter. A skip token is the service's.
func callersOption(name string) bool {
	switch string(plainText(strings.ToLower(name))) {
	case "$filter", "$select", "$orderby", "$top", "$skip", "$search", "$count", "$expand":
		return true
	}
	return false
}

// ordinary reports whether a caller's header holds nothing worth hiding.
func ordinary(name, value string) bool {
	switch name {
	case "Accept", "Accept-Language", "Cache-Control", "Consistencylevel", "If-Match", "If-None-Match",
		"Pragma", "Prefer":
		return true
	}
	return ordinaryValue().MatchString(value)
}

// A media type, a number, one short word, yes or no.
var ordinaryValue = lazy(`^(?:[a-z]+/[a-z0-9.+*-]+|[0-9]{1,9}|[A-Za-z]{1,11})$`)
