package graph

import (
	"container/list"
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// gate is what every attempt of a client passes, so that its calls together stay within what the service takes:
//
//   - Pace: writes keep a limit that is known beforehand (pace.go).
//   - Hold: a refusal closes the gate for the time that the service asked for, or for one that doubles with each
//     refusal in a row.
//   - Probe, then widen: after a hold one attempt goes, and each that is not refused lets one more be under way.
//   - In order: whose call came first goes first. Reads do not wait for the pace of writes.
//
// While nobody waits and nothing was refused the gate is open, and passing it is one atomic load. It has no
// goroutine: whoever leaves lets the next ones in, and so does a timer while somebody waits for a time to come.
type gate struct {
	ownHold, maxOwnHold time.Duration // the first and the longest of the holds that nobody asked for
	patience            time.Duration // see tooLate

	served atomic.Bool   // an answer came that is no refusal
	state  atomic.Uint64 // twice the number of holds, and 1 more until the gate is open again

	mu     sync.Mutex
	pace   pace
	until  time.Time // nobody goes before
	row    int       // refusals in a row; those of attempts that were under way together are one
	began  time.Time // the row
	short  int       // holds of the row that were shorter than a second
	width  int       // how many may be under way until the gate is open again
	flying int       // how many are
	reads  list.List // of *waiter, in order
	writes list.List
	timer  *time.Timer
	rings  time.Time // when timer does
}

const (
	longestOwnHold = 5 * time.Second
	mostShort      = 30 // short holds in a row: a client with a tiny MaxWait would not wait, but storm

	trusted = 3                // holds in a row that are what the service asks for, and no more
	apart   = time.Millisecond // between those whom a hold has kept
)

// ticket is the right to send one request. leave or refuse takes it back.
type ticket struct {
	valid bool
	write bool   // it has a place in the pace
	place int    // which
	gone  bool   // the request has left
	state uint64 // of the gate
}

// waiter is an attempt that can't go at once.
type waiter struct {
	write bool
	since time.Time     // when its call came
	end   time.Time     // when its call ends; zero if nothing ends it but the gate
	ready chan struct{} // closed when the rest is settled

	held  bool      // the service asked to wait; it is only the pace otherwise
	until time.Time // the earliest time to go, when it came

	place   *list.Element
	ticket  ticket
	late    bool          // it can't go in time
	refused bool          // because of a hold that began while it waited
	vain    bool          // because the service refuses everything
	left    time.Duration // what it would still have to wait
}

// enter returns a valid ticket, or somebody to wait with.
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

// wait returns when w has its ticket, or is late, or ctx has ended. Only in the first case is the ticket valid.
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

// sent says that the request leaves now. It may have waited for its bearer since it got its ticket.
func (g *gate) sent(t *ticket) {
	t.gone = true
	if t.write {
		g.mu.Lock()
		defer g.mu.Unlock()
		t.place = g.pace.sent(t.place, time.Now())
	}
}

// verdict is what became of an attempt that was not refused.
type verdict int

const (
	unknown  verdict = iota // nothing was sent, or nobody waited for the answer
	failed                  // no answer came
	answered                // one that is no refusal
)

// leave gives back the ticket of an attempt that was not refused.
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
	if g.mayGo(now) && g.width > 1 && g.reads.Len()+g.writes.Len() == 0 && g.state.Load()%2 == 1 {
		g.state.Add(^uint64(0))
		g.row = 0
	}
}

// refuse gives back the ticket of an attempt that was refused, with the time that the service asked for, if any, and
// closes the gate. It returns until when, and how many refusals there were in a row.
func (g *gate) refuse(t ticket, asked time.Duration) (until time.Time, row int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.count(t, now, answered)
	state := g.state.Load()
	first := t.state/2 == state/2 // or it was under way together with one that has closed the gate since
	if first {
		if g.row++; g.row == 1 {
			g.began, g.short = now, 0
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

// holdFor is how long the gate closes. A service that keeps asking for less than it means gets own holds after a while: the
// refused requests of several clients could fill its limit for good otherwise.
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
		wait = g.maxOwnHold - rand.N(g.maxOwnHold/5+1) //nolint:gosec // parts clients, guards nothing
	}
	return max(asked, wait)
}

// tooLate reports whether w can't go before its call ends. A call without an end waits as long as anybody is let in; when all
// are refused, for as long as a call takes, or for g.patience if the client was served before.
func (g *gate) tooLate(w *waiter, until time.Time) bool {
	began, most := g.began, DefaultCallTime
	if w.since.After(began) {
		began = w.since
	}
	if g.served.Load() {
		most = g.patience
	}
	w.vain = g.row > 0 && g.short > mostShort || w.end.IsZero() && g.row > 1 && g.until.Sub(began) > most
	return w.vain || !w.end.IsZero() && until.After(w.end)
}

// turnAway ends the wait of those for whom a new hold is too long.
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

// next lets in whoever may go, and sees to it that the others get their turn.
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

// first returns who may go now, or when to look again; the zero time waits for somebody to leave.
func (g *gate) first(now time.Time) (*waiter, time.Time) {
	read, write := waiting(g.reads.Front()), waiting(g.writes.Front())
	switch {
	case read == nil && write == nil, g.full():
		return nil, time.Time{}
	case !g.mayGo(now):
		return nil, g.until
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

// mayGo reports whether a hold keeps nobody.
func (g *gate) mayGo(now time.Time) bool {
	return g.state.Load()%2 == 0 || g.flying < g.width && !now.Before(g.until)
}

func (g *gate) admit(write bool, now time.Time) ticket {
	t := ticket{valid: true, write: write, state: g.state.Load()}
	if t.state%2 == 1 {
		g.flying++
		g.until = now.Add(apart)
	}
	if write {
		t.place = g.pace.begin(now)
	}
	return t
}

// count tells the pace when the service has counted a write, at the latest, if that is known.
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

// lineUp puts w behind those whose calls came before. After a second refusal in a row it is another one that goes next: the one
// that was refused may be the only one that is.
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

// settle ends the wait of w: late, when it has no ticket.
func (g *gate) settle(w *waiter) {
	g.queue(w.write).Remove(w.place)
	w.place = nil
	w.late = !w.ticket.valid
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
