package journal

import (
	"errors"
	"fmt"
	"strings"

	"haguruma/core/plainjson"
	"haguruma/core/tensorfile"
)

// ErrEntry: an entry that the format has no room for.
var ErrEntry = errors.New("not an entry of a journal")

// Kind is what was done. Others than these may occur: a word of lower-case letters, digits and hyphens.
type Kind string

// The kinds that haguruma writes.
const (
	Begun      Kind = "begun"       // a task
	ClassAdded Kind = "class-added" // and so on
	Renamed    Kind = "renamed"
	Emptied    Kind = "class-removed"
	Added      Kind = "added" // an example
	Removed    Kind = "removed"
	Relabelled Kind = "relabelled"
	Chosen     Kind = "chosen"   // experts, scores, head, rates
	Measured   Kind = "measured" // by leave-one-out
	Taken      Kind = "taken"    // an adaptation, into use
	Refused    Kind = "refused"  // an adaptation, with the reason
	RolledBack Kind = "rolled-back"
	Exported   Kind = "exported"
	Imported   Kind = "imported"
	Repaired   Kind = "repaired" // a line torn by a crash was put aside
)

const maxKind = 40

func (k Kind) known() bool {
	return k != "" && len(k) <= maxKind && strings.Trim(string(k), "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// Entry is one line.
type Entry struct {
	Number  int    // from 1; given by Chain.Next
	Time    string // UTC, RFC 3339 with a Z: 2026-11-25T21:23:50Z, or with a fraction of up to nine digits
	Kind    Kind
	Bundle  string   // sha256 of the backbone's file; may be empty
	Adapter string   // sha256 of the adapter's file; may be empty
	Details []Detail // names are different
}

// Detail is one fact.
type Detail struct {
	Name string // printable ASCII without quotes and backslashes
	JSON string // its value
}

func detail(name string, value func(w *plainjson.Writer)) Detail {
	var w plainjson.Writer
	value(&w)
	return Detail{name, w.String()}
}

// Text is a fact in words.
func Text(name, value string) Detail {
	return detail(name, func(w *plainjson.Writer) { w.Text(value) })
}

// Integer is a count or an id.
func Integer(name string, value int) Detail {
	return detail(name, func(w *plainjson.Writer) { w.Integer(value) })
}

// Flag is a fact that holds or not.
func Flag(name string, value bool) Detail {
	return detail(name, func(w *plainjson.Writer) { w.Flag(value) })
}

// Number is a measured value; what is not finite becomes a text.
func Number(name string, value float64) Detail {
	return detail(name, func(w *plainjson.Writer) { number(w, value, 64) })
}

// Numbers are values of float32, such as scores, each so that it reads back with the same bits.
func Numbers(name string, values []float32) Detail {
	return detail(name, func(w *plainjson.Writer) {
		w.List(func() {
			for _, v := range values {
				number(w, float64(v), 32)
			}
		})
	})
}

// Texts is a list of words.
func Texts(name string, values []string) Detail {
	return detail(name, func(w *plainjson.Writer) {
		w.List(func() {
			for _, v := range values {
				w.Text(v)
			}
		})
	})
}

func number(w *plainjson.Writer, x float64, bits int) {
	if x-x == 0 {
		w.Real(x, bits)
		return
	}
	w.Text(fmt.Sprint(x))
}

// Detail returns the JSON of the fact of that name, or "".
func (e *Entry) Detail(name string) string {
	for _, d := range e.Details {
		if d.Name == name {
			return d.JSON
		}
	}
	return ""
}

// check holds the entry against the format. The error wraps ErrEntry.
func (e *Entry) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("journal: entry %d: "+format+": %w", append(append([]any{e.Number}, args...), ErrEntry)...)
	}
	switch {
	case e.Number < 1:
		return bad("want a number from 1")
	case !goodTime(e.Time):
		return bad("want a time like 2026-11-25T21:23:50Z, have %q", clip(e.Time))
	case !e.Kind.known():
		return bad("want a kind of lower-case letters, digits and hyphens, have %q", clip(string(e.Kind)))
	case !goodHash(e.Bundle) || !goodHash(e.Adapter):
		return bad("want sha256 sums of 64 lower-case hexadecimal digits")
	}
	for i, d := range e.Details {
		if strings.Trim(d.Name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" || e.Detail(d.Name) != d.JSON {
			return bad("detail %d: want a new name of letters, digits and hyphens, have %q", i, clip(d.Name))
		}
		if err := plainjson.Read(d.JSON, func(s *plainjson.Scanner) error { _, err := s.Raw(); return err }); err != nil {
			return bad("detail %s: %v", d.Name, err)
		}
	}
	return nil
}

// goodHash accepts no sum at all, too.
func goodHash(sum string) bool {
	return sum == "" || tensorfile.IsHash(sum)
}

// goodTime holds the form and the ranges of the fields; not the days of a month, nor leap seconds.
func goodTime(text string) bool {
	const form = "0000-00-00T00:00:00"
	if len(text) < len(form)+1 || text[len(text)-1] != 'Z' {
		return false
	}
	whole, fraction := text[:len(form)], text[len(form):len(text)-1]
	for i := range whole {
		if digit := whole[i]-'0' <= 9; digit != (form[i] == '0') || !digit && whole[i] != form[i] {
			return false
		}
	}
	for _, field := range []struct {
		at       int
		min, max string
	}{{5, "01", "12"}, {8, "01", "31"}, {11, "00", "23"}, {14, "00", "59"}, {17, "00", "59"}} {
		if v := whole[field.at : field.at+2]; v < field.min || v > field.max {
			return false
		}
	}
	return fraction == "" || len(fraction) > 1 && len(fraction) <= 10 && fraction[0] == '.' && strings.Trim(fraction[1:], "0123456789") == ""
}

// clip shortens what a hostile file holds for an error message.
func clip(text string) string {
	if len(text) > 60 {
		return text[:60] + "..."
	}
	return text
}
