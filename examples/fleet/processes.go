package main

// This file starts this program again as workers, and ends them.

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"
)

// pool is the set of workers that this process started.
type pool struct {
	processes []*os.Process
	gone      chan struct{} // closed when all have ended
	cancel    context.CancelFunc
}

// startWorkers starts s.workers processes. The address goes through the environment: it holds the
// queue's token.
func startWorkers(ctx context.Context, s settings, address string, con *console) (*pool, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("starting the workers: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	p := &pool{gone: make(chan struct{}), cancel: cancel}
	var running sync.WaitGroup
	defer func() {
		go func() {
			running.Wait()
			close(p.gone)
		}()
	}()
	for i := range s.workers {
		name := "worker-" + strconv.Itoa(i+1)
		cmd := exec.CommandContext(ctx, self, "worker", //nolint:gosec // this program itself
			"-attached", "-name", name, "-tenants", s.tenants, "-parallel", strconv.Itoa(s.parallel),
			"-attempts", strconv.Itoa(s.attempts),
			"-poll", s.poll.String(), "-sync-timeout", s.syncTimeout.String(), "-retry-wait", s.retryWait.String(),
			"-writes", strconv.Itoa(share(s.writes, s.workers)), "-per", s.per.String())
		cmd.Env = append(os.Environ(), "NATS_URL="+address)
		cmd.Stdout, cmd.Stderr = con, con
		stdin, err := cmd.StdinPipe() // a worker ends with it, even if this process is killed
		if err == nil {
			cmd.Cancel, cmd.WaitDelay = stdin.Close, 5*time.Second
			err = cmd.Start()
		}
		if err != nil {
			cancel()
			return nil, fmt.Errorf("starting %s: %w", name, err)
		}
		p.processes = append(p.processes, cmd.Process)
		running.Go(func() {
			if err := cmd.Wait(); ctx.Err() == nil {
				con.printf("%s ended (%v): its steps go to others when they were silent for %v",
					name, ended(err), s.ackWait)
			}
		})
	}
	return p, nil
}

// share returns a worker's share of a limit, at least 1. No limit, 0, stays 0.
func share(writes, workers int) int { return max(min(writes, 1), writes/workers) }

func ended(err error) string {
	if err == nil {
		return "by itself"
	}
	return err.Error()
}

// stop lets the workers put their steps back, and waits for them.
func (p *pool) stop() {
	p.cancel()
	<-p.gone
}
