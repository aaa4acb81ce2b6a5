package graph

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// enter passes the gate, and may wait for that. The wait counts neither toward the attempt's time
// nor toward the two minutes of a call without a deadline.
func (f *flight) enter() *Cause {
	if f.came.IsZero() {
		f.came = f.last.began
	}
	var end time.Time
	if f.timed() {
		end = f.end
	}
	t, w := f.c.gate.enter(f.call.Method != http.MethodGet, f.came, end)
	if w != nil {
		return f.wait(w)
	}
	f.last.ticket = t
	return nil
}

func (f *flight) wait(w *waiter) *Cause {
	f.logHeld(w)
	f.last.ticket = f.c.gate.wait(f.ctx, w)
	now := time.Now()
	held := now.Sub(f.last.began)
	f.Held += held
	f.last.began = now
	if !f.timed() && f.Attempts > 0 {
		f.end = f.end.Add(held)
	}
	over := f.expired()
	if f.last.ticket.valid && over == nil {
		return nil
	}
	f.c.gate.leave(f.last.ticket, unknown) // the ticket may have come at the last moment
	if errors.Is(f.ctx.Err(), context.Canceled) {
		return over
	}
	if held > 0 || f.Attempts == 0 { // otherwise an answer has just set it
		f.RetryAfter = w.left
	}
	return heldCause(w.held || w.refused, w.vain, f.timed())
}

// leave tells the gate the result of the attempt.
func (f *flight) leave() {
	a := &f.last
	if a.answered && f.Status/100 != 2 {
		f.readRefusal()
	}
	switch {
	case a.throttled && a.asked <= f.c.cfg.MaxRetryAfter:
		var row int
		if a.until, row = f.c.gate.refuse(a.ticket, a.asked); row <= 1 {
			f.alone++
		}
	case a.throttled: // the call ends here, which says nothing about others
		f.c.gate.leave(a.ticket, unknown)
	case a.answered && f.Status < http.StatusInternalServerError:
		f.c.gate.leave(a.ticket, answered)
	case a.ticket.gone && f.expired() == nil:
		f.c.gate.leave(a.ticket, failed)
	default:
		f.c.gate.leave(a.ticket, unknown)
	}
}

// readRefusal parses an answer that isn't a success: its error, the wait that it asks for, and
// whether it throttles the whole client.
func (f *flight) readRefusal() {
	a := &f.last
	a.refusal = ParseError(f.Body)
	if a.asked = retryAfter(f.Header, time.Now()); a.asked == 0 {
		a.asked = a.refusal.RetryAfter
	}
	doubtful := f.call.Busy && f.Status == http.StatusTooManyRequests && a.asked <= 0
	a.throttled = !doubtful && Throttles(f.Status, a.refusal.Code, a.refusal.Message)
}
