package cli

import (
	"fmt"
	"io"
	"sync"
	"time"
	"unicode/utf8"
)

// Progress writes the progress of a long run to w, until stop is called: on a terminal one line
// that is rewritten twice a second, elsewhere a line every ten seconds. A run that is over before
// that shows nothing. line is called from one goroutine, with the time since Progress was called.
// stop removes a terminal's line; it can be called again.
func Progress(w io.Writer, terminal bool, line func(elapsed time.Duration) string) (stop func()) {
	every := 10 * time.Second
	if terminal {
		every = 500 * time.Millisecond
	}
	begun, quit, done := time.Now(), make(chan struct{}), make(chan struct{})
	show := func(shown int) int {
		text := line(time.Since(begun))
		if terminal {
			_, _ = fmt.Fprintf(w, "\r%-*s", shown, text) // blanks over what was there: not every terminal can erase
		} else {
			_, _ = fmt.Fprintln(w, text)
		}
		return utf8.RuneCountInString(text)
	}
	go func() {
		defer close(done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for shown := 0; ; {
			select {
			case <-tick.C:
				shown = show(shown)
			case <-quit:
				if terminal && shown > 0 {
					_, _ = fmt.Fprintf(w, "\r%*s\r", shown, "")
				}
				return
			}
		}
	}()
	return sync.OnceFunc(func() { close(quit); <-done })
}

// Rate returns how fast something goes, and how much longer it takes at that rate: "5.0/s, 3m40s
// left". A total of 0 is unknown: then it omits the time left.
func Rate(done, total int, elapsed time.Duration) string {
	if elapsed <= 0 {
		elapsed = time.Nanosecond
	}
	text := fmt.Sprintf("%.1f/s", float64(done)/elapsed.Seconds())
	if left := total - done; left > 0 && done > 0 {
		rest := time.Duration(float64(elapsed) / float64(done) * float64(left))
		text += fmt.Sprintf(", %v left", rest.Round(time.Second))
	}
	return text
}
