package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"
)

//go:embed page.html
var pageText string

// page collects the rows and finally writes one HTML page, which needs no other file and runs no
// script.
func page(w io.Writer, now time.Time) output {
	var note string
	var rows []row
	return output{
		about: func(text string) { note = text },
		row: func(r row) error {
			rows = append(rows, r)
			return nil
		},
		end: func() error {
			worstFirst(rows)
			t, err := template.New("page").
				Funcs(template.FuncMap{"bar": bar, "expired": expired, "left": left, "minute": minute}).Parse(pageText)
			if err != nil {
				return err
			}
			return t.Execute(w, map[string]any{"Rows": rows, "Summary": summary(rows), "Note": note, "Now": now})
		},
	}
}

func expired(r row) bool { return r.DaysLeft != nil && *r.DaysLeft < 0 }

// bar returns the width of a token's bar, as a percentage of the year that a content token is
// valid.
func bar(r row) int {
	if r.DaysLeft == nil {
		return 0
	}
	return max(0, min(100, *r.DaysLeft*100/365))
}

// left says in words what the bar shows.
func left(r row) string {
	switch {
	case r.DaysLeft == nil:
		return "no date"
	case *r.DaysLeft == 0:
		return "less than a day"
	case *r.DaysLeft == 1:
		return "1 day"
	case *r.DaysLeft == -1:
		return "expired 1 day ago"
	case expired(r):
		return fmt.Sprintf("expired %d days ago", -*r.DaysLeft)
	}
	return fmt.Sprintf("%d days", *r.DaysLeft)
}
