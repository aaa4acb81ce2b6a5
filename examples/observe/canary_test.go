package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/oauth2"

	"github.com/vpptoken/vpptoken"
	"github.com/vpptoken/vpptoken/vpptokentest"
)

const (
	queryCanary  = "qu3ryc4n4ry"
	sentCanary   = "s3ntc4n4ry"
	answerCanary = "4nsw3rc4n4ry"
	appleCanary  = "4ppl3c4n4ry"
	bearerCanary = "b34r3rc4n4ry"
)

// traces is a provider with two exporters: what leaves the program, and what would leave it without
// the allow-list.
type traces struct {
	*sdktrace.TracerProvider

	shown, raw *tracetest.InMemoryExporter
	log        strings.Builder
}

func newTraces(t *testing.T) *traces {
	t.Helper()
	tr := &traces{shown: tracetest.NewInMemoryExporter(), raw: tracetest.NewInMemoryExporter()}
	tr.TracerProvider = newProvider(tr.shown)
	tr.RegisterSpanProcessor(sdktrace.NewSimpleSpanProcessor(tr.raw))
	t.Cleanup(func() { _ = tr.Shutdown(context.WithoutCancel(t.Context())) })
	return tr
}

func (tr *traces) client(t *testing.T, ts oauth2.TokenSource, root string) *vpptoken.Client {
	t.Helper()
	c, err := newClient(ts, tr,
		slog.New(slog.NewJSONHandler(&tr.log, &slog.HandlerOptions{Level: slog.LevelDebug})), root)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// print flushes, and returns all there is in the spans of an exporter.
func (tr *traces) print(t *testing.T, from *tracetest.InMemoryExporter) string {
	t.Helper()
	if err := tr.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := json.Marshal(from.GetSpans())
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s %+v", all, from.GetSpans())
}

// mustShowNone fails when a canary left the program, and when the spans never held those in raw, so
// that nothing was shown.
func (tr *traces) mustShowNone(t *testing.T, spans int, secrets []string, raw ...string) {
	t.Helper()
	shown := tr.print(t, tr.shown)
	for _, c := range secrets {
		if strings.Contains(shown, c) {
			t.Errorf("a span carries %s: %s", c, shown)
		}
		if strings.Contains(tr.log.String(), c) {
			t.Errorf("the log carries %s: %s", c, tr.log.String())
		}
	}
	for _, c := range raw {
		if !strings.Contains(tr.print(t, tr.raw), c) {
			t.Errorf("no span held %s before the allow-list: this test shows nothing", c)
		}
	}
	if n := len(tr.shown.GetSpans()); n != spans {
		t.Errorf("%d spans were exported, want %d", n, spans)
	}
}

func TestNoSpanCarriesQueryOrBody(t *testing.T) {
	t.Parallel()
	tr := newTraces(t)
	srv := vpptokentest.NewServer()
	t.Cleanup(srv.Close)
	id := srv.Add(vpptoken.VPPToken{OrganizationName: answerCanary})
	srv.Add(vpptoken.VPPToken{})
	bearer, err := srv.TokenSource().Token()
	if err != nil {
		t.Fatal(err)
	}
	client := tr.client(t, srv.TokenSource(), srv.URL())

	for _, err := range client.List(t.Context(), vpptoken.WithTop(1), vpptoken.WithSelect("id", queryCanary)) {
		if err == nil {
			t.Error("the server knows a property that does not exist")
		}
	}
	for _, err := range client.List(t.Context(), vpptoken.WithTop(1)) { // two pages
		if err != nil {
			t.Error(err)
		}
	}
	patch := vpptoken.NewPatch().SetDisplayName(sentCanary).SetToken(vpptoken.NewSecret(appleCanary))
	if _, err := client.Update(t.Context(), id, patch, vpptoken.WithHeader("X-Canary", sentCanary)); err != nil {
		t.Error(err)
	}
	srv.Fail(vpptokentest.Fault{
		Status: http.StatusBadRequest, Body: `{"error":{"code":"BadRequest","message":"` + answerCanary + `"}}`,
	}, vpptokentest.Fault{Truncate: true})
	if _, err := client.Create(t.Context(), vpptoken.NewSecret(appleCanary), nil); err == nil {
		t.Error("Create went well")
	}
	if _, err := client.SyncLicenses(t.Context(), id); err == nil { // its answer breaks off, and it is not repeated
		t.Error("SyncLicenses went well")
	}
	tr.mustShowNone(t, 6,
		[]string{queryCanary, sentCanary, answerCanary, appleCanary, bearer.AccessToken, "top", "skiptoken"},
		queryCanary, "skiptoken", "unexpected EOF")

	for _, r := range srv.Requests() {
		for _, name := range []string{"Traceparent", "Tracestate", "Baggage"} {
			if r.Header.Get(name) != "" {
				t.Errorf("%s was sent to the service", name)
			}
		}
	}
}

// TestNoSpanCarriesWhatAServerEchoes has a server that is none, and puts the bearer where net/http
// quotes it.
func TestNoSpanCarriesWhatAServerEchoes(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, strings.ReplaceAll(r.Header.Get("Authorization"), " ", "-")+"\r\n\r\n")
		_ = conn.Close()
	}))
	t.Cleanup(srv.Close)
	tr := newTraces(t)
	client := tr.client(t, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: bearerCanary}), srv.URL)
	if _, err := client.Get(t.Context(), "a"); err == nil {
		t.Error("Get went well")
	}
	tr.mustShowNone(t, 4, []string{bearerCanary}, bearerCanary) // what is no HTTP is repeated
}

// TestForeignSpans has spans of an instrumentation that nobody knows.
func TestForeignSpans(t *testing.T) {
	t.Parallel()
	tr := newTraces(t)
	_, span := tr.Tracer("somebody else's").Start(t.Context(), "foreign",
		trace.WithLinks(trace.Link{Attributes: secretAttributes()}))
	span.SetAttributes(secretAttributes()...)
	span.AddEvent(sentCanary, trace.WithAttributes(secretAttributes()...))
	span.RecordError(errSecret)
	span.SetStatus(codes.Error, sentCanary)
	span.End()
	tr.mustShowNone(t, 1, []string{sentCanary, queryCanary}, sentCanary, queryCanary)
	got := tr.shown.GetSpans()[0]
	if got.Name != "foreign" || got.Status.Code != codes.Error || len(got.Attributes) != 1 ||
		got.Attributes[0].Value.AsString() != "https://h/p" {
		t.Errorf("the span became %+v", got)
	}
}

func TestOwnSpansKeepTheirError(t *testing.T) {
	t.Parallel()
	tr := newTraces(t)
	srv := vpptokentest.NewServer()
	t.Cleanup(srv.Close)
	client := tr.client(t, srv.TokenSource(), srv.URL())
	err := work(t.Context(), tr.Tracer(scope), client, "unknown")
	if err == nil {
		t.Fatal("there is no such token, but all went well")
	}
	tr.print(t, tr.shown)
	for _, s := range tr.shown.GetSpans() {
		if s.Name == "rename token" && (s.Status.Code != codes.Error || s.Status.Description != err.Error()) {
			t.Errorf("the span's status is %+v, want %q", s.Status, err)
		}
	}
}

var errSecret = errors.New(sentCanary)

func secretAttributes() []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("url.full", "https://h/p?"+queryCanary),
		attribute.String("url.query", queryCanary),
		attribute.String("http.request.header.authorization", sentCanary),
	}
}
