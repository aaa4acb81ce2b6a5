package vpptoken

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken/internal/graph"
)

// Client reads and changes the VPP tokens of one tenant. It is safe for concurrent use and immutable; use one for all
// goroutines, so that they share connections, a retry budget and what keeps them within the service's limits (see
// [WithWriteLimit]). Clients of many tenants share connections when they are given the same http.Client by [WithHTTPClient].
type Client struct {
	graph   *graph.Client
	base    *url.URL
	home    *url.URL // the cloud's own root with the version: where links lead if base is a gateway
	version APIVersion
	noCount *atomic.Bool // the service has no route for Count
}

// NewClient returns a client that authorizes with ts, most simply a [Source]. It is safe for concurrent use and immutable.
// Nothing is sent.
//
// A ts with a method Cloud() [Cloud] names the cloud; a [WithCloud] that contradicts it is an error. A ts with a method
//
//	TokenContext(ctx context.Context, claims string) (*oauth2.Token, error)
//
// is asked by that for each attempt, on the call's own goroutine, with the call's context (its deadline and its values), and with
// the decoded claims when the service has challenged. It should keep its token until that expires.
//
// Any other ts knows no context: it is asked by one call at a time on another goroutine, which is left behind when the call ends
// first; who waits takes what arrives. A call's first attempt reuses the last token if it was not refused and has over a
// minute left, or, when it has no expiry, is less than a minute old. Every other attempt asks ts.
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
	token, forget := tokenFunc(ts)
	return &Client{base: base, home: home, version: cfg.version, noCount: new(atomic.Bool), graph: graph.New(graph.Config{
		Base: base, Transport: carrier, Token: token, PlainToken: forget == nil, Forget: forget, Logger: cfg.logger, UserAgent: cfg.userAgent,
		MaxAttempts: cfg.retry.MaxAttempts, MinWait: cfg.retry.MinWait, MaxWait: cfg.retry.MaxWait,
		MaxRetryAfter: cfg.retry.MaxRetryAfter, AttemptTimeout: timeout, WriteLimit: writes, WritePeriod: period,
	})}, nil
}

// Format prints which service the client talks to, and nothing that it holds, under every verb.
func (c Client) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "vpptoken.Client(%v)", c.base) }

// List reads all tokens, page by page while the loop goes on: it asks for nothing before the first pull, and can be ranged over
// again from the start. It yields the tokens in order and at most one error, last; a list that ended early is
// never without one. Page: https://learn.microsoft.com/graph/api/intune-onboarding-vpptoken-list.
func (c *Client) List(ctx context.Context, opts ...ListOption) iter.Seq2[*VPPToken, error] {
	return pages(ctx, c, request{op: opList, method: http.MethodGet}, opts, decodePage, tokenID)
}

// Get reads one token. Page: https://learn.microsoft.com/graph/api/intune-onboarding-vpptoken-get.
func (c *Client) Get(ctx context.Context, id string, opts ...CallOption) (*VPPToken, error) {
	a, err := c.do(ctx, request{op: opGet, method: http.MethodGet, item: true, id: id}, opts)
	if err != nil {
		return nil, err
	}
	return a.token()
}

// Create uploads a content token, the text of Apple's .vpptoken file (package contenttoken reads it), with exactly what p sets or
// clears besides; a nil p adds nothing. A p that sets or clears Token is a [PropertyError], and so is a zero token. Create is never repeated on an unclear failure: when [Error.Ambiguous] is set, list the
// tokens before another try, because a second token for the same location is a duplicate, and stops the sync of both. To renew
// a token use [Client.Update]. Page: https://learn.microsoft.com/graph/api/intune-onboarding-vpptoken-create.
func (c *Client) Create(ctx context.Context, token Secret, p *Patch, opts ...CallOption) (*VPPToken, error) {
	body, err := p.createBody(token, c.apiVersion())
	if err != nil {
		return nil, fmt.Errorf("vpptoken: create: %w", err)
	}
	a, err := c.do(ctx, request{op: opCreate, method: http.MethodPost, body: body, secret: token}, opts)
	if err != nil {
		return nil, err
	}
	return a.token()
}

// Update sends p, only the properties that it sets or clears, and returns the token as the service now holds it. The
// content token is not in the answer. An empty patch is [ErrEmptyPatch]; what else [Patch.Check] finds is a [PropertyError].
// Page: https://learn.microsoft.com/graph/api/intune-onboarding-vpptoken-update.
func (c *Client) Update(ctx context.Context, id string, p *Patch, opts ...CallOption) (*VPPToken, error) {
	body, err := p.updateBody(c.apiVersion())
	if err != nil {
		return nil, fmt.Errorf("vpptoken: update: %w", err)
	}
	a, err := c.do(ctx, request{op: opUpdate, method: http.MethodPatch, item: true, id: id, body: body, secret: p.secret()}, opts)
	if err != nil {
		return nil, err
	}
	return c.tokenOrRead(ctx, a)
}

// Delete removes a token. The licences that it holds are not revoked, and can't be afterwards: see [Client.RevokeLicenses].
// Page: https://learn.microsoft.com/graph/api/intune-onboarding-vpptoken-delete.
func (c *Client) Delete(ctx context.Context, id string, opts ...CallOption) error {
	_, err := c.do(ctx, request{op: opDelete, method: http.MethodDelete, item: true, id: id}, opts)
	return err
}

