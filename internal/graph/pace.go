package graph

import (
	"math"
	"time"
)

// pace keeps writes within a limit of n in any per. The zero pace has no limit. The client can't
// know when the service counts a request, only that it is between sending and answer. So a place is
// free again per after the answer, or after per/transit from sending if that comes first.
type pace struct {
	n   int
	per time.Duration

	counted []time.Time // the latest time at which each write was counted, in the order of their starts
	expired int         // how many of counted are older than per
	dropped int         // how many came before counted[0]
}

// transit is how long after sending a request may be counted, as a fraction (1/transit) of per: a
// slow answer must not slow the pace.
const transit = 25

// begin takes a place and returns its number, for sent and ended.
func (p *pace) begin(now time.Time) (number int) {
	p.counted = append(p.counted, now.Add(p.per/transit))
	return p.dropped + len(p.counted) - 1
}

// sent records that the write is sent only now: its access token took a while. It returns the
// number of its place.
func (p *pace) sent(number int, now time.Time) int {
	if number < p.dropped+p.expired {
		return p.begin(now)
	}
	p.counted[number-p.dropped] = now.Add(p.per / transit)
	return number
}

// ended records that the write was answered at that time, or with the zero time that it was never
// sent.
func (p *pace) ended(number int, at time.Time) {
	if i := number - p.dropped; i >= p.expired && at.Before(p.counted[i]) {
		p.counted[i] = at
	}
}

// free returns when a write may begin if ahead other writes go first, each as early as it may.
func (p *pace) free(now time.Time, ahead int) time.Time {
	if p.n == 0 {
		return now
	}
	for p.expired < len(p.counted) && !now.Before(p.again(p.expired)) {
		p.expired++
	}
	if p.expired > len(p.counted)/2 {
		kept := copy(p.counted, p.counted[p.expired:])
		p.counted, p.dropped, p.expired = p.counted[:kept], p.dropped+p.expired, 0
	}
	under := len(p.counted) - p.expired
	i := under + ahead - p.n // the write that must be per ago
	rounds := 0
	if i >= under { // it has not begun itself
		rounds = (i-under)/p.n + 1
		i -= rounds * p.n
	}
	at := now
	if i >= 0 {
		at = p.again(p.expired + i)
	}
	whole := min(int64(rounds), int64(math.MaxInt64/p.per))
	return at.Add(time.Duration(whole) * p.per)
}

// again returns when the place of a write is free again. The margin is for clocks that run at
// different speeds.
func (p *pace) again(i int) time.Time { return p.counted[i].Add(p.per + p.per/1000) }
