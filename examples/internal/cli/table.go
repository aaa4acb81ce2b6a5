package cli

import (
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Style is how a row looks on a terminal with colors: the escape sequence that begins it.
type Style string

// The styles. Windows Terminal and other current terminals support these sequences.
const (
	Plain  Style = ""
	Bold   Style = "\x1b[1m"
	Red    Style = "\x1b[31m"
	Green  Style = "\x1b[32m"
	Yellow Style = "\x1b[33m"
)

// Table collects rows and writes them with aligned columns. The zero Table is empty.
type Table struct{ rows []row }

type row struct {
	style Style
	cells []string
}

// Row adds a row. It replaces unprintable characters in the cells, so that the service's texts
// can't control a terminal.
func (t *Table) Row(s Style, cells ...string) {
	r := row{style: s}
	for _, c := range cells {
		r.cells = append(r.cells, Printable(c))
	}
	t.rows = append(t.rows, r)
}

// Print writes all rows at once, the styles only when colored is true.
func (t *Table) Print(w io.Writer, colored bool) error {
	var widths []int
	for _, r := range t.rows {
		for i, c := range r.cells {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	for _, r := range t.rows {
		var line strings.Builder
		for i, c := range r.cells {
			line.WriteString(c + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c)+2))
		}
		text := strings.TrimRight(line.String(), " ")
		if colored && r.style != Plain {
			text = string(r.style) + text + "\x1b[0m"
		}
		b.WriteString(text + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Printable replaces characters that aren't visible, so that text from the service or a file can't
// control a terminal or break out of its line.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}
