package contenttoken

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/vpptoken/vpptoken/internal/location"
)

const extension = ".vpptoken"

// ReadFile reads a .vpptoken file as [Parse] does, and takes the Location from a name of the form
// sToken_for_<location>.vpptoken, with or without a dot before the location, and drops the " (1)",
// "(1)" or "-1" that browsers add to a second download. Any other name, however close, gives no
// Location.
//
// A file of more than 64 KiB is ErrMalformed and is not read. A missing file still matches
// [fs.ErrNotExist]. An error shows the name of the file only if it ends in .vpptoken, because
// people sometimes pass a token's text instead of the name.
func ReadFile(name string) (*ContentToken, error) {
	t, err := parseFile(name)
	if err != nil {
		if strings.HasSuffix(name, extension) {
			err = fmt.Errorf("%w (file %q)", err, name)
		}
		return nil, err
	}
	t.Location = location.FromFile(filepath.Base(name))
	return t, nil
}

func parseFile(name string) (*ContentToken, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, unreadable(err)
	case info.IsDir():
		return nil, errors.New("contenttoken: this is a directory: give the .vpptoken file in it")
	case info.Size() > maxSize:
		return nil, tooLarge()
	}
	f, err := os.Open(name) //nolint:gosec // reading the file that the caller names is the purpose
	if err != nil {
		return nil, unreadable(err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1)) // a pipe has no size, and a file may grow
	if err != nil {
		return nil, unreadable(err)
	}
	return Parse(text)
}

// unreadable keeps the cause but drops the file name.
func unreadable(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathErr.Err
	}
	return fmt.Errorf("contenttoken: the file can't be read: %w", err)
}
