package main

import (
	"strings"
	"unicode"
)

// printable keeps a name from steering the terminal or the table.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
