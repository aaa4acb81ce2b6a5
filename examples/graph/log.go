package main

import (
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/vpptoken/vpptoken/examples/internal/cli"
)

// answered records the status of an answer.
type answered struct {
	http.ResponseWriter
	status int
}

func (a *answered) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

func (a *answered) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(p)
}

// Unwrap lets [http.ResponseController] reach the connection.
func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// logged writes a line for each request that h answers: never a header or a body, where the secrets
// are, and no query of a sign-in.
func logged(h http.Handler, l *log.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun, a := time.Now(), &answered{ResponseWriter: w}
		target := r.URL.EscapedPath()
		if r.URL.RawQuery != "" && !strings.Contains(target, "/oauth2/") {
			target += "?" + r.URL.RawQuery
		}
		defer func() { // also if the answer breaks off
			l.Printf("%s %s %d %v",
				cli.Printable(r.Method), cli.Printable(target), a.status, time.Since(begun).Round(time.Microsecond))
		}()
		h.ServeHTTP(a, r)
	})
}
