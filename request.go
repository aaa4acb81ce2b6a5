package vpptoken

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/vpptoken/vpptoken/internal/graph"
)

// The operations as errors name them.
const (
	opList              = "list"
	opGet               = "get"
	opCreate            = "create"
	opUpdate            = "update"
	opDelete            = "delete"
	opCount             = "count"
	opSyncLicenses      = "syncLicenses"
	opRevokeLicenses    = "revokeLicenses"
	opSyncLicenseCounts = "syncLicenseCounts"
	opLicensesForApp    = "getLicensesForApp"
	opWaitSync          = "waitSync"
	opSignIn            = "signIn"
)

// effect returns what a retry of an operation does. Operations not listed here act once more.
func effect(op string) graph.Effect {
	switch op {
	case opList, opGet, opCount, opLicensesForApp, opWaitSync:
		return graph.Safe
	case opUpdate, opDelete:
		return graph.Idempotent
	}
	return graph.Unsafe
}

const collection = "/deviceAppManagement/vppTokens"

// request is what an operation asks for.
type request struct {
	op       string
	method   string
	item     bool // of the token with this id
	id       string
	tail     string  // after the collection or the item
	bundleID *string // the parameter of getLicensesForApp
	accept   string  // "" is application/json
	body     []byte
	secret   Secret // in the body
	beta     bool
	busy     bool // a sync under way may be the reason for a refusal
	reuse    bool // the answer's memory goes back for the next page
}

// answer is a request with its options and its response.
type answer struct {
	req     request
	options call
	path    string  // what errors and logs show
	url     url.URL // of the first request
	out     *graph.Outcome
}

// do makes a call of one request.
func (c *Client) do(ctx context.Context, r request, opts []CallOption) (*answer, error) {
	a := &answer{req: r}
	for _, o := range opts {
		a.options.apply(o)
	}
	u, err := c.prepare(ctx, a)
	if err != nil {
		return nil, fmt.Errorf("vpptoken: %s: %w", r.op, err)
	}
	if err := c.send(ctx, a, u); err != nil {
		return nil, err
	}
	return a, nil
}

// prepare checks the call before anything is sent, and returns the address.
func (c *Client) prepare(ctx context.Context, a *answer) (*url.URL, error) {
	r := &a.req
	if a.options.metadata != nil {
		*a.options.metadata = Metadata{} // it may hold another call's
	}
	switch {
	case c == nil || c.graph == nil:
		return nil, errors.New("the client was not made by NewClient")
	case ctx == nil:
		return nil, errors.New("the context is nil")
	case r.beta && c.version == VersionV1:
		return nil, notInV1(r.op)
	case r.item && !validID(r.id):
		return nil, ErrInvalidID
	}
	if err := a.options.finish(); err != nil {
		return nil, err
	}
	for _, p := range slices.Concat(a.options.selected, a.options.ordered) {
		if c.version == VersionV1 && betaProperty(p) {
			return nil, notInV1(p)
		}
	}
	a.url = *c.base
	u := &a.url
	u.Path = r.path(c.base.Path) // one string for both
	a.path = u.Path[len(c.base.Path):]
	if r.bundleID != nil {
		if *r.bundleID == "" || len(*r.bundleID) > 255 || !utf8.ValidString(*r.bundleID) {
			return nil, errors.New("a bundle id is 1 to 255 bytes of UTF-8")
		}
		literal := strings.ReplaceAll(*r.bundleID, "'", "''")
		u.RawPath = u.EscapedPath() + "(bundleId='" + url.PathEscape(literal) + "')"
		u.Path += "(bundleId='" + literal + "')"
	}
	u.RawQuery = strings.Join(a.options.query, "&")
	return u, nil
}

// path returns the path below root.
func (r *request) path(root string) string {
	if r.item {
		return root + collection + "/" + r.id + r.tail
	}
	return root + collection + r.tail
}

func validID(id string) bool {
	odd := func(r rune) bool { return !alnum(r) && r != '-' && r != '.' && r != '_' && r != '~' }
	return id != "" && len(id) <= 128 && id != "." && id != ".." && !strings.ContainsFunc(id, odd)
}

// send makes the request and returns an error unless it succeeded.
func (c *Client) send(ctx context.Context, a *answer, u *url.URL) error {
	r := &a.req
	accept := r.accept
	if accept == "" {
		accept = "application/json"
	}
	a.out = c.graph.Do(ctx, graph.Call{
		Op: r.op, Method: r.method, URL: u, LogPath: a.path, Accept: accept, Body: r.body, Header: a.options.header,
		ID: a.options.id, Effect: effect(r.op), Secret: r.secret.Reveal(), Busy: r.busy, Reuse: r.reuse,
	})
	a.options.metadata.fill(a.options.id, a.out)
	if a.out.Err == nil && a.out.Status/100 == 2 {
		return a.checkType()
	}
	switch {
	case a.out.Err != nil:
		return a.fail("", a.out.Err)
	case r.op == opDelete && a.out.Ambiguous && a.fail("", nil).Is(ErrNotFound):
		return nil // an earlier attempt deleted it
	case a.out.Header.Get("Location") != "" && a.out.Status/100 == 3:
		return a.fail("the service answered with a redirect, which is not followed", nil)
	}
	return a.fail("", nil)
}

// checkType refuses a success that is not JSON.
func (a *answer) checkType() error {
	if a.req.accept == "" && !a.empty() && !isJSON(a.out.Header.Get("Content-Type")) {
		return a.bad(errors.New("the answer's Content-Type is not JSON"))
	}
	return nil
}

// empty reports whether a success has no body, whatever its status.
func (a *answer) empty() bool {
	return a.out.Status == http.StatusNoContent || len(a.text()) == 0
}

// text is the body without what may surround it.
func (a *answer) text() []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(a.out.Body, []byte("\uFEFF")))
}

// isJSON also accepts a missing type and text/plain, which careless servers send.
func isJSON(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	switch media = strings.ToLower(strings.TrimSpace(media)); media {
	case "", "application/json", "text/json", "text/plain":
		return true
	}
	return strings.HasSuffix(media, "+json")
}

// bad is the failure of a call whose answer is unusable. A write may have been carried out all the
// same.
func (a *answer) bad(err error) *Error {
	if errors.Is(err, ErrUntrustedURL) {
		return a.fail("", err)
	}
	e := a.fail(err.Error(), nil)
	e.Ambiguous = e.Ambiguous || effect(a.req.op) != graph.Safe
	return e
}

// fail builds the error of a call that left the process. A message replaces the service's own,
// unless it is "".
func (a *answer) fail(message string, cause error) *Error {
	e := &Error{
		Op: a.req.op, Method: a.req.method, Path: a.path, StatusCode: a.out.Status,
		RequestID: a.out.RequestID(), ClientRequestID: a.options.id, RetryAfter: a.out.RetryAfter, Attempts: a.out.Attempts,
		Ambiguous: a.out.Ambiguous, Claims: a.out.Claims, Message: message, cause: cause, spent: a.out.Spent,
		conditional: graph.Conditional(a.options.header),
	}
	if e.signIn() || a.out.Status/100 == 2 || a.out.Body == nil {
		return e
	}
	b := graph.ParseError(a.out.Body)
	e.forbidden = b.Forbidden
	e.Code, e.Target = a.out.Clean(b.Code), a.out.Clean(b.Target)
	e.ActivityID = a.out.CleanID(b.ActivityID)
	if message == "" {
		e.Message = a.out.Clean(b.Message)
	}
	if e.RequestID == "" {
		e.RequestID = a.out.CleanID(b.RequestID)
	}
	return e
}
