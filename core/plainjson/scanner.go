// Package plainjson reads and writes small JSON texts, those in the metadata of files and the lines of journals, field by field and strictly:
// each field at most once, numbers as JSON has them, words of printable ASCII without escapes, and other text in one spelling. encoding/json
// costs the browser's engine 98 KB of brotli, a tenth of what it may weigh, and passes over fields that the reader does not know.
//
// It stands on floor 0 and knows no format. Start with Scanner.Object, and Writer.
package plainjson

import (
	"fmt"
	"strconv"
)

// Scanner walks one text. Errors say at which byte what was wanted.
type Scanner struct {
	text string
	at   int
}

// Read calls value with a scanner of the whole text, behind which nothing may follow.
func Read(text string, value func(s *Scanner) error) error {
	s := &Scanner{text: text}
	err := value(s)
	if s.skip(); err == nil && s.at < len(text) {
		err = s.Fail("the end")
	}
	return err
}

// Object reads {"name": value, ...} and calls field for each name, with the scanner before the value.
func (s *Scanner) Object(field func(name string) error) error {
	seen := map[string]bool{}
	return s.List('{', '}', func() error {
		name, err := s.Word()
		if err != nil {
			return err
		}
		if seen[name] {
			return fmt.Errorf("field %q is there twice", name)
		}
		seen[name] = true
		if !s.Next(':') {
			return s.Fail("':'")
		}
		return field(name)
	})
}

// Unknown is the error for a field that the format does not have.
func Unknown(name string) error { return fmt.Errorf("field %q is not one of ours", name) }

// Fail says what was wanted at the byte the scanner stands on.
func (s *Scanner) Fail(want string) error {
	if s.at >= len(s.text) {
		return fmt.Errorf("byte %d: want %s, have the end", s.at, want)
	}
	return fmt.Errorf("byte %d: want %s, have %q", s.at, want, s.text[s.at:s.at+1])
}

func (s *Scanner) skip() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// Next skips white space and takes c if it comes next.
func (s *Scanner) Next(c byte) bool {
	if s.skip(); s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

// List reads open element, element ... end.
func (s *Scanner) List(open, end byte, element func() error) error {
	if !s.Next(open) {
		return s.Fail(strconv.QuoteRune(rune(open)))
	}
	if s.Next(end) {
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if s.Next(end) {
			return nil
		}
		if !s.Next(',') {
			return s.Fail("',' or " + strconv.QuoteRune(rune(end)))
		}
	}
}

// Word reads a string of printable ASCII without escapes.
func (s *Scanner) Word() (string, error) {
	if !s.Next('"') {
		return "", s.Fail("'\"'")
	}
	for start := s.at; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return s.text[start : s.at-1], nil
		case c < ' ' || c > '~' || c == '\\':
			return "", s.Fail("plain text")
		}
	}
	return "", s.Fail("'\"'")
}

// number takes the text of a JSON number.
func (s *Scanner) number() (string, error) {
	s.skip()
	start := s.at
	digits := func() bool {
		from := s.at
		for s.at < len(s.text) && s.text[s.at]-'0' <= 9 {
			s.at++
		}
		return s.at > from
	}
	here := func(set string) bool {
		for i := range len(set) {
			if s.at < len(s.text) && s.text[s.at] == set[i] {
				s.at++
				return true
			}
		}
		return false
	}
	here("-")
	zero := here("0")
	if !zero && !digits() || here(".") && !digits() {
		return "", s.Fail("a digit")
	}
	if here("eE") {
		here("+-")
		if !digits() {
			return "", s.Fail("a digit")
		}
	}
	return s.text[start:s.at], nil
}

// Integer reads a number without fraction into to.
func (s *Scanner) Integer(to *int) error {
	text, err := s.number()
	if err == nil {
		if *to, err = strconv.Atoi(text); err != nil {
			return fmt.Errorf("byte %d: want an integer, have %s", s.at-len(text), text)
		}
	}
	return err
}

// Real reads a number of 32 or 64 bits.
func (s *Scanner) Real(bits int) (float64, error) {
	text, err := s.number()
	if err != nil {
		return 0, err
	}
	x, err := strconv.ParseFloat(text, bits)
	if err != nil {
		return 0, fmt.Errorf("byte %d: %s is out of range", s.at-len(text), text)
	}
	return x, nil
}

// Three reads a list of three numbers of 32 bits into to.
func (s *Scanner) Three(to *[3]float32) error {
	n := 0
	err := s.List('[', ']', func() error {
		if n == len(to) {
			return s.Fail("three numbers")
		}
		x, err := s.Real(32)
		to[n] = float32(x)
		n++
		return err
	})
	if err == nil && n < len(to) {
		return s.Fail("three numbers")
	}
	return err
}
