package vpptokentest

import (
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	pageSize = 100  // without $top
	maxPage  = 1000 // whatever $top says
)

// options reads the query options. One that the operation does not take is refused; names without
// $ are ignored.
func (c *call) options(allowed ...string) (map[string]string, *problem) {
	query, err := url.ParseQuery(c.rawQuery)
	if err != nil {
		return nil, badRequest("The query is not percent-encoded.")
	}
	options := make(map[string]string)
	for _, name := range slices.Sorted(maps.Keys(query)) {
		switch {
		case !strings.HasPrefix(name, "$"):
		case !slices.Contains(allowed, name):
			return nil, badRequest("The query option '%s' is not supported here.", short(name))
		case len(query[name]) != 1:
			return nil, badRequest("The query option '%s' appears more than once.", name)
		default:
			options[name] = query[name][0]
		}
	}
	return options, nil
}

// page is what a list request asks for.
type page struct {
	top, skip, after int
	count            bool
	sel              selection
	link             string // the options that the next page repeats
}

func (g *tenant) page(c *call) (page, *problem) {
	options, p := c.options("$top", "$skip", "$skiptoken", "$count", "$select")
	if p != nil {
		return page{}, p
	}
	wanted := page{top: pageSize}
	ok := true
	for _, name := range slices.Sorted(maps.Keys(options)) {
		value := options[name]
		switch name {
		case "$top":
			wanted.top, ok = number(value, 1)
			wanted.top = min(wanted.top, maxPage)
		case "$skip":
			wanted.skip, ok = number(value, 0)
		case "$skiptoken":
			wanted.after, ok = readSkipToken(value)
		case "$count":
			wanted.count = value == "true"
			ok = wanted.count || value == "false"
		case "$select":
			if wanted.sel, p = g.selection(value, c.beta); p != nil {
				return page{}, p
			}
		}
		if !ok {
			return page{}, badRequest("The value of the query option '%s' is not valid.", name)
		}
		if name != "$skip" && name != "$skiptoken" {
			wanted.link += name + "=" + url.QueryEscape(value) + "&"
		}
	}
	return wanted, nil
}

func number(s string, least int) (n int, ok bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= least && n <= 1<<31-1
}

// A skip token holds the number of the last token shown, so that no page repeats or leaves out a
// token when others go.
func skipToken(after int) string {
	return base64.RawURLEncoding.EncodeToString([]byte("after " + strconv.Itoa(after)))
}

func readSkipToken(s string) (after int, ok bool) {
	text, err := base64.RawURLEncoding.DecodeString(s)
	digits, ok := strings.CutPrefix(string(text), "after ")
	if err != nil || !ok {
		return 0, false
	}
	return number(digits, 1)
}

// selection is a $select: the properties, and how the context names them. The zero selection is
// everything.
type selection struct {
	only    map[string]bool
	context string
}

func (g *tenant) selection(value string, beta bool) (selection, *problem) {
	s := selection{only: make(map[string]bool)}
	var names []string
	for name := range strings.SplitSeq(value, ",") {
		name = strings.TrimSpace(name)
		if _, ok := g.property(name, beta); !ok {
			return selection{}, badRequest("Could not find a property named '%s' on type '%s'.", short(name), tokenType)
		}
		if !s.only[name] {
			s.only[name] = true
			names = append(names, name)
		}
	}
	s.context = "(" + strings.Join(names, ",") + ")"
	return s, nil
}
