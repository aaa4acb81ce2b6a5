package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/health"
)

// table collects the rows and finally writes a line for monitoring systems, all rows with the worst
// first, and what to do.
func table(w io.Writer, colored bool) output {
	var note string
	var rows []row
	return output{
		about: func(text string) { note = text + "\n\n" },
		row: func(r row) error {
			rows = append(rows, r)
			return nil
		},
		end: func() error {
			worstFirst(rows)
			var out bytes.Buffer
			fmt.Fprintf(&out, "%s\n\n%s", summary(rows), note)
			if err := verdicts(rows).Print(&out, colored); err != nil {
				return err
			}
			if advice := advice(rows); advice != nil {
				fmt.Fprint(&out, "\nWhat to do:\n")
				if err := advice.Print(&out, colored); err != nil {
					return err
				}
			}
			_, err := out.WriteTo(w)
			return err
		},
	}
}

var styles = map[health.Level]cli.Style{
	health.LevelOK: cli.Green, health.LevelWarning: cli.Yellow, health.LevelUnknown: cli.Yellow,
	health.LevelCritical: cli.Red,
}

func verdicts(rows []row) *cli.Table {
	t := &cli.Table{}
	t.Row(cli.Bold, "LEVEL", "DAYS", "TENANT", "TOKEN", "STATE", "LAST SYNC", "STATUS", "REASONS")
	for _, r := range rows {
		days := "-"
		if r.DaysLeft != nil {
			days = strconv.Itoa(*r.DaysLeft)
		}
		t.Row(styles[r.Level], string(r.Level), fmt.Sprintf("%4s", days), r.Tenant, cmp.Or(r.Name, "-"),
			cmp.Or(string(r.State), "-"),
			minute(r.LastSyncDateTime), cmp.Or(string(r.LastSyncStatus), "-"), r.codes())
	}
	return t
}

// advice returns a line for each reason, or nil if there is none.
func advice(rows []row) *cli.Table {
	var t *cli.Table
	for _, r := range rows {
		for _, one := range r.Reasons {
			if t == nil {
				t = &cli.Table{}
			}
			t.Row(styles[one.Level], string(one.Level), strings.Trim(r.Tenant+" / "+r.Name, " /"), one.Text)
		}
	}
	return t
}

// summary is the one line that many monitoring systems show.
func summary(rows []row) string {
	count := make(map[health.Level]int)
	tenants := make(map[string]bool)
	tokens := 0
	for _, r := range rows {
		count[r.Level]++
		tenants[r.Tenant] = true
		if r.ID != "" {
			tokens++
		}
	}
	worst := health.LevelOK
	if len(rows) > 0 {
		worst = rows[0].Level
	}
	return fmt.Sprintf("%s: %d critical, %d unknown, %d warning, %d ok; %d tokens of %d tenants",
		strings.ToUpper(string(worst)),
		count[health.LevelCritical], count[health.LevelUnknown], count[health.LevelWarning], count[health.LevelOK],
		tokens, len(tenants))
}

func minute(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04")
}
