package store

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"haguruma/adapt/journal"
	"haguruma/core/tensorfile"
)

const now = "2026-11-25T21:23:50Z"

var bundleSum = tensorfile.Hash([]byte("bundle"))

// step is what a user does to a task: all that is stored for it, and the commit.
type step struct {
	name    string
	picture string // to store; empty: none
	version string
	change  func(s *State, picture, version string)
	kind    journal.Kind
	tidy    bool
}

func (s step) run(t *Task) error {
	next, picture, version := t.State(), "", ""
	var err error
	if s.picture != "" {
		if picture, err = t.PutPicture([]byte(s.picture)); err != nil {
			return err
		}
	}
	if s.version != "" {
		if _, version, err = t.PutVersion([]byte(s.version)); err != nil {
			return err
		}
	}
	s.change(&next, picture, version)
	if err := t.Commit(next, journal.Entry{Time: now, Kind: s.kind, Bundle: bundleSum, Details: []journal.Detail{journal.Text("step", s.name)}}); err != nil {
		return err
	}
	if s.tidy {
		t.Tidy()
	}
	return nil
}

func addClass(name string) step {
	return step{name: name, kind: journal.ClassAdded, change: func(s *State, _, _ string) {
		s.LastClass++
		s.Classes = append(s.Classes, Class{s.LastClass, name})
	}}
}

func addExample(class int, picture string) step {
	return step{name: picture, picture: picture, kind: journal.Added, change: func(s *State, hash, _ string) {
		s.LastExample++
		s.Examples = append(s.Examples, Example{s.LastExample, class, hash, picture})
	}}
}

func take(file string) step {
	return step{name: file, version: file, kind: journal.Taken, change: func(s *State, _, hash string) {
		s.Versions = append(s.Versions, Version{File: hash, Time: now})
		s.Current = len(s.Versions)
	}}
}

func rollBack(to int) step {
	return step{name: fmt.Sprint(to), kind: journal.RolledBack, change: func(s *State, _, _ string) { s.Current = to }}
}

func removeFirst() step {
	return step{name: "remove", kind: journal.Removed, tidy: true, change: func(s *State, _, _ string) { s.Examples = s.Examples[1:] }}
}

var scenario = []step{
	addClass("良品"), addClass("bad"), addExample(1, "picture a"), addExample(2, "picture b"), take("first adapter"), addExample(2, "picture c"),
	removeFirst(), take("second adapter"), rollBack(1), rollBack(0), rollBack(2),
}

// hold checks that everything a state refers to is there, and that the journal ends as it should with n entries.
func hold(t *testing.T, s Store, n int, when string) State {
	t.Helper()
	state, err := Read(s)
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	for _, x := range state.Examples {
		if data, err := Picture(s, x.Picture); err != nil || string(data) != x.Name {
			t.Fatalf("%s: example %d: %q, %v", when, x.ID, data, err)
		}
	}
	for i := range state.Versions {
		if _, err := VersionFile(s, state, i+1); err != nil {
			t.Fatalf("%s: version %d: %v", when, i+1, err)
		}
	}
	j, err := ReadJournal(s)
	if err != nil || n >= 0 && len(j.Entries) != n {
		t.Fatalf("%s: journal of %d entries, want %d, %v", when, len(j.Entries), n, err)
	}
	return state
}

// states are those of the scenario: before it, and after each step.
func states(t *testing.T) (list []State) {
	task, err := Create(NewMemory(), "id", bundleSum, "", now)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append([]step{{change: func(*State, string, string) {}, kind: "nothing"}}, scenario...) {
		if err := s.run(task); err != nil {
			t.Fatal(err)
		}
		list = append(list, task.State())
	}
	return list
}

// TestScenario on both stores: every state comes back from the store.
func TestScenario(t *testing.T) {
	folder, err := LockFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	want := states(t)
	for name, s := range map[string]Store{"memory": NewMemory(), "folder": folder} {
		task, err := Create(s, "id", bundleSum, "", now)
		if err != nil {
			t.Fatal(err)
		}
		for i, step := range scenario {
			if err := step.run(task); err != nil {
				t.Fatalf("%s, step %d: %v", name, i, err)
			}
			if have := hold(t, s, i+2, name); !reflect.DeepEqual(have, want[i+1]) {
				t.Fatalf("%s, step %d: have %+v, want %+v", name, i, have, want[i+1])
			}
			if task, err = Open(s); err != nil || task.Chain().Entries != i+2 {
				t.Fatalf("%s, step %d: %v", name, i, err)
			}
		}
		if names, err := s.List(pictures); err != nil || len(names) != 2 {
			t.Errorf("%s: want the pictures of two examples, have %v, %v", name, names, err)
		}
		if _, err := Create(s, "id", bundleSum, "", now); !errors.Is(err, ErrState) {
			t.Errorf("%s: created twice: %v", name, err)
		}
	}
}

