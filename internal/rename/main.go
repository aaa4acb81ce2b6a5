// Command rename changes the module's path in every file of the tree that holds it: imports, go.mod
// files, documents.
//
//	go run ./internal/rename example.com/your/path
package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// oldPath is in two parts, so that the program does not rename its own constant.
const oldPath = "github.com/vpptoken" + "/vpptoken"

var modulePath = regexp.MustCompile(`^[a-z0-9.-]+\.[a-z]+(/[A-Za-z0-9._~-]+)+$`)

func main() {
	if len(os.Args) != 2 || !modulePath.MatchString(os.Args[1]) {
		fmt.Fprintln(os.Stderr, "usage: go run ./internal/rename example.com/your/path")
		os.Exit(2)
	}
	n, err := rename(".", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "rename:", err)
		os.Exit(1)
	}
	fmt.Println("changed", n, "files; now run go test ./...")
}

// rename changes the files below dir and returns how many.
func rename(dir, newPath string) (changed int, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, err
	}
	defer func() { _ = root.Close() }()
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == ".git" {
			return fs.SkipDir
		}
		if !d.Type().IsRegular() {
			return nil
		}
		name = filepath.FromSlash(name)
		text, err := root.ReadFile(name)
		if err != nil || bytes.IndexByte(text, 0) >= 0 || !bytes.Contains(text, []byte(oldPath)) {
			return err
		}
		changed++
		return root.WriteFile(name, bytes.ReplaceAll(text, []byte(oldPath), []byte(newPath)), 0o600)
	})
	return changed, err
}
