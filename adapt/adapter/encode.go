package adapter

import (
	"fmt"

	"haguruma/core/plainjson"
	"haguruma/core/tensorfile"
)

// Names in the file.
const (
	metaFormat     = "format"
	metaBundle     = "bundle"
	metaExperts    = "experts"
	metaHead       = "head"
	metaClasses    = "classes"
	metaUnknown    = "unknown"
	metaPictures   = "pictures"
	metaProvenance = "provenance"
	metaContent    = "content"
	metaSignature  = "signature"

	tensorScores = "experts.scores"
	tensorWeight = "head.weight"
	tensorBias   = "head.bias"
	tensorKnown  = "unknown.prototypes"
	changePrefix = "change."
)

// Encode returns the file. Equal adapters give equal bytes, and a float32 has the same bits when it is read. It sets Content; a
// signature that is not of this content any more is an error that wraps ErrFormat, as is an adapter that does not fit together. Other errors
// wrap ErrNumbers or ErrTooLarge.
func (a *Adapter) Encode() ([]byte, error) {
	f, content, err := a.file()
	if err != nil {
		return nil, err
	}
	f.Metadata[metaContent] = content
	if s := a.Signature; s != nil {
		if a.Content != content {
			return nil, fmt.Errorf("adapter: the content was changed after it was signed: %w", ErrFormat)
		}
		f.Metadata[metaSignature] = s.json()
	}
	data, err := tensorfile.Encode(f)
	if err != nil {
		return nil, fmt.Errorf("adapter: %w", err)
	}
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("adapter: want at most %d bytes, have %d: %w", MaxBytes, len(data), ErrTooLarge)
	}
	a.Content = content
	return data, nil
}

// file is everything but the sum and the signature, and the sum of it as Encode of package tensorfile writes it.
func (a *Adapter) file() (f *tensorfile.File, content string, err error) {
	if err := a.check(); err != nil {
		return nil, "", err
	}
	f = &tensorfile.File{Metadata: map[string]string{
		metaFormat: Format, metaBundle: a.Bundle, metaHead: a.Head.json(), metaClasses: a.classes(), metaPictures: a.Pictures.json(),
		metaProvenance: a.Provenance.json(),
	}}
	if a.Unknown != nil {
		f.Metadata[metaUnknown] = a.Unknown.json()
	}
	way := len(a.Classes)
	if a.Unknown != nil && a.Unknown.Prototypes != nil {
		f.Tensors = append(f.Tensors, tensorfile.FromFloat32(tensorKnown, []int{way, a.Head.Dim}, a.Unknown.Prototypes))
	}
	f.Tensors = append(f.Tensors, tensorfile.FromFloat32(tensorWeight, []int{way, a.Head.Dim}, a.Head.Weight), tensorfile.FromFloat32(tensorBias, []int{way}, a.Head.Bias))
	if a.Experts != "" {
		f.Metadata[metaExperts] = a.Experts
		f.Tensors = append(f.Tensors, tensorfile.FromFloat32(tensorScores, []int{len(a.Scores)}, a.Scores))
	}
	for _, t := range a.Change {
		t.Name = changePrefix + t.Name
		f.Tensors = append(f.Tensors, t)
	}
	data, err := tensorfile.Encode(f)
	if err != nil {
		return nil, "", fmt.Errorf("adapter: %w", err)
	}
	return f, tensorfile.Hash(data), nil
}

// object returns the JSON that fields write.
func object(fields func(w *plainjson.Writer)) string {
	var w plainjson.Writer
	w.Object(func() { fields(&w) })
	return w.String()
}

func (h *Head) json() string {
	return object(func(w *plainjson.Writer) {
		w.Field("kind", h.Kind)
		w.Field("strength", h.Strength)
		w.Field("scale", h.Scale)
	})
}

func (a *Adapter) classes() string {
	var w plainjson.Writer
	w.List(func() {
		for _, c := range a.Classes {
			w.Object(func() {
				w.Field("id", c.ID)
				w.Field("name", c.Name)
				w.Field("examples", c.Examples)
			})
		}
	})
	return w.String()
}

func (u *Unknown) json() string {
	return object(func(w *plainjson.Writer) {
		w.Field("below", u.Below)
	})
}

func (p *Pictures) json() string {
	return object(func(w *plainjson.Writer) {
		w.Field("size", p.Size)
		w.Field("mean", p.Mean)
		w.Field("std", p.Std)
	})
}

func (p *Provenance) json() string {
	return object(func(w *plainjson.Writer) {
		for _, field := range [][2]string{{"time", p.Time}, {"tool", p.Tool}, {"method", p.Method}, {"journal", p.Journal.Head}} {
			if field[1] != "" {
				w.Field(field[0], field[1])
			}
		}
		for _, field := range []struct {
			name string
			x    int
		}{{"entries", p.Journal.Entries}, {"hits", p.Hits}, {"total", p.Total}, {"views", p.Views}} {
			if field.x != 0 {
				w.Field(field.name, field.x)
			}
		}
	})
}
