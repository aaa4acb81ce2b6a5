package vpptoken

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken/internal/graph"
)

// Client reads and changes the VPP tokens of one tenant. It is immutable and safe for concurrent
// use. Use one for all goroutines, so that they share connections, a retry budget and the service's
// limits (see [WithWriteLimit]). To share connections between the clients of many tenants, give
// them the same http.Client with [WithHTTPClient].
type Client struct {
	graph   *graph.Client
	base    *url.URL
	home    *url.URL // the cloud's own root with the version: where links point when base is a gateway
	version APIVersion
	noCount *atomic.Bool // the service has no route for Count
}

// NewClient returns a client that authorizes with ts, most simply a [Source]. It sends nothing.
//
// If ts has a method Cloud() [Cloud], that decides the cloud; a [WithCloud] that contradicts it is
// an error. If ts has a method
//
//	TokenContext(ctx context.Context, claims string) (*oauth2.Token, error)
//
// the client calls that for each attempt, on the call's own goroutine, with the call's context (its
// deadline and its values) and, after a claims challenge, with the decoded claims. Such a ts should
// keep its token until it expires.
//
// Any other ts gets no context. One call at a time asks it, on another goroutine, which may outlive
// the call; the calls that wait share its token. If ts does not return within an attempt's time,
// the next call asks it again. A call's first attempt reuses the last token if
// the service has not refused it and it has over a minute left or, without an expiry, is less than
// a minute old. Every other attempt asks ts.
func NewClient(ts oauth2.TokenSource, opts ...Option) (*Client, error) {
	if ts == nil {
		return nil, errors.New("vpptoken: NewClient: the token source is nil")
	}
	cfg := config{version: VersionBeta, userAgent: product, retry: Retry{}.withDefaults(), writes: -1}
	for i, o := range opts {
		if o == nil {
			return nil, fmt.Errorf("vpptoken: NewClient: option %d is nil", i)
		}
		if err := o(&cfg); err != nil {
			return nil, fmt.Errorf("vpptoken: %w", err)
		}
	}
	if err := cfg.takeCloud(ts); err != nil {
		return nil, fmt.Errorf("vpptoken: NewClient: %w", err)
	}
	base, home, err := cfg.roots()
	if err != nil {
		return nil, fmt.Errorf("vpptoken: %w", err)
	}
	carrier, timeout := cfg.transport()
	writes, period := cfg.writeLimit()
	calls := graph.Config{
		Base: base, Transport: carrier, Logger: cfg.logger, UserAgent: cfg.userAgent,
		MaxAttempts: cfg.retry.MaxAttempts, MinWait: cfg.retry.MinWait, MaxWait: cfg.retry.MaxWait,
		MaxRetryAfter: cfg.retry.MaxRetryAfter, AttemptTimeout: timeout, WriteLimit: writes, WritePeriod: period,
	}
	takeSource(&calls, ts)
	return &Client{
		base: base, home: home, version: cfg.version, noCount: new(atomic.Bool), graph: graph.New(calls),
	}, nil
}

// Format prints the service's address under every verb, and nothing that the client holds.
func (c Client) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "vpptoken.Client(%v)", c.base) }

// List reads all tokens, page by page as the loop asks for them. It sends nothing before the first
// iteration, and each new range starts over. It yields the tokens in order and at most one error,
// last: a list that is cut short always ends in an error. Microsoft Graph reference:
// https://learn.microsoft.com/graph/api/intune-onboarding-vpptoken-list
func (c *Client) List(ctx context.Context, opts ...ListOption) iter.Seq2[*VPPToken, error] {
	return pages(ctx, c, request{op: opList, method: http.MethodGet}, opts, decodePage, tokenID)
}

// Get reads one token. Microsoft Graph reference:
// https://learn.microsoft.com/graph/api/intune-onboarding-vpptoken-get
func (c *Client) Get(ctx context.Context, id string, opts ...CallOption) (*VPPToken, error) {
	return c.token(ctx, request{op: opGet, method: http.MethodGet, item: true, id: id}, opts)
}

// Create uploads a content token, the text of Apple's .vpptoken file (package contenttoken reads
// it), and whatever else p sets or clears; p may be nil. A p that sets or clears Token is a
// [PropertyError], and so is a zero token. Create is never retried after an ambiguous failure: when
// [Error.Ambiguous] is set, list the tokens before you try again, because a second token for the
// same location is a duplicate and stops the sync of both. To renew a token use [Client.Update].
// Microsoft Graph reference:
// https://learn.microsoft.com/graph/api/intune-onboarding-vpptoken-create
func (c *Client) Create(ctx context.Context, token Secret, p *Patch, opts ...CallOption) (*VPPToken, error) {
	body, err := p.createBody(token, c.apiVersion())
	if err != nil {
		return nil, fmt.Errorf("vpptoken: create: %w", err)
	}
	return c.token(ctx, request{op: opCreate, method: http.MethodPost, body: body, secret: token}, opts)
}

