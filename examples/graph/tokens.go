package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/vpptoken/vpptoken"
)

// readTokens reads a list of tokens, or an answer of Graph that holds one. Without a name there are
// none.
func readTokens(name string) ([]vpptoken.VPPToken, error) {
	if name == "" {
		return nil, nil
	}
	text, err := os.ReadFile(name) //nolint:gosec // the file that the user named
	if err != nil {
		return nil, err
	}
	page := struct {
		Value []*vpptoken.VPPToken `json:"value"`
	}{}
	text = bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(text), []byte("\ufeff")))
	if bytes.HasPrefix(text, []byte("[")) {
		err = json.Unmarshal(text, &page.Value)
	} else {
		err = json.Unmarshal(text, &page)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case page.Value == nil:
		return nil, fmt.Errorf("%s holds no list of tokens", name)
	}
	list := make([]vpptoken.VPPToken, len(page.Value))
	seen := make(map[string]bool)
	for i, t := range page.Value {
		if err := check(t, seen); err != nil {
			return nil, fmt.Errorf("%s, token %d: %w", name, i+1, err)
		}
		list[i] = *t
	}
	return list, nil
}

func check(t *vpptoken.VPPToken, seen map[string]bool) error {
	if t == nil {
		return errors.New("it is null")
	}
	id := strings.ToLower(t.ID)
	switch {
	case len(t.Extra) > 0:
		return fmt.Errorf("there is no property %q", slices.Sorted(maps.Keys(t.Extra))[0])
	case strings.ContainsFunc(id, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' }):
		return errors.New("an id is letters, digits and hyphens")
	case id != "" && seen[id]:
		return errors.New("its id appears twice")
	}
	seen[id] = true
	return nil
}
