//go:build js && wasm

package main

import (
	"fmt"
	"strconv"
	"strings"

	"haguruma/adapt"
	"haguruma/adapt/adapter"
	"haguruma/adapt/carry"
	"haguruma/adapt/journal"
	"haguruma/core/plainjson"
)

// The page keeps what is here, and gives it back when it is opened again.

// toolName is what adapters of the page name as their tool.
const toolName = "haguruma in a browser"

// carried reads the arguments (bundle, experts): the sha256 of the files that are open.
func (s *session) carried(a *arguments) (carry.Weights, error) {
	w := carry.Weights{Backbone: s.eye, Bundle: a.string()}
	if hash := a.string(); s.experts != nil {
		w.Experts, w.Hash = s.experts.Sparse(), hash
	}
	return w, s.ready(a)
}

// adapter reads the argument (file).
func (s *session) adapter(a *arguments) (*adapter.Adapter, error) {
	data, err := a.owned()
	if err != nil {
		return nil, err
	}
	if err := s.ready(a); err != nil {
		return nil, err
	}
	x, err := adapter.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, errAdapter)
	}
	return x, nil
}

// pack(bundle, experts, time, entries, head) returns the adapter of what is in use, its sum, and the notes that recall wants; entries and head are the
// end of the journal.
func (s *session) pack(a *arguments) (any, error) {
	w, err := s.carried(a)
	from := adapter.Provenance{Time: a.string(), Tool: toolName, Journal: journal.Chain{Entries: a.int(), Head: a.string()}}
	if err != nil || a.err != nil {
		return nil, s.ready(a)
	}
	made := w.Pack(s.task)
	if made == nil {
		return nil, adapt.ErrNotAdapted
	}
	from.Method, from.Views = made.Provenance.Method, made.Provenance.Views
	if l := s.task.InUse().LeaveOneOut; l != nil {
		from.Hits, from.Total = l.Hits, l.Total
	}
	made.Provenance = from
	data, err := made.Encode()
	if err != nil {
		return nil, err
	}
	file, err := s.border.out(data)
	if err != nil {
		return nil, err
	}
	notes, err := s.border.out(carry.Notes(s.task))
	return object("file content notes", file, made.Content, notes), err
}

// recall(bundle, experts, file, notes, number, ids) puts a version back into the history; without notes it is an adapter from elsewhere, whose classes have
// the ids given, as numbers between spaces, and number 0 is the next one.
func (s *session) recall(a *arguments) (any, error) {
	w, err := s.carried(a)
	if err != nil {
		return nil, err
	}
	x, err := s.adapter(a)
	if err != nil {
		return nil, err
	}
	array, length := a.bytes()
	number, ids := a.int(), strings.Fields(a.string())
	if a.err != nil {
		return nil, a.err
	}
	r := adapt.Recalled{Verdict: adapt.Verdict{Code: adapt.VerdictImported, Reason: "it was made elsewhere"}}
	if length > 0 {
		notes, err := s.border.in(array, length)
		if err != nil {
			return nil, err
		}
		if r, err = carry.ReadNotes(notes); err != nil {
			return nil, err
		}
	}
	r.Number = number
	var given []int
	for _, id := range ids {
		n, err := strconv.Atoi(id)
		if err != nil {
			return nil, fmt.Errorf("browser: %s: id %q: %w", a.verb, id, errUsage)
		}
		given = append(given, n)
	}
	v, err := w.Recall(s.task, x, r, given)
	if err != nil {
		return nil, err
	}
	return version(v), nil
}

// adapterClasses(file) lists the classes of an adapter from elsewhere.
func (s *session) adapterClasses(a *arguments) (any, error) {
	x, err := s.adapter(a)
	if err != nil {
		return nil, err
	}
	return list(len(x.Classes), func(i int) any { return x.Classes[i].Name }), nil
}

// remember() embeds one example of a recalled version by its weights, and returns how many are left.
func (s *session) remember(a *arguments) (any, error) {
	if err := s.ready(a); err != nil {
		return nil, err
	}
	return s.task.Remember()
}

// chain(entries, head, time, kind, bundle, adapter, details) returns the line of a journal behind an end, without its line feed, and the sum of the line; details
// are a JSON object.
func (s *session) chain(a *arguments) (any, error) {
	end := journal.Chain{Entries: a.int(), Head: a.string()}
	e := journal.Entry{Time: a.string(), Kind: journal.Kind(a.string()), Bundle: a.string(), Adapter: a.string()}
	details := a.string()
	if a.err != nil {
		return nil, a.err
	}
	err := plainjson.Read(details, func(scan *plainjson.Scanner) error {
		return scan.Object(func(name string) error {
			value, err := scan.Raw()
			e.Details = append(e.Details, journal.Detail{Name: name, JSON: value})
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("browser: %s: details: %w: %w", a.verb, err, errUsage)
	}
	line, end, err := end.Next(e)
	if err != nil {
		return nil, err
	}
	return object("line head", strings.TrimSuffix(string(line), "\n"), end.Head), nil
}

// journal(bytes, entries, head) reads a journal and holds it to its end: its entries for people, the same as a CSV file, and what is wrong with it.
func (s *session) journal(a *arguments) (any, error) {
	array, length := a.bytes()
	end := journal.Chain{Entries: a.int(), Head: a.string()}
	if a.err != nil {
		return nil, a.err
	}
	data, err := s.border.in(array, length)
	if err != nil {
		return nil, err
	}
	j, broken := journal.Read(data, end)
	problem := ""
	if broken != nil {
		problem = broken.Error()
	}
	csv, err := s.border.out(journal.CSV(j.Entries))
	return object("entries csv problem", list(len(j.Entries), func(i int) any {
		e := &j.Entries[i]
		return object("number time kind words", e.Number, e.Time, string(e.Kind), e.Words())
	}), csv, problem), err
}