// Count returns how many tokens there are. Microsoft's metadata has a route for that, /$count, which
// the service may lack: then Count reads the ids of all tokens, and this client does not ask for the
// route again.
func (c *Client) Count(ctx context.Context, opts ...CallOption) (int, error) {
	if c != nil && c.noCount != nil && c.noCount.Load() {
		return c.countList(ctx, opts)
	}
	a, err := c.do(ctx, request{op: opCount, method: http.MethodGet, tail: "/$count", accept: "text/plain"}, opts)
	switch {
	case lacksRoute(err):
		c.noCount.Store(true)
		return c.countList(ctx, opts)
	case err != nil:
		return 0, err
	}
	return a.count()
}

// SyncLicenses asks Intune to synchronise a token with Apple and does not wait for it; the token returned may still show the sync
// before. [Client.StartSync] and [Client.WaitSync] do the whole. It is never repeated on an unclear failure.
// Page: https://learn.microsoft.com/graph/api/intune-onboarding-vpptoken-synclicenses.
func (c *Client) SyncLicenses(ctx context.Context, id string, opts ...CallOption) (*VPPToken, error) {
	a, err := c.requestSync(ctx, id, false, opts)
	if err != nil {
		return nil, err
	}
	return c.tokenOrRead(ctx, a)
}

func (c *Client) requestSync(ctx context.Context, id string, busy bool, opts []CallOption) (*answer, error) {
	return c.do(ctx, request{op: opSyncLicenses, method: http.MethodPost, item: true, id: id, tail: "/syncLicenses", busy: busy}, opts)
}

// RevokeOptions says what revoking touches besides the licences of managed devices and users.
type RevokeOptions struct {
	NotifyManagedDevices    bool `json:"notifyManagedDevices"`    // tell the devices
	RevokeUntrackedLicenses bool `json:"revokeUntrackedLicenses"` // also those that Intune did not assign
}

// RevokeLicenses takes back all licences of a token. How far it has come shows in [VPPToken.TokenActionResults]. It is
// never repeated on an unclear failure. Beta.
// Page: https://learn.microsoft.com/graph/api/intune-onboarding-vpptoken-revokelicenses.
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

// SyncLicenseCounts asks Intune to bring the licence counts of all tokens up to date. It is never repeated on an unclear
// failure. Beta. Page: https://learn.microsoft.com/graph/api/intune-onboarding-vpptoken-synclicensecounts.
func (c *Client) SyncLicenseCounts(ctx context.Context, opts ...CallOption) error {
	_, err := c.do(ctx, request{op: opSyncLicenseCounts, method: http.MethodPost, tail: "/syncLicenseCounts", beta: true}, opts)
	return err
}

// LicensesForApp counts the licences of the app with the given bundle id, such as "com.example.app", token by token. Its
// iteration is that of [Client.List]. Beta.
// Page: https://learn.microsoft.com/graph/api/intune-onboarding-vpptoken-getlicensesforapp.
func (c *Client) LicensesForApp(ctx context.Context, bundleID string, opts ...CallOption) iter.Seq2[*LicenseSummary, error] {
	r := request{op: opLicensesForApp, method: http.MethodGet, tail: "/getLicensesForApp", bundleID: &bundleID, beta: true}
	return pages(ctx, c, r, listOptions(opts), decodeLicenses, nil)
}

// countList counts by reading no more than it must.
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

// lacksRoute tells the refusal of an address from every other failure. Services word it in many
// ways: "No method match route template", "No OData route exists that match template ...".
func lacksRoute(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return false
	}
	text := strings.ToLower(e.Code + " " + e.Message)
	return e.Is(ErrNotFound) || e.StatusCode == http.StatusBadRequest &&
		(strings.Contains(text, "route") || strings.Contains(text, "segment '$count'"))
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

// tokenOrRead returns the token in the answer, or reads it when the service answered without one.
func (c *Client) tokenOrRead(ctx context.Context, a *answer) (*VPPToken, error) {
	if !a.empty() {
		return a.token()
	}
	t, err := c.Get(ctx, a.req.id)
	failed, ok := errors.AsType[*Error](err)
	if !ok {
		return t, err
	}
	failed.Op, failed.Method, failed.Path, failed.Ambiguous = a.req.op, a.req.method, a.path, true
	failed.Message = strings.TrimSuffix("the service accepted it, but reading the token afterwards failed: "+failed.Message, ": ")
	return nil, failed
}

func (a *answer) token() (*VPPToken, error) {
	t, err := decodeToken(a.out.Body)
	if err != nil {
		return nil, a.bad(err)
	}
	if a.req.item && isGUID(a.req.id) && isGUID(t.ID) && !strings.EqualFold(t.ID, a.req.id) {
		return nil, a.bad(errors.New("the answer holds another token"))
	}
	return t, nil
}

// isGUID tells the ids that the service makes, which can be compared, from those of mocks.
func isGUID(id string) bool {
	odd := func(r rune) bool { return !alnum(r) && r != '-' }
	return len(id) == 36 && strings.Count(id, "-") == 4 && !strings.ContainsFunc(id, odd)
}

func (a *answer) count() (int, error) {
	text := string(bytes.TrimSpace(bytes.TrimPrefix(a.out.Body, []byte("\uFEFF"))))
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || strings.HasPrefix(text, "+") {
		return 0, a.bad(errors.New("the answer is not a count"))
	}
	return int(n), nil
}
