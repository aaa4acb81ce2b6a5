package main

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/vpptoken/vpptoken/examples/internal/cli"
)

// spreadsheet writes each row right away, below a line of column names.
func spreadsheet(w io.Writer) output {
	out := csv.NewWriter(w)
	line := func(cells ...string) error {
		_ = out.Write(cells) // kept for Error
		out.Flush()
		return out.Error()
	}
	begun := false
	begin := func() error {
		if begun {
			return nil
		}
		begun = true
		return line("level", "tenant", "name", "id", "organizationName", "state", "daysLeft", "expirationDateTime",
			"lastSyncDateTime", "lastSyncStatus", "reasons", "whatToDo")
	}
	return output{
		about: func(string) {},
		row: func(r row) error {
			if err := begin(); err != nil {
				return err
			}
			var texts []string
			for _, one := range r.Reasons {
				texts = append(texts, one.Text)
			}
			days := ""
			if r.DaysLeft != nil {
				days = strconv.Itoa(*r.DaysLeft) // a number, so its minus is one
			}
			return line(cell(string(r.Level)), cell(r.Tenant), cell(r.Name), cell(r.ID), cell(r.OrganizationName),
				cell(string(r.State)), days,
				stamp(r.ExpirationDateTime), stamp(r.LastSyncDateTime), cell(string(r.LastSyncStatus)), cell(r.codes()),
				cell(strings.Join(texts, " ")))
		},
		end: begin, // a table without rows is still a table
	}
}

// cell keeps spreadsheets from reading a text as a formula: names come from Apple and from
// administrators, and a formula in one of them would run on the machine of whoever opens the table.
func cell(text string) string {
	text = cli.Printable(text)
	rest := strings.TrimLeft(text, " \u00a0\u3000")
	if rest != "" && strings.ContainsRune("=+-@\uff1d\uff0b\uff0d\uff20", []rune(rest)[0]) {
		return "'" + text
	}
	return text
}

// stamp writes a time as spreadsheets read it, in UTC.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}
