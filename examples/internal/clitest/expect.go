package clitest

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// Want looks for the exit code, and for stderr in what was written there; an empty stderr means that nothing was.
func Want(t *testing.T, r Result, code int, stderr string) {
	t.Helper()
	if r.Code != code {
		t.Errorf("exit code %d, want %d; stderr: %s", r.Code, code, r.Stderr)
	}
	if stderr == "" && r.Stderr != "" || !strings.Contains(r.Stderr, stderr) {
		t.Errorf("stderr = %q, want it to hold %q", r.Stderr, stderr)
	}
}

// Holds looks for lines of the standard output. Each is a regular expression for a whole line.
func Holds(t *testing.T, r Result, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !regexp.MustCompile(`(?m)^` + line + `$`).MatchString(r.Stdout) {
			t.Errorf("no line %s in\n%s", line, r.Stdout)
		}
	}
}

// NoSecrets looks for secrets in all that was written, where none may be.
func NoSecrets(t *testing.T, r Result, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		if strings.Contains(r.Stdout+r.Stderr, secret) {
			t.Errorf("the output holds the secret %q", secret)
		}
	}
}

// JSON decodes a standard output that is one JSON value of the type T and nothing else.
func JSON[T any](t *testing.T, r Result) (v T) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(r.Stdout))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil || dec.More() {
		t.Fatalf("%v, or more than one value:\n%s", err, r.Stdout)
	}
	return v
}
