package cli_test

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/examples/internal/clitest"
)

func TestParseObjects(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, err string }{
		{"\ufeff[{\"a\":1},{}]", ""},
		{`[]`, "the list is empty"},
		{`null`, "the list is empty"},
		{`{"a":1}`, "it is not a list of JSON objects: "},
		{`[1]`, "it is not a list of JSON objects: "},
		{`[{"a":1},null]`, "it is not a list of JSON objects: there is a null in it"},
		{`[{"a":1}] []`, "it is not a list of JSON objects: "},
		{``, "it is not a list of JSON objects: "},
		{`[{"a":1,"b":{"c":1,"c":2}}]`, "twice"},
		{"[{\"a\":\"\xff\"}]", "UTF-8"},
		{strings.Repeat(`[{"a":`, 5_001) + "1" + strings.Repeat("}]", 5_001), "not a list"},
	} {
		list, err := cli.ParseObjects([]byte(tt.text))
		if tt.err == "" && (err != nil || len(list) != 2) || !strings.Contains(fmt.Sprint(err), tt.err) {
			t.Errorf("%.40s: %d objects and %v, want %q", tt.text, len(list), err, tt.err)
		}
	}
}

func TestReadObjects(t *testing.T) {
	t.Parallel()
	if list, err := cli.ReadObjects("list", clitest.File(t, "list.json", `[{"a":1}]`)); err != nil ||
		string(list[0]["a"]) != "1" {
		t.Errorf("ReadObjects = %v, %v", list, err)
	}
	for text, want := range map[string]string{
		"{": "not a list", "[" + strings.Repeat(" ", 16<<20) + "]": "more than 16 MiB",
	} {
		if _, err := cli.ReadObjects("list", clitest.File(t, "list.json", text)); !errors.Is(err, cli.ErrUsage) ||
			!strings.HasPrefix(err.Error(), "wrong input: -list: ") ||
			!strings.Contains(err.Error(), "list.json: it ") ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	_, err := cli.ReadObjects("list", filepath.Join(t.TempDir(), "none"))
	if !errors.Is(err, cli.ErrUsage) || !errors.Is(err, fs.ErrNotExist) ||
		!strings.HasPrefix(err.Error(), "wrong input: -list: open ") {
		t.Errorf("no file: %v", err)
	}
	_, err = cli.ReadObjects("list", t.TempDir())
	if !errors.Is(err, cli.ErrUsage) || !strings.Contains(err.Error(), "-list: ") {
		t.Errorf("a directory: %v", err)
	}
}

func TestObject(t *testing.T) {
	t.Parallel()
	list, err := cli.ParseObjects([]byte(`[{"a":"x","b":"","c":null,"d":2,"Z":1,"` + strings.Repeat("y", 50) + `":1}]`))
	if err != nil {
		t.Fatal(err)
	}
	o := list[0]
	if got, err := o.Text("a"); got != "x" || err != nil {
		t.Errorf("Text = %q, %v", got, err)
	}
	if got, err := o.Text("none"); got != "" || err != nil {
		t.Errorf("Text of none = %q, %v", got, err)
	}
	for _, name := range []string{"b", "c", "d"} {
		if got, err := o.Text(name); got != "" || fmt.Sprint(err) != `"`+name+`" is a text, and not an empty one` {
			t.Errorf("Text of %s = %q, %v", name, got, err)
		}
	}
	if err := o.Rest(); fmt.Sprint(err) != `not known: "Z", "`+strings.Repeat("y", 40)+`"` {
		t.Errorf("Rest: %v", err)
	}
	clear(o)
	if err := o.Rest(); err != nil {
		t.Errorf("Rest of nothing: %v", err)
	}
}
