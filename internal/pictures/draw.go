package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
	"unicode/utf8"
)

// theme is how a picture looks to one kind of reader.
type theme struct {
	name, scheme                                  string // scheme as Blink numbers it
	back, card, line, text, dim, red, green, gold string
}

var (
	light = theme{"light", "1", "#ffffff", "#f4f6f8", "#d5dbe1", "#1c2430", "#5b6675", "#c22f2f", "#1a7f4b", "#9a6700"}
	dark  = theme{"dark", "0", "#0d1117", "#161b22", "#30363d", "#e6ebf0", "#9aa6b4", "#ff7b72", "#4cc38a", "#e3b341"}
)

const (
	columns    = 118 // longer lines are cut
	charWidth  = 8   // a little more than a character takes
	lineHeight = 18
	mono       = `ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace`
	sans       = `system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",Arial,sans-serif`
)

// terminal draws what a program wrote to a terminal.
func terminal(text []byte, t theme) []byte {
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	width, height := columns*charWidth+40, len(lines)*lineHeight+52
	b := begin(width, height, t)
	fmt.Fprintf(b, `<g font-family='%s' font-size="13">`+"\n", mono)
	fmt.Fprintf(b, `<text x="20" y="28" fill="%s">$ go run ./examples/check</text>`+"\n", t.dim)
	for i, line := range lines {
		line, style := unstyled(line)
		fmt.Fprintf(b, `<text x="20" y="%d" fill="%s"%s>%s</text>`+"\n", 28+(i+1)*lineHeight, t.color(style), weight(style), escaped(fixed(cut(line))))
	}
	b.WriteString("</g>\n</svg>\n")
	return b.Bytes()
}

// unstyled takes off the escape sequences of a line, which has one style at the most.
func unstyled(line string) (text, style string) {
	for strings.Contains(line, "\x1b[") {
		before, rest, _ := strings.Cut(line, "\x1b[")
		sequence, after, ok := strings.Cut(rest, "m")
		if !ok {
			return before, style
		}
		if sequence != "0" {
			style = sequence
		}
		line = before + after
	}
	return line, style
}

func (t theme) color(style string) string {
	switch style {
	case "31":
		return t.red
	case "32":
		return t.green
	case "33":
		return t.gold
	}
	return t.text
}

func weight(style string) string {
	if style == "1" {
		return ` font-weight="bold"`
	}
	return ""
}

func cut(line string) string {
	if utf8.RuneCountInString(line) <= columns {
		return line
	}
	return string([]rune(line)[:columns-1]) + "…"
}

// fixed keeps the columns: an SVG folds ordinary spaces.
func fixed(line string) string { return strings.ReplaceAll(line, " ", "\u00a0") }

func escaped(text string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text)) // a Buffer takes everything
	return b.String()
}

// renewal draws the steps of package renew and what is kept between them.
func renewal(t theme) []byte {
	steps := []struct{ name, does, refuses string }{
		{"Plan", "reads the token", "refuses a wrong file"},
		{"Apply", "looks again, one PATCH", "the token, nothing else"},
		{"StartSync", "asks Intune to sync", "after the upload"},
		{"Verify", "waits, then compares", "state and expiry"},
	}
	const wide, high, gap, top = 186, 92, 66, 22
	b := begin(4*wide+3*gap+40, 206, t)
	fmt.Fprintf(b, `<g font-family='%s' font-size="13" text-anchor="middle">`+"\n", sans)
	for i, s := range steps {
		x := 20 + i*(wide+gap)
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d" rx="8" fill="%s" stroke="%s"/>`+"\n",
			x, top, wide, high, t.card, t.line)
		for j, line := range []string{s.name, s.does, s.refuses} {
			attributes := fmt.Sprintf(`fill="%s"`, t.dim)
			if j == 0 {
				attributes = fmt.Sprintf(`fill="%s" font-weight="bold" font-size="15"`, t.text)
			}
			fmt.Fprintf(b, `<text x="%d" y="%d" %s>%s</text>`+"\n", x+wide/2, top+28+j*23, attributes, escaped(line))
		}
		if i < len(steps)-1 {
			from, y := x+wide, top+high/2
			fmt.Fprintf(b, `<path d="M%d %dh%d" stroke="%s" stroke-width="1.5"/>`+"\n", from+6, y, gap-20, t.dim)
			fmt.Fprintf(b, `<path d="M%d %dl-8 -5v10z" fill="%s"/>`+"\n", from+gap-6, y, t.dim)
			fmt.Fprintf(b, `<text x="%d" y="%d" fill="%s" font-size="11" font-family='%s'>JSON</text>`+"\n", from+gap/2, y-9, t.dim, mono)
		}
	}
	bottom := top + high
	fmt.Fprintf(b, `<path d="M%d %dv14h%dv-14" fill="none" stroke="%s" stroke-dasharray="4 4"/>`+"\n",
		20+wide/2, bottom+8, 3*(wide+gap), t.line)
	fmt.Fprintf(b, `<text x="%d" y="%d" fill="%s">each step may be killed and run again, on another machine: the plan goes on from its JSON</text>`+"\n",
		20+(4*wide+3*gap)/2, bottom+42, t.dim)
	fmt.Fprintf(b, `<text x="%d" y="%d" fill="%s" font-weight="bold">verified: state valid, and the file's expiry to the second, after a sync of our own</text>`+"\n",
		20+(4*wide+3*gap)/2, bottom+66, t.green)
	b.WriteString("</g>\n</svg>\n")
	return b.Bytes()
}

func begin(width, height int, t theme) *bytes.Buffer {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img">`+"\n",
		width, height, width, height)
	fmt.Fprintf(&b, `<rect x=".5" y=".5" width="%d" height="%d" rx="10" fill="%s" stroke="%s"/>`+"\n",
		width-1, height-1, t.back, t.line)
	return &b
}
