package fleet

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// panicError hides the value of a panic, which may hold a secret, from everything that prints, and keeps it for
// errors.Is and errors.As when it is an error. It is in a closure, for fmt walks through fields.
type panicError struct {
	where string
	cause func() error
}

// newPanicError must be called by the deferred function that recovered value.
func newPanicError(value any) error {
	cause, _ := value.(error)
	return &panicError{where: panicSite(), cause: func() error { return cause }}
}

func (e *panicError) Error() string { return "fleet: panic in " + e.where }
func (e *panicError) Unwrap() error { return e.cause() }

// panicSite gives the function and line that panicked: the first one below the runtime's own.
func panicSite() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs[:])])
	panicking := false
	for {
		frame, more := frames.Next()
		inRuntime := strings.HasPrefix(frame.Function, "runtime.")
		if panicking && !inRuntime {
			return fmt.Sprintf("%s (%s:%d)", frame.Function, filepath.Base(frame.File), frame.Line)
		}
		panicking = panicking || inRuntime
		if !more {
			return "an unknown place"
		}
	}
}
