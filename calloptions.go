package vpptoken

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vpptoken/vpptoken/internal/graph"
)

// CallOption changes one call of any method. A bad value is an error of the call, and nothing is
// sent.
type CallOption func(*call)

// ListOption changes a [Client.List]. Every [CallOption] is one.
type ListOption interface{ applyList(c *call) }

func (o CallOption) applyList(c *call) { c.apply(o) }

type queryOption func(*call)

func (o queryOption) applyList(c *call) { o(c) }

// call gathers the options of a call.
type call struct {
	id       string
	header   http.Header
	metadata *Metadata
	query    []string // "$top=5", escaped
	selected []string // the names in $select
	ordered  []string // the names in $orderby
	err      error
}

func (c *call) apply(o CallOption) {
	if o == nil {
		c.fail(errors.New("an option is nil"))
		return
	}
	o(c)
}

func (c *call) applyAll(opts []ListOption) {
	for _, o := range opts {
		if o == nil {
			c.fail(errors.New("an option is nil"))
			continue
		}
		o.applyList(c)
	}
}

func (c *call) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// WithHeader sets a header on the requests of the call. It refuses Authorization, Host, Content-*
// and whatever would change how the request is sent or retried.
func WithHeader(key, value string) CallOption {
	return func(c *call) {
		name := textproto.CanonicalMIMEHeaderKey(key)
		switch {
		case key == "" || strings.ContainsFunc(key, notHeaderName):
			c.fail(errors.New("WithHeader: the key is not a header name"))
		case !printable(value):
			c.fail(fmt.Errorf("WithHeader: the value of %s is not printable ASCII", name))
		case name == "Client-Request-Id":
			c.fail(errors.New("WithHeader: Client-Request-Id is set by WithClientRequestID"))
		case reservedHeader(name):
			c.fail(fmt.Errorf("WithHeader: %s is set by the client itself", name))
		default:
			if c.header == nil {
				c.header = make(http.Header)
			}
			c.header[name] = []string{value}
		}
	}
}

func notHeaderName(r rune) bool { return !alnum(r) && !strings.ContainsRune("!#$%&'*+-.^_`|~", r) }

// alnum reports whether r is an ASCII letter or digit.
func alnum(r rune) bool { return 'a' <= r|0x20 && r|0x20 <= 'z' || '0' <= r && r <= '9' }

// reservedHeader reports whether a header belongs to the client. An Idempotency-Key would make
// net/http retry a POST on its own.
func reservedHeader(name string) bool {
	switch name {
	case "Authorization", "Host", "Accept-Encoding", "Connection", "Cookie", "Expect", "Idempotency-Key",
		"X-Idempotency-Key", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return true
	}
	return strings.HasPrefix(name, "Content-") || strings.HasPrefix(name, "Proxy-")
}

// WithClientRequestID sends id as the client-request-id, instead of a fresh GUID, so that you can
// find the call in your own records. An id is 1 to 64 letters, digits and hyphens.
func WithClientRequestID(id string) CallOption {
	return func(c *call) {
		if !graph.ValidID(id) {
			c.fail(errors.New("WithClientRequestID: an id is 1 to 64 letters, digits and hyphens"))
			return
		}
		c.id = id
	}
}

// Metadata describes a call besides its result. It is filled in for failed calls too. For a list,
// each page fills it in anew. If Update or SyncLicenses reads the token afterward, Metadata
// describes the write.
type Metadata struct {
	StatusCode      int           // of the last answer, 0 when none came
	Attempts        int           // requests that were begun, refused connections included
	Held            time.Duration // total wait for the service's throttling and for the write limit
	RequestID       string        // the service's
	ClientRequestID string        // the one that was sent
	Header          http.Header   // what an operator needs: Date, Retry-After, Deprecation and the like
}

// WithMetadata fills in m when the call ends.
func WithMetadata(m *Metadata) CallOption {
	return func(c *call) {
		if m == nil {
			c.fail(errors.New("WithMetadata: the Metadata is nil"))
			return
		}
		c.metadata = m
	}
}

