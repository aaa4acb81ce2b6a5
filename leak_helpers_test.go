package vpptoken_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
)

func showsNoSecret(t testing.TB, v any) {
	t.Helper()
	for _, s := range renderings(v) {
		_ = s
	}
}
func renderings(v any) []string {
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
	j, _ := json.Marshal(v)
	return []string{fmt.Sprintf("%v", v), string(j), b.String()}
}

func jsonText(s string) string { b, _ := json.Marshal(s); return string(b) }
