//go:build js && wasm

package main

import (
	"encoding/json"
	"errors"

	"haguruma/adapt/journal"
)

// chain is the end of a journal.
type chain struct {
	Entries int    `json:"entries"`
	Head    string `json:"head"`
}

// entries is the header of lines.
type entries struct {
	Chain   chain   `json:"chain"`
	Entries []entry `json:"entries"`
}

type entry struct {
	Time    string   `json:"time"`
	Kind    string   `json:"kind"`
	Bundle  string   `json:"bundle"`
	Adapter string   `json:"adapter"`
	Details []detail `json:"details"`
}

type detail struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

// lines() returns the lines of entries that come behind the end of a journal, and its new end.
func lines(header, _ []byte) (any, []byte, error) {
	h, err := read[entries](header)
	if err != nil {
		return nil, nil, err
	}
	end, written := journal.Chain(h.Chain), []byte(nil)
	for _, e := range h.Entries {
		line := journal.Entry{Time: e.Time, Kind: journal.Kind(e.Kind), Bundle: e.Bundle, Adapter: e.Adapter}
		for _, d := range e.Details {
			line.Details = append(line.Details, fact(d))
		}
		var text []byte
		if text, end, err = end.Next(line); err != nil {
			return nil, nil, err
		}
		written = append(written, text...)
	}
	return chain(end), written, nil
}

// fact is a detail in the one spelling that a journal has.
func fact(d detail) journal.Detail {
	var text string
	if json.Unmarshal(d.Value, &text) == nil {
		return journal.Text(d.Name, text)
	}
	return journal.Detail{Name: d.Name, JSON: string(d.Value)}
}

// reading is the header of journal; the body is the lines.
type reading struct {
	Chain chain `json:"chain"` // that the task keeps
	CSV   bool  `json:"csv"`
}

// readJournal() holds every line to its place in the chain and the last to the end that was kept elsewhere. With csv, it returns them as a table.
func readJournal(header, body []byte) (any, []byte, error) {
	h, err := read[reading](header)
	if err != nil {
		return nil, nil, err
	}
	j, err := journal.Read(body, journal.Chain(h.Chain))
	reply := struct {
		Sound   bool   `json:"sound"`
		Entries int    `json:"entries"`
		Line    int    `json:"line"` // that is not as it was written; 0: none
		Problem string `json:"problem"`
	}{err == nil && len(j.Torn) == 0, len(j.Entries), 0, ""}
	var at *journal.Error
	if errors.As(err, &at) {
		reply.Line, reply.Problem = at.Line, at.Error()
	}
	if h.CSV {
		return reply, journal.CSV(j.Entries), nil
	}
	return reply, nil, nil
}
