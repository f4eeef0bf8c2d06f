package journal

import (
	"strings"

	"haguruma/core/plainjson"
	"haguruma/core/tensorfile"
)

// none is what stands for the line before the first.
const none = "0000000000000000000000000000000000000000000000000000000000000000"

// Chain is the end of a journal, all that the next line needs. The zero Chain is that of an empty one.
type Chain struct {
	Entries int
	Head    string // sha256 of the last line without its line feed, in lower-case hexadecimal; empty: there is none
}

// Next returns the line of e, with its line feed, numbered and chained to the end, and the chain that ends with it. The error wraps ErrEntry.
func (c Chain) Next(e Entry) (line []byte, end Chain, err error) {
	e.Number = c.Entries + 1
	if err := e.check(); err != nil {
		return nil, c, err
	}
	before := c.Head
	if before == "" {
		before = none
	}
	var w plainjson.Writer
	w.Object(func() {
		w.Field("entry", e.Number)
		w.Field("time", e.Time)
		w.Field("kind", string(e.Kind))
		if e.Bundle != "" {
			w.Field("bundle", e.Bundle)
		}
		if e.Adapter != "" {
			w.Field("adapter", e.Adapter)
		}
		if len(e.Details) > 0 {
			w.Name("details")
			w.Object(func() {
				for _, d := range e.Details {
					w.Name(d.Name)
					w.Raw(d.JSON)
				}
			})
		}
		w.Field("before", before)
	})
	line = append(w.Bytes(), '\n')
	return line, c.With(string(line)), nil
}

// With is the chain with one line more at its end, as Next returned it.
func (c Chain) With(line string) Chain {
	return Chain{c.Entries + 1, tensorfile.Hash([]byte(strings.TrimSuffix(line, "\n")))}
}

// parse reads one line without its line feed.
func parse(line string) (e Entry, before string, err error) {
	word := func(s *plainjson.Scanner, to *string) (err error) {
		*to, err = s.Word()
		return err
	}
	err = plainjson.Read(line, func(s *plainjson.Scanner) error {
		return s.Object(func(name string) error {
			switch name {
			case "entry":
				return s.Integer(&e.Number)
			case "time":
				return word(s, &e.Time)
			case "kind":
				return word(s, (*string)(&e.Kind))
			case "bundle":
				return word(s, &e.Bundle)
			case "adapter":
				return word(s, &e.Adapter)
			case "before":
				return word(s, &before)
			case "details":
				return s.Object(func(name string) error {
					value, err := s.Raw()
					e.Details = append(e.Details, Detail{name, value})
					return err
				})
			}
			return plainjson.Unknown(name)
		})
	})
	if err == nil {
		err = e.check()
	}
	return e, before, err
}
