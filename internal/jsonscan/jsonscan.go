// Package jsonscan finds what encoding/json lets pass: names that stand twice in one object, invalid UTF-8 and deep
// nesting. It also cuts an object into its members, so that unknown ones can be kept. It does not check syntax
// and decodes no value: encoding/json does both, on the same text.
package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"unicode/utf8"
)

// MaxDepth is how deep objects and arrays may nest.
const MaxDepth = 64

// What a Scanner finds. ErrSyntax only means that it lost its way: encoding/json has the better words.
var (
	ErrDepth     = errors.New("nested more than 64 deep")
	ErrDuplicate = errors.New("a property stands twice in one object")
	ErrUTF8      = errors.New("not valid UTF-8")
	ErrSyntax    = errors.New("not JSON")
)

// Scanner walks once over a JSON text. After an error it visits nothing more.
type Scanner struct {
	data     []byte
	pos      int
	depth    int
	err      error
	lastName [2]int // where the text of the last name starts and ends
	blanked  []byte // data with the names that were hidden, nil when none was
	visit    func(name, value []byte)
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

// Members calls visit for every member of every object in data, inner ones first.
func Members(data []byte, visit func(name, value []byte)) {
	s := New(data)
	s.visit = visit
	s.Value()
}

// Err returns the first thing that was wrong.
func (s *Scanner) Err() error { return s.err }

// LastName returns the name that Object gave last, as it stands in the input: after ErrDuplicate, the one that stands twice.
func (s *Scanner) LastName() []byte { return s.data[s.lastName[0]:s.lastName[1]] }

// HideName blanks the name that Object gave last, in what Text returns. encoding/json matches names in any case: this
// keeps it from taking a stranger for a property that it knows.
func (s *Scanner) HideName() {
	if s.blanked == nil {
		s.blanked = bytes.Clone(s.data)
	}
	for i := s.lastName[0]; i < s.lastName[1]; i++ {
		s.blanked[i] = ' '
	}
}

// Text returns the input without the hidden names.
func (s *Scanner) Text() []byte {
	if s.blanked != nil {
		return s.blanked
	}
	return s.data
}

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
		s.Object(func(name []byte) {
			if value := s.Value(); s.visit != nil {
				s.visit(name, value)
			}
		})
	case '[':
		s.Array(func(int) { s.Value() })
	case '"':
		s.str()
	default:
		for s.pos < len(s.data) && !delimiter(s.data[s.pos]) {
			s.pos++
		}
		if s.pos == start {
			s.fail(ErrSyntax)
		}
	}
	if s.err != nil {
		return nil
	}
	return s.data[start:s.pos]
}

func (s *Scanner) fail(err error) {
	if s.err == nil {
		s.err = err
	}
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
		s.fail(ErrDepth)
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
		s.fail(ErrSyntax)
	}
	return s.err == nil
}

// name reads a member's name and its colon.
func (s *Scanner) name() []byte {
	if s.peek() != '"' {
		s.fail(ErrSyntax)
		return nil
	}
	name, escaped := s.str()
	s.lastName = [2]int{s.pos - len(name) + 1, s.pos - 1}
	if s.peek() != ':' {
		s.fail(ErrSyntax)
		return nil
	}
	s.pos++
	if escaped {
		var text string
		if json.Unmarshal(name, &text) != nil {
			s.fail(ErrSyntax)
			return nil
		}
		return []byte(text)
	}
	return name[1 : len(name)-1]
}

// str passes over a string and returns it with its quotes.
func (s *Scanner) str() (text []byte, escaped bool) {
	start := s.pos
	for i := start + 1; ; {
		n := bytes.IndexByte(s.data[i:], '"')
		if n < 0 {
			s.fail(ErrSyntax)
			return nil, false
		}
		back := bytes.IndexByte(s.data[i:i+n], '\\')
		if back < 0 {
			s.pos = i + n + 1
			return s.data[start:s.pos], escaped
		}
		escaped = true
		i += back + 2
		if i > len(s.data) {
			s.fail(ErrSyntax)
			return nil, false
		}
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
