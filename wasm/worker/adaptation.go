//go:build js && wasm

package main

import (
	"fmt"
	"slices"
	"time"

	"haguruma/adapt"
	"haguruma/adapt/carry"
	"haguruma/adapt/journal"
	"haguruma/core/fewshot"
	"haguruma/core/tensorfile"
)

// lesson is the header of adapt; the body is the pictures, class by class.
type lesson struct {
	Classes []struct {
		Name     string `json:"name"`
		Pictures []int  `json:"pictures"` // lengths
	} `json:"classes"`
	Head    string   `json:"head"`    // kind; empty: a blend
	Experts bool     `json:"experts"` // where there are any
	Against string   `json:"against"` // sha256 of the adapter in use; empty: none
	Seen    []string `json:"seen"`    // sha256 sums of the pictures that it was made of; null: nobody knows which
	Limits  limits   `json:"limits"`
}

// learned is the reply of adapt, beside the adapter's file.
type learned struct {
	Pictures    []taught    `json:"pictures"` // each once, by class, in the order they came
	Explanation explanation `json:"explanation"`
	Verdict     verdict     `json:"verdict"`
	Stages      stages      `json:"stages"`
}

type taught struct {
	Class   string `json:"class"`
	Picture string `json:"picture"` // sha256 of its file
}

