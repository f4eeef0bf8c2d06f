package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"haguruma/sparse/metatune"
)

// Flags whose value is a comma-separated list; String and Set are inverses.

// setsFlag is NAME:KIND:WEIGHT,...
type setsFlag struct{ sets *[]metatune.Set }

func (f *setsFlag) Type() string { return "list" }

func (f *setsFlag) String() string {
	return join(*f.sets, func(s metatune.Set) string { return fmt.Sprintf("%s:%s:%g", s.Name, s.Kind, s.Weight) })
}

func (f *setsFlag) Set(text string) error {
	return split(f.sets, text, func(item string) (s metatune.Set, err error) {
		part := strings.Split(item, ":")
		if len(part) != 3 {
			return s, fmt.Errorf("%q: want NAME:KIND:WEIGHT", item)
		}
		s.Name, s.Kind = part[0], metatune.Kind(part[1])
		s.Weight, err = strconv.ParseFloat(part[2], 64)
		return s, err
	})
}

// stagesFlag is SIZE:UNTIL,...
type stagesFlag struct{ stages *[]metatune.Stage }

func (f *stagesFlag) Type() string { return "list" }

func (f *stagesFlag) String() string {
	return join(*f.stages, func(s metatune.Stage) string { return fmt.Sprintf("%d:%g", s.Size, s.Until) })
}

func (f *stagesFlag) Set(text string) error {
	return split(f.stages, text, func(item string) (s metatune.Stage, err error) {
		size, until, found := strings.Cut(item, ":")
		if !found {
			return s, fmt.Errorf("%q: want SIZE:UNTIL", item)
		}
		var sizeErr, untilErr error
		s.Size, sizeErr = strconv.Atoi(size)
		s.Until, untilErr = strconv.ParseFloat(until, 64)
		return s, errors.Join(sizeErr, untilErr)
	})
}

// stemFlag is CHANNELS,... or none.
type stemFlag struct{ stem *[]int }

func (f *stemFlag) Type() string { return "list" }

func (f *stemFlag) String() string {
	if len(*f.stem) == 0 {
		return "none"
	}
	return join(*f.stem, strconv.Itoa)
}

func (f *stemFlag) Set(text string) error {
	if text == "none" {
		*f.stem = nil
		return nil
	}
	return split(f.stem, text, strconv.Atoi)
}

// namesFlag is NAME,...
type namesFlag struct{ names *[]string }

func (f *namesFlag) Type() string { return "list" }

func (f *namesFlag) String() string { return strings.Join(*f.names, ",") }

func (f *namesFlag) Set(text string) error {
	if text == "" {
		*f.names = nil
		return nil
	}
	return split(f.names, text, func(item string) (string, error) { return item, nil })
}

// pairFlag is NUMBER,NUMBER
type pairFlag struct{ pair *[2]float64 }

func (f *pairFlag) Type() string { return "pair" }

func (f *pairFlag) String() string {
	return fmt.Sprintf("%g,%g", f.pair[0], f.pair[1])
}

func (f *pairFlag) Set(text string) error {
	var x []float64
	if err := split(&x, text, func(item string) (float64, error) { return strconv.ParseFloat(item, 64) }); err != nil {
		return err
	}
	if len(x) != 2 {
		return fmt.Errorf("%q: want two numbers", text)
	}
	*f.pair = [2]float64{x[0], x[1]}
	return nil
}

// settingsFlag is WAYxSHOT,...; varying is one too.
type settingsFlag struct{ settings *[]metatune.Setting }

func (f *settingsFlag) Type() string { return "list" }

func (f *settingsFlag) String() string {
	return join(*f.settings, func(s metatune.Setting) string {
		text, _ := s.MarshalText() // never fails
		return string(text)
	})
}

func (f *settingsFlag) Set(text string) error {
	return split(f.settings, text, func(item string) (s metatune.Setting, err error) {
		return s, s.UnmarshalText([]byte(item))
	})
}

func join[T any](items []T, text func(T) string) string {
	parts := make([]string, len(items))
	for i, item := range items {
		parts[i] = text(item)
	}
	return strings.Join(parts, ",")
}

func split[T any](items *[]T, text string, parse func(string) (T, error)) error {
	var all []T
	for part := range strings.SplitSeq(text, ",") {
		item, err := parse(strings.TrimSpace(part))
		if err != nil {
			return err
		}
		all = append(all, item)
	}
	*items = all
	return nil
}
