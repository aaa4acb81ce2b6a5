package vpptoken

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vpptoken/vpptoken/internal/graph"
)

// APIVersion is a version of Microsoft Graph.
type APIVersion string

// The versions of Microsoft Graph. Beta has every property and operation.
const (
	VersionBeta APIVersion = "beta"
	VersionV1   APIVersion = "v1.0"
)

// Option changes how a client works. A bad value is an error of [NewClient].
type Option func(*config) error

type config struct {
	cloud     Cloud
	version   APIVersion
	root      string
	http      *http.Client
	userAgent string
	logger    *slog.Logger
	retry     Retry
	writes    int           // in any period; -1 means the cloud's own limit
	period    time.Duration // of writes
}

// WithCloud chooses the national cloud; the default is [CloudGlobal].
func WithCloud(c Cloud) Option {
	return func(cfg *config) error {
		if c == (Cloud{}) {
			return errors.New("WithCloud: the zero Cloud is invalid: use CloudGlobal or another cloud")
		}
		cfg.cloud = c
		return nil
	}
}

// WithAPIVersion chooses the version of the API; the default is [VersionBeta], which has every
// property.
func WithAPIVersion(v APIVersion) Option {
	return func(cfg *config) error {
		if v != VersionBeta && v != VersionV1 {
			return fmt.Errorf("WithAPIVersion: %q is neither %q nor %q", v, VersionBeta, VersionV1)
		}
		cfg.version = v
		return nil
	}
}

// WithBaseURL replaces the cloud's Graph root, for a proxy or a test server; the version is still
// appended. The address is https, or http to a loopback host, without user, query or fragment.
func WithBaseURL(root string) Option {
	return func(cfg *config) error {
		u, err := parseRoot(root)
		if err != nil {
			return fmt.Errorf("WithBaseURL: the address %w", err)
		}
		cfg.root = u.String()
		return nil
	}
}

// WithHTTPClient sends the requests through the Transport of hc: for proxies, tracing, recorders.
// It neither keeps nor changes hc. The Timeout of hc, if any, also limits each attempt. Its Jar and
// CheckRedirect are not used: the client keeps no cookies and follows no redirects.
//
// Without this option, or if the Transport is nil, the client has its own, with the settings that
// [http.DefaultTransport] has at that time (what is no [http.Transport] is used as it is). It
// bounds response headers, pings HTTP/2 connections, and dials anew after an attempt timed out, so
// that a connection that died silently costs one attempt and not all of them. Your own transport
// needs the same for HTTP/2: set [http.Transport.HTTP2] to &http.HTTP2Config{SendPingTimeout: 10 *
// time.Second, PingTimeout: 5 * time.Second}. It must not retry a request by itself: the client
// prevents that in net/http, but can't in other transports.
func WithHTTPClient(hc *http.Client) Option {
	return func(cfg *config) error {
		if hc == nil {
			return errors.New("WithHTTPClient: the client is nil")
		}
		if t, ok := hc.Transport.(*http.Transport); ok && t == nil {
			return errors.New("WithHTTPClient: the client's Transport is a nil *http.Transport, which panics: set it to nil")
		}
		copied := *hc
		cfg.http = &copied
		return nil
	}
}

// WithUserAgent puts a product name, such as "nordwind-monitor/2.1", in front of the package's own.
func WithUserAgent(name string) Option {
	return func(cfg *config) error {
		if name == "" || !printable(name) {
			return errors.New("WithUserAgent: the product is empty or not printable ASCII")
		}
		cfg.userAgent = name + " " + cfg.userAgent
		return nil
	}
}

// WithLogger logs each attempt, each sign-in and each wait in line at debug level, and each retry
// at warning level: operation, client-request-id, method, path, status, attempt, duration and
// request-id, as far as a record has them, for waits and retries also the reason, the time and its
// end, and nothing else. The handler gets the call's context with its values, such as a trace id.
// By default the client logs nothing.
func WithLogger(l *slog.Logger) Option {
	return func(cfg *config) error {
		if l == nil {
			return errors.New("WithLogger: the logger is nil")
		}
		cfg.logger = l
		return nil
	}
}

