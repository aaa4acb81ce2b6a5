package graph

import (
	"container/list"
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// gate admits every attempt of a client, so that its calls together stay within what the service
// accepts:
//
//   - Pace: writes keep a limit that is known in advance (pace.go).
//   - Hold: a refusal closes the gate for as long as the service asks, or for a time that doubles
//     with each refusal in a row.
//   - Probe, then widen: after a hold one attempt goes, and each one that is not refused allows one
//     more at a time.
//   - In order: first come, first served by call. Reads do not wait for the pace of writes.
//
// While no attempt waits and none was refused the gate is open, and passing it costs one atomic
// load. It has no goroutine: each attempt that leaves lets the next ones in, and so does a timer
// while an attempt waits for a point in time.
type gate struct {
	ownHold, maxOwnHold time.Duration // the first and the longest hold when the service does not ask for one
	patience            time.Duration // see tooLate

	served atomic.Bool   // an answer came that was not a refusal
	state  atomic.Uint64 // twice the number of holds, plus 1 until the gate is open again

	mu     sync.Mutex
	pace   pace
	until  time.Time     // no attempt goes before: a hold
	spaced time.Time     // nor before, after a hold: see apart
	row    int           // refusals in a row; attempts that were under way together count as one
	began  time.Time     // the row
	obeyed time.Duration // what the service asked for in the first holds of the row, beyond own ones
	short  int           // holds of the row under a second
	width  int           // how many attempts may be under way until the gate is open again
	flying int           // how many are under way
	reads  list.List     // of *waiter, in order
	writes list.List
	timer  *time.Timer
	rings  time.Time // when the timer fires
}

const (
	longestOwnHold = 5 * time.Second
	mostShort      = 30 // short holds in a row: a client with a tiny MaxWait would retry in a storm

	trusted = 3                // holds in a row for which the service's own waits are believed
	apart   = time.Millisecond // between attempts released from a hold
)

// ticket is the right to send one request. leave or refuse takes it back.
type ticket struct {
	valid bool
	write bool   // it takes a place in the pace
	gone  bool   // the request was sent
	place int    // its number
	state uint64 // of the gate
}

// waiter is an attempt that can't go right away.
type waiter struct {
	write bool
	since time.Time     // when its call came
	end   time.Time     // when its call ends; zero if only the gate ends it
	ready chan struct{} // closed when the fields below are final

	held  bool      // the service asked to wait; otherwise only the pace holds it
	until time.Time // its earliest time to go, as known on arrival

	place   *list.Element
	ticket  ticket
	refused bool          // it can't go in time because of a hold that began while it waited
	vain    bool          // it can't go in time because the service refuses everything
	left    time.Duration // the remaining wait
}

// enter returns a valid ticket, or a waiter to pass to wait.
func (g *gate) enter(write bool, since, end time.Time) (ticket, *waiter) {
	write = write && g.pace.n > 0
	if state := g.state.Load(); state%2 == 0 && !write {
		return ticket{valid: true, state: state}, nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if g.queue(write).Len() == 0 && g.mayGo(now) && (!write || !g.pace.free(now, 0).After(now)) {
		return g.admit(write, now), nil
	}
	w := &waiter{write: write, since: since, end: end, ready: make(chan struct{})}
	g.lineUp(w, now)
	if g.tooLate(w, w.until) {
		w.left = w.until.Sub(now)
		g.settle(w)
	}
	g.next(now)
	return ticket{}, w
}

// wait returns when w has its ticket, is late, or ctx has ended. The ticket is valid only in the
// first case.
func (g *gate) wait(ctx context.Context, w *waiter) ticket {
	select {
	case <-w.ready:
		return w.ticket
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if w.place != nil {
		g.settle(w)
		g.next(time.Now())
	}
	return w.ticket
}

// sent records that the request is sent now. It may have waited for its access token since it got
// its ticket.
func (g *gate) sent(t *ticket) {
	t.gone = true
	if t.write {
		g.mu.Lock()
		defer g.mu.Unlock()
		t.place = g.pace.sent(t.place, time.Now())
	}
}

// verdict is the result of an attempt that was not refused.
type verdict int

const (
	unknown  verdict = iota // nothing was sent, or the caller did not wait for the answer
	failed                  // no answer came
	answered                // an answer came that was not a refusal
)

// leave returns the ticket of an attempt that was not refused.
func (g *gate) leave(t ticket, v verdict) {
	if v == answered && !g.served.Load() {
		g.served.Store(true)
	}
	if !t.valid || !t.write && t.state%2 == 0 && t.state == g.state.Load() {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.count(t, now, v)
	if t.state%2 == 1 && t.state == g.state.Load() {
		g.flying--
		if v != unknown {
			g.width++
		}
		if v == answered {
			g.row = 0
		}
	}
	g.next(now)
	if !now.Before(g.until) && g.width > 1 && g.reads.Len()+g.writes.Len() == 0 && g.state.Load()%2 == 1 {
		g.state.Add(^uint64(0))
		g.row = 0
	}
}

// refuse returns the ticket of an attempt that was refused, and closes the gate for the time that
// the service asked for, if any. It returns the end of the hold and the number of refusals in a
// row.
func (g *gate) refuse(t ticket, asked time.Duration) (until time.Time, row int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.count(t, now, answered)
	state := g.state.Load()
	first := t.state/2 == state/2 // otherwise it was under way together with one that already closed the gate
	if first {
		if g.row++; g.row == 1 {
			g.began, g.obeyed, g.short = now, 0, 0
		}
		if g.row <= trusted && asked > g.maxOwnHold {
			g.obeyed += asked
		}
		if asked = g.holdFor(asked); asked < time.Second {
			g.short++
		}
	}
	if first || asked > 0 && state%2 == 0 {
		g.state.Store(state/2*2 + 3)
		g.width, g.flying = 1, 0
	}
	if until := now.Add(asked); until.After(g.until) {
		g.until = until
		g.turnAway(&g.reads, asked)
		g.turnAway(&g.writes, asked)
	}
	g.next(now)
	return g.until, g.row
}

// holdFor returns how long the gate closes. A service that keeps asking for too little gets the
// client's own holds after a while: otherwise the refused requests of several clients could fill
// its limit for good.
func (g *gate) holdFor(asked time.Duration) time.Duration {
	row := g.row
	if asked > 0 {
		row -= trusted
	}
	if row < 1 {
		return asked
	}
	wait := g.ownHold
	for i := 1; i < row && wait < g.maxOwnHold; i++ {
		wait *= 2
	}
	if wait >= g.maxOwnHold && row > 1 {
		wait = g.maxOwnHold - rand.N(g.maxOwnHold/5+1) //nolint:gosec // spreads clients, guards nothing
	}
	return max(asked, wait)
}

// tooLate reports whether w can't go before its call ends. A call without an end waits as long as
// any attempt gets through. If all are refused, it waits for the default call time, besides what
// the service asked for at first, and for no more than g.patience; if the client was served before,
// for g.patience.
func (g *gate) tooLate(w *waiter, until time.Time) bool {
	began := g.began
	if w.since.After(began) {
		began = w.since
	}
	refused := g.until.Sub(began)
	enough := refused > g.patience || refused-g.obeyed > DefaultCallTime && !g.served.Load()
	w.vain = g.row > 0 && g.short > mostShort || w.end.IsZero() && g.row > 1 && enough
	return w.vain || !w.end.IsZero() && until.After(w.end)
}

// turnAway ends the waits for which a new hold is too long.
func (g *gate) turnAway(queue *list.List, left time.Duration) {
	for at := queue.Front(); at != nil; {
		w := waiting(at)
		at = at.Next()
		if g.tooLate(w, g.until) {
			w.left, w.refused = left, true
			g.settle(w)
		}
	}
}

// next admits the attempts that may go, and sets the timer for the others.
func (g *gate) next(now time.Time) {
	for {
		w, at := g.first(now)
		if w == nil {
			g.ring(at)
			return
		}
		w.ticket = g.admit(w.write, now)
		g.settle(w)
	}
}

// first returns the waiter that may go now, or when to check again; the zero time means when
// another attempt leaves.
func (g *gate) first(now time.Time) (*waiter, time.Time) {
	read, write := waiting(g.reads.Front()), waiting(g.writes.Front())
	switch {
	case read == nil && write == nil, g.full():
		return nil, time.Time{}
	case now.Before(g.until):
		return nil, g.until
	case now.Before(g.spaced):
		return nil, g.spaced
	case write == nil:
		return read, now
	}
	free := g.pace.free(now, 0)
	switch {
	case read != nil && (free.After(now) || read.since.Before(write.since)):
		return read, now
	case free.After(now):
		return nil, free
	}
	return write, now
}

func (g *gate) full() bool { return g.state.Load()%2 == 1 && g.flying >= g.width }

// mayGo reports whether no hold stops an attempt now.
func (g *gate) mayGo(now time.Time) bool {
	return g.state.Load()%2 == 0 || g.flying < g.width && !now.Before(g.until) && !now.Before(g.spaced)
}

func (g *gate) admit(write bool, now time.Time) ticket {
	t := ticket{valid: true, write: write, state: g.state.Load()}
	if t.state%2 == 1 {
		g.flying++
		g.spaced = now.Add(apart)
	}
	if write {
		t.place = g.pace.begin(now)
	}
	return t
}

// count tells the pace the latest time at which the service counted a write, if that is known.
func (g *gate) count(t ticket, now time.Time, v verdict) {
	switch {
	case t.write && v == answered:
		g.pace.ended(t.place, now)
	case t.write && !t.gone:
		g.pace.ended(t.place, time.Time{})
	}
}

func (g *gate) queue(write bool) *list.List {
	if write {
		return &g.writes
	}
	return &g.reads
}

// lineUp puts w behind the waiters whose calls came first. After a second refusal in a row another
// attempt goes next: perhaps the service refuses only that one call.
func (g *gate) lineUp(w *waiter, now time.Time) {
	for _, first := range []*waiter{waiting(g.reads.Front()), waiting(g.writes.Front())} {
		if g.row > 1 && first != nil && !first.since.Before(w.since) {
			w.since = first.since.Add(1)
		}
	}
	queue := g.queue(w.write)
	at, ahead := queue.Back(), queue.Len()
	for ; at != nil && waiting(at).since.After(w.since); at = at.Prev() {
		ahead--
	}
	if at == nil {
		w.place = queue.PushFront(w)
	} else {
		w.place = queue.InsertAfter(w, at)
	}
	w.held, w.until = g.state.Load()%2 == 1, g.until
	if free := g.pace.free(now, ahead); w.write && free.After(w.until) {
		w.until, w.held = free, false
	}
}

// settle ends the wait of w, which can't go in time if it has no ticket.
func (g *gate) settle(w *waiter) {
	g.queue(w.write).Remove(w.place)
	w.place = nil
	close(w.ready)
}

// ring sets the timer, or stops it.
func (g *gate) ring(at time.Time) {
	if g.rings.Equal(at) {
		return
	}
	if g.rings = at; g.timer != nil {
		g.timer.Stop()
	}
	if !at.IsZero() {
		g.timer = time.AfterFunc(time.Until(at), g.rang)
	}
}

func (g *gate) rang() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rings = time.Time{}
	g.next(time.Now())
}

func waiting(at *list.Element) *waiter {
	if at == nil {
		return nil
	}
	w, _ := at.Value.(*waiter)
	return w
}
