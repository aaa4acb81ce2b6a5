// Fleet manages the VPP tokens of many tenants with several worker processes, and jobs that go step
// by step through NATS JetStream.
//
//	go run .                                a demonstration: queue, tenants and three workers, no account
//	go run . check -tenants tenants.json    judge the health of every token of every tenant
//	go run . renew -tenants tenants.json    renew from Apple's content token files, and verify
//	go run . update -tenants tenants.json   turn on automatic updates for 2,000 tokens, for example
//
// The queue is inside the program, unless NATS_URL names a server or a cluster. Then you can start
// more workers, also on other machines; each needs the same tenants file, and the secrets that it
// refers to:
//
//	NATS_URL=nats://queue.example go run . worker -tenants tenants.json
//
// Intune accepts 100 writes in 20 seconds from each application in a tenant; it refuses the rest,
// and counts that too. The workers share this limit: each client's WithWriteLimit is its share,
// -writes divided by the number of workers. So the workers need not coordinate, a worker that dies
// takes no lock with it, and all workers can take jobs of a tenant with many tokens. The price:
// while only some workers have jobs of a tenant, the others' shares are unused. The alternative,
// one worker per tenant at a time, needs a lock that outlives its holder, and the next holder would
// still have to know what the previous one sent in the last 20 seconds.
//
// main.go reads the flags. coordinator.go opens the queue, processes.go starts the workers,
// round.go publishes the jobs and waits for the results, and report.go prints. worker.go takes
// steps from the queue and says what happens when a worker is killed; steps.go says what each step
// does. queue.go has all that concerns NATS, tenants.go the tenants file, demonstration.go the
// tenants of the demonstration.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/vpptoken/vpptoken/examples/internal/cli"
)

const help = `fleet checks and renews the VPP tokens of many tenants.

  fleet                         a demonstration that needs no account
  fleet check -tenants FILE     judge the health of all tokens
  fleet renew -tenants FILE     renew where the file names a content token, and verify
  fleet update -tenants FILE    set what the file has as settings, where it differs
  fleet worker -tenants FILE    work for the queue that NATS_URL names, until interrupted

The tenants file is a JSON list, and no secret is in it:

  [{"name": "nordwind", "tenant": "contoso.example", "client": "<application id>",
    "secretEnv": "NORDWIND_SECRET", "token": "<id of the VPP token>",
    "contentToken": "sToken_for_Nordwind.vpptoken",
    "settings": {"automaticallyUpdateApps": true}}]

secretEnv names a variable of the environment that holds the client secret; secretFile, a file, can stand in its place.
token, contentToken and settings are for renew and update. A tenant with several tokens has an entry
for each, with names of their own; cloud is USGov, USGovDoD, China, Bleu or Delos, and Global when it
is left out. Without NATS_URL the queue is inside the program.

Exit codes: 0 all is well, 1 a warning, 2 something critical or wrong input, 3 unknown: a tenant without a verdict.

`

// exitUnknown is for everything that leaves the state of the tenants unknown.
const exitUnknown = 3

// settings are the flags. Those of the first group are passed to the workers.
type settings struct {
	tenants     string
	parallel    int
	attempts    int
	poll        time.Duration
	syncTimeout time.Duration
	retryWait   time.Duration
	writes      int // in any period of per, on one tenant: of all workers, or of this one
	per         time.Duration

	workers  int
	ackWait  time.Duration
	timeout  time.Duration
	store    string
	runName  string
	replicas int
	kill     bool // the demonstration kills a worker

	name     string
	attached bool
}

func main() { cli.Main(run) }

func run(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) int {
	con := newConsole(stderr)
	code, err := dispatch(ctx, args, env, stdout, con)
	switch cli.Exit(con, err) {
	case cli.ExitUsage:
		return cli.ExitUsage
	case cli.ExitFailed:
		return exitUnknown
	}
	return code
}

func dispatch(
	ctx context.Context, args []string, env func(string) string, stdout io.Writer, con *console,
) (int, error) {
	command := "demonstration"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		command, args = args[0], args[1:]
		if !slices.Contains([]string{"check", "renew", "update", "worker"}, command) {
			return 0, fmt.Errorf("%w: %q is no command", cli.ErrUsage, command)
		}
	}
	s, err := parse(command, args, stdout)
	if err != nil {
		return 0, err
	}
	if command == "demonstration" {
		return demonstrate(ctx, s, stdout, con)
	}
	tenants, err := readTenants(s.tenants)
	if err != nil {
		return 0, fmt.Errorf("%w: -tenants: %w", cli.ErrUsage, err)
	}
	if command == "worker" {
		return 0, work(ctx, s, tenants, env("NATS_URL"), con)
	}
	return coordinate(ctx, s, tenants, env("NATS_URL"), []string{command}, stdout, con)
}

