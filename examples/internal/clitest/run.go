// Package clitest is what the tests of the examples share: running a program and checking its
// results, and a real service behind a transport. Only tests import it.
package clitest

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/vpptoken/vpptoken/examples/internal/cli"
)

// Result is the result of a program: its exit code, and all that it wrote.
type Result struct {
	Code           int
	Stdout, Stderr string
}

// Run runs p with the flags args in an environment that has the variables of env, and no others.
func Run(ctx context.Context, p cli.Program, env map[string]string, args ...string) Result {
	var out bytes.Buffer
	r := RunTo(ctx, &out, p, env, args...)
	r.Stdout = out.String()
	return r
}

// RunTo is [Run] with a standard output of the caller's; Stdout of the result stays empty.
func RunTo(ctx context.Context, stdout io.Writer, p cli.Program, env map[string]string, args ...string) Result {
	var errs bytes.Buffer
	code := p(ctx, args, func(name string) string { return env[name] }, stdout, &errs)
	return Result{Code: code, Stderr: errs.String()}
}

// BrokenPipe is a standard output on which every write fails with the error "broken pipe".
type BrokenPipe struct{}

// Write implements [io.Writer].
func (BrokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }
