package main

import (
	"strings"
	"unicode"
)

// printable keeps a name from controlling the terminal or breaking the table.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
