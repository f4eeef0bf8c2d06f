package adapter

import "haguruma/core/plainjson"

// fields reads an object whose fields are all in the list; one that is missing keeps its value.
func fields(s *plainjson.Scanner, known map[string]any) error {
	return s.Object(func(name string) (err error) {
		switch to := known[name].(type) {
		case *string:
			*to, err = s.Text()
		case *int:
			err = s.Integer(to)
		case *float64:
			*to, err = s.Real(64)
		case *float32:
			var x float64
			x, err = s.Real(32)
			*to = float32(x)
		case *[3]float32:
			err = s.Three(to)
		default:
			err = plainjson.Unknown(name)
		}
		return err
	})
}

func (h *Head) read(s *plainjson.Scanner) error {
	return fields(s, map[string]any{"kind": &h.Kind, "strength": &h.Strength, "scale": &h.Scale})
}

func (a *Adapter) readClasses(s *plainjson.Scanner) error {
	return s.List('[', ']', func() error {
		var c Class
		err := fields(s, map[string]any{"id": &c.ID, "name": &c.Name, "examples": &c.Examples})
		a.Classes = append(a.Classes, c)
		return err
	})
}

func (u *Unknown) read(s *plainjson.Scanner) error {
	return fields(s, map[string]any{"below": &u.Below})
}

func (p *Pictures) read(s *plainjson.Scanner) error {
	return fields(s, map[string]any{"size": &p.Size, "mean": &p.Mean, "std": &p.Std})
}

func (p *Provenance) read(s *plainjson.Scanner) error {
	return fields(s, map[string]any{
		"time": &p.Time, "tool": &p.Tool, "method": &p.Method, "journal": &p.Journal.Head, "entries": &p.Journal.Entries,
		"hits": &p.Hits, "total": &p.Total,
	})
}