type verdict struct {
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

// explanation says how an adaptation came about.
type explanation struct {
	Head         string       `json:"head"`
	Strength     float64      `json:"strength"`
	Trials       []trial      `json:"trials"`
	UnknownBelow float32      `json:"unknownBelow"`
	LeaveOneOut  *leaveOneOut `json:"leaveOneOut"` // null: a class has a single example
	Judged       []leftOut    `json:"judged"`      // each example as the others see it; null as leaveOneOut
	Doubts       []doubt      `json:"doubts"`      // examples to look at, the worst first
	Experts      *experts     `json:"experts"`     // null: the backbone alone
}

type trial struct {
	Head     string  `json:"head"`
	Strength float64 `json:"strength"`
	Weight   float64 `json:"weight"`
	Hits     int     `json:"hits"`
	LogLoss  float64 `json:"logLoss"`
}

type leaveOneOut struct {
	Hits      int     `json:"hits"`
	Total     int     `json:"total"`
	Low       float64 `json:"low"`
	High      float64 `json:"high"`
	LogLoss   float64 `json:"logLoss"`
	Confusion [][]int `json:"confusion"`
}

// leftOut is an example as the others see it.
type leftOut struct {
	Picture     string  `json:"picture"`
	Class       string  `json:"class"`
	Probability float32 `json:"probability"` // of its class
	Said        string  `json:"said"`
	Saying      float32 `json:"saying"` // probability of that class
}

type doubt struct {
	Picture     string  `json:"picture"`
	Class       string  `json:"class"`
	Said        string  `json:"said"`
	Probability float32 `json:"probability"`
}

type experts struct {
	Scores  []float32 `json:"scores"`
	Changed float64   `json:"changed"` // share of the backbone's weights
}

// unstopped never stops: a request is one call.
type unstopped struct{}

func (unstopped) Err() error { return nil }

// adapt makes an adapter of labelled pictures. Nothing is kept. It has no provenance yet, and its classes are numbered from 1: see seal.
func (s *session) adapt(header, body []byte) (any, []byte, error) {
	h, err := ready[lesson](s, header)
	if err != nil {
		return nil, nil, err
	}
	kind := fewshot.Kind(h.Head)
	if kind != "" && !slices.Contains(fewshot.Kinds, kind) {
		return nil, nil, fmt.Errorf("worker: want one of %v, have %.40q: %w", fewshot.Kinds, h.Head, errHead)
	}
	var against *carry.Applied
	if h.Against != "" {
		if against, err = s.held.get(h.Against); err != nil {
			return nil, nil, err
		}
	}
	task := adapt.NewTask(s.weights.Backbone)
	if h.Experts && s.weights.Experts != nil {
		x, err := s.weights.Backbone.Experts(s.weights.Experts, s.weights.Bundle)
		if err != nil {
			return nil, nil, err
		}
		task.SetExperts(x)
	}
	out := learned{Stages: stages{}}
	looks := map[int]taughtLook{}
	r := &reader{body: body, limits: h.Limits}
	for _, c := range h.Classes {
		class, err := task.AddClass(c.Name)
		if err != nil {
			return nil, nil, err
		}
		seen := map[string]bool{}
		for i, length := range c.Pictures {
			look, err := s.look(r, length, fmt.Sprintf("class %q, picture %d", c.Name, i+1), out.Stages)
			if err != nil {
				return nil, nil, err
			}
			hash := tensorfile.Hash(look.file)
			if seen[hash] { // twice in one class counts once
				continue
			}
			seen[hash] = true
			start := time.Now()
			id, err := task.AddExample(class, look.pic)
			out.Stages.since("embed", start)
			if err != nil {
				return nil, nil, fmt.Errorf("class %q, picture %d: %w", c.Name, i+1, err)
			}
			looks[id] = taughtLook{look, c.Name, hash}
			out.Pictures = append(out.Pictures, taught{c.Name, hash})
		}
	}
	if err := r.end(); err != nil {
		return nil, nil, err
	}
	started := time.Now()
	outcome, err := task.Adapt(unstopped{}, adapt.Options{Head: kind, Clock: func() float64 { return float64(time.Since(started).Microseconds()) / 1000 }})
	if err != nil {
		return nil, nil, err
	}
	for _, t := range outcome.Version.Timings {
		out.Stages[string(t.Step)] += t.Took
	}
	out.Explanation = explain(task, looks)
	if out.Verdict, err = compare(task, looks, against, h.Seen, out.Stages); err != nil {
		return nil, nil, err
	}
	data, err := s.weights.Pack(task).Encode()
	return out, data, err
}

// taughtLook is an example of a task that learns.
type taughtLook struct {
	*look
	class string
	hash  string // sha256 of its file
}

// explain tells of what a task has in use.
func explain(task *adapt.Task, looks map[int]taughtLook) explanation {
	l := task.InUse()
	x := explanation{Head: string(l.Head.Kind), Strength: l.Head.Strength, Trials: []trial{}, UnknownBelow: l.UnknownBelow, Doubts: []doubt{}}
	for _, t := range l.Trials {
		x.Trials = append(x.Trials, trial{string(t.Kind), t.Strength, t.Weight, t.Hits, t.LogLoss})
	}
	names := map[int]string{}
	for _, c := range task.Classes() {
		names[c.ID] = c.Name
	}
	if r := l.LeaveOneOut; r != nil {
		x.LeaveOneOut = &leaveOneOut{r.Hits, r.Total, r.Low, r.High, r.LogLoss, r.Confusion}
		for _, j := range r.Judged {
			x.Judged = append(x.Judged, leftOut{looks[j.Example].hash, looks[j.Example].class, j.Probability, names[j.Said], j.Saying})
		}
	}
	for _, d := range task.Review() {
		x.Doubts = append(x.Doubts, doubt{looks[d.Example].hash, looks[d.Example].class, names[d.Said], d.Saying})
	}
	if c := l.Choice; c != nil {
		x.Experts = &experts{c.Scores, c.All.Part()}
	}
	return x
}

// compare judges what a task has in use against an adapter, by the rule of the guard, on the pictures that the adapter was not made of: the new one by
// leaving each of them out. seen is nil where nobody knows which those are.
func compare(task *adapt.Task, looks map[int]taughtLook, against *carry.Applied, seen []string, stages stages) (verdict, error) {
	if against == nil {
		return verdict{adapt.VerdictFirst, "there was no adaptation in use"}, nil
	}
	out := task.InUse().LeaveOneOut
	if out == nil {
		return verdict{adapt.VerdictNotCompared, "a class has a single example, so none can be held out to compare by"}, nil
	}
	if seen == nil {
		return verdict{adapt.VerdictNotCompared, "nobody knows here which pictures the one in use was made of"}, nil
	}
	var pairs adapt.Paired
	for _, j := range out.Judged {
		look := looks[j.Example]
		if slices.Contains(seen, look.hash) {
			continue
		}
		before, err := ask(against, look.look, stages)
		if err != nil {
			return verdict{}, err
		}
		pairs.Add(j.Probability, before.of(look.class), j.Said == j.Class, before.Class == look.class)
	}
	v := pairs.Verdict()
	return verdict{v.Code, v.Reason}, nil
}

// sealing is the header of seal; the body is an adapter's file.
type sealing struct {
	Classes []int  `json:"classes"` // ids of its classes in the task
	Time    string `json:"time"`
	Tool    string `json:"tool"`
	Hits    int    `json:"hits"`
	Total   int    `json:"total"`
	Journal chain  `json:"journal"` // its end, with the examples
}

// seal gives an adapter the ids of its task and its provenance, and returns the file. It is kept ready.
func (s *session) seal(header, body []byte) (any, []byte, error) {
	h, err := ready[sealing](s, header)
	if err != nil {
		return nil, nil, err
	}
	a, err := decode(body)
	if err != nil {
		return nil, nil, err
	}
	if len(h.Classes) != len(a.Classes) {
		return nil, nil, fmt.Errorf("worker: want ids of %d classes, have %d: %w", len(a.Classes), len(h.Classes), errUsage)
	}
	for i, id := range h.Classes {
		a.Classes[i].ID = id
	}
	p := &a.Provenance
	p.Time, p.Tool, p.Hits, p.Total, p.Journal = h.Time, h.Tool, h.Hits, h.Total, journal.Chain(h.Journal)
	data, err := a.Encode()
	if err != nil {
		return nil, nil, err
	}
	x, err := s.weights.Apply(a)
	if err != nil {
		return nil, nil, err
	}
	hash := tensorfile.Hash(data)
	s.held.put(hash, x)
	return describe(a, hash), data, nil
}