// TestEveryChangeFails: each change to the store in turn fails, having done nothing, a part, or all of it, once or from then on as in a crash. A
// step that was confirmed is never lost, one that was refused leaves the state before or, where all was done, after it; the store can be
// opened again, its journal is sound, and nothing is left over.
func TestEveryChangeFails(t *testing.T) {
	want := states(t)
	runs := 0
	for _, crash := range []bool{false, true} {
		for _, done := range []int{0, 1, 30, 1 << 20} {
			for at := 0; ; at++ {
				m, changes, failed := NewMemory(), 0, false
				task, err := Create(m, "id", bundleSum, "", now)
				if err != nil {
					t.Fatal(err)
				}
				m.Fail = func(op, name string) (int, error) {
					changes++
					if changes-1 == at || crash && changes > at {
						part := done
						if changes-1 != at {
							part = 0
						}
						failed = true
						return part, ErrFull
					}
					return 0, nil
				}
				when := fmt.Sprintf("change %d, crash %t, %d bytes done", at, crash, done)
				confirmed := 0
				for i, step := range scenario {
					err := step.run(task)
					if err != nil && !errors.Is(err, ErrFull) {
						t.Fatalf("%s: step %d: %v", when, i, err)
					}
					if err != nil {
						if have := task.State(); !reflect.DeepEqual(have, want[i]) {
							t.Fatalf("%s: step %d was refused, and changed the task: %+v", when, i, have)
						}
						if crash {
							break
						}
						if err := step.run(task); err != nil { // once more: the disk has room again
							t.Fatalf("%s: step %d, again: %v", when, i, err)
						}
					}
					confirmed = i + 1
				}
				m = m.Clone() // as it is found by the next program
				have := hold(t, m, -1, when)
				if !reflect.DeepEqual(have, want[confirmed]) && !(crash && confirmed < len(scenario) && reflect.DeepEqual(have, want[confirmed+1])) {
					t.Fatalf("%s: %d steps were confirmed, have %+v", when, confirmed, have)
				}
				again, err := Open(m)
				if err != nil {
					t.Fatalf("%s: %v", when, err)
				}
				hold(t, m, -1, when+", opened")
				if j, _ := journalOf(t, m); len(j.Torn) > 0 || j.Chain() != again.Chain() || len(j.Entries) < confirmed+1 {
					t.Fatalf("%s: the journal has %d entries, %d bytes torn", when, len(j.Entries), len(j.Torn))
				}
				names, _ := m.List(pictures)
				files, _ := m.List(versions)
				if len(files) != len(have.Versions) || len(names) != len(have.Examples) {
					t.Fatalf("%s: left over: %v %v", when, names, files)
				}
				if err := addClass("one more").run(again); err != nil {
					t.Fatalf("%s: %v", when, err)
				}
				hold(t, m, again.Chain().Entries, when+", gone on")
				runs++
				if !failed {
					break
				}
			}
		}
	}
	if runs < 8*len(scenario)*2 {
		t.Errorf("%d runs", runs)
	}
}

// journalOf reads the file alone.
func journalOf(t *testing.T, s Store) (*journal.Journal, []byte) {
	t.Helper()
	data, err := s.Get(journalName)
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Read(data, journal.Chain{})
	if err != nil {
		t.Fatal(err)
	}
	return j, data
}

// played is a task after the scenario.
func played(t *testing.T) (*Memory, *Task) {
	t.Helper()
	m := NewMemory()
	task, err := Create(m, "id", bundleSum, "", now)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scenario {
		if err := s.run(task); err != nil {
			t.Fatal(err)
		}
	}
	return m, task
}

