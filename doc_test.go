package vpptoken_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Every Go snippet of the README and of docs stands in an Example, so it compiles and does what it says. Code of other
// clients is fenced as something else.
func TestSnippetsAreExamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	code := squeeze(text(t, "vpptokentest/example_test.go"))
	for _, f := range files {
		code += squeeze(text(t, f))
	}
	for name, least := range map[string]int{"README.md": 5, "docs/migrating.md": 10, "docs/why.md": 0, "docs/release.md": 0} {
		blocks := strings.Split(text(t, name), "```go\n")[1:]
		if len(blocks) < least {
			t.Errorf("%s: found %d snippets", name, len(blocks))
		}
		for _, b := range blocks {
			snippet, _, ok := strings.Cut(b, "```")
			if !ok || !strings.Contains(code, squeeze(snippet)) {
				t.Errorf("%s: in no example:\n%s", name, snippet)
			}
		}
	}
}

// A claim that names its test must go on naming one that is there. A name may be the beginning of several, as -run takes it.
func TestDocsNameTestsThatExist(t *testing.T) {
	t.Parallel()
	var code strings.Builder
	for _, pattern := range []string{"*_test.go", "*/*_test.go", "*/*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			code.WriteString(text(t, f))
		}
	}
	docs, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	names := 0
	for _, doc := range docs {
		for _, name := range regexp.MustCompile(`\b(Test|Benchmark|Fuzz)[A-Z]\w*`).FindAllString(text(t, doc), -1) {
			names++
			if !strings.Contains(code.String(), "func "+name) {
				t.Errorf("%s: there is no %s", doc, name)
			}
		}
	}
	if names < 15 {
		t.Errorf("found %d names of tests", names)
	}
}

func text(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(b), "\r\n", "\n")
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }
