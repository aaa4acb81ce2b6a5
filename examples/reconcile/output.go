package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/vpptoken/vpptoken/examples/internal/cli"
)

// output shows the results, as text or as JSON.
type output struct {
	w             io.Writer
	json, colored bool
}

// note is for text only. A write error shows again when the results are written.
func (o output) note(text string) {
	if !o.json {
		_, _ = io.WriteString(o.w, text)
	}
}

// entry is a result as JSON.
type entry struct {
	ID          string          `json:"id,omitempty"` // "" when the token was not found
	DisplayName string          `json:"displayName,omitempty"`
	Status      status          `json:"status"`
	Changes     []change        `json:"changes,omitempty"`
	Body        json.RawMessage `json:"body,omitempty"` // of the PATCH, with the content token redacted
	Error       string          `json:"error,omitempty"`
}

// results shows all of them and returns an error when one has failed.
func (o output) results(results []*result, applied bool) error {
	count := make(map[status]int)
	entries := make([]entry, len(results))
	for i, r := range results {
		count[r.status]++
		entries[i] = entry{ID: r.want.id, DisplayName: r.want.displayName, Status: r.status, Changes: r.changes}
		if r.token != nil {
			entries[i].ID, entries[i].DisplayName = r.token.ID, r.token.DisplayName
		}
		if !r.patch.IsEmpty() {
			entries[i].Body = json.RawMessage(r.patch.Redacted())
		}
		if r.err != nil {
			entries[i].Error = r.err.Error()
		}
	}
	var err error
	if o.json {
		enc := json.NewEncoder(o.w)
		enc.SetIndent("", "  ")
		err = enc.Encode(entries)
	} else {
		err = o.table(entries)
	}
	summary := fmt.Sprintf("\n%d in order, %d to change, %d changed, %d failed.\n",
		count[inOrder], count[differs], count[changed], count[failed])
	if count[differs] > 0 && !applied {
		summary += "Nothing was changed. -apply sends:\n" + bodies(entries)
	}
	o.note(summary)
	switch {
	case err != nil:
		return err
	case count[differs] > 0 && applied:
		return fmt.Errorf("interrupted: %d tokens failed and %d were left as they are: run it again to go on",
			count[failed], count[differs])
	case count[failed] > 0:
		return fmt.Errorf("%d of %d tokens failed", count[failed], len(results))
	}
	return nil
}

// bodies are the requests of the plan.
func bodies(entries []entry) string {
	var b strings.Builder
	for _, e := range entries {
		if e.Status == differs {
			fmt.Fprintf(&b, "PATCH %s %s\n", e.ID, cli.Printable(string(e.Body)))
		}
	}
	return b.String()
}

func (o output) table(entries []entry) error {
	var t cli.Table
	t.Row(cli.Bold, "STATUS", "TOKEN", "PROPERTY", "NOW", "WANTED")
	for _, e := range entries {
		name := e.DisplayName
		if name == "" {
			name = e.ID
		}
		if e.Error != "" || len(e.Changes) == 0 {
			t.Row(styles[e.Status], string(e.Status), name)
		}
		for _, c := range e.Changes {
			t.Row(styles[e.Status], string(e.Status), name, c.Property, c.Now, c.Wanted)
		}
	}
	err := t.Print(o.w, o.colored)
	for _, e := range entries {
		if e.Error != "" && err == nil {
			_, err = fmt.Fprintf(o.w, "%s: %s\n",
				cli.Printable(strings.TrimSpace(e.DisplayName+" "+e.ID)), cli.Printable(e.Error))
		}
	}
	return err
}

var styles = map[status]cli.Style{differs: cli.Yellow, changed: cli.Green, failed: cli.Red}
