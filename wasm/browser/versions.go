//go:build js && wasm

package main

import (
	"strings"

	"haguruma/adapt"
)

// object makes an object of keys, between spaces, and their values. A map literal of as many is several times the code.
func object(keys string, values ...any) map[string]any {
	out := make(map[string]any, len(values))
	for i, key := range strings.Fields(keys) {
		out[key] = values[i]
	}
	return out
}

// list makes an array of n values.
func list(n int, at func(i int) any) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = at(i)
	}
	return out
}

// version is what the page is told of a version in a list.
func version(v *adapt.Version) map[string]any {
	l, w := v.Plain, v.Verdict
	if v.Merged != nil {
		l = v.Merged
	}
	finetuned := ""
	if v.Tuning != nil {
		finetuned = v.Tuning.Mode
	}
	return object("version parent classes examples head strength verdict leaveOneOut finetuned views", v.Number, v.Parent,
		list(len(v.Classes), func(i int) any { return object("id name", v.Classes[i].ID, v.Classes[i].Name) }), v.Examples, string(l.Head.Kind), l.Head.Strength,
		object("code reason compared hits before logLoss logBefore", w.Code, w.Reason, w.Compared, w.Hits, w.Before, w.LogLoss, w.LogBefore), left(l), finetuned, l.Views)
}

// history() lists all versions and says which is in use.
func (s *session) history(a *arguments) (any, error) {
	if err := s.ready(a); err != nil {
		return nil, err
	}
	versions := s.task.History()
	return object("inUse versions", s.inUse(), list(len(versions), func(i int) any { return version(versions[i]) })), nil
}

func (s *session) inUse() int {
	if v := s.task.Version(); v != nil {
		return v.Number
	}
	return 0
}

// useVersion(number) returns the choice in use then, whether it is fine-tuned, and whether the examples have changed since.
func (s *session) useVersion(a *arguments) (any, error) {
	number := a.int()
	if err := s.ready(a); err != nil {
		return nil, err
	}
	if err := s.task.Use(number); err != nil {
		return nil, err
	}
	return s.chosen(), nil
}

// forgetHistory() drops all versions but the one in use.
func (s *session) forgetHistory(a *arguments) (any, error) {
	if err := s.ready(a); err != nil {
		return nil, err
	}
	s.task.ForgetHistory()
	return nil, nil
}

// review() lists the examples whose label is in doubt.
func (s *session) review(a *arguments) (any, error) {
	if err := s.ready(a); err != nil {
		return nil, err
	}
	doubts := s.task.Review()
	return list(len(doubts), func(i int) any {
		d := doubts[i]
		return object("example class probability said saying twin", d.Example, d.Class, float64(d.Probability), d.Said, float64(d.Saying), d.Twin)
	}), nil
}

// relabel(example, class)
func (s *session) relabel(a *arguments) (any, error) {
	example, class := a.int(), a.int()
	if err := s.ready(a); err != nil {
		return nil, err
	}
	return nil, s.task.Relabel(example, class)
}
