package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"

	"haguruma/adapt"
	"haguruma/adapt/adapter"
	"haguruma/adapt/journal"
	"haguruma/adapt/store"
	"haguruma/adapt/tune"
	"haguruma/core/fewshot"
)

// adaptTask brings the task in line with the examples, adapts, and takes the result into use where it is no worse: in one moment, or not at all.
func (a *app) adaptTask(ctx context.Context, o adapt.Options, t *taught, f adaptFlags, from string, classes []labelled, r *adaptedTo) (*adapter.Adapter, error) {
	folder, task, err := a.beginTask(f.task, from, t)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	s := &syncer{state: task.State(), time: now()}
	if s.state.Bundle != t.bundle.hash {
		return nil, fmt.Errorf("%s: the task was begun with the bundle with sha256 %s, have %s: %w", f.task, s.state.Bundle, t.bundle.hash, adapter.ErrBundle)
	}
	// The guard compares with the version in use as it was made, which takes the examples that it was made of.
	if n := s.state.Current; n > 0 && s.state.Versions[n-1].Made == made(s.state) {
		current, _, err := versionOf(folder, f.task, s.state, n)
		if err != nil {
			return nil, err
		}
		if err := t.teach(ctx, f.task, s.classes(folder)); err != nil {
			return nil, err
		}
		again := adapt.Options{Head: fewshot.Kind(current.Head.Kind), Views: current.Provenance.Views > 0, Force: true}
		if current.Change != nil { // steps on another machine might find another
			again.Tuner = tune.Stored{Mode: current.Provenance.Method, Change: current.Change}
		}
		if _, err := t.adapt(ctx, f.task, again); err != nil {
			return nil, err
		}
	}
	s.state.Experts = ""
	if t.experts != nil {
		s.state.Experts = t.experts.hash
	}
	where := f.task
	if from != "" {
		where = from
		if err := s.sync(classes); err != nil {
			return nil, fmt.Errorf("%s: %w", from, err)
		}
	}
	if err := t.teach(ctx, where, s.classes(folder)); err != nil {
		return nil, err
	}
	out, err := t.adapt(ctx, where, o)
	if err != nil {
		return nil, err
	}
	r.Verdict = &verdict{out.Version.Verdict.Code, out.Version.Verdict.Reason}
	if !out.Taken {
		entry := journal.Entry{Time: s.time, Kind: journal.Refused, Bundle: s.state.Bundle, Details: []journal.Detail{journal.Text("reason", r.Verdict.Reason)}}
		if err := task.Commit(task.State(), entry); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%s: not taken, %s: %w", f.task, r.Verdict.Reason, errWorse)
	}
	for _, p := range s.fresh {
		data, err := p.read()
		if err == nil {
			_, err = task.PutPicture(data)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", where, p.name, err)
		}
	}
	result := r.say(t)
	// The adapter knows the journal with the examples that it was made of.
	if result.Provenance.Journal, err = ahead(task.Chain(), s.entries); err != nil {
		return nil, err
	}
	r.Task, r.Changes = f.task, &s.changes
	if current, err := sameAsCurrent(folder, f.task, s.state, result); err != nil {
		return nil, err
	} else if current != nil {
		r.Version = s.state.Current
		if s.changes.any() {
			err = task.Commit(s.state, s.entries...)
		}
		return current, err
	}
	return result, a.take(task, s, result, t.task.Choice(), r)
}

var errWorse = errors.New("the task is as it was")