func parse(command string, args []string, stdout io.Writer) (settings, error) {
	var s settings
	fs := flag.NewFlagSet("fleet", flag.ContinueOnError)
	if command != "demonstration" {
		fs.StringVar(&s.tenants, "tenants", "", "the tenants `file`")
	}
	fs.IntVar(&s.parallel, "parallel", 2, "steps that a worker does at the same time")
	fs.IntVar(&s.attempts, "attempts", 5, "how often a step is tried before its tenant gets an error as its result")
	fs.DurationVar(&s.poll, "poll", 15*time.Second, "how often to poll a sync")
	fs.DurationVar(&s.syncTimeout, "sync-timeout", 15*time.Minute, "how long a sync is waited for")
	fs.DurationVar(&s.retryWait, "retry-wait", 2*time.Second,
		"wait before a failed step is tried again, doubled each time, when the service names none")
	fs.DurationVar(&s.per, "per", 20*time.Second, "the period of -writes")
	if command == "worker" {
		host, _ := os.Hostname()
		fs.StringVar(&s.name, "name", fmt.Sprintf("%s-%d", host, os.Getpid()), "what this worker is called in results")
		fs.BoolVar(&s.attached, "attached", false,
			"end when standard input ends; set for workers that the program starts itself")
		fs.IntVar(&s.writes, "writes", 33,
			"this worker's share of the writes that the service takes on a tenant; 0 is no limit")
	} else {
		fs.IntVar(&s.writes, "writes", 100, "writes that the service takes on a tenant, "+
			"which the workers that are started share; 0 is no limit")
		fs.IntVar(&s.workers, "workers", 3, "worker processes to start; 0 with NATS_URL leaves the work to others")
		fs.DurationVar(&s.ackWait, "ack-wait", time.Minute,
			"how long a worker may be silent before its step goes to another one")
		fs.DurationVar(&s.timeout, "timeout", time.Hour, "when to report, whatever is missing")
		fs.StringVar(&s.store, "store", "", "`folder` of the queue inside the program; a temporary one when empty")
		fs.StringVar(&s.runName, "run", "",
			"`name` of the run; that of an earlier run goes on with it instead of beginning again")
		fs.IntVar(&s.replicas, "replicas", 1, "copies that a cluster keeps of the queue")
	}
	if command == "demonstration" { // everything is faster there
		for name, value := range map[string]string{
			"poll": "100ms", "retry-wait": "200ms", "ack-wait": "2s", "timeout": "1m",
		} {
			if err := fs.Set(name, value); err != nil {
				return s, err
			}
		}
	}
	if err := cli.Parse(fs, args, stdout, help); err != nil {
		return s, err
	}
	if err := s.check(command); err != nil {
		return s, fmt.Errorf("%w: %w", cli.ErrUsage, err)
	}
	return s, nil
}

func (s settings) check(command string) error {
	switch {
	case command != "demonstration" && s.tenants == "":
		return fmt.Errorf("%s needs -tenants", command)
	case s.parallel < 1 || s.attempts < 1 || s.poll <= 0 || s.syncTimeout <= 0 || s.retryWait <= 0:
		return errors.New("-parallel, -attempts, -poll, -sync-timeout and -retry-wait are more than nothing")
	case s.writes < 0 || s.writes > 0 && s.per <= 0:
		return errors.New("-writes is not negative, -per is more than nothing")
	case command == "worker":
		return nil
	case s.workers < 0 || s.replicas < 1 || s.timeout <= 0:
		return errors.New("-workers is not negative, -replicas and -timeout are more than nothing")
	case s.runName != "" && !isWord(s.runName):
		return errors.New("-run takes letters, digits, - and _")
	}
	return s.checkPoll(s.ackWait)
}

// checkPoll makes sure that a worker that waits for a sync reports in time: each poll renews the
// step's lease.
func (s settings) checkPoll(ackWait time.Duration) error {
	if lease(ackWait) <= s.poll {
		return fmt.Errorf("-ack-wait %v is too short for -poll %v: give at least twice as much", ackWait, s.poll)
	}
	return nil
}
