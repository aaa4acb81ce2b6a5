package graph_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"
)

// The memory of a long answer goes to one answer only: two lists at a time would read each other's
// tokens.
func TestR14SpareMemoryIsLentOnce(t *testing.T) {
	t.Parallel()
	const size = 100 << 10
	s := &service{answer: func(n int) *http.Response {
		body := bytes.Repeat([]byte{'a' + byte(n)}, size)
		return &http.Response{
			StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: size,
		}
	}}
	c, call := newClient(t, s, 1)
	call.Reuse = true
	c.Reuse(c.Do(t.Context(), call))
	first, second := c.Do(t.Context(), call), c.Do(t.Context(), call)
	for i, body := range [][]byte{first.Body, second.Body} {
		if want := bytes.Repeat([]byte{'b' + byte(i)}, size); !bytes.Equal(body, want) {
			t.Errorf("answer %d: %d bytes that begin %.8q, want %d that begin %.8q", i+1, len(body), body, size, want)
		}
	}
}
