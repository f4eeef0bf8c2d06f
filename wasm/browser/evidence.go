//go:build js && wasm

package main

import "haguruma/adapt"

// explain() says how what is in use came about: null before the first adaptation.
func (s *session) explain(a *arguments) (any, error) {
	if err := s.ready(a); err != nil {
		return nil, err
	}
	l := s.task.InUse()
	if l == nil {
		return nil, nil
	}
	var confusion, misses, judged any
	if r := l.LeaveOneOut; r != nil {
		numbers := func(row []int) any { return list(len(row), func(i int) any { return row[i] }) }
		confusion, misses = list(len(r.Confusion), func(i int) any { return numbers(r.Confusion[i]) }), numbers(r.Misses)
		judged = list(len(r.Judged), func(i int) any {
			j := r.Judged[i]
			return object("example class probability said saying", j.Example, j.Class, float64(j.Probability), j.Said, float64(j.Saying))
		})
	}
	return object("head strength scale trials unknownBelow confusion misses judged plain places", string(l.Head.Kind), l.Head.Strength, float64(l.Head.Scale),
		list(len(l.Trials), func(i int) any {
			t := l.Trials[i]
			return object("head strength weight hits logLoss", string(t.Kind), t.Strength, t.Weight, t.Hits, t.LogLoss)
		}), float64(l.UnknownBelow), confusion, misses, judged, left(s.task.Version().Plain), s.places()), nil
}

// left is what leaving out each example came to; null where that was impossible.
func left(l *adapt.Learned) any {
	r := l.LeaveOneOut
	if r == nil {
		return nil
	}
	return object("hits total low high logLoss", r.Hits, r.Total, r.Low, r.High, r.LogLoss)
}

// places is what the experts in use change; null without any.
func (s *session) places() any {
	c := s.task.Choice()
	if c == nil || s.experts == nil || s.experts.Len() != len(c.Scores) {
		return nil
	}
	places := s.experts.Places(c.Scores)
	return list(len(places), func(i int) any {
		p := places[i]
		return object("part kind changed experts", p.Part, p.Kind, p.Share.Part(), list(len(p.Open), func(m int) any { return float64(p.Open[m]) / float64(p.Total) }))
	})
}

// heat(class, bytes, width, height) says where a picture speaks for a class.
func (s *session) heat(a *arguments) (any, error) {
	class := a.int()
	pic, err := s.picture(a)
	if err != nil {
		return nil, err
	}
	grid, side, err := s.task.Heat(pic, class)
	if err != nil {
		return nil, err
	}
	return object("grid side", list(len(grid), func(i int) any { return float64(grid[i]) }), side), nil
}
