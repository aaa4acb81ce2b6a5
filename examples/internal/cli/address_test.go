package cli_test

import (
	"net"
	"testing"

	"github.com/vpptoken/vpptoken/examples/internal/cli"
)

func TestReachable(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"0.0.0.0:80":     "localhost:80",
		"[::]:80":        "localhost:80",
		"127.0.0.1:80":   "127.0.0.1:80",
		"[::1]:80":       "[::1]:80",
		"192.0.2.7:8080": "192.0.2.7:8080",
	} {
		a, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if got := cli.Reachable(a); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}
