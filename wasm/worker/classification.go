//go:build js && wasm

package main

import (
	"fmt"
	"slices"
	"time"

	"haguruma/adapt"
	"haguruma/adapt/carry"
	"haguruma/core/tensorfile"
)

// question is the header of classify; the body is the pictures, one behind the other.
type question struct {
	Adapter  string `json:"adapter"`  // sha256 of its file
	Second   string `json:"second"`   // of the adapter that is asked beside it; empty: none
	Pictures []int  `json:"pictures"` // lengths
	Limits   limits `json:"limits"`
}

// answers are the reply of classify, each list in the order of the pictures.
type answers struct {
	Answers []answer `json:"answers"`
	Second  []answer `json:"second"` // null: nobody was asked
	Stages  stages   `json:"stages"`
}

// answer is what is said of one picture.
type answer struct {
	Class       string  `json:"class"` // the most probable one
	Probability float32 `json:"probability"`
	Known       bool    `json:"known"` // false: the picture is of none of the classes
	Scores      []score `json:"scores"`
}

type score struct {
	Class       int     `json:"class"` // id
	Name        string  `json:"name"`
	Probability float32 `json:"probability"`
}

// ask has an adapter answer. The picture is embedded by the weights that the adapter names.
func ask(x *carry.Applied, look *look, stages stages) (answer, error) {
	start := time.Now()
	scores, known, err := x.Answer(look.pic)
	stages.since("embed", start)
	if err != nil {
		return answer{}, err
	}
	best := adapt.Best(scores)
	out := answer{Class: scores[best].Name, Probability: scores[best].Probability, Known: known, Scores: make([]score, len(scores))}
	for i, s := range scores {
		out.Scores[i] = score{s.Class, s.Name, s.Probability}
	}
	return out, nil
}

func (s *session) classify(header, body []byte) (any, []byte, error) {
	h, err := ready[question](s, header)
	if err != nil {
		return nil, nil, err
	}
	first, err := s.held.get(h.Adapter)
	if err != nil {
		return nil, nil, err
	}
	var second *carry.Applied
	if h.Second != "" {
		if second, err = s.held.get(h.Second); err != nil {
			return nil, nil, err
		}
	}
	r, out := &reader{body: body, limits: h.Limits}, answers{Answers: []answer{}, Stages: stages{}}
	for i, length := range h.Pictures {
		look, err := s.look(r, length, fmt.Sprintf("picture %d", i+1), out.Stages)
		if err != nil {
			return nil, nil, err
		}
		said, err := ask(first, look, out.Stages)
		if err != nil {
			return nil, nil, err
		}
		out.Answers = append(out.Answers, said)
		if second != nil {
			if said, err = ask(second, look, out.Stages); err != nil {
				return nil, nil, err
			}
			out.Second = append(out.Second, said)
		}
	}
	return out, nil, r.end()
}

// judgement is the header of feedback: one picture whose class is known, and what earlier ones came to.
type judgement struct {
	Adapter  string       `json:"adapter"` // in use
	Second   string       `json:"second"`  // the candidate
	Class    string       `json:"class"`
	Pictures []int        `json:"pictures"`
	Limits   limits       `json:"limits"`
	Pairs    adapt.Paired `json:"pairs"`
}

// judged is the reply of feedback.
type judged struct {
	Picture   string       `json:"picture"` // sha256 of its file
	InUse     answer       `json:"inUse"`
	Candidate answer       `json:"candidate"`
	Pairs     adapt.Paired `json:"pairs"`
	Worse     bool         `json:"worse"` // by the rule of the guard
	Reason    string       `json:"reason"`
	Stages    stages       `json:"stages"`
}

// feedback asks both adapters about pictures whose class is known, and judges the candidate by all that were asked so far, as the guard does.
func (s *session) feedback(header, body []byte) (any, []byte, error) {
	h, err := ready[judgement](s, header)
	if err != nil {
		return nil, nil, err
	}
	inUse, err := s.held.get(h.Adapter)
	if err != nil {
		return nil, nil, err
	}
	candidate, err := s.held.get(h.Second)
	if err != nil {
		return nil, nil, err
	}
	if !knows(candidate, h.Class) && !knows(inUse, h.Class) {
		return nil, nil, &adapt.Error{Code: adapt.CodeUnknownClass, Message: fmt.Sprintf("neither version has a class %q", h.Class), Name: h.Class}
	}
	r, out := &reader{body: body, limits: h.Limits}, judged{Pairs: h.Pairs, Stages: stages{}}
	for i, length := range h.Pictures {
		look, err := s.look(r, length, fmt.Sprintf("picture %d", i+1), out.Stages)
		if err != nil {
			return nil, nil, err
		}
		out.Picture = tensorfile.Hash(look.file)
		if out.InUse, err = ask(inUse, look, out.Stages); err != nil {
			return nil, nil, err
		}
		if out.Candidate, err = ask(candidate, look, out.Stages); err != nil {
			return nil, nil, err
		}
		out.Pairs.Add(out.Candidate.of(h.Class), out.InUse.of(h.Class), out.Candidate.Class == h.Class, out.InUse.Class == h.Class)
	}
	v := out.Pairs.Verdict()
	out.Worse, out.Reason = v.Code == adapt.VerdictWorse, v.Reason
	return out, nil, r.end()
}

func knows(x *carry.Applied, class string) bool {
	for _, c := range x.Classes {
		if c.Name == class {
			return true
		}
	}
	return false
}

// of is the probability of a class; 0 of one that is not known.
func (a answer) of(class string) float32 {
	if i := slices.IndexFunc(a.Scores, func(s score) bool { return s.Name == class }); i >= 0 {
		return a.Scores[i].Probability
	}
	return 0
}
