package adapter

import "haguruma/core/plainjson"

func (h *Head) read(s *plainjson.Scanner) error {
	return s.Fields(map[string]any{"kind": &h.Kind, "strength": &h.Strength, "scale": &h.Scale})
}

func (a *Adapter) readClasses(s *plainjson.Scanner) error {
	return s.List('[', ']', func() error {
		var c Class
		err := s.Fields(map[string]any{"id": &c.ID, "name": &c.Name, "examples": &c.Examples})
		a.Classes = append(a.Classes, c)
		return err
	})
}

func (u *Unknown) read(s *plainjson.Scanner) error {
	return s.Fields(map[string]any{"below": &u.Below})
}

func (p *Pictures) read(s *plainjson.Scanner) error {
	return s.Fields(map[string]any{"size": &p.Size, "mean": &p.Mean, "std": &p.Std})
}

func (p *Provenance) read(s *plainjson.Scanner) error {
	return s.Fields(map[string]any{
		"time": &p.Time, "tool": &p.Tool, "method": &p.Method, "journal": &p.Journal.Head, "entries": &p.Journal.Entries,
		"hits": &p.Hits, "total": &p.Total, "views": &p.Views,
	})
}
