package fleet

import (
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
)

// panicError hides the value of a panic, which may hold a secret, from everything that prints, and
// keeps it for errors.Is and errors.As if it is an error. The closure is there because fmt walks
// through fields.
type panicError struct {
	text  string
	cause func() error
}

// newPanicError must be called by the deferred function that recovered value.
func newPanicError(value any) error {
	text := "fleet: panic in " + panicSite()
	if fault := runtimeFault(value); fault != "" {
		text += ": " + fault
	}
	cause, _ := value.(error)
	return &panicError{text: text, cause: func() error { return cause }}
}

func (e *panicError) Error() string { return e.text }
func (e *panicError) Unwrap() error { return e.cause() }

// runtimeFault returns the text of a runtime error: it names types, indexes and addresses, never a
// program's data. Any error can have the method RuntimeError, so the type must be the runtime's
// own.
func runtimeFault(value any) (text string) {
	err, ok := value.(runtime.Error)
	if _, byHand := value.(*runtime.PanicNilError); !ok || byHand {
		return ""
	}
	t := reflect.TypeOf(err)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.PkgPath() != "runtime" {
		return ""
	}
	defer func() { _ = recover() }() // a program can make an empty runtime.TypeAssertionError, which has no text
	return err.Error()
}

// panicSite returns the function and line that panicked: the first frame below the runtime's own.
func panicSite() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs[:])])
	panicking := false
	for {
		frame, more := frames.Next()
		inRuntime := strings.HasPrefix(frame.Function, "runtime.") ||
			strings.HasPrefix(frame.Function, "internal/runtime/")
		if panicking && !inRuntime {
			return fmt.Sprintf("%s (%s:%d)", frame.Function, filepath.Base(frame.File), frame.Line)
		}
		panicking = panicking || inRuntime
		if !more {
			return "an unknown place"
		}
	}
}
