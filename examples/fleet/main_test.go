package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

// asProgram makes the test binary be the program, so that it can start itself as a worker.
const asProgram = "FLEET_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	if err := os.Setenv(asProgram, "1"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// site is a set of tenants on fake Graphs, with their files.
type site struct {
	dir     string
	expires time.Time
	tenants []tenant
	graphs  map[string]*vpptokentest.Server
}

func newSite(t *testing.T, names ...string) *site {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	s := &site{dir: t.TempDir(), expires: now.AddDate(1, 0, 0), graphs: make(map[string]*vpptokentest.Server)}
	for _, name := range names {
		graph := vpptokentest.NewServer()
		t.Cleanup(graph.Close)
		id := graph.Add(vpptoken.VPPToken{
			OrganizationName: name, ExpirationDateTime: now.AddDate(0, 0, 10), LastSyncDateTime: now.Add(-time.Hour),
		})
		entry, err := writeTenant(s.dir, name, graph, id, s.expires)
		if err != nil {
			t.Fatal(err)
		}
		s.graphs[name], s.tenants = graph, append(s.tenants, entry)
	}
	return s
}

// file writes the tenants file.
func (s *site) file(t *testing.T) string {
	t.Helper()
	name, err := writeTenants(s.dir, s.tenants)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// count returns how many requests a tenant's Graph got with that method and end of the path.
func (s *site) count(name, method, suffix string) int {
	n := 0
	for _, r := range s.graphs[name].Requests() {
		if r.Method == method && strings.HasSuffix(r.Path, suffix) {
			n++
		}
	}
	return n
}

// secrets are the texts that must not leave the files.
func (s *site) secrets(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, entry := range s.tenants {
		for _, file := range []string{entry.SecretFile, entry.ContentToken} {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, string(text))
		}
	}
	return all
}

// nobody is an address that refuses connections, and that no server of a test can get.
const nobody = "127.0.0.1:1"

// newQueue starts a NATS server and declares everything on it.
func newQueue(t *testing.T, ackWait time.Duration) (q *queue, address string) {
	t.Helper()
	srv, address, err := embed(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeServer(srv) })
	if q, err = connect(address, "test", newConsole(t.Output())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(q.conn.Close)
	if err := q.declare(t.Context(), ackWait, 1); err != nil {
		t.Fatal(err)
	}
	return q, address
}

// until waits for a condition.
func until(ctx context.Context, t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("it did not happen: %s", what)
		case <-tick.C:
		}
	}
}

func TestDemonstration(t *testing.T) {
	t.Parallel()
	var stdout, stderr strings.Builder
	if code := run(t.Context(), nil, os.Getenv, &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, stdout.String(), stderr.String())
	}
	for _, want := range []string{
		"8 tenants: 1 ok, 6 warning, 1 critical\n", "8 tenants: 8 ok\n", "havn        ok     renewed: it expires on ",
	} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("it printed\n%s\nwithout %q", stdout.String(), want)
		}
	}
	for _, want := range []string{"worker-1 is killed now", "worker-1 ended (", "8/8 "} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("it said\n%s\nwithout %q", stderr.String(), want)
		}
	}
	if strings.Contains(stderr.String(), "\r") {
		t.Errorf("a line moves where there is no terminal: %q", stderr.String())
	}
}

