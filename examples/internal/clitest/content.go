package clitest

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Content returns the text of Apple's .vpptoken file for an organization. The secret in it is
// "bm8=".
func Content(organization string, expires time.Time) string {
	text := fmt.Sprintf(`{"token":"bm8=","expDate":%q,"orgName":%q}`,
		expires.UTC().Format("2006-01-02T15:04:05-0700"), organization)
	return base64.StdEncoding.EncodeToString([]byte(text))
}

// File writes text to a file in a new folder, which the test removes, and returns its path.
func File(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
