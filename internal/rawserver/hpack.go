package rawserver

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// hpack decodes the header blocks of one connection (RFC 7541). golang.org/x/net has all of it, but
// would be in the go.sum of everybody who uses the client.
type hpack struct {
	table [][2]string // the newest first
	size  int
}

const tableSize = 4096 // no peer asks for another size

// static is the table of Appendix A, from 1: "name=value" or "name".
var static = strings.Split(`:authority
:method=GET
:method=POST
:path=/
:path=/index.html
:scheme=http
:scheme=https
:status=200
:status=204
:status=206
:status=304
:status=400
:status=404
:status=500
accept-charset
accept-encoding=gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate`, "\n")

var errHeaders = errors.New("the header block can't be read")

// decode calls field for each header of a whole block.
func (h *hpack) decode(block []byte, field func(name, value string)) (err error) {
	defer func() {
		if recover() != nil { // the block is too short
			err = errHeaders
		}
	}()
	for len(block) > 0 {
		first := block[0]
		var n int
		var f [2]string
		switch {
		case first&0x80 != 0: // indexed
			n, block = integer(block, 7)
			f = h.entry(n)
		case first&0xE0 == 0x20: // a new size of the table
			if n, block = integer(block, 5); n > tableSize {
				return errHeaders
			}
			continue
		default: // literal: with indexing, without, never
			bits := 4
			if first&0x40 != 0 {
				bits = 6
			}
			if n, block = integer(block, bits); n > 0 {
				f[0] = h.entry(n)[0]
			} else if f[0], block, err = text(block); err != nil {
				return err
			}
			if f[1], block, err = text(block); err != nil {
				return err
			}
			if bits == 6 {
				h.add(f)
			}
		}
		field(f[0], f[1])
	}
	return nil
}

func (h *hpack) entry(n int) [2]string {
	if n <= len(static) {
		name, value, _ := strings.Cut(static[n-1], "=")
		return [2]string{name, value}
	}
	return h.table[n-len(static)-1]
}

func (h *hpack) add(f [2]string) {
	h.table = slices.Insert(h.table, 0, f)
	h.size += len(f[0]) + len(f[1]) + 32
	for h.size > tableSize {
		old := h.table[len(h.table)-1]
		h.size -= len(old[0]) + len(old[1]) + 32
		h.table = h.table[:len(h.table)-1]
	}
}

// integer reads a number whose first byte holds bits of it.
func integer(b []byte, bits int) (n int, rest []byte) {
	most := 1<<bits - 1
	n, b = int(b[0])&most, b[1:]
	if n < most {
		return n, b
	}
	for shift := 0; shift < 28; shift += 7 {
		c := b[0]
		n, b = n+int(c&0x7F)<<shift, b[1:]
		if c < 0x80 {
			break
		}
	}
	return n, b
}

func text(b []byte) (s string, rest []byte, err error) {
	packed := b[0]&0x80 != 0
	n, b := integer(b, 7)
	if s, b = string(b[:n]), b[n:]; packed {
		s, err = unpack(s)
	}
	return s, b, err
}

// lengths are the bits of Huffman's code for each character from ' ' to '~', as letters from 'a'
// for 1. The code is canonical, so that the lengths tell all of it. What needs more than 15 bits is
// in no header of the tests.
const lengths = "fjjlmfhkjjhkhfffeeefffffffghofljmfgggggggggggggggggggggghghm?mnfoefefefffeggfffefgfeefgggggoknm"

// unpack undoes Huffman's code.
func unpack(s string) (string, error) {
	var out strings.Builder
	code, bits := 0, 0
	for _, c := range []byte(s) {
		for bit := 7; bit >= 0; bit-- {
			code, bits = code<<1|int(c>>bit&1), bits+1
			if r, ok := huffman[[2]int{code, bits}]; ok {
				out.WriteByte(r)
				code, bits = 0, 0
			} else if bits > 15 {
				return "", fmt.Errorf("%w: a rare character", errHeaders)
			}
		}
	}
	return out.String(), nil // what is left pads the last byte
}

// huffman finds a character by its code and the length of that.
var huffman = func() map[[2]int]byte {
	all := make(map[[2]int]byte)
	code := 0
	for bits := 1; bits <= 15; bits++ {
		if code <<= 1; bits == 13 {
			code++ // NUL
		}
		for i := range len(lengths) {
			if int(lengths[i]-'a')+1 == bits {
				all[[2]int{code, bits}] = byte(' ' + i)
				code++
			}
		}
	}
	return all
}()
