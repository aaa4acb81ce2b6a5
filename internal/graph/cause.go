package graph

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// ErrUntrustedURL marks an address that the bearer must not go to.
var ErrUntrustedURL = errors.New("an address that is not the service's own")

// Cause is why no answer came. Its text is always one of this package's: net/http quotes what the
// server sent, and token sources quote what they sent. errors.Is still finds what was below, but
// nothing can print that, because it is only reachable through a function.
type Cause struct { //nolint:errname // it is never the whole error, only the cause in one
	text       string
	repeat     bool          // another attempt may help
	retryLater bool          // the same call may succeed later
	held       bool          // the gate held it back
	unknown    bool          // an error of the transport of no known kind
	signIn     bool          // no bearer could be had
	spent      bool          // a success of a sign-in broke off
	code       string        // OAuth's, when a sign-in was refused
	wait       time.Duration // that the authority asked for
	is         func(target error) bool
}

// Error returns the fixed text.
func (c *Cause) Error() string { return c.text }

// Is reports what errors.Is would have found in the original error.
func (c *Cause) Is(target error) bool { return c.is != nil && c.is(target) }

// RetryLater reports whether the same call may succeed later.
func (c *Cause) RetryLater() bool { return c.retryLater }

// Held reports whether the service had asked the whole client to wait.
func (c *Cause) Held() bool { return c.held }

func isOne(errs ...error) func(error) bool {
	return func(target error) bool {
		for _, err := range errs {
			if errors.Is(err, target) {
				return true
			}
		}
		return false
	}
}

// whileAlive is isOne for an attempt that failed while the caller's context is alive: a limit of
// time that the transport set itself must not look like the end of that context.
func whileAlive(errs ...error) func(error) bool {
	is := isOne(errs...)
	return func(target error) bool {
		return target != context.DeadlineExceeded && target != context.Canceled && is(target) //nolint:errorlint // the very values
	}
}

// ContextCause tells how a caller's context ended.
func ContextCause(ctx context.Context) *Cause {
	c := &Cause{text: "cancelled by the caller", is: isOne(ctx.Err(), context.Cause(ctx))}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		c.text, c.retryLater = callersDeadline, true
	}
	return c
}

// callTimeCause is for a call whose end has come: by the caller's own deadline, a moment before its
// context says so, or by the default.
func callTimeCause(own bool) *Cause {
	c := &Cause{text: "the time for the call is over", retryLater: true, is: isOne(context.DeadlineExceeded)}
	if own {
		c.text = callersDeadline
	}
	return c
}

const callersDeadline = "the caller's deadline passed"

// attemptTimeCause does not match context.DeadlineExceeded: the caller's context is alive.
func attemptTimeCause(limit time.Duration) *Cause {
	return &Cause{text: fmt.Sprintf("no whole answer within %v", limit), repeat: true, retryLater: true, is: isOne(os.ErrDeadlineExceeded)}
}

// heldCause is for a call that the gate could not let go in time: because the service asked to
// wait, refused everything, or for the limit of writes.
func heldCause(asked, vain, timed bool) *Cause {
	c := &Cause{
		text: "the service asked to wait, for longer than the deadline allows", retryLater: true, held: true,
		is: isOne(context.DeadlineExceeded),
	}
	switch {
	case vain:
		c.text = "the service has refused every request for too long"
		if timed {
			c.is = nil // the caller's context is alive
		}
	case !asked:
		c.text = "the limit of writes has no room before the deadline"
	}
	return c
}

// noTimeCause is for a wait that would end after the deadline. before, which may be nil, is what
// made it necessary.
func noTimeCause(before *Cause) *Cause {
	c := &Cause{text: "the next attempt would come after the deadline", retryLater: true, is: isOne(context.DeadlineExceeded)}
	if before != nil {
		c.text = before.text + "; " + c.text
		c.is = isOne(context.DeadlineExceeded, before)
		c.signIn, c.code = before.signIn, before.code
	}
	return c
}

func untrustedCause() *Cause {
	return &Cause{text: "it would go to " + ErrUntrustedURL.Error(), is: isOne(ErrUntrustedURL)}
}

func brokenCause(err error) *Cause {
	return &Cause{text: "the answer broke off", repeat: true, retryLater: true, is: whileAlive(io.ErrUnexpectedEOF, err)}
}

// lostCause is for a connection that was lost when the request was written, so that nobody knows
// what became of it.
func lostCause() *Cause {
	return &Cause{text: noAnswer, repeat: true, retryLater: true, is: isOne(io.ErrUnexpectedEOF)}
}

const noAnswer = "the connection was closed before an answer came"

// refusedCause is for an HTTP/2 stream that the service refused unseen.
func refusedCause() *Cause {
	return &Cause{text: "the service refused the request before it looked at it", repeat: true, retryLater: true}
}

func switchedCause() *Cause {
	return &Cause{text: "the service switched to another protocol, which nobody asked for"}
}

func tooLargeCause() *Cause {
	return &Cause{text: fmt.Sprintf("the answer is larger than %d MiB", MaxBody>>20)}
}
