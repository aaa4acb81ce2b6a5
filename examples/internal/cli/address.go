package cli

import (
	"net"
	"strconv"
)

// Reachable returns the host and port at which a listener with that address can be reached from
// this machine: a listener on all addresses shows 0.0.0.0 or [::], which nobody can paste.
func Reachable(listener net.Addr) string {
	if a, ok := listener.(*net.TCPAddr); ok && a.IP.IsUnspecified() {
		return net.JoinHostPort("localhost", strconv.Itoa(a.Port))
	}
	return listener.String()
}
