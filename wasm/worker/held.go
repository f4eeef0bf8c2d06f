//go:build js && wasm

package main

import (
	"fmt"
	"slices"

	"haguruma/adapt/adapter"
	"haguruma/adapt/carry"
	"haguruma/core/tensorfile"
)

// How many adapters are kept: a head is some kilobytes, a merged or changed backbone a copy of what differs.
const (
	keepHeads  = 128
	keepCopies = 3
)

// holder keeps adapters ready to classify, those used last. They are known by the sha256 of their file, so what is held is never out of date.
type holder struct {
	list []held // used last at the end
}

type held struct {
	hash    string
	applied *carry.Applied
	copies  bool // it holds weights of its own
}

func newHolder() *holder { return &holder{} }

// get returns an adapter that is held. The error wraps errNeeded.
func (h *holder) get(hash string) (*carry.Applied, error) {
	i := slices.IndexFunc(h.list, func(x held) bool { return x.hash == hash })
	if i < 0 {
		return nil, fmt.Errorf("worker: adapter %s: %w", hash, errNeeded)
	}
	x := h.list[i]
	h.list = append(slices.Delete(h.list, i, i+1), x)
	return x.applied, nil
}

func (h *holder) put(hash string, applied *carry.Applied) {
	h.list = slices.DeleteFunc(h.list, func(x held) bool { return x.hash == hash })
	h.list = append(h.list, held{hash, applied, applied.Experts != "" || applied.Change != nil})
	heads, copies := 0, 0
	for i := len(h.list) - 1; i >= 0; i-- {
		full := heads == keepHeads
		if h.list[i].copies {
			full = full || copies == keepCopies
			copies++
		}
		if heads++; full {
			h.list = slices.Delete(h.list, i, i+1)
			heads--
		}
	}
}

// frame is how a zstd frame begins. Adapters hardly shrink, and unpacking takes memory that the sender chooses.
const frame = "\x28\xb5\x2f\xfd"

// decode reads an adapter as the edge takes them: not packed.
func decode(body []byte) (*adapter.Adapter, error) {
	if len(body) >= len(frame) && string(body[:len(frame)]) == frame {
		return nil, fmt.Errorf("adapter: it is packed by zstd; send it unpacked: %w", errAdapter)
	}
	a, err := adapter.Decode(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, errAdapter)
	}
	return a, nil
}

// hold(sha256) takes the file of an adapter.
func (s *session) hold(header, body []byte) (any, []byte, error) {
	h, err := ready[opened](s, header)
	if err != nil {
		return nil, nil, err
	}
	if have := tensorfile.Hash(body); have != h.SHA256 {
		return nil, nil, fmt.Errorf("worker: adapter: want sha256 %s, have %s: %w", h.SHA256, have, errHash)
	}
	if _, err := s.apply(body); err != nil {
		return nil, nil, err
	}
	return struct{}{}, nil, nil
}

// apply decodes an adapter, makes it ready and keeps it.
func (s *session) apply(body []byte) (*carry.Applied, error) {
	a, err := decode(body)
	if err != nil {
		return nil, err
	}
	x, err := s.weights.Apply(a)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, errAdapter)
	}
	s.held.put(tensorfile.Hash(body), x)
	return x, nil
}

// inspected is what an adapter says of itself.
type inspected struct {
	SHA256   string       `json:"sha256"`  // of the file
	Content  string       `json:"content"` // the adapter's own name
	Head     string       `json:"head"`
	Classes  []classCount `json:"classes"`
	Experts  bool         `json:"experts"` // merged at scores of its own
	Tuned    string       `json:"tuned"`   // how weights were changed; empty: they were not
	Time     string       `json:"time"`
	Hits     int          `json:"hits"`
	Total    int          `json:"total"`
	SignedBy string       `json:"signedBy"` // the key that its signature names, which nobody has verified here; empty: none
}

type classCount struct {
	ID       int    `json:"id"`
	Name     string `json:"name"`
	Examples int    `json:"examples"`
}

func describe(a *adapter.Adapter, hash string) inspected {
	i := inspected{
		SHA256: hash, Content: a.Content, Head: a.Head.Kind, Experts: a.Experts != "", Tuned: a.Provenance.Method, Time: a.Provenance.Time,
		Hits: a.Provenance.Hits, Total: a.Provenance.Total,
	}
	for _, c := range a.Classes {
		i.Classes = append(i.Classes, classCount{c.ID, c.Name, c.Examples})
	}
	if a.Signature != nil {
		i.SignedBy = fmt.Sprintf("%x", a.Signature.Key)
	}
	return i
}

// inspect() takes an adapter's file, holds it against bundle and experts, and keeps it ready.
func (s *session) inspect(_, body []byte) (any, []byte, error) {
	if err := s.ready(); err != nil {
		return nil, nil, err
	}
	x, err := s.apply(body)
	if err != nil {
		return nil, nil, err
	}
	return describe(x.Adapter, tensorfile.Hash(body)), nil, nil
}
