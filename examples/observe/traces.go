package main

import (
	"context"
	"net/http"
	"strings"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// scope names the spans that this program makes itself.
const scope = "github.com/vpptoken/vpptoken/examples/observe"

// newProvider sends spans to an exporter, without anything that must not leave the program.
func newProvider(exporter sdktrace.SpanExporter) *sdktrace.TracerProvider {
	return sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(allowlist{exporter}),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "observe"))),
	)
}

// newTransport traces each request that base carries. It does not send the trace context, or any
// baggage, to the service: both are private.
func newTransport(base http.RoundTripper, provider trace.TracerProvider) http.RoundTripper {
	return otelhttp.NewTransport(base,
		otelhttp.WithTracerProvider(provider),
		otelhttp.WithPropagators(propagation.NewCompositeTextMapPropagator()))
}

// allowlist is an exporter in front of another one. From spans that this program did not make
// itself it passes on only what is known to be harmless: otelhttp puts the query into url.full, and
// the text of an error, in which net/http quotes what the other side sent, into the status. It has
// no option to prevent either.
type allowlist struct{ sdktrace.SpanExporter }

// ExportSpans passes the spans on, each behind its view.
func (a allowlist) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	views := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, s := range spans {
		if views[i] = s; s.InstrumentationScope().Name != scope {
			views[i] = view{s}
		}
	}
	return a.SpanExporter.ExportSpans(ctx, views)
}

// view shows of a span its name, its times and the attributes that are allowed.
type view struct{ sdktrace.ReadOnlySpan }

// Attributes returns the allowed ones; of an address what is before the query.
func (v view) Attributes() []attribute.KeyValue {
	var shown []attribute.KeyValue
	for _, kv := range v.ReadOnlySpan.Attributes() {
		switch kv.Key {
		case "http.request.method", "http.response.status_code", "server.address", "server.port",
			"network.protocol.version", "error.type":
			shown = append(shown, kv)
		case "url.full":
			address, _, _ := strings.Cut(kv.Value.AsString(), "?")
			shown = append(shown, kv.Key.String(address))
		}
	}
	return shown
}

// Status returns the code without its description.
func (v view) Status() sdktrace.Status { return sdktrace.Status{Code: v.ReadOnlySpan.Status().Code} }

// Events returns none: the error that an event records has a text too.
func (view) Events() []sdktrace.Event { return nil }

// Links returns none: they have attributes of their own.
func (view) Links() []sdktrace.Link { return nil }
