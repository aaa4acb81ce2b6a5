package graph

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// budget stops retry storms: when a service is down for good, a client's repeats run out.
type budget struct {
	mu   sync.Mutex
	left int
}

func (b *budget) take(cost int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left < cost {
		return false
	}
	b.left -= cost
	return true
}

func (b *budget) give() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = min(b.left+1, fullBudget)
}

// coolDown holds back all attempts of a client until the time that a throttled answer named.
type coolDown struct {
	mu  sync.Mutex
	end time.Time
}

func (c *coolDown) until(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(c.end) {
		c.end = t
	}
}

func (c *coolDown) left() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end.IsZero() {
		return 0
	}
	return time.Until(c.end)
}

// wait returns when nothing holds the attempt back, or ctx has ended, or, at once, with the time left when
// that is longer than the call has. Those that waited go on one after the other, spread over a twentieth of the time.
func (c *coolDown) wait(ctx context.Context, end time.Time) time.Duration {
	for {
		left := c.left()
		if left <= 0 {
			return 0
		}
		most := time.Until(end)
		if left > most {
			return left
		}
		timer := time.NewTimer(min(most, left+rand.N(left/20+1))) //nolint:gosec // spreads load, guards nothing
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return 0
		}
	}
}
