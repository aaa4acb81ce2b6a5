package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/vpptoken/vpptoken/examples/internal/cli"
)

// output is one way to show the rows. Each row comes once, in any order.
type output struct {
	about func(string)    // says where the rows come from, before the first; not shown in pure data
	row   func(row) error // an error ends the pass
	end   func() error    // after the last row
}

func choose(w io.Writer, now time.Time, colored, asJSON, asCSV, asHTML bool) (output, error) {
	if asJSON && asCSV || asJSON && asHTML || asCSV && asHTML {
		return output{}, fmt.Errorf("%w: -json, -csv and -html: give one of them", cli.ErrUsage)
	}
	switch {
	case asJSON:
		return jsonLines(w), nil
	case asCSV:
		return spreadsheet(w), nil
	case asHTML:
		return page(w, now), nil
	}
	return table(w, colored), nil
}

// jsonLines writes each row right away, one object per line.
func jsonLines(w io.Writer) output {
	enc := json.NewEncoder(w)
	return output{
		about: func(string) {},
		row:   func(r row) error { return enc.Encode(r) },
		end:   func() error { return nil },
	}
}
