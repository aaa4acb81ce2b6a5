package graph

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// ErrUntrustedURL marks an address that must not get the access token.
var ErrUntrustedURL = errors.New("an address that is not the service's own")

// Cause is why no answer came. Its text is always one of this package's own: net/http quotes what
// the server sent, and token sources quote what they sent. errors.Is still finds the original
// error, but nothing can print that, because only a function reaches it.
type Cause struct { //nolint:errname // it is never the whole error, only the cause in one
	text       string
	retry      bool          // another attempt may help
	retryLater bool          // the same call may succeed later
	held       bool          // the gate held it back
	unknown    bool          // a transport error of no known kind
	signIn     bool          // no access token could be obtained
	spent      bool          // a successful sign-in broke off
	code       string        // OAuth's, if a sign-in was refused
	wait       time.Duration // as the authority asked
	is         func(target error) bool
}

// Error returns the fixed text.
func (c *Cause) Error() string { return c.text }

// Is reports what errors.Is would have found in the original error.
func (c *Cause) Is(target error) bool { return c.is != nil && c.is(target) }

// RetryLater reports whether the same call may succeed later.
func (c *Cause) RetryLater() bool { return c.retryLater }

// Held reports whether the gate held the call back for too long.
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

// whileAlive is isOne for an attempt that failed while the caller's context is alive: a timeout of
// the transport's own must not look like the end of that context.
func whileAlive(errs ...error) func(error) bool {
	is := isOne(errs...)
	return func(target error) bool {
		ends := target == context.DeadlineExceeded || target == context.Canceled //nolint:errorlint // the very values
		return !ends && is(target)
	}
}

// ContextCause says how a caller's context ended.
func ContextCause(ctx context.Context) *Cause {
	c := &Cause{text: "canceled by the caller", is: isOne(ctx.Err(), context.Cause(ctx))}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		c.text, c.retryLater = callersDeadline, true
	}
	return c
}

// callTimeCause is for a call out of time: the caller's deadline came, a moment before its context
// reports it, or the default time is over.
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
	return &Cause{
		text: fmt.Sprintf("no whole answer within %v", limit), retry: true, retryLater: true,
		is: isOne(os.ErrDeadlineExceeded),
	}
}

// heldCause is for a call that could not pass the gate in time: because the service asked to wait
// or refused everything, or because of the write limit.
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
		c.text = "the write limit has no room before the deadline"
	}
	return c
}

// noTimeCause is for a wait that would end after the deadline. before, which may be nil, is the
// reason for the wait.
func noTimeCause(before *Cause) *Cause {
	c := &Cause{
		text: "the next attempt would come after the deadline", retryLater: true,
		is: isOne(context.DeadlineExceeded),
	}
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
	return &Cause{text: "the answer broke off", retry: true, retryLater: true, is: whileAlive(io.ErrUnexpectedEOF, err)}
}

// lostCause is for a connection that was lost after the request was written, so that its fate is
// unknown.
func lostCause() *Cause {
	return &Cause{text: noAnswer, retry: true, retryLater: true, is: isOne(io.ErrUnexpectedEOF)}
}

const noAnswer = "the connection was closed before an answer came"

// refusedCause is for an HTTP/2 stream that the service refused unprocessed.
func refusedCause() *Cause {
	return &Cause{text: "the service refused the request without processing it", retry: true, retryLater: true}
}

func switchedCause() *Cause {
	return &Cause{text: "the service switched to another protocol without being asked"}
}

func tooLargeCause() *Cause {
	return &Cause{text: fmt.Sprintf("the answer is larger than %d MiB", MaxBody>>20)}
}
