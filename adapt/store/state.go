package store

import (
	"fmt"
	"slices"

	"haguruma/adapt/journal"
	"haguruma/core/plainjson"
	"haguruma/core/tensorfile"
)

const formatTask = "haguruma-task/1"

// State is what is known of a task between two steps.
type State struct {
	Bundle      string // sha256 of the backbone's file
	Experts     string // sha256 of the experts' file; empty: none
	Classes     []Class
	Examples    []Example // in the order they came
	LastClass   int       // highest id that was ever given
	LastExample int
	Versions    []Version // in order: version i+1 is at i
	Current     int       // version in use; 0: the backbone alone, nothing adapted
}

// Class has an id from 1 that is never given again.
type Class struct {
	ID   int
	Name string
}

// Example is a picture of a class.
type Example struct {
	ID      int
	Class   int
	Picture string // sha256 of the picture's file, its name in the store
	Name    string // where it came from, for people
}

// Version is an adapter that was taken into use once.
type Version struct {
	File    string // sha256 of the adapter's file
	Content string // sha256 of what it says: the adapter's own name
	Time    string // RFC 3339 UTC
	Made    string // of what: says whether the examples there are are those that it was made of
}

// Clone returns a state that shares nothing with s.
func (s State) Clone() State {
	s.Classes, s.Examples, s.Versions = slices.Clone(s.Classes), slices.Clone(s.Examples), slices.Clone(s.Versions)
	return s
}

// check says what is wrong with a state. The error wraps ErrState.
func (s *State) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("store: "+format+": %w", append(args, ErrState)...)
	}
	if !hashOrNone(s.Bundle) || !hashOrNone(s.Experts) || s.Current < 0 || s.Current > len(s.Versions) || s.LastClass < 0 || s.LastExample < 0 {
		return bad("want sha256 sums, a current version of 0 to %d, have %d", len(s.Versions), s.Current)
	}
	classes, examples := map[int]bool{}, map[int]bool{}
	for _, c := range s.Classes {
		if c.ID < 1 || c.ID > s.LastClass || classes[c.ID] {
			return bad("class %d %q: want an id of its own, 1 to %d", c.ID, c.Name, s.LastClass)
		}
		classes[c.ID] = true
	}
	for _, x := range s.Examples {
		if x.ID < 1 || x.ID > s.LastExample || examples[x.ID] || !classes[x.Class] || !tensorfile.IsHash(x.Picture) {
			return bad("example %d: want an id of its own, 1 to %d, a class that is there, have %d, and a picture", x.ID, s.LastExample, x.Class)
		}
		examples[x.ID] = true
	}
	for i, v := range s.Versions {
		if !tensorfile.IsHash(v.File) || !hashOrNone(v.Content) {
			return bad("version %d: want the sha256 of its file", i+1)
		}
	}
	return nil
}

func hashOrNone(sum string) bool { return sum == "" || tensorfile.IsHash(sum) }

// record is task.json: the state, the end of the journal before the last steps, and the lines of these.
type record struct {
	state   State
	base    journal.Chain
	pending []string // with their line feeds
}

func (r *record) encode() []byte {
	var w plainjson.Writer
	list := func(name string, n int, item func(i int)) {
		w.Name(name)
		w.List(func() {
			for i := range n {
				w.Object(func() { item(i) })
			}
		})
	}
	s := &r.state
	w.Object(func() {
		w.Field("format", formatTask)
		w.Field("bundle", s.Bundle)
		w.Field("experts", s.Experts)
		list("classes", len(s.Classes), func(i int) {
			w.Field("id", s.Classes[i].ID)
			w.Field("name", s.Classes[i].Name)
		})
		list("examples", len(s.Examples), func(i int) {
			x := &s.Examples[i]
			w.Field("id", x.ID)
			w.Field("class", x.Class)
			w.Field("picture", x.Picture)
			w.Field("name", x.Name)
		})
		w.Field("lastClass", s.LastClass)
		w.Field("lastExample", s.LastExample)
		list("versions", len(s.Versions), func(i int) {
			v := &s.Versions[i]
			w.Field("file", v.File)
			w.Field("content", v.Content)
			w.Field("time", v.Time)
			w.Field("made", v.Made)
		})
		w.Field("current", s.Current)
		w.Name("journal")
		w.Object(func() {
			w.Field("entries", r.base.Entries)
			w.Field("head", r.base.Head)
			w.Name("pending")
			w.List(func() {
				for _, line := range r.pending {
					w.Text(line)
				}
			})
		})
	})
	return append(w.Bytes(), '\n')
}

// decode reads task.json. The error wraps ErrDamaged.
func decode(data []byte) (*record, error) {
	r, format := &record{}, ""
	s := &r.state
	err := plainjson.Read(string(data), object(fields{
		"format": &format, "bundle": &s.Bundle, "experts": &s.Experts, "lastClass": &s.LastClass, "lastExample": &s.LastExample, "current": &s.Current,
		"classes": list(&s.Classes, func(c *Class) fields {
			return fields{"id": &c.ID, "name": &c.Name}
		}),
		"examples": list(&s.Examples, func(x *Example) fields {
			return fields{"id": &x.ID, "class": &x.Class, "picture": &x.Picture, "name": &x.Name}
		}),
		"versions": list(&s.Versions, func(v *Version) fields {
			return fields{"file": &v.File, "content": &v.Content, "time": &v.Time, "made": &v.Made}
		}),
		"journal": object(fields{
			"entries": &r.base.Entries, "head": &r.base.Head,
			"pending": func(scan *plainjson.Scanner) error {
				return scan.List('[', ']', func() error {
					line, err := scan.Text()
					r.pending = append(r.pending, line)
					return err
				})
			},
		}),
	}))
	switch {
	case err != nil:
		return nil, fmt.Errorf("store: %s: %v: %w", taskName, err, ErrDamaged)
	case format != formatTask:
		return nil, fmt.Errorf("store: %s: want format %q, have %q: %w", taskName, formatTask, format, ErrDamaged)
	}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", taskName, err, ErrDamaged)
	}
	return r, nil
}

type fields = map[string]any

// object reads an object of these fields and no others.
func object(known fields) func(*plainjson.Scanner) error {
	return func(s *plainjson.Scanner) error { return s.Fields(known) }
}

// list reads a list of objects.
func list[T any](to *[]T, item func(*T) fields) func(*plainjson.Scanner) error {
	return func(s *plainjson.Scanner) error {
		return s.List('[', ']', func() error {
			var one T
			err := s.Fields(item(&one))
			*to = append(*to, one)
			return err
		})
	}
}
