package clitest

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// Want checks the exit code, and that the standard error contains stderr; an empty stderr means
// that it is empty.
func Want(t *testing.T, r Result, code int, stderr string) {
	t.Helper()
	if r.Code != code {
		t.Errorf("exit code %d, want %d; stderr: %s", r.Code, code, r.Stderr)
	}
	if stderr == "" && r.Stderr != "" || !strings.Contains(r.Stderr, stderr) {
		t.Errorf("stderr = %q, want it to hold %q", r.Stderr, stderr)
	}
}

// Holds checks for lines of the standard output. Each is a regular expression for a whole line.
func Holds(t *testing.T, r Result, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !regexp.MustCompile(`(?m)^` + line + `$`).MatchString(r.Stdout) {
			t.Errorf("no line %s in\n%s", line, r.Stdout)
		}
	}
}

// NoSecrets checks that nothing that was written holds a secret.
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
