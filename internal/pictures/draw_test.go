package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// texts reads an SVG as a browser would, and returns its texts with their colors.
func texts(t *testing.T, svg []byte) (all []string) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(svg))
	for fill := ""; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
		switch token := token.(type) {
		case xml.StartElement:
			fill = ""
			for _, a := range token.Attr {
				if token.Name.Local == "text" && a.Name.Local == "fill" {
					fill = a.Value
				}
			}
		case xml.CharData:
			if fill != "" {
				all = append(all, fill+" "+strings.ReplaceAll(string(token), "\u00a0", " "))
			}
		case xml.EndElement:
			fill = ""
		}
	}
}

func TestTerminal(t *testing.T) {
	t.Parallel()
	for _, th := range []theme{light, dark} {
		got := texts(t, terminal(
			[]byte("plain <&>\n\x1b[31mcritical  -12\x1b[0m\n\x1b[1mHEAD\x1b[0m\n"+strings.Repeat("ø", 200)+"\n"), th))
		want := []string{
			th.dim + " $ go run ./examples/check", th.text + " plain <&>", th.red + " critical  -12", th.text + " HEAD",
			th.text + " " + strings.Repeat("ø", columns-1) + "…",
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestRenewal(t *testing.T) {
	t.Parallel()
	all := strings.Join(texts(t, renewal(dark)), "\n")
	for _, step := range []string{"Plan", "Apply", "StartSync", "Verify"} {
		if !strings.Contains(all, step) {
			t.Errorf("the diagram has no %s", step)
		}
	}
}

// The pictures that the README shows are there, and are of this program.
func TestCommittedPictures(t *testing.T) {
	t.Parallel()
	for _, th := range []theme{light, dark} {
		svg, err := os.ReadFile(filepath.Join("..", "..", "docs", "check-"+th.name+".svg"))
		if err != nil {
			t.Fatal(err)
		}
		all := strings.Join(texts(t, svg), "\n")
		if !strings.Contains(all, "LEVEL     DAYS  TENANT") || !strings.Contains(all, th.red+" critical") {
			t.Errorf("check-%s.svg is no picture of examples/check:\n%s", th.name, all)
		}
		svg, err = os.ReadFile(filepath.Join("..", "..", "docs", "renewal-"+th.name+".svg"))
		if err != nil || !bytes.Equal(bytes.ReplaceAll(svg, []byte("\r\n"), []byte("\n")), renewal(th)) {
			t.Errorf("renewal-%s.svg is another than this program draws: %v", th.name, err)
		}
	}
}
