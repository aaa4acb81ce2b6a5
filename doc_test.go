package vpptoken_test

import (
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write testdata/api.txt instead of comparing with it")

// What users can name is seen in review: testdata/api.txt holds the exported API of every public
// package.
func TestAPIIsTheGolden(t *testing.T) {
	t.Parallel()
	needsRepository(t)
	var got []string
	for _, dir := range []string{".", "azauth", "contenttoken", "fleet", "health", "renew", "vpptokentest"} {
		got = append(got, "", "# "+path.Join("vpptoken", dir))
		got = append(got, exportedAPI(t, dir)...)
	}
	const golden = "testdata/api.txt"
	if *update {
		err := os.WriteFile(filepath.FromSlash(golden), []byte(strings.Join(got[1:], "\n")+"\n"), 0o600)
		if err != nil {
			t.Fatal(err)
		}
	}
	want := strings.Split("\n"+strings.TrimSuffix(text(t, golden), "\n"), "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the API is not that of %s. When the change is meant: go test . -run TestAPI -update\n%s",
			golden, diff)
	}
}

// exportedAPI reads a package's source and returns a line for each thing that users can name,
// sorted.
func exportedAPI(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no source: %v", dir, err)
	}
	var lines []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				if decl.Name.IsExported() && (decl.Recv == nil || exportedReceiver(decl.Recv.List[0].Type)) {
					lines = append(lines, source(t, &ast.FuncDecl{Recv: decl.Recv, Name: decl.Name, Type: decl.Type}))
				}
			case *ast.GenDecl:
				lines = append(lines, exportedSpecs(t, decl)...)
			}
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines) // what each system has of its own is there once for each
}

func exportedReceiver(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.StarExpr:
		return exportedReceiver(e.X)
	case *ast.IndexExpr:
		return exportedReceiver(e.X)
	case *ast.IndexListExpr:
		return exportedReceiver(e.X)
	}
	name, ok := e.(*ast.Ident)
	return ok && name.IsExported()
}

// exportedSpecs returns the lines of a declaration of constants, variables or types.
func exportedSpecs(t *testing.T, decl *ast.GenDecl) (lines []string) {
	t.Helper()
	var inherited *ast.ValueSpec // by the constants of a group that have no value of their own
	for i, spec := range decl.Specs {
		switch spec := spec.(type) {
		case *ast.ValueSpec:
			if len(spec.Values) > 0 || spec.Type != nil {
				inherited = spec
			}
			for n, name := range spec.Names {
				if !name.IsExported() {
					continue
				}
				line := decl.Tok.String() + " " + name.Name
				if inherited != nil && inherited.Type != nil {
					line += " " + source(t, inherited.Type)
				}
				if decl.Tok == token.CONST && inherited != nil && n < len(inherited.Values) {
					line += " = " + source(t, inherited.Values[n])
					if inherited != spec {
						line += fmt.Sprintf(", at %d", i)
					}
				}
				lines = append(lines, line)
			}
		case *ast.TypeSpec:
			if spec.Name.IsExported() {
				lines = append(lines, exportedType(t, spec)...)
			}
		}
	}
	return lines
}

// exportedType returns a line for the type, and one for each member that users can name.
func exportedType(t *testing.T, spec *ast.TypeSpec) (lines []string) {
	t.Helper()
	var members []*ast.Field
	kind := ""
	switch of := spec.Type.(type) {
	case *ast.StructType:
		members, kind = of.Fields.List, "struct"
	case *ast.InterfaceType:
		members, kind = of.Methods.List, "interface"
	default:
		return []string{"type " + source(t, &ast.TypeSpec{
			Name: spec.Name, TypeParams: spec.TypeParams, Assign: spec.Assign,
			Type: spec.Type,
		})}
	}
	lines = []string{"type " + source(t, &ast.TypeSpec{
		Name: spec.Name, TypeParams: spec.TypeParams,
		Type: ast.NewIdent(kind),
	})}
	hidden := false
	for _, m := range members {
		if len(m.Names) == 0 {
			lines = append(lines, "type "+spec.Name.Name+" "+kind+", embedded "+source(t, m.Type))
		}
		for _, name := range m.Names {
			if !name.IsExported() {
				hidden = true
				continue
			}
			line := "type " + spec.Name.Name + " " + kind + ", " + name.Name + " " + source(t, m.Type)
			if m.Tag != nil {
				line += " " + m.Tag.Value
			}
			lines = append(lines, line)
		}
	}
	if hidden {
		lines = append(lines, "type "+spec.Name.Name+" "+kind+", and what is not exported")
	}
	return lines
}

// source is a part of a program as one line of Go.
func source(t *testing.T, node ast.Node) string {
	t.Helper()
	var b strings.Builder
	if err := printer.Fprint(&b, token.NewFileSet(), node); err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// Every Go snippet of the README and of docs stands in an Example, so it compiles and does what it
// says. Code of other clients is fenced as something else.
func TestSnippetsAreExamples(t *testing.T) {
	t.Parallel()
	needsRepository(t)
	var all strings.Builder
	for _, pattern := range []string{
		"*_test.go", "docs/*_test.go", "*/example_test.go", "azauth/client_test.go", "internal/quickstart/main.go",
	} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, f := range files {
			all.WriteString(text(t, f))
		}
	}
	code := squeeze(all.String())
	for name, least := range map[string]int{
		"README.md": 8, "docs/migrating.md": 10, "docs/tasks.md": 9, "docs/why.md": 0,
		"docs/release.md": 0,
	} {
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

// A claim that names its test must go on naming one that is there. A name may be the beginning of
// several, as -run takes it.
func TestDocsNameTestsThatExist(t *testing.T) {
	t.Parallel()
	needsRepository(t)
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

// A link leads to a file that is here and to a heading of it, and no document has a heading twice.
func TestDocsLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	needsRepository(t)
	fenced := regexp.MustCompile("(?s)```.*?```")
	links := regexp.MustCompile(`\]\(([^):]+)\)|(?:src|srcset)="([^":]+)"`)
	docs, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, doc := range append(docs, "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md") {
		doc = filepath.ToSlash(doc)
		prose := fenced.ReplaceAllString(text(t, doc), "")
		all := anchors(prose)
		for i, anchor := range all {
			if slices.Contains(all[:i], anchor) {
				t.Errorf("%s: the heading %q stands twice", doc, anchor)
			}
		}
		for _, m := range links.FindAllStringSubmatch(prose, -1) {
			name, anchor, _ := strings.Cut(m[1]+m[2], "#")
			target := path.Join(path.Dir(doc), name)
			if name == "" {
				target = doc
			}
			if _, err := os.Stat(filepath.FromSlash(target)); err != nil {
				t.Errorf("%s: %v", doc, err)
			} else if anchor != "" && !slices.Contains(anchors(fenced.ReplaceAllString(text(t, target), "")), anchor) {
				t.Errorf("%s: %s has no heading %q", doc, target, anchor)
			}
		}
	}
}

// anchors returns the headings of a document as links to them are written.
func anchors(doc string) (list []string) {
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(doc, -1) {
		plain := regexp.MustCompile(`[^\w\- ]`).ReplaceAllString(strings.ToLower(m[1]), "")
		list = append(list, strings.ReplaceAll(plain, " ", "-"))
	}
	return list
}

// needsRepository skips a test of all modules where there is one only, as in a module cache.
func needsRepository(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(filepath.FromSlash("azauth/go.mod")); errors.Is(err, fs.ErrNotExist) {
		t.Skip("the nested modules are not here")
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
