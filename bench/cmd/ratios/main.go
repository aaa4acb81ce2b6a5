// Ratios runs both programs in turn, several times, and prints what this project's client costs in
// proportion to the one written by hand, as a table in Markdown. It is run in the folder of the
// module:
//
//	go run ./cmd/ratios
//	go run ./cmd/ratios -go go1.26.8,go1.27.4
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func main() {
	testing.Init()
	rounds := flag.Int("rounds", 5, "how often each pair is run")
	benchtime := flag.String("benchtime", "200ms", "how long each run takes")
	build := flag.Bool("build", true,
		"also build both programs from nothing, which takes a minute or two of CPU, and start them")
	minors := flag.String("go", "",
		"run once with each of these versions of Go, separated by commas; empty is the one that built this")
	flag.Parse()
	if *minors != "" {
		if err := runEach(context.Background(), strings.Split(*minors, ",")); err != nil {
			fmt.Fprintln(os.Stderr, "ratios:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(context.Background(), max(1, *rounds), *benchtime, *build); err != nil {
		fmt.Fprintln(os.Stderr, "ratios:", err)
		os.Exit(1)
	}
}

// runEach runs this program, with the other flags it was given, once with each version of Go.
func runEach(ctx context.Context, versions []string) error {
	args := []string{"run", "./cmd/ratios"}
	flag.Visit(func(f *flag.Flag) {
		if f.Name != "go" && !strings.HasPrefix(f.Name, "test.") {
			args = append(args, "-"+f.Name+"="+f.Value.String())
		}
	})
	for _, version := range versions {
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+version)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w", version, err)
		}
		fmt.Println()
	}
	return nil
}

func run(ctx context.Context, rounds int, benchtime string, build bool) error {
	if err := flag.Set("test.benchtime", benchtime); err != nil {
		return err
	}
	printMachine(rounds)
	if err := printWorkloads(rounds); err != nil {
		return err
	}
	if err := printHeap(ctx); err != nil {
		return err
	}
	if !build {
		return nil
	}
	return printPrograms(ctx, rounds)
}

func printMachine(rounds int) {
	fmt.Printf("%s, %s/%s, %d cores", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	if model := cpuModel(); model != "" {
		fmt.Printf(" (%s)", model)
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if strings.HasSuffix(m.Path, "/go-retryablehttp") || m.Path == "golang.org/x/oauth2" {
				fmt.Printf(", %s %s", m.Path[strings.LastIndexByte(m.Path, '/')+1:], m.Version)
			}
		}
	}
	fmt.Printf("; medians of %d rounds, as a ratio to the program written by hand, and in brackets the two values.\n\n",
		rounds)
}

// cpuModel is empty where it can't be had cheaply.
func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	_, after, _ := strings.Cut(string(text), "model name")
	line, _, _ := strings.Cut(after, "\n")
	return strings.Trim(line, "\t :")
}

// pair holds what both programs cost, round by round.
type pair struct{ ours, byHand []float64 }

func (p *pair) add(ours, byHand float64) {
	p.ours, p.byHand = append(p.ours, ours), append(p.byHand, byHand)
}

// ratio is the median of the ratios, not the ratio of the medians: what disturbs a round mostly
// disturbs both of its halves.
func (p *pair) ratio() float64 {
	all := make([]float64, len(p.ours))
	for i := range all {
		all[i] = p.ours[i] / p.byHand[i]
	}
	return median(all)
}

// cell shows the ratio and both values, divided by unit.
func (p *pair) cell(unit float64, name string) string {
	return fmt.Sprintf("**%.2f** (%s / %s%s)",
		p.ratio(), short(median(p.ours)/unit), short(median(p.byHand)/unit), name)
}

// short keeps three digits, and all before the point.
func short(v float64) string {
	digits := 2
	for size := v; size >= 10 && digits > 0; size /= 10 {
		digits--
	}
	return strconv.FormatFloat(v, 'f', digits, 64)
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}