// TestJournalThatWasChanged: a task whose journal was edited is not gone on with, until a new journal is begun, which says so.
func TestJournalThatWasChanged(t *testing.T) {
	for name, edit := range map[string]func(data string) string{
		"edited":   func(data string) string { return strings.Replace(data, "良品", "不良", 1) },
		"cut":      func(data string) string { return data[:strings.LastIndex(data[:len(data)-1], "\n")+1] },
		"gone":     func(data string) string { return "" },
		"added to": func(data string) string { return data + data[strings.LastIndex(data[:len(data)-1], "\n")+1:] },
	} {
		m, task := played(t)
		old := task.Chain()
		_, data := journalOf(t, m)
		m.files[journalName] = []byte(edit(string(data)))
		var changed *journal.Error
		_, err := Open(m)
		if name == "cut" { // task.json still has the last line: nothing was lost
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			hold(t, m, old.Entries, name)
			m.files[journalName] = data[:strings.Index(string(data), "\n")+1]
			_, err = Open(m)
		}
		if !errors.As(err, &changed) {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := ReadJournal(m); !errors.As(err, &changed) {
			t.Errorf("%s: %v", name, err)
		}
		if state, err := Read(m); err != nil || !reflect.DeepEqual(state, task.State()) {
			t.Errorf("%s: the state is gone: %v", name, err)
		}
		if err := Restart(m, now, name); err != nil {
			t.Fatal(err)
		}
		if task, err = Open(m); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		hold(t, m, 1, name)
		j, _ := journalOf(t, m)
		if e := &j.Entries[0]; e.Kind != journal.Begun || e.Detail("head-before") != `"`+old.Head+`"` || e.Detail("entries-before") != fmt.Sprint(old.Entries) {
			t.Errorf("%s: %+v", name, e)
		}
		if kept, err := m.Get("journal.broken.1"); err != nil || len(kept) == len(data) && name == "gone" {
			t.Errorf("%s: %d bytes, %v", name, len(kept), err)
		}
	}
}

// TestAside: what was put aside before is never written over, also when somebody has removed one of them.
func TestAside(t *testing.T) {
	m, task := played(t)
	m.files["journal.torn.2"] = []byte("second")
	for _, want := range []string{"first", "third"} {
		if err := task.aside("journal.torn", []byte(want)); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []string{"first", "second", "third"} {
		if have := string(m.files[fmt.Sprintf("journal.torn.%d", i+1)]); have != want {
			t.Errorf("%d: want %q, have %q", i+1, want, have)
		}
	}
}

func TestDamagedFiles(t *testing.T) {
	if _, err := Open(NewMemory()); !errors.Is(err, ErrNotFound) {
		t.Errorf("no task: %v", err)
	}
	m, task := played(t)
	state := task.State()
	good, sound := m.files[taskName], m.Clone()
	for _, name := range []string{pictureName(state.Examples[0].Picture), versionName(1)} {
		m.files[name] = []byte("something else")
	}
	if _, err := Picture(m, state.Examples[0].Picture); !errors.Is(err, ErrDamaged) {
		t.Errorf("a picture: %v", err)
	}
	if _, err := VersionFile(m, state, 1); !errors.Is(err, ErrDamaged) {
		t.Errorf("a version: %v", err)
	}
	for _, n := range []int{0, -1, 3} {
		if _, err := VersionFile(m, state, n); !errors.Is(err, ErrNotFound) {
			t.Errorf("version %d: %v", n, err)
		}
	}
	for _, edit := range [][2]string{
		{`"current":2`, `"current":3`}, {`"class":2`, `"class":9`}, {`haguruma-task/1`, `haguruma-task/2`}, {`"lastExample":3`, `"lastExample":1`}, {`}`, ``},
		{`"name"`, `"nick"`}, {bundleSum, "abc"}, {`"id":2`, `"id":1`},
	} {
		m.files[taskName] = []byte(strings.Replace(string(good), edit[0], edit[1], 1))
		if _, err := Read(m); !errors.Is(err, ErrDamaged) {
			t.Errorf("%v: %v", edit, err)
		}
	}
	*m = *sound
	next := task.State()
	next.Current = 7
	if err := task.Commit(next); !errors.Is(err, ErrState) {
		t.Errorf("a version that is not there: %v", err)
	}
	if err := task.Commit(task.State(), journal.Entry{Kind: "Bad"}); !errors.Is(err, journal.ErrEntry) {
		t.Errorf("a bad entry: %v", err)
	}
	hold(t, m.Clone(), -1, "refused")
}

// FuzzRecord: task.json of anything is read or refused without a panic, and what is read is written as the same.
func FuzzRecord(f *testing.F) {
	m := NewMemory()
	task, err := Create(m, "id", bundleSum, bundleSum, now)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"format":"haguruma-task/1"}`))
	for _, s := range scenario {
		f.Add(task.record.encode())
		if err := s.run(task); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decode(data)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Error(err)
			}
			return
		}
		again, err := decode(r.encode())
		if err != nil || !reflect.DeepEqual(r, again) {
			t.Errorf("%+v became %+v, %v", r, again, err)
		}
	})
}