func TestTenantsWithoutSecretsOrSense(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, want string }{
		"a secret": {`[{"name":"a","secret":"x"}]`, `unknown field "secret"`},
		"no secret": {
			`[{"name":"a","tenant":"t","client":"c"}]`, "entry 1: give one of secretEnv and secretFile",
		},
		"two secrets": {
			`[{"name":"a","tenant":"t","client":"c","secretEnv":"A","secretFile":"b"}]`,
			"entry 1: give one of secretEnv and secretFile",
		},
		"a bad name": {
			`[{"name":"a.b","tenant":"t","client":"c","secretEnv":"A"}]`,
			"entry 1: name is 1 to 64 letters, digits, - and _",
		},
		"twice":     {`[{"name":"a","tenant":"t","client":"c","secretEnv":"A"},{"name":"a","tenant":"t","client":"c","secretEnv":"A"}]`, "names a twice"},
		"no client": {`[{"name":"a","tenant":"t","secretEnv":"A"}]`, "entry 1: give tenant and client"},
		"no tenant": {
			`[{"name":"a","tenant":"../x","client":"c","secretEnv":"A"}]`, "entry 1: vpptoken: a tenant is a GUID or a domain name",
		},
		"half a renewal": {
			`[{"name":"a","tenant":"t","client":"c","secretEnv":"A","token":"x"}]`,
			"entry 1: token goes with contentToken, settings or both, and they with it",
		},
		"a setting that is none": {
			`[{"name":"a","tenant":"t","client":"c","secretEnv":"A","token":"x","settings":{"color":1}}]`, "color",
		},
		"a secret in settings": {
			`[{"name":"a","tenant":"t","client":"c","secretEnv":"A","token":"x","settings":{"token":"hidden"}}]`,
			"entry 1: the content token is a secret",
		},
		"no settings": {
			`[{"name":"a","tenant":"t","client":"c","secretEnv":"A","token":"x","settings":{}}]`, "entry 1: vpptoken: ",
		},
		"a cloud that is none": {
			`[{"name":"a","tenant":"t","client":"c","cloud":"mars","secretEnv":"A"}]`, `"mars" is not a cloud`,
		},
		"another graph": {
			`[{"name":"a","graph":"http://graph.example","secretEnv":"A"}]`,
			"entry 1: graph is http to a loopback address",
		},
		"a name like it": {
			`[{"name":"a","graph":"http://127.0.0.1.example","secretEnv":"A"}]`,
			"entry 1: graph is http to a loopback address",
		},
		"nothing":          {`[]`, "names no tenant"},
		"more than a list": {`[{"name":"a","tenant":"t","client":"c","secretEnv":"A"}] []`, "goes on after its list"},
		"an object":        {`{}`, "is not as -h shows it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "tenants.json")
			if err := os.WriteFile(file, []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			var stdout, stderr strings.Builder
			code := run(t.Context(), []string{"check", "-tenants", file}, os.Getenv, &stdout, &stderr)
			if code != cli.ExitUsage || !strings.Contains(stderr.String(), c.want) || stdout.String() != "" {
				t.Errorf("exit code %d, it printed %q and said %q, want %q",
					code, stdout.String(), stderr.String(), c.want)
			}
		})
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"a flag that is none": {
			[]string{"check", "-bogus"}, cli.ExitUsage, "wrong input: flag provided but not defined: -bogus\n",
		},
		"a word at the end": {
			[]string{"check", "-tenants", "x", "y"}, cli.ExitUsage, "wrong input: something follows the flags",
		},
		"no file": {[]string{"check"}, cli.ExitUsage, "error: wrong input: check needs -tenants\n"},
		"a word":  {[]string{"delete"}, cli.ExitUsage, `error: wrong input: "delete" is no command`},
		"no attempts": {
			[]string{"renew", "-tenants", "x", "-attempts", "0"}, cli.ExitUsage, "are more than nothing\n",
		},
		"no writes": {
			[]string{"update", "-tenants", "x", "-writes", "-1"},
			cli.ExitUsage, "error: wrong input: -writes is not negative",
		},
		"no period": {
			[]string{"worker", "-tenants", "x", "-per", "0s"}, cli.ExitUsage, "-per is more than nothing\n",
		},
		"a dotted run": {
			[]string{"renew", "-tenants", "x", "-run", "a.b"},
			cli.ExitUsage, "error: wrong input: -run takes letters, digits, - and _\n",
		},
		"a silent worker": {
			[]string{"renew", "-tenants", "x", "-poll", "9s", "-ack-wait", "10s"},
			cli.ExitUsage, "error: wrong input: -ack-wait 10s is too short for -poll 9s",
		},
		"a missing file": {
			[]string{"renew", "-tenants", "nowhere.json"},
			cli.ExitUsage, "error: wrong input: -tenants: open nowhere.json: ",
		},
		"a worker, no URL": {[]string{"worker"}, cli.ExitUsage, "error: wrong input: worker needs -tenants\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr strings.Builder
			code := run(t.Context(), c.args, func(string) string { return "" }, &stdout, &stderr)
			if code != c.code || !strings.Contains(stderr.String(), c.want) || stdout.String() != "" ||
				strings.Count(stderr.String(), "\n") != 2 { // the error and the hint
				t.Errorf("exit code %d, it printed %q and said %q, want %q",
					code, stdout.String(), stderr.String(), c.want)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var stdout, stderr strings.Builder
	code := run(t.Context(), []string{"-h"}, os.Getenv, &stdout, &stderr)
	if code != 0 || stderr.String() != "" || !strings.Contains(stdout.String(), "fleet renew -tenants FILE") {
		t.Errorf("exit code %d, it printed %s and said %s", code, stdout.String(), stderr.String())
	}
}

func TestARunIsGoneOnWith(t *testing.T) {
	t.Parallel()
	site := newSite(t, "a", "b")
	file := site.file(t)
	_, address := newQueue(t, 5*time.Second)
	env := func(name string) string { return map[string]string{"NATS_URL": address}[name] }
	var first, second, stderr strings.Builder
	args := []string{"renew", "-tenants", file, "-workers", "1", "-poll", "10ms", "-timeout", "1m", "-run", "again"}
	code := run(t.Context(), args, env, &first, &stderr)
	if code != 0 || !strings.HasSuffix(first.String(), "2 tenants: 2 ok\n\n") {
		t.Fatalf("exit code %d, it printed %s%s", code, first.String(), stderr.String())
	}
	sent := len(site.graphs["a"].Requests()) + len(site.graphs["b"].Requests())
	if code := run(t.Context(), args, env, &second, &stderr); code != 0 || second.String() != first.String() {
		t.Errorf("exit code %d, it printed\n%s, at first\n%s", code, second.String(), first.String())
	}
	if n := len(site.graphs["a"].Requests()) + len(site.graphs["b"].Requests()); n != sent {
		t.Errorf("%d requests were sent the second time", n-sent)
	}
	token := strings.TrimPrefix(strings.Split(address, "@")[0], "nats://")
	if strings.Contains(stderr.String(), token) {
		t.Error("the queue's token was shown")
	}
}

func TestAQueueThatIsNotThere(t *testing.T) {
	t.Parallel()
	file := newSite(t, "a").file(t)
	address := "nats://hunter2@" + nobody
	for name, address := range map[string]string{"nobody": address, "not an address": "nats://hunter2@%zz"} {
		for _, command := range []string{"check", "worker"} {
			t.Run(name+", "+command, func(t *testing.T) {
				t.Parallel()
				var stdout, stderr strings.Builder
				code := run(t.Context(), []string{command, "-tenants", file}, func(string) string { return address },
					&stdout, &stderr)
				if code != exitUnknown ||
					!strings.HasPrefix(stderr.String(), "error: no connection to the queue that NATS_URL names: ") {
					t.Errorf("exit code %d, it said %s", code, stderr.String())
				}
				if strings.Contains(stderr.String(), "hunter2") {
					t.Error("the password of the queue was shown")
				}
			})
		}
	}
}
