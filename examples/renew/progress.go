package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/renew"
)

// progress shows the progress of the renewal: on a terminal in one moving line, otherwise in a line
// for each change.
type progress struct {
	w     io.Writer
	moves bool
	begun time.Time // of the step
	quit  chan struct{}
	done  chan struct{} // closed when nothing moves anymore

	mu   sync.Mutex
	text string
}

func newProgress(w io.Writer, moves bool) *progress { return &progress{w: w, moves: moves} }

// step begins one of the steps.
func (p *progress) step(s renew.Step) {
	p.end()
	p.begun = time.Now()
	p.say(map[renew.Step]string{
		renew.StepPlan: "reading the token", renew.StepApply: "uploading the file",
		renew.StepSync: "starting a sync", renew.StepVerify: "waiting for the sync",
	}[s])
	if p.moves {
		p.quit, p.done = make(chan struct{}), make(chan struct{})
		go p.move()
	}
}

// poll shows the sync's status after each poll.
func (p *progress) poll(t *vpptoken.VPPToken) {
	p.say("waiting for the sync: " + cli.Printable(string(t.LastSyncStatus)))
}

func (p *progress) say(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.moves && text != p.text {
		_, _ = fmt.Fprintln(p.w, text) // progress is not a result: the run continues without it
	}
	p.text = text
}

// move draws the line until end is called. A block runs back and forth, because it is unknown how
// long a sync takes.
func (p *progress) move() {
	defer close(p.done)
	const width, block = 20, 4
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		at := i % (2 * (width - block))
		at = min(at, 2*(width-block)-at)
		bar := strings.Repeat(" ", at) + strings.Repeat("=", block) + strings.Repeat(" ", width-block-at)
		p.mu.Lock()
		text := p.text
		p.mu.Unlock()
		_, _ = fmt.Fprintf(p.w, "\r\x1b[K[%s] %s, %d s", bar, text, int(time.Since(p.begun).Seconds()))
		select {
		case <-tick.C:
		case <-p.quit:
			_, _ = fmt.Fprint(p.w, "\r\x1b[K")
			return
		}
	}
}

// end removes the moving line. It may be called at any time, even twice.
func (p *progress) end() {
	if p.quit == nil {
		return
	}
	close(p.quit)
	<-p.done
	p.quit = nil
}
