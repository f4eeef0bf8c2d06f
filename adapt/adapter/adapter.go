package adapter

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"haguruma/adapt/journal"
	"haguruma/core/fewshot"
	"haguruma/core/tensorfile"
)

// Format is the value of the metadata key "format".
const Format = "haguruma-adapter/1"

// Limits of what is read and written; a class name is as long as a task allows.
const (
	MaxBytes     = 64 << 20
	MaxClasses   = 1 << 14
	MaxExperts   = 64
	MaxViews     = 64
	MaxNameRunes = 100
)

// Adapter is the content of a file. Slices are shared with who gave them.
type Adapter struct {
	Bundle     string    // sha256 of the backbone's file
	Experts    string    // sha256 of the experts' file; empty: the backbone alone
	Scores     []float32 // (M) at which the experts are merged; nil without experts
	Head       Head
	Classes    []Class  // rows of the head
	Unknown    *Unknown // nil: the best class is always the answer
	Pictures   Pictures
	Change     []tensorfile.Tensor // what fine-tuning changed in the merged weights, as sparse.Change writes it; nil: nothing
	Provenance Provenance

	Signature *Signature // nil: none
	Content   string     // sha256 of all of the above but the signature; set by Encode, Sign and Decode
}

// Head turns an embedding e into one logit a class: Scale * (W u + bias), with u = e scaled to length one. Every head that is known is of this
// form: prototypes have a bias of zeros and rows of length one, so logits are Scale times cosines.
// Probabilities are the softmax of the logits.
type Head struct {
	Kind     string  // how it was made: a kind of package fewshot
	Strength float64 // regularisation it was fitted with, 0 or more; it changes no prediction
	Scale    float32 // one over the temperature, above 0
	Dim      int
	Weight   []float32 // (classes, dim)
	Bias     []float32 // (classes)
}

// Class is a row of the head.
type Class struct {
	ID       int // in the task it comes from, from 1
	Name     string
	Examples int // that it was made of
}

// Unknown says when none of the classes is the answer: when the largest cosine of an embedding to the prototypes is below.
type Unknown struct {
	Below      float32   // -1 to 1
	Prototypes []float32 // (classes, dim), rows of length one or zero; nil: the rows of the head, which is one of prototypes
}

// Pictures is how a picture becomes pixels.
type Pictures struct {
	Size      int // side of the square
	Mean, Std [3]float32
}

// Provenance is where an adapter comes from. It changes no prediction.
type Provenance struct {
	Time    string        // RFC 3339 UTC, as in a journal; empty: not said
	Tool    string        // version of the program
	Journal journal.Chain // end of the task's journal before the adapter was taken; zero: there was none
	Hits    int           // right answers of leave-one-out
	Total   int           // examples asked; 0: not measured
	Views   int           // of each example, that the head was fitted to; 0: the example as it is
	Method  string        // how weights were changed: a word such as finetune or lora; empty: they were not
}

// check holds the adapter against the format: what Encode writes and Decode returns has passed it. Lengths are compared by division, so that
// no product overflows.
func (a *Adapter) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("adapter: "+format+": %w", append(args, ErrFormat)...)
	}
	switch {
	case !tensorfile.IsHash(a.Bundle):
		return bad("bundle: want a sha256 of 64 lower-case hexadecimal digits, have %q", clip(a.Bundle))
	case a.Experts != "" && !tensorfile.IsHash(a.Experts):
		return bad("experts: want a sha256 of 64 lower-case hexadecimal digits, have %q", clip(a.Experts))
	case (a.Experts == "") != (len(a.Scores) == 0):
		return bad("want experts and scores, or neither")
	case len(a.Scores) > MaxExperts:
		return fmt.Errorf("adapter: want at most %d scores, have %d: %w", MaxExperts, len(a.Scores), ErrTooLarge)
	case len(a.Classes) > MaxClasses:
		return fmt.Errorf("adapter: want at most %d classes, have %d: %w", MaxClasses, len(a.Classes), ErrTooLarge)
	case len(a.Classes) < 2:
		return bad("want two classes or more, have %d", len(a.Classes))
	}
	if err := a.Head.check(len(a.Classes)); err != nil {
		return err
	}
	if err := finite("scores", a.Scores); err != nil {
		return err
	}
	for m, s := range a.Scores {
		if s < 0 {
			return bad("scores: want 0 or more, have %v at %d", s, m)
		}
	}
	names, ids := map[string]bool{}, map[int]bool{}
	for i, c := range a.Classes {
		if problem := badName(c.Name); problem != "" {
			return bad("class %d: the name %q %s", i, clip(c.Name), problem)
		}
		if names[c.Name] || ids[c.ID] || c.ID < 1 || c.Examples < 0 {
			return bad("class %q: want a name and an id from 1 that no other class has, and 0 examples or more", c.Name)
		}
		names[c.Name], ids[c.ID] = true, true
	}
	if u := a.Unknown; u != nil {
		if !(u.Below >= -1 && u.Below <= 1) {
			return bad("unknown: want a cosine of -1 to 1, have %v", u.Below)
		}
		if (u.Prototypes == nil) != (fewshot.Kind(a.Head.Kind) == fewshot.KindPrototypes) || u.Prototypes != nil && len(u.Prototypes) != len(a.Head.Weight) {
			return bad("unknown: want prototypes as many as weights, unless the head is one of prototypes, have %d and %d", len(u.Prototypes), len(a.Head.Weight))
		}
		if err := finite("prototypes", u.Prototypes); err != nil {
			return err
		}
	}
	p := &a.Pictures
	if p.Size < 1 || p.Size > 1<<14 {
		return bad("pictures: want a size of 1 to %d, have %d", 1<<14, p.Size)
	}
	if err := finite("pictures", append(p.Mean[:], p.Std[:]...)); err != nil {
		return err
	}
	if !(p.Std[0] > 0 && p.Std[1] > 0 && p.Std[2] > 0) {
		return bad("pictures: want std above 0, have %v", p.Std)
	}
	v := &a.Provenance
	if v.Hits < 0 || v.Total < 0 || v.Hits > v.Total || v.Views < 0 || v.Views > MaxViews {
		return bad("provenance: want 0 <= hits <= total and 0 to %d views, have %d of %d and %d", MaxViews, v.Hits, v.Total, v.Views)
	}
	if v.Method != "" && !word(v.Method) || v.Journal.Entries < 0 || v.Journal.Head != "" && !tensorfile.IsHash(v.Journal.Head) {
		return bad("provenance: want a word for the method, and a journal's end")
	}
	if len(v.Time) > MaxNameRunes || len(v.Tool) > MaxNameRunes || !utf8.ValidString(v.Time+v.Tool) || hasControl(v.Time+v.Tool) {
		return bad("provenance: want time and tool in at most %d bytes of plain text", MaxNameRunes)
	}
	return a.checkChange()
}

