package vpptokentest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// call is one authorized request, parsed.
type call struct {
	method, version, origin string
	beta                    bool
	id, bundleID            string // what the path names
	rawQuery, contentType   string
	accept                  []string
	body                    []byte
	now                     time.Time
}

// operation is one of the ten; the tenant's lock is held.
type operation func(*call) (answer, *problem)

// do finds the operation and carries it out.
func (g *tenant) do(r *http.Request, body []byte) (answer, *problem) {
	var path []string
	for escaped := range strings.SplitSeq(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/") {
		segment, err := url.PathUnescape(escaped)
		if err != nil {
			return answer{}, badRequest("The path is not percent-encoded.")
		}
		path = append(path, segment)
	}
	for i, want := range []string{"", "deviceAppManagement", "vppTokens"} {
		known := i < len(path) && path[i] == want
		if i == 0 {
			known = path[0] == "beta" || path[0] == "v1.0"
		}
		if !known {
			return answer{}, noSegment(http.StatusNotFound, path[min(i, len(path)-1)])
		}
	}
	now := g.enter()
	defer g.mu.Unlock()
	if r.Method != http.MethodGet {
		if p := g.writes.refuse(now); p != nil {
			return answer{}, p
		}
	}
	c := &call{
		method: r.Method, version: path[0], origin: origin(r),
		beta: path[0] == "beta", rawQuery: r.URL.RawQuery,
		contentType: r.Header.Get("Content-Type"), accept: r.Header.Values("Accept"),
		body: body, now: now,
	}
	return g.dispatch(c, path[3:])
}

// dispatch chooses the operation by what follows the collection.
func (g *tenant) dispatch(c *call, path []string) (answer, *problem) {
	switch len(path) {
	case 0:
		return c.choose(map[string]operation{http.MethodGet: g.list, http.MethodPost: g.create})
	case 1:
		switch name, parameters, function := strings.Cut(path[0], "("); {
		case path[0] == "$count":
			return c.choose(map[string]operation{http.MethodGet: g.count})
		case path[0] == "syncLicenseCounts":
			return c.chooseBeta(path[0], http.MethodPost, g.syncLicenseCounts)
		case name == "getLicensesForApp":
			var ok bool
			if c.bundleID, ok = bundleID(parameters); (!ok || !function) && c.beta {
				return answer{}, badRequest("The function 'getLicensesForApp' takes one parameter, bundleId='...'.")
			}
			return c.chooseBeta(name, http.MethodGet, g.licensesForApp)
		case path[0] == "":
			return answer{}, noSegment(http.StatusNotFound, "")
		}
		c.id = path[0]
		return c.choose(map[string]operation{http.MethodGet: g.get, http.MethodPatch: g.update, http.MethodDelete: g.delete})
	case 2:
		c.id = path[0]
		switch path[1] {
		case "syncLicenses":
			return c.choose(map[string]operation{http.MethodPost: g.syncLicenses})
		case "revokeLicenses":
			return c.chooseBeta(path[1], http.MethodPost, g.revokeLicenses)
		}
	}
	return answer{}, noSegment(http.StatusNotFound, path[len(path)-1])
}

// bundleID reads what follows the opening bracket: bundleId='...'), with every ' inside doubled.
func bundleID(parameters string) (id string, ok bool) {
	id, ok = strings.CutPrefix(parameters, "bundleId='")
	if !ok {
		return "", false
	}
	if id, ok = strings.CutSuffix(id, "')"); !ok {
		return "", false
	}
	if strings.Contains(strings.ReplaceAll(id, "''", ""), "'") {
		return "", false
	}
	return strings.ReplaceAll(id, "''", "'"), true
}

func (c *call) choose(by map[string]operation) (answer, *problem) {
	if o := by[c.method]; o != nil {
		return o(c)
	}
	var allow []string
	for method := range by {
		allow = append(allow, method)
	}
	slices.Sort(allow)
	return answer{}, &problem{
		http.StatusMethodNotAllowed, "MethodNotAllowed", "The HTTP method is not allowed for this resource.",
		http.Header{"Allow": {strings.Join(allow, ", ")}},
	}
}

// chooseBeta is choose for what v1.0 does not have.
func (c *call) chooseBeta(name, method string, o operation) (answer, *problem) {
	if !c.beta {
		return answer{}, noSegment(http.StatusBadRequest, name)
	}
	return c.choose(map[string]operation{method: o})
}
