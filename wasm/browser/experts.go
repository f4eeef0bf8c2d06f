//go:build js && wasm

package main

import (
	"fmt"
	"slices"

	"haguruma/adapt"
	"haguruma/sparse"
)

// openExperts(experts, sha256, backbone) reads experts of the backbone whose bundle has that sha256. The next adapt uses them.
func (s *session) openExperts(a *arguments) (any, error) {
	if err := s.ready(a); err != nil {
		return nil, err
	}
	file, err := s.file(a)
	backbone := a.string()
	if a.err != nil {
		return nil, a.err
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, errExperts)
	}
	experts, err := sparse.OpenExperts(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, errExperts)
	}
	x, err := s.eye.Experts(experts, backbone)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, errExperts)
	}
	s.experts, s.lent, s.lentScores = x, nil, nil
	s.task.SetExperts(x)
	return x.Len(), nil
}

// useExperts(on) returns the choice in use then, and whether adapt has to be called for what was asked.
func (s *session) useExperts(a *arguments) (any, error) {
	on := a.bool()
	if err := s.ready(a); err != nil {
		return nil, err
	}
	s.task.UseExperts(on)
	return s.chosen(), nil
}

// chosen is what the page is told of the weights in use.
func (s *session) chosen() any {
	return object("experts tuned stale", chosen(s.task.Choice()), s.task.Tuned(), s.task.Stale())
}

// chosen is what experts chose, null for the backbone alone.
func chosen(c *adapt.Choice) any {
	if c == nil {
		return nil
	}
	scores := make([]any, len(c.Scores))
	for i, s := range c.Scores {
		scores[i] = float64(s)
	}
	list := func(shares []sparse.Share) []any {
		out := make([]any, len(shares))
		for i, s := range shares {
			out[i] = object("name changed", s.Name, s.Part())
		}
		return out
	}
	return object("scores changed parts kinds", scores, c.All.Part(), list(c.Parts), list(c.Kinds))
}

// scores reads the argument (scores), which may be left out: none, the backbone alone.
func (s *session) scores(a *arguments) ([]float32, error) {
	if !a.more() {
		return nil, a.err
	}
	return s.floats(a)
}

// weights reads the argument (scores) and returns the embedder of those weights.
func (s *session) weights(a *arguments) (adapt.Embedder, error) {
	scores, err := s.scores(a)
	if err != nil {
		return nil, err
	}
	if len(scores) == 0 {
		return s.eye, nil
	}
	if s.experts == nil || len(scores) != s.experts.Len() {
		return nil, fmt.Errorf("browser: %s: scores of %d experts that are not there: %w", a.verb, len(scores), errUsage)
	}
	for _, v := range scores {
		if !(v >= 0 && v <= 1) {
			return nil, fmt.Errorf("browser: %s: want scores of 0..1, have %v: %w", a.verb, v, errUsage)
		}
	}
	if c := s.task.Choice(); c != nil && slices.Equal(c.Scores, scores) && !s.task.Tuned() {
		return s.task.Merged(), nil
	}
	if s.lent == nil || !slices.Equal(s.lentScores, scores) {
		s.lent, s.lentScores = nil, nil // before there is another copy
		s.lent, s.lentScores = s.experts.Merge(scores), scores
	}
	return s.lent, nil
}

// sameWeights reads the argument (scores) and reports when they are not those in use; those that are fine-tuned no scores are of.
func (s *session) sameWeights(a *arguments) error {
	scores, err := s.scores(a)
	if err != nil || !s.task.Adapted() {
		return err
	}
	var want []float32
	if c := s.task.Choice(); c != nil {
		want = c.Scores
	}
	if !slices.Equal(scores, want) || s.task.Tuned() {
		return fmt.Errorf("browser: %s: want an embedding at scores %v, have one at %v: %w", a.verb, want, scores, errWeights)
	}
	return nil
}
