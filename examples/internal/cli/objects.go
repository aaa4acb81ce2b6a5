package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// maxFile is far more than anybody writes, by hand or by a script: tens of thousands of entries.
const maxFile = 16 << 20

// Object is one object of a handwritten file. The program takes its members out one by one, so that
// what remains is unknown to the program.
type Object map[string]json.RawMessage

// ReadObjects reads a JSON file with a list of objects, which the flag with that name gives. All
// that is wrong with it is an [ErrUsage].
func ReadObjects(flagName, name string) ([]Object, error) {
	f, err := os.Open(name) //nolint:gosec // reading the file that the user names is the purpose
	if err != nil {
		return nil, fmt.Errorf("%w: -%s: %w", ErrUsage, flagName, err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: -%s: %w", ErrUsage, flagName, err)
	case len(text) > maxFile:
		return nil, fmt.Errorf("%w: -%s: %s: it has more than 16 MiB", ErrUsage, flagName, name)
	}
	list, err := ParseObjects(text)
	if err != nil {
		return nil, fmt.Errorf("%w: -%s: %s: %w", ErrUsage, flagName, name, err)
	}
	return list, nil
}

// ParseObjects reads a JSON list of objects. Duplicate names and invalid UTF-8, which encoding/json
// accepts, are errors too.
func ParseObjects(text []byte) ([]Object, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	var list []Object
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("it is not a list of JSON objects: %w", err)
	}
	switch {
	case !jsontext.Value(text).IsValid():
		return nil, errors.New("a name appears twice in one object, or it is not valid UTF-8")
	case len(list) == 0:
		return nil, errors.New("the list is empty")
	case slices.ContainsFunc(list, func(o Object) bool { return o == nil }):
		return nil, errors.New("it is not a list of JSON objects: there is a null in it")
	}
	return list, nil
}

// Text takes the string with that name out of o, "" when there is none. An empty one is an error,
// and so is null.
func (o Object) Text(name string) (string, error) {
	raw, ok := o[name]
	if !ok {
		return "", nil
	}
	delete(o, name)
	var text string
	if json.Unmarshal(raw, &text) != nil || text == "" {
		return "", fmt.Errorf("%q is a text, and not an empty one", name)
	}
	return text, nil
}

// Rest returns an error that names what was not taken out of o.
func (o Object) Rest() error {
	if len(o) == 0 {
		return nil
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(o)) {
		names = append(names, fmt.Sprintf("%.40q", name))
	}
	return errors.New("not known: " + strings.Join(names, ", "))
}
