package vpptokentest

import (
	"fmt"
	"net/http"
	"time"
)

// Option changes a new server; see [NewServer].
type Option func(*config)

type config struct {
	now         func() time.Time
	syncFor     time.Duration
	countRoute  bool
	throttle    *throttle
	refuseSyncs int
}

// WithNow sets the server's clock. now is called from several goroutines and must not call the
// server. It decides when a sync is over, and sets the Date header. The default, and nil, is
// [time.Now].
func WithNow(now func() time.Time) Option {
	return func(c *config) {
		if now == nil {
			now = time.Now
		}
		c.now = now
	}
}

// WithSyncDuration sets how long a sync takes by the server's clock, and a revocation of licenses.
// The default is 100 ms; with zero or less they are over when the request has been answered.
func WithSyncDuration(d time.Duration) Option {
	return func(c *config) { c.syncFor = max(d, 0) }
}

// WithThrottle refuses more than that many writes (POST, PATCH and DELETE to Graph) in any period
// per: with 429, a Retry-After in seconds, with a fraction if they are not whole, and Intune's
// error body. A refused write counts like any other, so that a client that doesn't wait gets
// nowhere. Intune's own limit is 100 in 20 s for one application; that the period slides is
// inferred. The default is no limit. With writes or per below 1 NewServer panics.
func WithThrottle(writes int, per time.Duration) Option {
	return func(c *config) {
		if writes < 1 || per < 1 {
			panic(fmt.Sprintf("vpptokentest: WithThrottle: %d in %v is no limit", writes, per))
		}
		c.throttle = &throttle{writes: writes, per: per}
	}
}

// WithCountRoute gives the server the /$count that Microsoft's metadata describes. Without it the
// answer is that of the service's other collections, which have none: 400 "No method match route
// template".
func WithCountRoute() Option {
	return func(c *config) { c.countRoute = true }
}

// WithSyncRefusal sets the status that refuses a sync while another one of the token runs, as other
// collections of Intune do with 429, 409 and 400. Without it the request joins the running sync.
// NewServer panics if the status is not an error.
func WithSyncRefusal(status int) Option {
	return func(c *config) {
		if status < http.StatusBadRequest || status > 599 {
			panic(fmt.Sprintf("vpptokentest: WithSyncRefusal: status %d is not one of 400 to 599", status))
		}
		c.refuseSyncs = status
	}
}
