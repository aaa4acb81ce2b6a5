// Pictures draws the pictures in docs from what the programs show, so that they stay accurate:
//
//	go run ./internal/pictures
//
// It runs examples/check and draws its output, draws the steps of a renewal, and, where Chromium is
// installed, takes a picture of the page that check -html writes. Each comes in a light and a dark
// version.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

func main() {
	if err := run(context.Background(), "docs", os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string, out io.Writer) error {
	text, err := check(ctx)
	if err != nil {
		return err
	}
	for _, t := range []theme{light, dark} {
		for name, svg := range map[string][]byte{"check": terminal(text, t), "renewal": renewal(t)} {
			name = filepath.Join(dir, name+"-"+t.name+".svg")
			if err := os.WriteFile(name, svg, 0o644); err != nil { //nolint:gosec // a picture is for everyone
				return err
			}
			_, _ = fmt.Fprintln(out, name)
		}
	}
	chromium := browser()
	if chromium == "" {
		_, _ = fmt.Fprintln(out, "Chromium is not installed, so the pictures of the page stay as they are: "+
			"apt-get install chromium")
		return nil
	}
	return pages(ctx, chromium, dir, out)
}

// check runs examples/check with colors. Its exit code says how the tokens are, not whether it ran.
func check(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"run", "./examples/check"}, args...)...) //nolint:gosec // the repository's own program
	cmd.Env = append(os.Environ(), "CLICOLOR_FORCE=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if ended, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || ended.ExitCode() != 1 || len(text) == 0) {
		return nil, fmt.Errorf("examples/check: %w: %s", err, stderr.Bytes())
	}
	return text, nil
}

func browser() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// pages takes pictures of the page that check -html writes.
func pages(ctx context.Context, chromium, dir string, out io.Writer) error {
	html, err := check(ctx, "-html")
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "pictures")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	page := filepath.Join(work, "check.html")
	if err := os.WriteFile(page, html, 0o600); err != nil {
		return err
	}
	for _, t := range []theme{light, dark} {
		name, err := filepath.Abs(filepath.Join(dir, "page-"+t.name+".png"))
		if err != nil {
			return err
		}
		args := []string{
			"--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
			"--disable-component-update", "--disable-sync", "--hide-scrollbars", "--user-data-dir=" + filepath.Join(work, t.name), "--window-size=1000,1250",
			"--blink-settings=preferredColorScheme=" + t.scheme, "--screenshot=" + name, "file://" + filepath.ToSlash(page),
		}
		if text, err := exec.CommandContext(ctx, chromium, args...).CombinedOutput(); err != nil { //nolint:gosec // the browser that was found
			return fmt.Errorf("%s: %w: %s", chromium, err, text)
		}
		_, _ = fmt.Fprintln(out, filepath.Join(dir, filepath.Base(name)))
	}
	return nil
}
