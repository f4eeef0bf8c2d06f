package plainjson

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Text reads a string of any UTF-8 as Writer.Text writes it: of the escapes that JSON has it knows those of the quote, the backslash and the
// control characters, the last as \u00xx in lower case. So a text has one spelling, and equal bytes mean equal values.
func (s *Scanner) Text() (string, error) {
	if !s.Next('"') {
		return "", s.Fail("'\"'")
	}
	var text []byte
	for start := s.at; s.at < len(s.text); {
		switch c := s.text[s.at]; {
		case c == '"':
			raw := s.text[start:s.at]
			if !utf8.ValidString(raw) {
				s.at = start
				return "", s.Fail("UTF-8")
			}
			s.at++
			return string(append(text, raw...)), nil
		case c < ' ':
			return "", s.Fail("a control character to be escaped")
		case c == '\\':
			raw := s.text[start:s.at]
			one, n := unescape(s.text[s.at:])
			if n == 0 || !utf8.ValidString(raw) {
				return "", s.Fail(`UTF-8 with no escapes but \", \\ and \u00xx of control characters`)
			}
			text = append(append(text, raw...), one)
			s.at += n
			start = s.at
		default:
			s.at++
		}
	}
	return "", s.Fail("'\"'")
}

const hexDigits = "0123456789abcdef"

// unescape returns the byte that the escape in front stands for, and the length of the escape; 0: it is not one of ours.
func unescape(text string) (c byte, n int) {
	if len(text) > 1 && (text[1] == '"' || text[1] == '\\') {
		return text[1], 2
	}
	if len(text) < 6 || text[1:4] != "u00" {
		return 0, 0
	}
	high, low := strings.IndexByte(hexDigits, text[4]), strings.IndexByte(hexDigits, text[5])
	if c := high<<4 | low; high >= 0 && low >= 0 && c < ' ' {
		return byte(c), 6
	}
	return 0, 0
}

// Flag reads true or false into to.
func (s *Scanner) Flag(to *bool) error {
	s.skip()
	for _, value := range []bool{true, false} {
		if word := strconv.FormatBool(value); strings.HasPrefix(s.text[s.at:], word) {
			s.at += len(word)
			*to = value
			return nil
		}
	}
	return s.Fail("true or false")
}

// maxDepth is how far values may be nested that Raw takes.
const maxDepth = 8

// Raw takes one value of any kind but null, held to the same rules, and returns its bytes.
func (s *Scanner) Raw() (string, error) {
	s.skip()
	start := s.at
	err := s.pass(maxDepth)
	return s.text[start:s.at], err
}

func (s *Scanner) pass(depth int) (err error) {
	if s.skip(); s.at == len(s.text) || depth == 0 {
		return s.Fail("a value")
	}
	inner := func() error { return s.pass(depth - 1) }
	switch s.text[s.at] {
	case '{':
		return s.Object(func(string) error { return inner() })
	case '[':
		return s.List('[', ']', inner)
	case '"':
		_, err = s.Text()
	case 't', 'f':
		err = s.Flag(new(bool))
	default:
		_, err = s.number()
	}
	return err
}
