// Package jsonscan finds what encoding/json lets pass: names that stand twice in one object, invalid UTF-8 and deep
// nesting. It also cuts an object into its members, so that names count exactly and unknown ones can be kept. It does not
// check syntax and decodes no value: that is for encoding/json, on the same text.
package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"unicode/utf8"
)

// Bounds of a text: how deep objects and arrays may nest, and how many values may be counted, which cost many times the memory
// of their text once they are decoded.
const (
	MaxDepth  = 64
	MaxValues = 1 << 16
)

// What a Scanner finds. ErrSyntax means that it lost its way, which it can only in a text that is not JSON.
var (
	ErrDepth     = errors.New("nested more than 64 deep")
	ErrCrowded   = errors.New("more elements and unknown properties than an answer may have: ask for smaller pages")
	ErrDuplicate = errors.New("a property stands twice in one object")
	ErrUTF8      = errors.New("not valid UTF-8")
	ErrSyntax    = errors.New("not JSON")
)

// Scanner walks once over a JSON text. After an error it visits nothing more.
type Scanner struct {
	data     []byte
	pos      int
	depth    int
	values   int
	err      error
	lastName [2]int   // where the text of the last name starts and ends
	names    [][]byte // of the objects around the place where the scanner is, outermost first
}

// New returns a scanner at the start of data.
func New(data []byte) *Scanner {
	s := &Scanner{data: data, names: make([][]byte, 0, 24)}
	if !utf8.Valid(data) {
		s.err = ErrUTF8
	}
	return s
}

// Err returns the first thing that was wrong.
func (s *Scanner) Err() error { return s.err }

// LastName returns the name that Object gave last, as it stands in the input: after ErrDuplicate, the one that stands twice.
func (s *Scanner) LastName() []byte { return s.data[s.lastName[0]:s.lastName[1]] }

// Fail makes err the scanner's, unless it has one.
func (s *Scanner) Fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// IsObject reports whether the value at hand is an object.
func (s *Scanner) IsObject() bool { return s.peek() == '{' }

// IsArray reports whether the value at hand is an array.
func (s *Scanner) IsArray() bool { return s.peek() == '[' }

// IsNull reports whether the value at hand is null.
func (s *Scanner) IsNull() bool { return s.peek() == 'n' }

// Object calls member with the name of each member of the object at hand; member must consume the value by one
// call of Value, Object or Array. The name aliases the input. Anything but an object is passed over.
func (s *Scanner) Object(member func(name []byte)) {
	if s.peek() != '{' {
		s.Value()
		return
	}
	if !s.enter() {
		return
	}
	mine := len(s.names)
	var many map[string]struct{}
	for s.next('}') {
		name := s.name()
		if s.err == nil && s.twice(name, s.names[mine:], &many) {
			s.err = ErrDuplicate
		}
		if s.err != nil {
			return
		}
		if len(s.names)-mine >= 32 {
			s.Count()
		}
		s.names = append(s.names, name)
		member(name)
	}
	s.names = s.names[:mine]
	s.depth--
}

// Array calls element before each element of the array at hand; element must consume it as member does in
// Object. Anything but an array is passed over.
func (s *Scanner) Array(element func(i int)) {
	if s.peek() != '[' {
		s.Value()
		return
	}
	if !s.enter() {
		return
	}
	for i := 0; s.next(']'); i++ {
		if s.Count(); s.err != nil {
			return
		}
		element(i)
	}
	s.depth--
}

// Value passes over one value, checks everything inside it, and returns its text, which aliases the input.
func (s *Scanner) Value() []byte {
	c := s.peek()
	start := s.pos
	switch c {
	case '{':
		s.Object(func([]byte) { s.Value() })
	case '[':
		s.Array(func(int) { s.Value() })
	case '"':
		s.str()
	default:
		for s.pos < len(s.data) && !delimiter(s.data[s.pos]) {
			s.pos++
		}
		if s.pos == start {
			s.Fail(ErrSyntax)
		}
	}
	if s.err != nil {
		return nil
	}
	return s.data[start:s.pos]
}

// peek skips white space and returns the byte that follows, 0 at the end.
func (s *Scanner) peek() byte {
	for s.err == nil && s.pos < len(s.data) {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

func (s *Scanner) enter() bool {
	s.pos++
	s.depth++
	if s.depth > MaxDepth {
		s.Fail(ErrDepth)
	}
	return s.err == nil
}

// next steps over a comma and reports whether another member or element follows; if not, it steps over end.
func (s *Scanner) next(end byte) bool {
	c := s.peek()
	if c == ',' {
		s.pos++
		c = s.peek()
	}
	if c == end {
		s.pos++
		return false
	}
	if c == 0 {
		s.Fail(ErrSyntax)
	}
	return s.err == nil
}

// Count counts a value that costs memory of its own: each element of an array, each member of an object that has many, and what
// its caller keeps besides.
func (s *Scanner) Count() {
	if s.values++; s.values > MaxValues {
		s.Fail(ErrCrowded)
	}
}

// name reads a member's name and its colon.
func (s *Scanner) name() []byte {
	if s.peek() != '"' {
		s.Fail(ErrSyntax)
		return nil
	}
	name, escaped := s.str()
	s.lastName = [2]int{s.pos - len(name) + 1, s.pos - 1}
	if s.peek() != ':' {
		s.Fail(ErrSyntax)
		return nil
	}
	s.pos++
	if escaped {
		var text string
		if json.Unmarshal(name, &text) != nil {
			s.Fail(ErrSyntax)
			return nil
		}
		return []byte(text)
	}
	return name[1 : len(name)-1]
}

// str passes over a string and returns it with its quotes. It looks at each byte a fixed number of times, however many are
// escaped.
func (s *Scanner) str() (text []byte, escaped bool) {
	start, end := s.pos, s.pos // end: a quote that may be the last
	for i := start + 1; ; {
		if end < i {
			n := -1
			if i <= len(s.data) {
				n = bytes.IndexByte(s.data[i:], '"')
			}
			if n < 0 {
				s.Fail(ErrSyntax)
				return nil, false
			}
			end = i + n
		}
		back := bytes.IndexByte(s.data[i:end], '\\')
		if back < 0 {
			s.pos = end + 1
			return s.data[start:s.pos], escaped
		}
		escaped = true
		i += back + 2
	}
}

func delimiter(c byte) bool {
	switch c {
	case ',', ':', '}', ']', '{', '[', '"', ' ', '\t', '\r', '\n':
		return true
	}
	return false
}

// twice reports whether name stands among seen, the names of the same object. A long object gets a map.
func (s *Scanner) twice(name []byte, seen [][]byte, many *map[string]struct{}) bool {
	if len(seen) < 40 {
		return slices.ContainsFunc(seen, func(n []byte) bool { return bytes.Equal(n, name) })
	}
	if *many == nil {
		*many = make(map[string]struct{})
		for _, n := range seen {
			(*many)[string(n)] = struct{}{}
		}
	}
	_, dup := (*many)[string(name)]
	(*many)[string(name)] = struct{}{}
	return dup
}
