package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// fact is a row of the table: what this module knows of a property.
type fact struct {
	name, typ string
	nullable  bool
	versions  []string
}

// readFacts reads the table: name, CSDL type, whether it may be null, and the versions that have
// it.
func readFacts(name string) ([]fact, error) {
	f, err := os.Open(name) //nolint:gosec // the module's own table
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) < 2 || !slices.Equal(rows[0], []string{"name", "type", "nullable", "versions"}) {
		return nil, errors.New("the table of properties has another header or no rows")
	}
	var facts []fact
	for _, row := range rows[1:] {
		if row[2] != "true" && row[2] != "false" {
			return nil, fmt.Errorf("the table says %q where %s is nullable or not", row[2], row[0])
		}
		facts = append(facts, fact{row[0], row[1], row[2] == "true", strings.Fields(row[3])})
	}
	return facts, nil
}
