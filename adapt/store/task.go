package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"haguruma/adapt/journal"
	"haguruma/core/tensorfile"
)

// Names in the store.
const (
	taskName    = "task.json"
	journalName = "journal.jsonl"
	pictures    = "pictures/"
	versions    = "versions/"
)

func pictureName(hash string) string { return pictures + hash }
func versionName(number int) string  { return fmt.Sprintf("%s%04d.safetensors", versions, number) }

// Task is a task in a store. A failed call leaves it, and what is stored, as it was.
type Task struct {
	store Store
	record
	dirty bool // the end of the journal in the store may be torn, or behind
}

// load reads task.json as the Task of a store, and changes nothing. ErrNotFound: there is no task; ErrDamaged: it is not ours.
func load(s Store) (*Task, error) {
	data, err := s.Get(taskName)
	if err != nil {
		return nil, err
	}
	r, err := decode(data)
	if err != nil {
		return nil, err
	}
	return &Task{store: s, record: *r}, nil
}

// Create begins a task in a store that has none, with the entry Begun at that time. id is what no other task has, so that no two journals are
// the same from the start: random digits. ErrState: there is a task already.
func Create(s Store, id, bundle, experts, time string) (*Task, error) {
	if _, err := s.Get(taskName); err == nil {
		return nil, fmt.Errorf("store: there is a task already: %w", ErrState)
	} else if !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	t := &Task{store: s}
	// A journal from before a task.json that was lost is not ours to go on with, nor to drop.
	if err := t.setAside(journalName, "journal.lost"); err != nil {
		return nil, err
	}
	if err := t.Commit(State{Bundle: bundle, Experts: experts}, journal.Entry{
		Time: time, Kind: journal.Begun, Bundle: bundle, Details: []journal.Detail{journal.Text("task", id)},
	}); err != nil {
		return nil, err
	}
	return t, nil
}

// Read returns the state of a task, and changes nothing. ErrNotFound: there is no task; ErrDamaged: task.json is not ours.
func Read(s Store) (State, error) {
	t, err := load(s)
	if err != nil {
		return State{}, err
	}
	return t.state, nil
}

// ReadJournal returns the journal of a task, the lines that task.json still has included, held to its end. It changes nothing. On a
// *journal.Error the entries before the line are returned too.
func ReadJournal(s Store) (*journal.Journal, error) {
	t, err := load(s)
	if err != nil {
		return nil, err
	}
	j, missing, err := t.compare()
	if err != nil || len(missing) == 0 {
		return j, err
	}
	data, err := t.journalBytes()
	if err != nil {
		return nil, err
	}
	whole := data[:len(data)-len(j.Torn)]
	return journal.Read(append(whole, strings.Join(missing, "")...), t.end())
}

// Open opens a task for writing: it repairs what a crash left of the journal and removes pictures and versions that belong to no step. The
// errors are those of Read, those of the store, and *journal.Error when the journal was changed: see Restart.
func Open(s Store) (*Task, error) {
	t, err := load(s)
	if err != nil {
		return nil, err
	}
	t.dirty = true
	if err := t.flush(); err != nil {
		return nil, err
	}
	t.sweep()
	return t, nil
}

// Restart begins a new journal where the old one was changed or is gone, and puts what there is of it aside as journal.broken.N. The first entry of
// the new one says so, with the reason and the end that the old one should have had.
func Restart(s Store, time, reason string) error {
	t, err := load(s)
	if err != nil {
		return err
	}
	old := t.end()
	t.base, t.pending = journal.Chain{}, nil
	if err := t.setAside(journalName, "journal.broken"); err != nil {
		return err
	}
	return t.Commit(t.state, journal.Entry{Time: time, Kind: journal.Begun, Bundle: t.state.Bundle, Details: []journal.Detail{
		journal.Text("reason", reason), journal.Integer("entries-before", old.Entries), journal.Text("head-before", old.Head),
	}})
}

// State returns the state; nothing in it is shared with the task.
func (t *Task) State() State { return t.state.Clone() }

// Chain returns the end of the journal.
func (t *Task) Chain() journal.Chain { return t.end() }

// end is base and the pending lines.
func (t *Task) end() journal.Chain {
	end := t.base
	for _, line := range t.pending {
		end = end.With(line)
	}
	return end
}

// Commit makes next the state of the task and adds entries to its journal, both or neither. What next refers to must be stored: see
// PutPicture and PutVersion. When it returns nil, nothing takes it back, even if the journal's file cannot be written to at the moment: task.json has
// its lines, and the next Commit or Open brings them there. Errors: ErrState, journal.ErrEntry, those of the store.
func (t *Task) Commit(next State, entries ...journal.Entry) error {
	if err := next.check(); err != nil {
		return err
	}
	if t.dirty {
		if err := t.flush(); err != nil {
			var changed *journal.Error
			if errors.As(err, &changed) {
				return err
			}
		}
	}
	r := record{state: next.Clone(), base: t.base, pending: append([]string(nil), t.pending...)}
	if !t.dirty {
		r.base, r.pending = t.end(), nil
	}
	at, from := t.end(), len(r.pending)
	for _, e := range entries {
		line, end, err := at.Next(e)
		if err != nil {
			return err
		}
		r.pending, at = append(r.pending, string(line)), end
	}
	if err := t.store.Put(taskName, r.encode()); err != nil {
		return t.recover(err)
	}
	t.record = r
	if !t.dirty && from < len(r.pending) {
		t.dirty = t.store.Append(journalName, []byte(strings.Join(r.pending[from:], ""))) != nil
	}
	return nil
}