// Update sends only the properties that p sets or clears, and returns the token as the service now
// holds it, without the content token. An empty patch is [ErrEmptyPatch]; anything else that
// [Patch.Check] finds is a [PropertyError]. Microsoft Graph reference:
// https://learn.microsoft.com/graph/api/intune-onboarding-vpptoken-update
func (c *Client) Update(ctx context.Context, id string, p *Patch, opts ...CallOption) (*VPPToken, error) {
	body, err := p.updateBody(c.apiVersion())
	if err != nil {
		return nil, fmt.Errorf("vpptoken: update: %w", err)
	}
	r := request{op: opUpdate, method: http.MethodPatch, item: true, id: id, body: body, secret: p.secret()}
	return c.tokenOrRead(ctx, r, opts)
}

// Delete removes a token. Revoke its licenses first, with [Client.RevokeLicenses]: Microsoft's
// documents contradict each other on whether deleting does, and afterward it can't be done.
// Microsoft Graph reference:
// https://learn.microsoft.com/graph/api/intune-onboarding-vpptoken-delete
func (c *Client) Delete(ctx context.Context, id string, opts ...CallOption) error {
	_, err := c.do(ctx, request{op: opDelete, method: http.MethodDelete, item: true, id: id}, opts)
	return err
}

// Count returns how many tokens there are. Microsoft's metadata has a route for that, /$count,
// which the service may lack: then Count counts the ids in a list, and this client does not try the
// route again.
func (c *Client) Count(ctx context.Context, opts ...CallOption) (int, error) {
	if c == nil || c.noCount == nil || !c.noCount.Load() {
		n, err := c.count(ctx, opts)
		if !lacksRoute(err) {
			return n, err
		}
		c.noCount.Store(true)
	}
	return c.countList(ctx, opts)
}

// SyncLicenses asks Intune to synchronize a token with Apple and does not wait for that; the token
// it returns may still show the previous sync. To start a sync and wait for it use
// [Client.StartSync] and [Client.WaitSync]. SyncLicenses is never retried after an ambiguous
// failure. Microsoft Graph reference:
// https://learn.microsoft.com/graph/api/intune-onboarding-vpptoken-synclicenses
func (c *Client) SyncLicenses(ctx context.Context, id string, opts ...CallOption) (*VPPToken, error) {
	return c.tokenOrRead(ctx, syncRequest(id), opts)
}

func syncRequest(id string) request {
	return request{op: opSyncLicenses, method: http.MethodPost, item: true, id: id, tail: "/syncLicenses"}
}

// RevokeOptions says what RevokeLicenses does besides revoking the licenses of managed devices and
// users.
type RevokeOptions struct {
	NotifyManagedDevices    bool `json:"notifyManagedDevices"`    // tell the devices
	RevokeUntrackedLicenses bool `json:"revokeUntrackedLicenses"` // also those that Intune did not assign
}

// RevokeLicenses revokes all licenses of a token. [VPPToken.TokenActionResults] shows the progress.
// It is never retried after an ambiguous failure. Beta. Microsoft Graph reference:
// https://learn.microsoft.com/graph/api/intune-onboarding-vpptoken-revokelicenses
func (c *Client) RevokeLicenses(ctx context.Context, id string, r RevokeOptions, opts ...CallOption) error {
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("vpptoken: %s: %w", opRevokeLicenses, err)
	}
	_, err = c.do(ctx, request{
		op: opRevokeLicenses, method: http.MethodPost, item: true, id: id, tail: "/revokeLicenses", body: body, beta: true,
	}, opts)
	return err
}

// SyncLicenseCounts asks Intune to update the license counts of all tokens. It is never retried
// after an ambiguous failure. Beta. Microsoft Graph reference:
// https://learn.microsoft.com/graph/api/intune-onboarding-vpptoken-synclicensecounts
func (c *Client) SyncLicenseCounts(ctx context.Context, opts ...CallOption) error {
	r := request{op: opSyncLicenseCounts, method: http.MethodPost, tail: "/syncLicenseCounts", beta: true}
	_, err := c.do(ctx, r, opts)
	return err
}

