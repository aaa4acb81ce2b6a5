package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRename(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module "+oldPath+"\n")
	write(filepath.Join("sub", "a.go"), "package a // "+oldPath+"/health\n")
	write("other.txt", "nothing here\n")
	write("binary", oldPath+"\x00")
	write(filepath.Join(".git", "config"), oldPath)

	n, err := rename(dir, "example.com/new/path")
	if err != nil || n != 2 {
		t.Fatalf("rename = %d, %v; want 2 files", n, err)
	}
	for name, want := range map[string]string{
		"go.mod":                        "module example.com/new/path\n",
		filepath.Join("sub", "a.go"):    "package a // example.com/new/path/health\n",
		"other.txt":                     "nothing here\n",
		"binary":                        oldPath + "\x00",
		filepath.Join(".git", "config"): oldPath,
	} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(got) != want {
			t.Errorf("%s holds %q, %v; want %q", name, got, err, want)
		}
	}
}
