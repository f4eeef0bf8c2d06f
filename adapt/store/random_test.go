package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"testing"
)

// TestRandomOperations: 10,000 steps, a tenth of that in wasm, with failures of every kind and programs that end anywhere; the model is a list of confirmed states.
func TestRandomOperations(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	m := NewMemory()
	task, err := Create(m, "id", bundleSum, "", now)
	if err != nil {
		t.Fatal(err)
	}
	arm := func(m *Memory) {
		m.Fail = func(op, name string) (int, error) {
			if rng.IntN(12) == 0 {
				return rng.IntN(3) * rng.IntN(200), []error{ErrFull, ErrDenied}[rng.IntN(2)]
			}
			return 0, nil
		}
	}
	arm(m)
	state, entries, refused, crashes := task.State(), 1, 0, 0
	operations := 10_000
	if runtime.GOOS == "js" {
		operations = 1000
	}
	for i := range operations {
		var s step
		switch n := rng.IntN(10); {
		case n < 2 || len(state.Classes) == 0:
			s = addClass(fmt.Sprint("class ", i))
		case n < 6:
			s = addExample(state.Classes[rng.IntN(len(state.Classes))].ID, fmt.Sprint("picture ", rng.IntN(50)))
		case n < 7:
			s = take(fmt.Sprint("adapter ", i))
		case n < 9 || len(state.Examples) == 0:
			s = rollBack(rng.IntN(len(state.Versions) + 1))
		default:
			s = removeFirst()
		}
		if len(state.Classes) > 10 { // as with a new task: keep the run short
			s = step{name: "clear", kind: "cleared", tidy: true, change: func(s *State, _, _ string) { s.Classes, s.Examples = nil, nil }}
		}
		if err := s.run(task); err != nil {
			if refused++; !errors.Is(err, ErrFull) && !errors.Is(err, ErrDenied) {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(task.State(), state) {
				t.Fatalf("operation %d was refused, and changed the task", i)
			}
		} else {
			entries++
		}
		state = task.State()
		if rng.IntN(20) == 0 { // the program ends, another begins; while it opens, nothing fails
			crashes++
			m = m.Clone()
			if task, err = Open(m); err != nil {
				t.Fatalf("operation %d: %v", i, err)
			}
			if have := hold(t, m, task.Chain().Entries, fmt.Sprint("operation ", i)); !reflect.DeepEqual(have, state) && !reflect.DeepEqual(have, task.State()) {
				t.Fatalf("operation %d: have %+v, want %+v", i, have, state)
			}
			if len(task.State().Versions) > 12 { // the file of every version is held each time
				m = NewMemory()
				if task, err = Create(m, "id", bundleSum, "", now); err != nil {
					t.Fatal(err)
				}
			}
			state, entries = task.State(), task.Chain().Entries
			arm(m)
		}
		if have := task.Chain().Entries; have != entries {
			t.Fatalf("operation %d: %d entries, want %d", i, have, entries)
		}
	}
	t.Logf("%d refused, %d times opened again", refused, crashes)
	if refused < operations/20 || crashes < operations/33 {
		t.Errorf("%d refused, %d times opened again: too few", refused, crashes)
	}
}
