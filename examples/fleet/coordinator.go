package main

// This file is the coordinator: it opens the queue, starts the workers, and runs one round after
// the other over the tenants. It holds nothing that a round needs: if it is killed, a cluster's
// workers continue, and -run finds the results again.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// coordinate runs one job after the other over all tenants and returns the exit code of the last
// one.
func coordinate(
	ctx context.Context, s settings, tenants []tenant, address string, kinds []string, stdout io.Writer, con *console,
) (int, error) {
	embedded := address == ""
	if embedded {
		if s.workers == 0 {
			return 0, errors.New("without NATS_URL nobody but -workers can do the work: give at least 1")
		}
		dir := s.store
		if dir == "" {
			temporary, err := os.MkdirTemp("", "fleet-queue-")
			if err != nil {
				return 0, fmt.Errorf("the queue inside the program: %w", err)
			}
			defer func() { _ = os.RemoveAll(temporary) }()
			dir = temporary
		}
		srv, inside, err := embed(dir)
		if err != nil {
			return 0, err
		}
		defer closeServer(srv)
		address = inside
	}
	q, err := connect(address, "coordinator", con)
	if err != nil {
		return 0, err
	}
	defer q.conn.Close()
	if err := q.declare(ctx, s.ackWait, s.replicas); err != nil {
		return 0, err
	}
	workers, err := startWorkers(ctx, s, address, con)
	if err != nil {
		return 0, err
	}
	defer workers.stop()
	gone := workers.gone
	if !embedded {
		gone = nil // others may be working
	}
	code := 0
	for _, kind := range kinds {
		r := &round{queue: q, gone: gone, con: con, kind: kind}
		if s.kill && kind == "renew" && len(workers.processes) > 1 {
			r.onVerify = func() {
				con.printf("worker-1 is killed now, to show that nothing is lost")
				_ = workers.processes[0].Kill()
			}
		}
		results, err := r.run(ctx, s, tenants)
		if err != nil {
			return 0, err
		}
		if code, err = report(stdout, kind, results); err != nil || ctx.Err() != nil {
			return code, err
		}
	}
	return code, nil
}