// take makes the adapter the version in use.
func (a *app) take(task *store.Task, s *syncer, result *adapter.Adapter, choice *adapt.Choice, r *adaptedTo) error {
	data, err := result.Encode()
	if err != nil {
		return err
	}
	number, hash, err := task.PutVersion(data)
	if err != nil {
		return err
	}
	s.state.Versions = append(s.state.Versions, store.Version{File: hash, Content: result.Content, Time: s.time, Made: made(s.state)})
	s.state.Current = number
	r.Version, r.New = number, true
	details := []journal.Detail{journal.Text("head", result.Head.Kind), journal.Number("strength", result.Head.Strength)}
	if r.Views > 0 {
		details = append(details, journal.Integer("views", r.Views))
	}
	if choice != nil {
		details = append(details, journal.Text("experts", result.Experts), journal.Numbers("scores", choice.Scores), journal.Number("changed", choice.All.Part()))
	}
	if r.FineTuning != nil {
		details = append(details, r.FineTuning.details()...)
	}
	s.note(journal.Chosen, details...)
	if l := r.LeaveOneOut; l != nil {
		s.note(journal.Measured, journal.Text("by", "leave-one-out"), journal.Integer("hits", l.Hits), journal.Integer("total", l.Total), journal.Number("accuracy", l.Accuracy))
	}
	s.note(journal.Taken, journal.Integer("version", number), journal.Text("verdict", r.Verdict.Reason))
	s.entries[len(s.entries)-1].Adapter = result.Content
	if err := task.Commit(s.state, s.entries...); err != nil {
		return err
	}
	task.Tidy()
	return nil
}

// ahead is where a journal will end with more entries.
func ahead(end journal.Chain, entries []journal.Entry) (journal.Chain, error) {
	for _, e := range entries {
		var err error
		if _, end, err = end.Next(e); err != nil {
			return end, err
		}
	}
	return end, nil
}

// beginTask opens the task in a folder, or begins one where there are examples to begin with.
func (a *app) beginTask(path, from string, t *taught) (*store.Folder, *store.Task, error) {
	folder, task, err := openTask(path)
	if !errors.Is(err, errNoTask) {
		return folder, task, err
	}
	if from == "" {
		return nil, nil, err
	}
	if files, err := os.ReadDir(path); err == nil && slices.ContainsFunc(files, func(e os.DirEntry) bool { return !store.Leftover(e.Name()) }) {
		return nil, nil, fmt.Errorf("%s: want a new or an empty folder for a new task, have one with other files: %w", path, errNoTask)
	}
	if folder, err = store.LockFolder(path); err != nil {
		return nil, nil, err
	}
	hash := ""
	if t.experts != nil {
		hash = t.experts.hash
	}
	if task, err = store.Create(folder, rand.Text(), t.bundle.hash, hash, now()); err != nil {
		folder.Close()
		return nil, nil, err
	}
	return folder, task, nil
}

// sameAsCurrent returns the adapter in use when it predicts what the new one does: only where it comes from is another.
func sameAsCurrent(folder store.Store, path string, state store.State, result *adapter.Adapter) (*adapter.Adapter, error) {
	if state.Current == 0 {
		return nil, nil
	}
	current, _, err := versionOf(folder, path, state, state.Current)
	if err != nil {
		return nil, err
	}
	name := func(a adapter.Adapter) (string, error) {
		a.Provenance, a.Signature = adapter.Provenance{}, nil
		_, err := a.Encode()
		return a.Content, err
	}
	old, err := name(*current)
	if err != nil {
		return nil, err
	}
	fresh, err := name(*result)
	if err != nil || old != fresh {
		return nil, err
	}
	return current, nil
}

// noteExport writes into the journal of a task that an adapter left it.
func noteExport(path, file string, a *adapter.Adapter) error {
	folder, task, err := openTask(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	return task.Commit(task.State(), exportedEntry(file, a))
}

// exportedEntry says in a journal that an adapter has left the task.
func exportedEntry(file string, a *adapter.Adapter) journal.Entry {
	details := []journal.Detail{journal.Text("file", file)}
	if a.Signature != nil {
		details = append(details, journal.Text("signed-by", describe(a).SignedBy))
	}
	return journal.Entry{Time: now(), Kind: journal.Exported, Bundle: a.Bundle, Adapter: a.Content, Details: details}
}