// fill copies what an operator needs, scrubbed of what was sent.
func (m *Metadata) fill(id string, out *graph.Outcome) {
	if m == nil {
		return
	}
	*m = Metadata{
		StatusCode: out.Status, Attempts: out.Attempts, Held: out.Held,
		RequestID: out.RequestID(), ClientRequestID: id,
	}
	for _, name := range []string{
		"Date", "Content-Type", "Retry-After", "Request-Id", "Client-Request-Id", "X-Ms-Ags-Diagnostic",
		"Deprecation", "Sunset", "Link",
	} {
		for _, v := range out.Header.Values(name) {
			if m.Header == nil {
				m.Header = make(http.Header)
			}
			m.Header[name] = append(m.Header[name], out.Clean(v))
		}
	}
}

// WithFilter sends $filter, for example "state eq 'valid'", as it is, without checking it for
// properties that v1.0 lacks. Microsoft does not document which filters the service honors here.
func WithFilter(expr string) ListOption { return withText("$filter", "WithFilter", expr) }

// WithOrderBy sends $orderby, for example "displayName desc". Microsoft does not document whether
// the service honors it here.
func WithOrderBy(exprs ...string) ListOption {
	all := strings.Join(exprs, ",")
	sent := withText("$orderby", "WithOrderBy", all)
	return queryOption(func(c *call) {
		for e := range strings.SplitSeq(all, ",") { // one argument can hold several as well
			name, _, _ := strings.Cut(strings.TrimSpace(e), " ")
			c.ordered = append(c.ordered, name)
		}
		sent.applyList(c)
	})
}

func withText(name, option, text string) ListOption {
	return queryOption(func(c *call) {
		odd := func(r rune) bool { return r < ' ' || r == 0x7F || r == '\uFFFD' }
		if strings.TrimSpace(text) == "" || strings.ContainsFunc(text, odd) {
			c.fail(fmt.Errorf("%s: the expression is empty or is not plain text", option))
			return
		}
		c.query = append(c.query, name+"="+strings.ReplaceAll(url.QueryEscape(text), "+", "%20"))
	})
}

// WithSelect sends $select: only these properties, by Graph's names, are read; the others are zero.
func WithSelect(properties ...string) ListOption {
	return queryOption(func(c *call) {
		for _, p := range properties {
			if p == "" || strings.ContainsFunc(p, func(r rune) bool { return !alnum(r) }) {
				c.fail(errors.New("WithSelect: a property is named as in Graph, such as displayName"))
				return
			}
		}
		if len(properties) == 0 {
			c.fail(errors.New("WithSelect: name at least one property"))
			return
		}
		c.selected = append(c.selected, properties...)
		c.query = append(c.query, "$select="+strings.Join(properties, ","))
	})
}

// WithTop sends $top, the number of tokens per page, at least 1. The list still reads all pages.
func WithTop(n int) ListOption {
	return queryOption(func(c *call) {
		if n < 1 {
			c.fail(fmt.Errorf("WithTop: a page size of %d: want at least 1", n))
			return
		}
		c.query = append(c.query, "$top="+strconv.Itoa(n))
	})
}

// finish completes the call once all options are applied.
func (c *call) finish() error {
	if c.err != nil {
		return c.err
	}
	names := slices.Clone(c.query)
	for i, q := range names {
		names[i], _, _ = strings.Cut(q, "=")
	}
	slices.Sort(names)
	if len(slices.Compact(names)) != len(c.query) {
		return errors.New("a list option is given twice")
	}
	if c.id == "" {
		c.id = newGUID()
	}
	return nil
}

func newGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: it crashes the program instead
	b[6], b[8] = b[6]&0x0F|0x40, b[8]&0x3F|0x80
	var out [36]byte
	hex.Encode(out[0:8], b[0:4])
	hex.Encode(out[9:13], b[4:6])
	hex.Encode(out[14:18], b[6:8])
	hex.Encode(out[19:23], b[8:10])
	hex.Encode(out[24:36], b[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}
