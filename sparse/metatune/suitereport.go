package metatune

import (
	"fmt"

	"haguruma/core/fewshot"
)

// Estimate is a mean in per cent with half the width of its 95% interval.
type Estimate struct {
	Mean     float64 `json:"mean"`
	Interval float64 `json:"interval"`
}

// Figure is the accuracy of a method on a set, or its mean over a group.
type Figure struct {
	Group      string    `json:"group,omitempty"` // of a mean over a group
	Set        string    `json:"set,omitempty"`   // of a figure of one set
	Setting    Setting   `json:"setting"`
	Ways       int       `json:"ways,omitempty"` // of a set's episodes; 0: they vary
	Method     string    `json:"method"`
	Accuracy   Estimate  `json:"accuracy"`
	Difference *Estimate `json:"difference,omitempty"` // against the baseline, paired; none for the baseline itself
}

// RoutingFigure is where a routed method sent the tasks of one set.
type RoutingFigure struct {
	Method  string  `json:"method"`
	Set     string  `json:"set"`
	Setting Setting `json:"setting"`
	TaskRouting
}

// TuningFigure is what a tuned method did to the tasks of one set.
type TuningFigure struct {
	Method  string  `json:"method"`
	Set     string  `json:"set"`
	Setting Setting `json:"setting"`
	TaskTuning
}

// SuiteReport is a suite summed up.
type SuiteReport struct {
	Plan
	Baseline string          `json:"baseline"` // the method that differences are taken against
	Against  string          `json:"against,omitempty"`
	Groups   []GroupReport   `json:"groups"`
	Figures  []Figure        `json:"figures"` // of sets, then of groups; by setting, set, method
	Routing  []RoutingFigure `json:"routing,omitempty"`
	Tuning   []TuningFigure  `json:"tuning,omitempty"`

	settings []Setting
	methods  []string
}

// GroupReport names the sets of one group.
type GroupReport struct {
	Name string   `json:"name"`
	Sets []string `json:"sets"`
}

// Report sums up a suite that RunSuite returned. Differences are taken against
// the method called name of baseline, a saved suite of the same episodes; a
// nil baseline is s itself and an empty name the first method.
//
// A figure of a set is the mean over its episodes, the interval 1.96 standard
// errors of that mean. The difference of two methods is the mean over episodes
// of the difference on each one (fewshot.PairedDifference).
//
// The mean of a group weighs its sets alike. Its interval takes episode number
// i of all sets together as one draw: value i of the group is the mean over
// the sets of their value i (accuracy, or difference to the baseline), and the
// interval is 1.96 standard errors of the mean of these values over i. The
// episodes of different sets are drawn apart (RunSuite), and then this
// estimates the same as the sum over sets of s^2/n divided by the sets squared;
// but it does not rest on that: what sets might have in common is in it. The
// sets themselves are taken as given: the interval speaks of new episodes of
// these sets, not of new sets.
//
// ErrOtherSuite: the baseline is of other episodes or data; fewshot.ErrUnknown:
// it lacks the method or a cell.
func (s *Suite) Report(baseline *Suite, name string) (*SuiteReport, error) {
	against := baseline
	if against == nil {
		against = s
	}
	if err := against.CanCompare(s.Plan, name); err != nil {
		return nil, err
	}
	if name == "" {
		name = against.Methods[0].Name
	}
	if err := s.samePlan(against); err != nil {
		return nil, fmt.Errorf("metatune: baseline: %w", err)
	}
	r := &SuiteReport{Plan: s.Plan, Baseline: name}
	for _, c := range s.Cells {
		r.settings = append(r.settings, c.Setting)
	}
	r.settings = unique(r.settings)
	for _, m := range s.Methods {
		r.methods = append(r.methods, m.Name)
	}
	for _, group := range []string{InDistribution, OutOfDistribution, Industrial} {
		g := GroupReport{Name: group}
		for _, set := range s.Sets {
			for _, of := range set.Groups() {
				if of == group {
					g.Sets = append(g.Sets, set.Name)
				}
			}
		}
		if len(g.Sets) > 0 {
			r.Groups = append(r.Groups, g)
		}
	}
	add := func(f Figure, sets []string, self bool) error {
		own, err := s.average(f.Method, sets, f.Setting)
		if err != nil {
			return err
		}
		f.Accuracy = Estimate{100 * own.Mean(), 100 * own.Interval()}
		if !self {
			base, err := against.average(name, sets, f.Setting)
			if err != nil {
				return fmt.Errorf("baseline: %w", err)
			}
			diff, half, err := fewshot.PairedDifference(own, base)
			if err != nil {
				return err
			}
			f.Difference = &Estimate{100 * diff, 100 * half}
		}
		r.Figures = append(r.Figures, f)
		return nil
	}
	for _, at := range r.settings {
		for _, set := range s.Sets {
			for _, m := range r.methods {
				f := Figure{Set: set.Name, Setting: at, Method: m}
				if c := s.Cell(m, set.Name, at); c != nil {
					f.Ways = c.Ways
					if c.Tuning != nil {
						r.Tuning = append(r.Tuning, TuningFigure{m, set.Name, at, *c.Tuning})
					}
					if c.Routing != nil {
						r.Routing = append(r.Routing, RoutingFigure{m, set.Name, at, *c.Routing})
					}
				}
				if err := add(f, []string{set.Name}, baseline == nil && m == name); err != nil {
					return nil, err
				}
			}
		}
		for _, g := range r.Groups {
			for _, m := range r.methods {
				if err := add(Figure{Group: g.Name, Setting: at, Method: m}, g.Sets, baseline == nil && m == name); err != nil {
					return nil, err
				}
			}
		}
	}
	return r, nil
}

// average returns, for each episode number, the mean accuracy over the sets.
func (s *Suite) average(method string, sets []string, at Setting) (*fewshot.Accuracy, error) {
	sums := make([]float64, s.Episodes)
	for _, set := range sets {
		c := s.Cell(method, set, at)
		if c == nil {
			return nil, fmt.Errorf("metatune: no figure of %s on %s, %s: %w", method, set, at, fewshot.ErrUnknown)
		}
		for i, v := range c.Accuracy().Values() {
			sums[i] += v
		}
	}
	acc := &fewshot.Accuracy{}
	for _, sum := range sums {
		acc.Add(sum / float64(len(sets)))
	}
	return acc, nil
}
