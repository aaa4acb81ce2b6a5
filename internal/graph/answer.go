package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
)

// read reads a success completely, or fails. Of any other answer it reads only the beginning: there
// the status is what counts.
func (f *flight) read(ctx context.Context, resp *http.Response) ([]byte, *Cause) {
	if resp.Body == nil { // a hand-written transport
		resp.Body = http.NoBody
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode < http.StatusOK {
		return nil, switchedCause() // the body is the connection itself, and no context ends a read of it
	}
	limit, room := MaxErrorBody, []byte(nil)
	ok := resp.StatusCode/100 == 2
	if ok {
		limit = MaxBody
	}
	if ok && f.call.Reuse {
		room = f.c.spare.take()
	}
	body, err := readAtMost(resp.Body, limit+1, resp.ContentLength, room)
	switch {
	case !ok:
		f.last.cut = err != nil
		return body[:min(len(body), MaxErrorBody)], nil
	case err != nil:
		return nil, f.timeCause(ctx, brokenCause(err))
	case len(body) > limit:
		return nil, tooLargeCause()
	case cutShort(resp, body, f.call.Effect == Safe):
		return nil, f.timeCause(ctx, brokenCause(io.ErrUnexpectedEOF))
	}
	return body, nil
}

// cutShort reports whether an answer that ends only with its connection stops in the middle of its
// JSON, or before it if it needs some.
func cutShort(resp *http.Response, body []byte, needed bool) bool {
	if !resp.Close || resp.ContentLength >= 0 || len(resp.TransferEncoding) > 0 || resp.Uncompressed && len(body) > 0 {
		return false
	}
	var whole json.RawMessage
	err := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\uFEFF")))).Decode(&whole)
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) && needed
}

// readAtMost is io.ReadAll with a bound. It does not copy if the announced length is right, or if
// there is enough room.
func readAtMost(r io.Reader, limit int, announced int64, room []byte) ([]byte, error) {
	size := 2048
	if announced > 0 {
		size = int(min(announced, 1<<20)) + 1 // and one to see the end
	}
	buf := room[:0:min(cap(room), limit)]
	if size = min(size, limit); cap(buf) < size {
		buf = make([]byte, 0, size)
	}
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case err == io.EOF:
			return buf, nil
		case err != nil || len(buf) == limit:
			return buf, err
		case len(buf) == cap(buf):
			buf = slices.Grow(buf, min(len(buf), limit-len(buf)))
			buf = buf[:len(buf):min(cap(buf), limit)]
		}
	}
}

// RequestID returns the service's id for the last answer, or "".
func (o *Outcome) RequestID() string { return o.CleanID(o.Header.Get("Request-Id")) }

// CleanID returns id if it looks like one and holds nothing that was sent: a hostile server could
// echo headers in it.
func (o *Outcome) CleanID(id string) string {
	if !ValidID(id) || o.scrub(id) != id {
		return ""
	}
	return id
}

// ValidID reports whether id is 1 to 64 letters, digits and hyphens, as request ids are.
func ValidID(id string) bool {
	odd := func(c rune) bool { return ('a' > c|0x20 || c|0x20 > 'z') && ('0' > c || c > '9') && c != '-' }
	return id != "" && len(id) <= 64 && !strings.ContainsFunc(id, odd)
}