// LicensesForApp yields the license counts of the app with the given bundle id, such as
// "com.example.app", token by token. It iterates as [Client.List] does. Beta. Microsoft Graph
// reference: https://learn.microsoft.com/graph/api/intune-onboarding-vpptoken-getlicensesforapp
func (c *Client) LicensesForApp(
	ctx context.Context, bundleID string, opts ...CallOption,
) iter.Seq2[*LicenseSummary, error] {
	r := request{op: opLicensesForApp, method: http.MethodGet, tail: "/getLicensesForApp", bundleID: &bundleID, beta: true}
	return pages(ctx, c, r, listOptions(opts), decodeLicenses, nil)
}

// countList counts the tokens of a list, reading only their ids.
func (c *Client) countList(ctx context.Context, opts []CallOption) (int, error) {
	n := 0
	r := request{op: opCount, method: http.MethodGet}
	for _, err := range pages(ctx, c, r, append(listOptions(opts), WithSelect("id")), decodePage, tokenID) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// lacksRoute reports whether the service has no such route. Services word that in many ways: "No
// method match route template", "No OData route exists that match template ...".
func lacksRoute(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return false
	}
	text := strings.ToLower(e.Code + " " + e.Message)
	words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
	missing := strings.Contains(text, "segment '$count'")
	if at := slices.Index(words, "route"); at >= 0 {
		missing = missing || slices.Contains(words[:at], "no") || slices.ContainsFunc(words[at:], func(w string) bool {
			return w == "template" || w == "found" || strings.HasPrefix(w, "exist") || strings.HasPrefix(w, "match")
		})
	}
	return e.Is(ErrNotFound) || e.StatusCode == http.StatusBadRequest && missing
}

func listOptions(opts []CallOption) []ListOption {
	list := make([]ListOption, len(opts))
	for i, o := range opts {
		list[i] = o
	}
	return list
}

func tokenID(t *VPPToken) string { return t.ID }

// apiVersion is the client's version; a nil client is refused later.
func (c *Client) apiVersion() APIVersion {
	if c == nil {
		return ""
	}
	return c.version
}

// token makes a call whose answer is a token.
func (c *Client) token(ctx context.Context, r request, opts []CallOption) (*VPPToken, error) {
	a, err := c.do(ctx, r, opts)
	if err != nil {
		return nil, err
	}
	return a.token()
}

// tokenOrRead makes a call, and reads the token if the service answered without one.
func (c *Client) tokenOrRead(ctx context.Context, r request, opts []CallOption) (*VPPToken, error) {
	a, err := c.do(ctx, r, opts)
	switch {
	case err != nil:
		return nil, err
	case !a.empty():
		return a.token()
	}
	return c.readAfter(ctx, a)
}

// readAfter reads the token after a write that was answered without one.
func (c *Client) readAfter(ctx context.Context, write *answer) (*VPPToken, error) {
	header := maps.Clone(write.options.header)
	maps.DeleteFunc(header, func(name string, _ []string) bool { return graph.IsCondition(name) }) // of the write
	r := request{op: opGet, method: http.MethodGet, item: true, id: write.req.id}
	ctx = graph.WithSecret(ctx, write.req.secret.Reveal()) // which the answer may quote
	t, err := c.token(ctx, r, []CallOption{func(o *call) { o.id, o.header = write.options.id, header }})
	failed, ok := errors.AsType[*Error](err)
	if !ok {
		return t, err
	}
	failed.Op, failed.Method, failed.Path, failed.Ambiguous = write.req.op, write.req.method, write.path, true
	failed.Attempts += write.out.Attempts
	const accepted = "the service accepted it, but reading the token afterward failed: "
	failed.Message = strings.TrimSuffix(accepted+failed.Message, ": ")
	return nil, failed
}

func (a *answer) token() (*VPPToken, error) {
	t, err := decodeToken(a.out.Body)
	if err != nil {
		return nil, a.bad(err)
	}
	if a.req.item && !strings.EqualFold(t.ID, a.req.id) && isGUID(a.req.id) == isGUID(t.ID) {
		return nil, a.bad(errors.New("the answer holds another token"))
	}
	return t, nil
}

// isGUID reports whether id has the form of the service's. It is not compared with one of another
// form: a stub may answer any id with one of its own.
func isGUID(id string) bool {
	odd := func(r rune) bool { return !alnum(r) && r != '-' }
	return len(id) == 36 && strings.Count(id, "-") == 4 && !strings.ContainsFunc(id, odd)
}

func (c *Client) count(ctx context.Context, opts []CallOption) (int, error) {
	a, err := c.do(ctx, request{op: opCount, method: http.MethodGet, tail: "/$count", accept: "text/plain"}, opts)
	if err != nil {
		return 0, err
	}
	text := string(a.text())
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || strings.HasPrefix(text, "+") {
		return 0, a.bad(errors.New("the answer is not a count"))
	}
	return int(n), nil
}
