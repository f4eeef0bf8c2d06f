package tensorfile

import (
	"fmt"
	"math"
	"unicode/utf16"
	"unicode/utf8"
)

// The header is read by a scanner of its own, not by encoding/json: the
// grammar is two levels deep, a repeated key must be an error (encoding/json
// keeps the last one silently), and the scanner costs the browser engine a few
// kilobytes instead of the reflection of a general reader.
//
//	header   = { ( name : tensor | "__metadata__" : { name : string ... } ) ... }
//	tensor   = { "dtype" : string, "shape" : [ integer ... ], "data_offsets" : [ integer, integer ] }
//
// The tensor's keys come in any order, each once; others are refused.

const metadataKey = "__metadata__"

// parseHeader returns the file's metadata and its entries, in header order.
func parseHeader(header []byte) (*File, []entry, error) {
	s := &scanner{data: header}
	f := &File{}
	var entries []entry
	seen := map[string]bool{}
	err := s.object(func(key string) error {
		if seen[key] {
			return fmt.Errorf("tensorfile: tensor %q: %w", clip(key), ErrDuplicate)
		}
		seen[key] = true
		if key == metadataKey {
			return s.metadata(f)
		}
		e := entry{name: key}
		if err := s.tensor(&e); err != nil {
			return err
		}
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	if s.skip(); s.at != len(header) {
		return nil, nil, s.fail("the end of the header")
	}
	return f, entries, nil
}

// scanner walks the JSON of one header.
type scanner struct {
	data []byte
	at   int
}

// fail reports what was wanted at the byte the scanner stands on.
func (s *scanner) fail(want string) error {
	if s.at >= len(s.data) {
		return fmt.Errorf("tensorfile: header byte %d: want %s, have the end of the header: %w", s.at, want, ErrFormat)
	}
	return fmt.Errorf("tensorfile: header byte %d: want %s, have %q: %w", s.at, want, s.data[s.at:s.at+1], ErrFormat)
}

func (s *scanner) skip() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// next skips white space and consumes c if it comes next.
func (s *scanner) next(c byte) bool {
	if s.skip(); s.at < len(s.data) && s.data[s.at] == c {
		s.at++
		return true
	}
	return false
}

// object reads { "key" : value, ... } and calls value for each key, with the
// scanner before the value.
func (s *scanner) object(value func(key string) error) error {
	if !s.next('{') {
		return s.fail("'{'")
	}
	if s.next('}') {
		return nil
	}
	for {
		key, err := s.text()
		if err != nil {
			return err
		}
		if !s.next(':') {
			return s.fail("':'")
		}
		if err := value(key); err != nil {
			return err
		}
		if s.next('}') {
			return nil
		}
		if !s.next(',') {
			return s.fail("',' or '}'")
		}
	}
}

func (s *scanner) metadata(f *File) error {
	f.Metadata = map[string]string{}
	return s.object(func(key string) error {
		if _, ok := f.Metadata[key]; ok {
			return fmt.Errorf("tensorfile: %s %q: %w", metadataKey, clip(key), ErrDuplicate)
		}
		value, err := s.text()
		f.Metadata[key] = value
		return err
	})
}

func (s *scanner) tensor(e *entry) error {
	var hasDType, hasShape, hasOffsets bool
	once := func(has *bool, key string) error {
		if *has {
			return fmt.Errorf("tensorfile: tensor %q: key %q: %w", clip(e.name), key, ErrDuplicate)
		}
		*has = true
		return nil
	}
	err := s.object(func(key string) error {
		switch key {
		case "dtype":
			if err := once(&hasDType, key); err != nil {
				return err
			}
			dtype, err := s.text()
			e.dtype = DType(dtype)
			return err
		case "shape":
			if err := once(&hasShape, key); err != nil {
				return err
			}
			var err error
			e.shape, err = s.integers(e.name, maxRank, ErrShape)
			return err
		case "data_offsets":
			if err := once(&hasOffsets, key); err != nil {
				return err
			}
			offsets, err := s.integers(e.name, 2, ErrFormat)
			if err != nil {
				return err
			}
			if len(offsets) != 2 {
				return fmt.Errorf("tensorfile: tensor %q: want 2 data_offsets, have %d: %w", clip(e.name), len(offsets), ErrFormat)
			}
			e.begin, e.end = offsets[0], offsets[1]
			return nil
		}
		return fmt.Errorf("tensorfile: tensor %q: have key %q, want dtype, shape or data_offsets: %w", clip(e.name), clip(key), ErrFormat)
	})
	if err != nil {
		return err
	}
	if !hasDType || !hasShape || !hasOffsets {
		return fmt.Errorf("tensorfile: tensor %q: want dtype, shape and data_offsets, have not all: %w", clip(e.name), ErrFormat)
	}
	return nil
}

// integers reads [ a, b, ... ]: at most max of them, none negative.
func (s *scanner) integers(name string, max int, tooMany error) ([]int, error) {
	if !s.next('[') {
		return nil, s.fail("'['")
	}
	list := []int{}
	if s.next(']') {
		return list, nil
	}
	for {
		v, err := s.integer(name)
		if err != nil {
			return nil, err
		}
		if len(list) == max {
			return nil, fmt.Errorf("tensorfile: tensor %q: want at most %d integers, have more: %w", clip(name), max, tooMany)
		}
		list = append(list, v)
		if s.next(']') {
			return list, nil
		}
		if !s.next(',') {
			return nil, s.fail("',' or ']'")
		}
	}
}

// integer reads a JSON number that is a non-negative integer without fraction
// or exponent: what every writer of this format writes.
func (s *scanner) integer(name string) (int, error) {
	s.skip()
	start, v := s.at, 0
	for s.at < len(s.data) && s.data[s.at]-'0' <= 9 {
		digit := int(s.data[s.at] - '0')
		if v > (math.MaxInt-digit)/10 {
			return 0, fmt.Errorf("tensorfile: tensor %q: header byte %d: want an integer up to %d, have more: %w", clip(name), start, math.MaxInt, ErrTooLarge)
		}
		v = v*10 + digit
		s.at++
	}
	if s.at == start || s.data[start] == '0' && s.at > start+1 {
		s.at = start
		return 0, fmt.Errorf("tensorfile: tensor %q: %w", clip(name), s.fail("a non-negative integer"))
	}
	return v, nil
}

// text reads a JSON string; it must be UTF-8 with no lone surrogate.
func (s *scanner) text() (string, error) {
	if !s.next('"') {
		return "", s.fail("'\"'")
	}
	start, plain := s.at, true
	for {
		if s.at == len(s.data) {
			return "", s.fail("'\"'")
		}
		switch c := s.data[s.at]; {
		case c == '"':
			raw := s.data[start:s.at]
			s.at++
			if !utf8.Valid(raw) {
				return "", fmt.Errorf("tensorfile: header byte %d: want UTF-8, have %q: %w", start, clip(string(raw)), ErrFormat)
			}
			if plain {
				return string(raw), nil
			}
			return unescape(raw, start)
		case c < 0x20:
			return "", s.fail("a control character to be escaped")
		case c == '\\':
			plain = false
			s.at++ // whatever follows is no end of the string
			if s.at == len(s.data) {
				return "", s.fail("an escape")
			}
			s.at++
		default:
			s.at++
		}
	}
}

// unescape resolves the escapes of a JSON string whose text starts at byte
// start of the header.
func unescape(raw []byte, start int) (string, error) {
	bad := func(i int) error {
		return fmt.Errorf("tensorfile: header byte %d: want a JSON escape, have %q: %w", start+i, raw[i:min(i+6, len(raw))], ErrFormat)
	}
	text := make([]byte, 0, len(raw)) // an escape is never shorter than its rune
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			text = append(text, raw[i])
			i++
			continue
		}
		switch c := raw[i+1]; c {
		case '"', '\\', '/':
			text = append(text, c)
		case 'b':
			text = append(text, '\b')
		case 'f':
			text = append(text, '\f')
		case 'n':
			text = append(text, '\n')
		case 'r':
			text = append(text, '\r')
		case 't':
			text = append(text, '\t')
		case 'u':
			r, ok := hex4(raw[i:])
			if !ok {
				return "", bad(i)
			}
			if utf16.IsSurrogate(r) {
				low, ok := hex4(raw[i+6:])
				if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
					return "", bad(i)
				}
				i += 6
			}
			text = utf8.AppendRune(text, r)
			i += 4
		default:
			return "", bad(i)
		}
		i += 2
	}
	return string(text), nil
}

// hex4 reads the \uXXXX at the front of b.
func hex4(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range b[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
