package vit

import (
	"fmt"
	"strconv"
)

// A config is read by a scanner of its own: encoding/json costs the browser's
// engine 98 KB of brotli, a tenth of what it may weigh, and passes over a
// field that it does not know, which may be one that changes the embedding.
//
//	config = { ( name : value ) ... }, names and values as in Config
//
// Names come in any order, each at most once; text is plain, without escapes.

// configText walks the JSON of one config.
type configText struct {
	text string
	at   int
}

// decodeConfig returns what text says; it is not checked yet.
func decodeConfig(text string) (Config, error) {
	var c Config
	s := &configText{text: text}
	seen := map[string]bool{}
	err := s.list('{', '}', func() error {
		name, err := s.word()
		if err != nil {
			return err
		}
		if seen[name] {
			return fmt.Errorf("field %q is there twice", name)
		}
		seen[name] = true
		if !s.next(':') {
			return s.fail("':'")
		}
		return s.field(&c, name)
	})
	if s.skip(); err == nil && s.at < len(text) {
		err = s.fail("the end")
	}
	return c, err
}

// field reads the value of one field.
func (s *configText) field(c *Config, name string) (err error) {
	switch name {
	case "imageSize":
		return s.integer(&c.ImageSize)
	case "patchSize":
		return s.integer(&c.PatchSize)
	case "stem":
		return s.list('[', ']', func() error {
			c.Stem = append(c.Stem, 0)
			return s.integer(&c.Stem[len(c.Stem)-1])
		})
	case "dim":
		return s.integer(&c.Dim)
	case "depth":
		return s.integer(&c.Depth)
	case "heads":
		return s.integer(&c.Heads)
	case "mlpDim":
		return s.integer(&c.MLPDim)
	case "pool":
		c.Pool, err = s.word()
		return err
	case "registers":
		return s.integer(&c.Registers)
	case "layerScale":
		c.LayerScale, err = s.real(64)
		return err
	case "eps":
		c.Eps, err = s.real(64)
		return err
	case "mean":
		return s.three(&c.Mean)
	case "std":
		return s.three(&c.Std)
	}
	return fmt.Errorf("field %q is not one of ours", name)
}

// fail says what was wanted at the byte the scanner stands on.
func (s *configText) fail(want string) error {
	if s.at >= len(s.text) {
		return fmt.Errorf("byte %d: want %s, have the end", s.at, want)
	}
	return fmt.Errorf("byte %d: want %s, have %q", s.at, want, s.text[s.at:s.at+1])
}

func (s *configText) skip() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// next skips white space and takes c if it comes next.
func (s *configText) next(c byte) bool {
	if s.skip(); s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

// list reads open element, element ... end.
func (s *configText) list(open, end byte, element func() error) error {
	if !s.next(open) {
		return s.fail(strconv.QuoteRune(rune(open)))
	}
	if s.next(end) {
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if s.next(end) {
			return nil
		}
		if !s.next(',') {
			return s.fail("',' or " + strconv.QuoteRune(rune(end)))
		}
	}
}

// word reads a string of printable ASCII without escapes.
func (s *configText) word() (string, error) {
	if !s.next('"') {
		return "", s.fail("'\"'")
	}
	for start := s.at; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return s.text[start : s.at-1], nil
		case c < ' ' || c > '~' || c == '\\':
			return "", s.fail("plain text")
		}
	}
	return "", s.fail("'\"'")
}

// number takes the text of a JSON number.
func (s *configText) number() (string, error) {
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
		return "", s.fail("a digit")
	}
	if here("eE") {
		here("+-")
		if !digits() {
			return "", s.fail("a digit")
		}
	}
	return s.text[start:s.at], nil
}

func (s *configText) integer(to *int) error {
	text, err := s.number()
	if err == nil {
		if *to, err = strconv.Atoi(text); err != nil {
			return fmt.Errorf("byte %d: want an integer, have %s", s.at-len(text), text)
		}
	}
	return err
}

// real reads a number of 32 or 64 bits.
func (s *configText) real(bits int) (float64, error) {
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

func (s *configText) three(to *[3]float32) error {
	n := 0
	err := s.list('[', ']', func() error {
		if n == len(to) {
			return s.fail("three numbers")
		}
		x, err := s.real(32)
		to[n] = float32(x)
		n++
		return err
	})
	if err == nil && n < len(to) {
		return s.fail("three numbers")
	}
	return err
}