// checkChange looks at what it can without a backbone: package sparse reads the rest against one.
func (a *Adapter) checkChange() error {
	for i := range a.Change {
		t := &a.Change[i]
		if t.Name == "" || len(t.Name) > 40 || strings.Trim(t.Name, "abcdefghijklmnopqrstuvwxyz0123456789.") != "" {
			return fmt.Errorf("adapter: change: want names of lower-case letters, digits and dots, have %q: %w", clip(t.Name), ErrFormat)
		}
		switch t.DType {
		case tensorfile.U8, tensorfile.I8:
		case tensorfile.F32:
			x, err := t.Float32()
			if err != nil {
				return fmt.Errorf("adapter: change: %w", err)
			}
			if err := finite("change "+t.Name, x); err != nil {
				return err
			}
		default:
			return fmt.Errorf("adapter: change %q: want U8, I8 or F32, have %s: %w", t.Name, clip(string(t.DType)), ErrFormat)
		}
	}
	return nil
}

func (h *Head) check(way int) error {
	switch {
	case !word(h.Kind):
		return fmt.Errorf("adapter: head: want a word for its kind, have %q: %w", clip(h.Kind), ErrFormat)
	case !(h.Scale > 0) || !(h.Strength >= 0):
		return fmt.Errorf("adapter: head: want a scale above 0 and a strength of 0 or more, have %v and %v: %w", h.Scale, h.Strength, ErrFormat)
	case h.Dim < 1 || len(h.Weight)%h.Dim != 0 || len(h.Weight)/h.Dim != way || len(h.Bias) != way:
		return fmt.Errorf("adapter: head: want (%d, dim) weights and %d biases, have %d, dim %d and %d: %w", way, way, len(h.Weight), h.Dim, len(h.Bias), ErrFormat)
	}
	if err := finite("head", []float32{h.Scale, float32(h.Strength)}); err != nil {
		return err
	}
	if err := finite("head weight", h.Weight); err != nil {
		return err
	}
	return finite("head bias", h.Bias)
}

// finite refuses NaN and infinities. The error wraps ErrNumbers.
func finite(what string, x []float32) error {
	for i, v := range x {
		if v-v != 0 {
			return fmt.Errorf("adapter: %s: have %v at %d: %w", what, v, i, ErrNumbers)
		}
	}
	return nil
}

// word is what names of kinds are: 1 to 40 lower-case letters, digits and hyphens.
func word(text string) bool {
	return text != "" && len(text) <= 40 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func hasControl(text string) bool { return strings.ContainsFunc(text, unicode.IsControl) }

// badName says what is wrong with the name of a class, or nothing.
func badName(name string) string {
	switch {
	case !utf8.ValidString(name) || hasControl(name):
		return "is not plain text"
	case strings.TrimSpace(name) != name || name == "":
		return "is empty, or has white space around it"
	case utf8.RuneCountInString(name) > MaxNameRunes:
		return fmt.Sprintf("has more than %d characters", MaxNameRunes)
	}
	return ""
}

// For reports whether the adapter may be used with a bundle and its experts, by the sha256 of their files; the errors wrap ErrBundle and
// ErrExperts. experts may be empty where there are none; an adapter that uses none takes any.
func (a *Adapter) For(bundle, experts string) error {
	switch {
	case a.Bundle != bundle:
		return fmt.Errorf("adapter: want the bundle with sha256 %s, have %s: %w", a.Bundle, bundle, ErrBundle)
	case a.Experts != "" && experts == "":
		return fmt.Errorf("adapter: want the experts with sha256 %s, have none: %w", a.Experts, ErrExperts)
	case a.Experts != "" && a.Experts != experts:
		return fmt.Errorf("adapter: want the experts with sha256 %s, have %s: %w", a.Experts, experts, ErrExperts)
	}
	return nil
}
