package main

import (
	"errors"
	"fmt"
	"slices"

	"haguruma/adapt/journal"
	"haguruma/adapt/store"
	"haguruma/core/tensorfile"
)

var (
	errContradiction = errors.New("one picture cannot be of two classes")
	errMoving        = errors.New("it was changed while adapt was at work")
)

// changes counts what a folder has that the task had not, and the other way round.
type changes struct {
	Added          int `json:"added"`
	Removed        int `json:"removed"`
	Relabelled     int `json:"relabelled"`
	ClassesAdded   int `json:"classesAdded"`
	ClassesRemoved int `json:"classesRemoved"`
}

func (c changes) any() bool { return c != changes{} }

// syncer brings the state of a task in line with a folder of classes.
type syncer struct {
	state   store.State
	entries []journal.Entry
	changes changes
	fresh   []photo // pictures to store
	time    string
}

func (s *syncer) note(kind journal.Kind, details ...journal.Detail) {
	s.entries = append(s.entries, journal.Entry{Time: s.time, Kind: kind, Bundle: s.state.Bundle, Details: details})
}

// sync makes the classes and the pictures of the state those of the folder. A picture is known by its bytes, so that one that has moved to another class
// is relabelled; twice in one class it counts once. The error wraps errContradiction.
func (s *syncer) sync(classes []labelled) error {
	wanted := map[string]bool{}
	for _, c := range classes {
		wanted[c.name] = true
	}
	class := map[string]int{} // id by name
	for _, c := range s.state.Classes {
		class[c.Name] = c.ID
	}
	for _, c := range classes {
		if class[c.name] == 0 {
			s.state.LastClass++
			class[c.name] = s.state.LastClass
			s.state.Classes = append(s.state.Classes, store.Class{ID: s.state.LastClass, Name: c.name})
			s.changes.ClassesAdded++
			s.note(journal.ClassAdded, journal.Integer("class", s.state.LastClass), journal.Text("name", c.name))
		}
	}
	type place struct {
		class int
		where string
	}
	found, order := map[string]place{}, []string(nil)
	pictures := map[string]photo{}
	for _, c := range classes {
		for _, p := range c.images {
			data, err := p.read()
			if err != nil {
				return err
			}
			hash, where := tensorfile.Hash(data), c.name+"/"+p.name
			if before, ok := found[hash]; ok {
				if before.class != class[c.name] {
					return fmt.Errorf("%s and %s are the same file: %w", before.where, where, errContradiction)
				}
				continue
			}
			found[hash] = place{class[c.name], where}
			pictures[hash] = p.held(hash)
			order = append(order, hash)
		}
	}
	known := map[string]bool{}
	s.state.Examples = slices.DeleteFunc(s.state.Examples, func(x store.Example) bool {
		_, there := found[x.Picture]
		gone := !there || known[x.Picture]
		known[x.Picture] = true
		if gone {
			s.changes.Removed++
			s.note(journal.Removed, journal.Integer("example", x.ID), journal.Integer("class", x.Class), journal.Text("picture", x.Picture))
		}
		return gone
	})
	// An example that moves goes to the end of its new class, as in a task.
	var stay, move []store.Example
	for _, x := range s.state.Examples {
		to := found[x.Picture].class
		if to == x.Class {
			stay = append(stay, x)
			continue
		}
		s.note(journal.Relabelled, journal.Integer("example", x.ID), journal.Integer("from", x.Class), journal.Integer("to", to), journal.Text("picture", x.Picture))
		s.changes.Relabelled++
		x.Class = to
		move = append(move, x)
	}
	s.state.Examples = append(stay, move...)
	for _, hash := range order {
		if known[hash] {
			continue
		}
		s.state.LastExample++
		x := store.Example{ID: s.state.LastExample, Class: found[hash].class, Picture: hash, Name: found[hash].where}
		s.state.Examples = append(s.state.Examples, x)
		s.fresh = append(s.fresh, pictures[hash])
		s.changes.Added++
		s.note(journal.Added, journal.Integer("example", x.ID), journal.Integer("class", x.Class), journal.Text("picture", hash), journal.Text("name", x.Name))
	}
	s.state.Classes = slices.DeleteFunc(s.state.Classes, func(c store.Class) bool {
		if !wanted[c.Name] {
			s.changes.ClassesRemoved++
			s.note(journal.Emptied, journal.Integer("class", c.ID), journal.Text("name", c.Name))
		}
		return !wanted[c.Name]
	})
	return nil
}

// held is the picture for as long as its file has the hash: it is embedded and stored later, and the task knows it by what it was. The error of
// read wraps errMoving.
func (p photo) held(hash string) photo {
	read := p.read
	p.read = func() ([]byte, error) {
		data, err := read()
		if err == nil && tensorfile.Hash(data) != hash {
			return nil, errMoving
		}
		return data, err
	}
	return p
}

// made is the hash of the examples, their classes and their order: what a version is made of.
func made(state store.State) string {
	var text []byte
	for _, c := range state.Classes {
		text = fmt.Appendf(text, "class %d\n", c.ID)
	}
	for _, x := range state.Examples {
		text = fmt.Appendf(text, "%d %s\n", x.Class, x.Picture)
	}
	return tensorfile.Hash(text)
}

// classes lists the classes and pictures of the state; a picture is read from the folder where it is new, else from the store.
func (s *syncer) classes(from store.Store) []labelled {
	fresh := map[string]photo{}
	for i, p := range s.fresh {
		fresh[s.state.Examples[len(s.state.Examples)-len(s.fresh)+i].Picture] = p
	}
	var list []labelled
	for _, c := range s.state.Classes {
		one := labelled{id: c.ID, name: c.Name}
		for _, x := range s.state.Examples {
			if x.Class != c.ID {
				continue
			}
			p, ok := fresh[x.Picture]
			if !ok {
				p = photo{name: x.Name, read: func() ([]byte, error) { return store.Picture(from, x.Picture) }}
			}
			p.key = x.Picture
			one.images = append(one.images, p)
		}
		list = append(list, one)
	}
	return list
}