// WithWriteLimit paces writes (every operation that is not a GET) to at most n requests in any per;
// the rest wait their turn, first come, first served. By default a client of one of Microsoft's
// clouds keeps Intune's documented limit, 100 writes in 20 seconds for each application and tenant;
// one with [WithBaseURL] or another address from [NewCloud] has no limit. Where several processes
// work on a tenant as one application, give each its share. n = 0 means no limit. Requests that the
// service throttles anyway wait and are retried. Microsoft Graph reference:
// https://learn.microsoft.com/graph/throttling-limits#intune-service-limits
func WithWriteLimit(n int, per time.Duration) Option {
	return func(cfg *config) error {
		if n < 0 || per < 0 || n > 0 && per == 0 {
			return fmt.Errorf("WithWriteLimit: %d writes in %v: want n of at least 0 and a positive time", n, per)
		}
		cfg.writes, cfg.period = n, min(per, longest)
		return nil
	}
}

// longest is the longest time that an option can set: as good as for ever, short enough for sums.
const longest = math.MaxInt64 / 4

// Intune's own write limit for each application and tenant.
const (
	documentedWrites = 100
	documentedPeriod = 20 * time.Second
)

// writeLimit returns the pace of writes. The documented limit applies to Microsoft's clouds, not to
// a proxy or a test server.
func (cfg *config) writeLimit() (n int, per time.Duration) {
	switch {
	case cfg.writes >= 0:
		return cfg.writes, cfg.period
	case cfg.root == "" && cfg.cloud.isNamed():
		return documentedWrites, documentedPeriod
	}
	return 0, 0
}

// WithRetry changes how many attempts calls make and how long they wait. What is retried is fixed:
// see the package overview.
func WithRetry(r Retry) Option {
	return func(cfg *config) error {
		if r.MaxAttempts < 0 || min(r.MinWait, r.MaxWait, r.MaxRetryAfter, r.AttemptTimeout) < 0 {
			return errors.New("WithRetry: a number is negative")
		}
		if r.MinWait > r.MaxWait && r.MaxWait > 0 {
			return fmt.Errorf("WithRetry: MinWait %v is longer than MaxWait %v", r.MinWait, r.MaxWait)
		}
		cfg.retry = r.withDefaults()
		return nil
	}
}

// Retry bounds the retries of a call. A zero field means the default.
type Retry struct {
	MaxAttempts    int           // requests of one call, throttled ones aside; default 4; 1 means no retry
	MinWait        time.Duration // of which at least half is waited before the first retry; doubles with each; default 1 s
	MaxWait        time.Duration // the doubling stops here; default 30 s
	MaxRetryAfter  time.Duration // default 5 min; a longer Retry-After is returned as an error at once
	AttemptTimeout time.Duration // default 30 s; for the access token, headers and body of one attempt
}

func (r Retry) withDefaults() Retry {
	if r.MaxAttempts == 0 {
		r.MaxAttempts = 4
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&r.MinWait, min(time.Second, cmp.Or(r.MaxWait, time.Second))}, // a default fits what is set
		{&r.MaxWait, max(30*time.Second, r.MinWait)},
		{&r.MaxRetryAfter, 5 * time.Minute},
		{&r.AttemptTimeout, 30 * time.Second},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
		*d.field = min(*d.field, longest)
	}
	return r
}

// roots returns the service's address and the cloud's own, both with the version.
func (cfg *config) roots() (base, home *url.URL, err error) {
	if home, err = cfg.versioned(cfg.cloud.graph); err != nil || cfg.root == "" {
		return home, home, err
	}
	base, err = cfg.versioned(cfg.root)
	return base, home, err
}

func (cfg *config) versioned(root string) (*url.URL, error) {
	u, err := parseRoot(root)
	if err != nil {
		return nil, err
	}
	u.Path += "/" + string(cfg.version)
	return u, nil
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// transport returns the round tripper and the time limit of one attempt.
func (cfg *config) transport() (http.RoundTripper, time.Duration) {
	timeout := cfg.retry.AttemptTimeout
	if cfg.http != nil {
		if cfg.http.Timeout > 0 {
			timeout = min(timeout, cfg.http.Timeout)
		}
		if cfg.http.Transport != nil {
			return cfg.http.Transport, timeout
		}
	}
	return graph.NewTransport(), timeout
}
