package vpptokentest

import "time"

// Option changes a server that is made; see [NewServer].
type Option func(*config)

type config struct {
	now     func() time.Time
	syncFor time.Duration
}

// WithNow lets the server read the time from now, which is called from several goroutines and must not call the
// server. It decides when a sync is over, and stands in the Date header. The default, and nil, is [time.Now].
func WithNow(now func() time.Time) Option {
	return func(c *config) {
		if now == nil {
			now = time.Now
		}
		c.now = now
	}
}

// WithSyncDuration sets how long a sync takes by the server's clock. The default is 100 ms; with zero or less a sync is
// over when the request has been answered.
func WithSyncDuration(d time.Duration) Option {
	return func(c *config) { c.syncFor = max(d, 0) }
}
