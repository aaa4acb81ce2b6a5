// Drift reads metadata documents of Microsoft Graph and prints what differs from what this module
// knows of vppToken: the properties in testdata/properties.csv and the words of the enums.
//
//	go run ./internal/drift beta=beta.xml v1.0=v1.xml
//
// It exits with 0 if nothing differs, 1 if something does, and 2 if it can't tell.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

func main() { os.Exit(run("testdata/properties.csv", os.Args[1:], os.Stdout, os.Stderr)) }

func run(table string, args []string, out, complain io.Writer) int {
	if len(args) == 0 {
		_, _ = fmt.Fprintln(complain, "usage: drift VERSION=FILE ..., with a version of the API and its $metadata")
		return 2
	}
	facts, err := readFacts(table)
	if err != nil {
		_, _ = fmt.Fprintln(complain, "drift:", err)
		return 2
	}
	status := 0
	for _, arg := range args {
		version, name, ok := strings.Cut(arg, "=")
		if !ok {
			_, _ = fmt.Fprintf(complain, "drift: %q is not VERSION=FILE\n", arg)
			return 2
		}
		m, err := readMetadata(name)
		if err != nil {
			_, _ = fmt.Fprintf(complain, "drift: %s: %v\n", version, err)
			return 2
		}
		differences, err := m.compare(facts, version)
		if err != nil {
			_, _ = fmt.Fprintf(complain, "drift: %s: %v\n", version, err)
			return 2
		}
		for _, d := range differences {
			status = 1
			_, _ = fmt.Fprintf(out, "%s: %s\n", version, d)
		}
	}
	return status
}