// recover sees whether a Put of task.json that said it failed came to pass nevertheless, and returns its error otherwise.
func (t *Task) recover(failed error) error {
	data, err := t.store.Get(taskName)
	if err != nil {
		return failed
	}
	r, err := decode(data)
	if err != nil || string(data) == string(t.record.encode()) {
		return failed
	}
	t.record, t.dirty = *r, true
	return nil
}

func (t *Task) journalBytes() ([]byte, error) {
	data, err := t.store.Get(journalName)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return data, err
}

// compare reads the journal's file and returns the pending lines that it does not have yet. The error is a *journal.Error where the file is
// not a part of what it should be.
func (t *Task) compare() (j *journal.Journal, missing []string, err error) {
	data, err := t.journalBytes()
	if err != nil {
		return nil, nil, err
	}
	if j, err = journal.Read(data, t.base); err != nil {
		return j, nil, err
	}
	at := t.base
	for i, line := range t.pending {
		if len(j.Hashes) == at.Entries {
			return j, t.pending[i:], nil
		}
		at = at.With(line)
		if _, err := j.Holds(at); err != nil {
			return j, nil, err
		}
	}
	if len(j.Hashes) > at.Entries {
		return j, nil, &journal.Error{Line: at.Entries + 1, Detail: fmt.Sprintf("want %d entries, have %d", at.Entries, len(j.Hashes)), Err: journal.ErrOrder}
	}
	return j, nil, nil
}

// flush brings the journal's file to its end: a torn line is cut off, kept aside where it is not the beginning of the line that comes
// next, and the pending lines follow.
func (t *Task) flush() error {
	j, missing, err := t.compare()
	if err != nil {
		return err
	}
	if len(j.Torn) > 0 {
		data, err := t.journalBytes()
		if err != nil {
			return err
		}
		if len(missing) == 0 || !strings.HasPrefix(missing[0], string(j.Torn)) {
			if err := t.aside("journal.torn", j.Torn); err != nil {
				return err
			}
		}
		if err := t.store.Put(journalName, data[:len(data)-len(j.Torn)]); err != nil {
			return err
		}
	}
	if len(missing) > 0 {
		if err := t.store.Append(journalName, []byte(strings.Join(missing, ""))); err != nil {
			return err
		}
	}
	t.dirty = false
	return nil
}

// aside stores data under the first name stem.N that is free.
func (t *Task) aside(stem string, data []byte) error {
	taken, err := t.store.List(stem)
	if err != nil {
		return err
	}
	n := 1
	for slices.Contains(taken, fmt.Sprintf("%s.%d", stem, n)) {
		n++
	}
	return t.store.Put(fmt.Sprintf("%s.%d", stem, n), data)
}

// setAside moves a file, where there is one.
func (t *Task) setAside(name, stem string) error {
	data, err := t.store.Get(name)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err == nil {
		err = t.aside(stem, data)
	}
	if err == nil {
		err = t.store.Delete(name)
	}
	return err
}

// sweep removes what no step refers to: a crash came between storing it and Commit. What cannot be removed does no harm.
func (t *Task) sweep() {
	wanted := map[string]bool{}
	for _, x := range t.state.Examples {
		wanted[pictureName(x.Picture)] = true
	}
	for i := range t.state.Versions {
		wanted[versionName(i+1)] = true
	}
	for _, prefix := range []string{pictures, versions} {
		names, err := t.store.List(prefix)
		if err != nil {
			return
		}
		for _, name := range names {
			if !wanted[name] {
				t.store.Delete(name)
			}
		}
	}
}

// PutPicture stores a picture's file and returns its hash; the same bytes are stored once. It belongs to the task when a Commit says so.
func (t *Task) PutPicture(data []byte) (hash string, err error) {
	hash = tensorfile.Hash(data)
	if _, err := Picture(t.store, hash); err == nil {
		return hash, nil
	}
	return hash, t.store.Put(pictureName(hash), data)
}

// PutVersion stores the adapter file of the version that comes next, and returns its number and the hash of the file; Commit makes it one.
func (t *Task) PutVersion(data []byte) (number int, hash string, err error) {
	number = len(t.state.Versions) + 1
	return number, tensorfile.Hash(data), t.store.Put(versionName(number), data)
}

// Tidy removes the pictures that no example has any more. Call it after a Commit.
func (t *Task) Tidy() { t.sweep() }

// Picture returns a picture's file. ErrDamaged: it has another hash.
func Picture(s Store, hash string) ([]byte, error) {
	return hashed(s, pictureName(hash), hash)
}

// VersionFile returns the adapter file of version number, from 1. ErrNotFound: there is no such version; ErrDamaged: it has another hash.
func VersionFile(s Store, state State, number int) ([]byte, error) {
	if number < 1 || number > len(state.Versions) {
		return nil, fmt.Errorf("store: version %d: have versions 1 to %d: %w", number, len(state.Versions), ErrNotFound)
	}
	return hashed(s, versionName(number), state.Versions[number-1].File)
}

func hashed(s Store, name, want string) ([]byte, error) {
	data, err := s.Get(name)
	if err != nil {
		return nil, err
	}
	if have := tensorfile.Hash(data); have != want {
		return nil, fmt.Errorf("store: %s: want sha256 %s, have %s: %w", name, want, have, ErrDamaged)
	}
	return data, nil
}
