package graph

import "sync"

// budget stops retry storms: if a service stays down, a client's retries run out.
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
