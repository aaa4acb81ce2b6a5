package cli

import (
	"io"
	"os"
)

// IsTerminal reports whether w is a terminal, judging by whether it is a character device.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Colored reports whether to write colors to w: to a terminal, unless NO_COLOR is set or the
// terminal is dumb, and always if CLICOLOR_FORCE asks for them.
func Colored(w io.Writer, env func(string) string) bool {
	if env("NO_COLOR") != "" {
		return false
	}
	return env("CLICOLOR_FORCE") != "" && env("CLICOLOR_FORCE") != "0" || IsTerminal(w) && env("TERM") != "dumb"
}
