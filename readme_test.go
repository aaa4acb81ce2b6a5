package vpptoken_test

import (
	"os"
	"strings"
	"testing"
)

// Every Go snippet of the README stands in a runnable Example, so it compiles and does what it says.
func TestReadmeSnippetsAreExamples(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	examples, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	code := squeeze(string(examples))
	blocks := strings.Split(string(readme), "```go\n")[1:]
	if len(blocks) < 5 {
		t.Fatalf("found %d snippets", len(blocks))
	}
	for _, b := range blocks {
		snippet, _, ok := strings.Cut(b, "```")
		if !ok || !strings.Contains(code, squeeze(snippet)) {
			t.Errorf("not in example_test.go:\n%s", snippet)
		}
	}
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }
