package main

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/vpptoken/vpptoken/examples/internal/cli"
	"github.com/vpptoken/vpptoken/examples/internal/clitest"
)

// line is what the exporter prints of a span, as far as the tests look at it.
type line struct {
	Name        string      `json:"Name"`
	SpanContext spanContext `json:"SpanContext"`
	Parent      spanContext `json:"Parent"`
	Attributes  []struct {
		Key   string `json:"Key"`
		Value struct {
			Value any `json:"Value"`
		} `json:"Value"`
	} `json:"Attributes"`
}

type spanContext struct {
	SpanID string `json:"SpanID"`
}

func (l line) attribute(key string) any {
	for _, a := range l.Attributes {
		if a.Key == key {
			return a.Value.Value
		}
	}
	return nil
}

func TestRun(t *testing.T) {
	t.Parallel()
	var stdout, stderr strings.Builder
	if err := run(t.Context(), &stdout, &stderr); err != nil {
		t.Fatal(err)
	}

	jobs := make(map[string]string) // span id to name
	requests := make(map[string][]float64)
	var spans []line
	for d := json.NewDecoder(strings.NewReader(stdout.String())); ; {
		var l line
		err := d.Decode(&l)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		spans = append(spans, l)
		if !strings.HasPrefix(l.Name, "HTTP ") {
			jobs[l.SpanContext.SpanID] = l.Name
		}
	}
	for _, l := range spans {
		if strings.HasPrefix(l.Name, "HTTP ") {
			key := jobs[l.Parent.SpanID] + ": " + l.Name
			status, _ := l.attribute("http.response.status_code").(float64)
			requests[key] = append(requests[key], status)
			url, _ := l.attribute("url.full").(string)
			if !strings.Contains(url, "/beta/deviceAppManagement/vppTokens") || strings.Contains(url, "?") {
				t.Errorf("url.full is %q", url)
			}
		}
	}
	if got := requests["list tokens: HTTP GET"]; !slices.Equal(got, []float64{429, 200, 503, 200}) {
		t.Errorf("the requests of the list ended with %v", got)
	}
	if got := requests["rename token: HTTP PATCH"]; !slices.Equal(got, []float64{200}) {
		t.Errorf("the requests of the change ended with %v", got)
	}
	if len(jobs) != 2 || len(spans) != 7 {
		t.Errorf("there are %d spans, of which %d are jobs", len(spans), len(jobs))
	}

	if n := strings.Count(stderr.String(), `msg="vpptoken: attempt"`); n != 5 {
		t.Errorf("%d attempts were logged, want 5", n)
	}
	if n := strings.Count(stderr.String(), `msg="vpptoken: retry"`); n != 2 {
		t.Errorf("%d repeats were logged, want 2", n)
	}
	for _, never := range []string{"$top", "%24top", "skiptoken", "Bearer", "iPads"} {
		if strings.Contains(stdout.String()+stderr.String(), never) {
			t.Errorf("%q was printed", never)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	r := clitest.Run(t.Context(), program, nil, "-h")
	clitest.Want(t, r, cli.ExitOK, "")
	clitest.Holds(t, r, `Exit codes: 0 .*, 1 .*, 2 .*`)
	clitest.Want(t, clitest.Run(t.Context(), program, nil, "-x"), cli.ExitUsage, "error: wrong input: ")
	var stderr strings.Builder
	if code := program(t.Context(), nil, nil, full{}, &stderr); code != cli.ExitFailed || !strings.Contains(stderr.String(), "error: full") {
		t.Errorf("on a full disk: %d, %s", code, stderr.String())
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("full") }
