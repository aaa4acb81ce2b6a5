package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/vpptoken/vpptoken/fleet"
)

// faultOf returns the error of a function whose fault is found by the runtime.
func faultOf(t *testing.T, f func()) error {
	t.Helper()
	for r := range fleet.ForEach(t.Context(), slices.Values([]int{0}), 1, func(context.Context, int) (int, error) {
		f()
		return 0, nil
	}) {
		return r.Err
	}
	t.Fatal("no result")
	return nil
}

type recordOfTenant struct{ name *string }

// A fault of the program says what it is: its text can't hold a secret.
func TestRuntimeFaultShowsItsText(t *testing.T) {
	t.Parallel()
	var (
		none     map[string]int
		list     []string
		anything any = canary

		uncomparable any = []string{canary}

		nobody *recordOfTenant
		keys   = map[any]int{}
		zero   int
		size   = -1
		closed = make(chan int)
	)
	close(closed)
	for want, f := range map[string]func(){
		"index out of range [7] with length 0":              func() { _ = list[7+zero] },
		"slice bounds out of range [7:0]":                   func() { _ = list[7+zero:] },
		"assignment to entry in nil map":                    func() { none[canary] = 1 },
		"invalid memory address or nil pointer dereference": func() { _ = *nobody.name },
		"integer divide by zero":                            func() { _ = math.MaxInt8 / zero },
		"makeslice: len out of range":                       func() { _ = make([]int, size) },
		"hash of unhashable type []string":                  func() { keys[[]string{canary}] = 1 },
		"comparing uncomparable type []string": func() {
			_ = anything == uncomparable || uncomparable == any(list)
		},
		"interface conversion: interface {} is string, not int":              func() { _ = anything.(int) },
		"interface conversion: string is not fmt.Stringer: missing method S": func() { _ = anything.(fmt.Stringer) },
		"send on closed channel":  func() { closed <- 1 },
		"close of closed channel": func() { close(closed) },
	} {
		err := faultOf(t, f)
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "TestRuntimeFaultShowsItsText.func") {
			t.Errorf("%v does not say where and %q", err, want)
		}
		if strings.Contains(err.Error(), canary) || strings.ContainsAny(err.Error(), "\r\n") {
			t.Errorf("%q", err)
		}
		if _, ok := errors.AsType[runtime.Error](err); !ok {
			t.Errorf("%v is no runtime.Error", err)
		}
	}
}

// imposter has the method of the runtime's errors, as anybody's error can.
type imposter string

func (i imposter) Error() string { return string(i) }
func (imposter) RuntimeError()   {}

type fault = runtime.Error

type wrapped struct{ fault }

func (wrapped) Error() string { return canary }

func TestOtherPanicsStayHidden(t *testing.T) {
	t.Parallel()
	var list []int
	fault := faultOf(t, func() { _ = list[0] })
	inner, _ := errors.AsType[runtime.Error](fault)
	imp := imposter(canary)
	for _, value := range []any{
		imp, &imp,
		wrapped{inner},
		&wrapped{inner}, fmt.Errorf("%s: %w", canary, inner), errors.Join(errors.New(canary), inner),
		&runtime.TypeAssertionError{}, (*runtime.TypeAssertionError)(nil), nil, canary,
	} {
		err := faultOf(t, func() { panic(value) })
		if strings.Contains(err.Error(), canary) || !strings.HasSuffix(err.Error(), ")") {
			t.Errorf("%T: %v", value, err)
		}
	}
}
