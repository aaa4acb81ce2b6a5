package main

// This file is what people see: the progress line while the work goes on, and the report at its
// end.

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/health"
	"github.com/vpptoken/vpptoken/renew"
)

// result is how one tenant's job ended, as stored in the bucket.
type result struct {
	Tenant  string        `json:"tenant"`
	Level   health.Level  `json:"level"`
	Summary string        `json:"summary,omitempty"` // what was done or found; empty with an error
	Error   string        `json:"error,omitempty"`
	Reasons []string      `json:"reasons,omitempty"`
	Worker  string        `json:"worker,omitempty"` // who did the last step
	Renewal *renew.Report `json:"renewal,omitempty"`
}

// text is the result in one line.
func (r result) text() string {
	if r.Error != "" {
		return cli.Printable(r.Error)
	}
	return cli.Printable(r.Summary)
}

// level treats any other word as unknown.
func (r result) level() health.Level {
	if _, known := exitCodes[r.Level]; known {
		return r.Level
	}
	return health.LevelUnknown
}

var exitCodes = map[health.Level]int{
	health.LevelOK: 0, health.LevelWarning: 1, health.LevelCritical: 2, health.LevelUnknown: exitUnknown,
}

// report prints every result with its reasons, and returns the exit code of the worst one.
func report(w io.Writer, kind string, results []result) (int, error) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(table, "TENANT\tLEVEL\t%s\n", strings.ToUpper(kind))
	counts := make(map[health.Level]int)
	worst := health.LevelOK
	for _, r := range results {
		level := r.level()
		counts[level]++
		worst = slices.MaxFunc([]health.Level{worst, level}, health.Level.Compare)
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\n", r.Tenant, level, r.text())
		for _, reason := range r.Reasons {
			_, _ = fmt.Fprintf(table, "\t\t  %s\n", cli.Printable(reason))
		}
	}
	_, _ = fmt.Fprintf(table, "%s: %s\n\n", several(len(results), "tenant"), counted(counts))
	return exitCodes[worst], table.Flush()
}

// counted lists the levels from best to worst.
func counted(counts map[health.Level]int) string {
	var parts []string
	for _, level := range slices.SortedFunc(maps.Keys(counts), health.Level.Compare) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[level], level))
	}
	return strings.Join(parts, ", ")
}

func several(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// console shares standard error between the progress line and all other output, including the
// workers'.
type console struct {
	mu    sync.Mutex
	w     io.Writer
	moves bool
	line  string
}

func newConsole(w io.Writer) *console { return &console{w: w, moves: cli.IsTerminal(w)} }

// Write removes the progress line, writes, and restores it.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	line := c.line
	c.replace("")
	n, err := c.w.Write(p)
	c.replace(line)
	return n, err
}

func (c *console) printf(format string, args ...any) { _, _ = fmt.Fprintf(c, format+"\n", args...) }

// move changes the progress line; an empty one removes it. Without a terminal it does nothing.
func (c *console) move(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.moves {
		c.replace(line)
	}
}

// replace overwrites what remains of the old line with blanks: not every terminal can erase.
func (c *console) replace(line string) {
	if line == c.line {
		return
	}
	left := max(0, utf8.RuneCountInString(c.line)-utf8.RuneCountInString(line))
	end := ""
	if line == "" {
		end = "\r"
	}
	_, _ = fmt.Fprintf(c.w, "\r%s%s%s", line, strings.Repeat(" ", left), end)
	c.line = line
}
