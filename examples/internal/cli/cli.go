// Package cli is what the examples share: the flags that choose between an embedded Microsoft Graph
// and a real tenant, signing in, exit codes, a table, and a record of what went over the wire. It
// is for the examples only.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/vpptoken/vpptoken"
)

// The exit codes of an example.
const (
	ExitOK     = 0
	ExitFailed = 1 // the service failed, or could not be reached
	ExitUsage  = 2 // wrong input; nothing was changed
)

// ErrUsage marks an error in the input, for which [Exit] returns ExitUsage.
var ErrUsage = errors.New("wrong input")

// Program is an example without the process around it, so that a test can run it. It returns the
// exit code.
type Program func(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) int

// Main runs p in the real process and exits. The first interrupt or SIGTERM ends the context, a
// second one the process.
func Main(p Program) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(p(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// Exit says on stderr what err is and returns the exit code for it. A nil err and [flag.ErrHelp]
// are not failures.
func Exit(stderr io.Writer, err error) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return ExitOK
	case errors.Is(err, ErrUsage):
		_, _ = fmt.Fprintf(stderr, "error: %v\n-h shows what can be given.\n", err)
		return ExitUsage
	}
	_, _ = fmt.Fprintf(stderr, "error: %v\n", err)
	return ExitFailed
}

// Refused marks the error of a call as an error in the input, unless it is a [vpptoken.Error]: only
// those left the process.
func Refused(err error) error {
	if _, sent := errors.AsType[*vpptoken.Error](err); err == nil || sent {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUsage, err)
}

// Parse reads args into fs, which has all its flags. -h writes the help text and the flags to
// stdout and returns [flag.ErrHelp]; everything else that is wrong is an [ErrUsage].
func Parse(fs *flag.FlagSet, args []string, stdout io.Writer, help string) error {
	fs.Init(fs.Name(), flag.ContinueOnError)
	fs.SetOutput(io.Discard) // an error is one line, not a page
	fs.Usage = func() {
		_, _ = fmt.Fprintf(fs.Output(), "%s\nFlags:\n", help)
		fs.PrintDefaults()
	}
	err := fs.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fs.SetOutput(stdout)
		fs.Usage()
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", ErrUsage, err)
	case fs.NArg() > 0: // not quoted: it may be part of a secret
		return fmt.Errorf(
			"%w: something follows the flags: put a value with spaces in quotes, and write a switch as -name=false",
			ErrUsage)
	}
	return nil
}
