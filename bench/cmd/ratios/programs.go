package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/vpptoken/vpptoken/bench"
)

// printPrograms compares two programs that send one PATCH: what building them costs, what they
// weigh, how soon they are done.
func printPrograms(ctx context.Context, rounds int) error {
	folder, err := os.MkdirTemp("", "ratios")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()

	var cpu, size, start pair
	ours, byHand := filepath.Join(folder, "ours.exe"), filepath.Join(folder, "floor.exe") // Windows wants the ending
	o, err := buildCold(ctx, folder, "ours", ours)
	if err != nil {
		return err
	}
	h, err := buildCold(ctx, folder, "floor", byHand)
	if err != nil {
		return err
	}
	cpu.add(o, h)

	oursInfo, err := os.Stat(ours)
	if err != nil {
		return err
	}
	byHandInfo, err := os.Stat(byHand)
	if err != nil {
		return err
	}
	size.add(float64(oursInfo.Size()), float64(byHandInfo.Size()))

	root, server := bench.Serve(1)
	defer server.Close()
	for range 10 * rounds {
		o, err := startToDone(ctx, ours, root)
		if err != nil {
			return err
		}
		h, err := startToDone(ctx, byHand, root)
		if err != nil {
			return err
		}
		start.add(o, h)
	}
	fmt.Printf("| cold build, CPU | | %s | | |\n", cpu.cell(1, " s"))
	fmt.Printf("| stripped binary | | | %s | |\n", size.cell(1e6, " MB"))
	fmt.Printf("| start to first PATCH done | loopback | %s | | |\n", start.cell(1e-3, " ms"))
	return nil
}

// buildCold builds a program with an empty cache and returns the seconds of CPU, of the compilers
// as well where the system counts those of descendants (not on Windows).
func buildCold(ctx context.Context, folder, name, to string) (float64, error) {
	cache := filepath.Join(folder, "cache-"+name)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", //nolint:gosec // the name is one of two
		"-ldflags=-s -w", "-o", to, "./cmd/"+name)
	cmd.Env = append(os.Environ(), "GOCACHE="+cache)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("go build ./cmd/%s: %w", name, err)
	}
	if err := os.RemoveAll(cache); err != nil {
		return 0, err
	}
	return (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), nil
}

// startToDone returns how many seconds a program takes from its start to its end, one PATCH in
// between.
func startToDone(ctx context.Context, program, root string) (float64, error) {
	began := time.Now()
	err := exec.CommandContext(ctx, program, root, bench.TokenID).Run() //nolint:gosec // what buildCold built
	if err != nil {
		return 0, fmt.Errorf("%s: %w", filepath.Base(program), err)
	}
	return time.Since(began).Seconds(), nil
}
