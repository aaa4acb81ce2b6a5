package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// drift runs the program on the module's own table.
func drift(args ...string) (status int, out, complaint string) {
	var o, c strings.Builder
	status = run("../../testdata/properties.csv", args, &o, &c)
	return status, o.String(), c.String()
}

// changed is a document with one edit, in a file of its own.
func changed(t *testing.T, version, before, after string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", version+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), before) {
		t.Fatalf("the document has no %q", before)
	}
	name := filepath.Join(t.TempDir(), "metadata.xml")
	if err := os.WriteFile(name, []byte(strings.Replace(string(text), before, after, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestNothingDiffers(t *testing.T) {
	t.Parallel()
	status, out, complaint := drift("beta=testdata/beta.xml", "v1.0=testdata/v1.0.xml")
	if status != 0 || out != "" || complaint != "" {
		t.Errorf("status %d, out %q, complaint %q", status, out, complaint)
	}
}

func TestDifferences(t *testing.T) {
	t.Parallel()
	const displayName = `<Property Name="displayName" Type="Edm.String"/>`
	for name, tc := range map[string]struct{ version, before, after, want string }{
		"new property": {
			"beta", displayName, displayName + `<Property Name="renewalContact" Type="Collection(Edm.String)"/>`,
			"beta: new property renewalContact (Collection(String))\n",
		},
		"gone": {"beta", displayName, "", "beta: property displayName is gone\n"},
		"other type": {
			"beta", displayName, `<Property Name="displayName" Type="graph.x"/>`,
			"beta: property displayName is x, known as String\n",
		},
		"not nullable": {
			"beta", displayName, `<Property Name="displayName" Type="Edm.String" Nullable="false"/>`,
			"beta: property displayName: nullable is false, known as true\n",
		},
		"now in v1.0": {
			"v1.0", `</EntityType>` + "\n    </Schema>", displayName + `</EntityType></Schema>`,
			"v1.0: property displayName is in this version now\n",
		},
		"new word": {
			"v1.0", `<Member Name="valid" Value="1"/>`,
			`<Member Name="valid" Value="1"/><Member Name="retired" Value="9"/>`,
			"v1.0: new word retired of vppTokenState\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, out, complaint := drift(tc.version + "=" + changed(t, tc.version, tc.before, tc.after))
			if status != 1 || out != tc.want || complaint != "" {
				t.Errorf("status %d, out %q, want %q; complaint %q", status, out, tc.want, complaint)
			}
		})
	}
}

func TestWhatCannotBeCompared(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"no argument": nil,
		"no version":  {"beta.xml"},
		"no file":     {"beta=testdata/none.xml"},
		"no XML":      {"beta=main.go"},
		"no vppToken": {"beta=" + changed(t, "beta", `Name="vppToken"`, `Name="other"`)},
		"circle": {
			"beta=" + changed(t, "beta", `Name="entity" Abstract="true"`, `Name="entity" BaseType="graph.entity"`),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, out, complaint := drift(args...)
			if status != 2 || out != "" || strings.Count(complaint, "\n") != 1 {
				t.Errorf("status %d, out %q, complaint %q", status, out, complaint)
			}
		})
	}
}
