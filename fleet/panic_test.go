package fleet_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vpptoken/vpptoken/fleet"
)

const canary = "panic-canary"

// secretError is a struct and no pointer, so that a printer that walks memory would meet its text.
type secretError struct{ Text string }

func (e secretError) Error() string { return e.Text }

// panicOf returns the one result of a function that panics with value.
func panicOf(t *testing.T, value any) fleet.Result[string, int] {
	t.Helper()
	for r := range fleet.ForEach(t.Context(), slices.Values([]string{"tenant"}), 1,
		func(context.Context, string) (int, error) {
			panic(value)
		}) {
		return r
	}
	t.Fatal("no result")
	panic("unreachable")
}

func TestPanicBecomesTheKeysError(t *testing.T) {
	t.Parallel()
	site := regexp.MustCompile(`^fleet: panic in [^ ]+/fleet_test\.panicOf\.func\d+ \(panic_test\.go:\d+\)$`)
	for _, value := range []any{
		canary,
		secretError{canary},
		&secretError{canary},
		fmt.Errorf("around: %w", secretError{canary}),
		[]byte(canary), 7, nil,
	} {
		t.Run(fmt.Sprintf("%T", value), func(t *testing.T) {
			t.Parallel()
			r := panicOf(t, value)
			if r.Key != "tenant" || r.Value != 0 || r.Err == nil {
				t.Fatalf("result %+v", r)
			}
			if !site.MatchString(r.Err.Error()) {
				t.Errorf("error text %q does not match %s", r.Err, site)
			}
			var out bytes.Buffer
			for _, verb := range "vTtbcdoOqxXUeEfFgGsp" {
				for _, flags := range []string{"", "+", "#"} {
					format := "%" + flags + string(verb) + "\n"
					fmt.Fprintf(&out, format, r)
					fmt.Fprintf(&out, format, r.Err)
				}
			}
			slog.New(slog.NewTextHandler(&out, nil)).Info("m", "err", r.Err, "result", r)
			slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "err", r.Err, "result", r)
			text, err := json.Marshal(any(r))
			if err != nil {
				t.Fatal(err)
			}
			out.Write(text)
			shown := out.String()
			for _, secret := range []string{
				canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary),
				strings.Trim(fmt.Sprintf("%d", []byte(canary)), "[]"),
			} {
				if strings.Contains(shown, secret) {
					t.Errorf("%s in %s", secret, shown)
				}
			}
		})
	}
}

func TestPanicValueStaysAnError(t *testing.T) {
	t.Parallel()
	r := panicOf(t, fmt.Errorf("reading: %w", fs.ErrNotExist))
	if !errors.Is(r.Err, fs.ErrNotExist) {
		t.Error("errors.Is does not find the error that was the panic's value")
	}
	r = panicOf(t, secretError{canary})
	if got, ok := errors.AsType[secretError](r.Err); !ok || got.Text != canary {
		t.Error("errors.As does not find the error that was the panic's value")
	}
	if r = panicOf(t, canary); errors.Unwrap(r.Err) != nil {
		t.Errorf("a text became the error %v", errors.Unwrap(r.Err))
	}
}

// A fault that the runtime raises is found at its own line, too.
func TestRuntimeFault(t *testing.T) {
	t.Parallel()
	for r := range fleet.ForEach(t.Context(), slices.Values([]int{3}), 1, func(_ context.Context, k int) (int, error) {
		return []int{1}[k], nil
	}) {
		if _, ok := errors.AsType[runtime.Error](r.Err); !ok {
			t.Errorf("%v is no runtime.Error", r.Err)
		}
		if !strings.Contains(r.Err.Error(), "TestRuntimeFault.func1 (panic_test.go:") {
			t.Errorf("error text %q does not say where", r.Err)
		}
	}
}

func TestGoexitBecomesTheKeysError(t *testing.T) {
	t.Parallel()
	n := 0
	for r := range fleet.ForEach(t.Context(), slices.Values([]int{1, 2, 3}), 1,
		func(_ context.Context, k int) (int, error) {
			if k == 2 {
				runtime.Goexit()
			}
			return k, nil
		}) {
		n++
		if r.Key != 2 {
			if r.Err != nil || r.Value != r.Key {
				t.Errorf("result %+v", r)
			}
			continue
		}
		if r.Value != 0 || r.Err == nil || r.Err.Error() != "fleet: the function ended its goroutine (runtime.Goexit)" {
			t.Errorf("result %+v", r)
		}
	}
	if n != 3 {
		t.Errorf("%d results for 3 keys", n)
	}
}

// The sequence belongs to the caller: its panic is the caller's, but it hides no result, and it can
// be recovered.
func TestKeysThatPanicOrExit(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(){
		"panic":  func() { panic(canary) },
		"Goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys := func(yield func(int) bool) {
				_ = yield(1) && yield(2)
				end()
			}
			var got any
			var results []int
			after := false
			var wg sync.WaitGroup
			wg.Go(func() {
				defer func() { got = recover() }()
				for r := range fleet.ForEach(t.Context(), keys, 2, double) {
					results = append(results, r.Value)
				}
				after = true
			})
			wg.Wait()
			slices.Sort(results)
			if !slices.Equal(results, []int{2, 4}) {
				t.Errorf("results %v, want those of both keys", results)
			}
			if after {
				t.Error("the loop ended as if there were no more keys")
			}
			if name == "panic" && got != canary {
				t.Errorf("recovered %v, want the value of the panic", got)
			}
		})
	}
}

// Also when the loop was left before.
func TestKeysThatPanicAfterBreak(t *testing.T) {
	t.Parallel()
	defer func() {
		if got := recover(); got != canary {
			t.Errorf("recovered %v, want the value of the panic", got)
		}
	}()
	for range fleet.ForEach(t.Context(), func(yield func(int) bool) {
		for yield(1) {
		}
		panic(canary)
	}, 2, double) {
		break
	}
	t.Error("no panic")
}
