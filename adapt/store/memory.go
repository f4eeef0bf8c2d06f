package store

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Memory is a store that ends with the program. Fail lets tests see what a full disk or a crash does.
type Memory struct {
	// Fail is asked before each change: op is put, append or delete. With an error the change fails; done bytes of it come to pass nevertheless:
	// of an append that many, of the others all when it is above 0. nil: nothing fails.
	Fail func(op, name string) (done int, err error)

	files map[string][]byte
}

// NewMemory returns an empty store.
func NewMemory() *Memory { return &Memory{files: map[string][]byte{}} }

// Clone returns a store with the same files, and no Fail.
func (m *Memory) Clone() *Memory { return &Memory{files: maps.Clone(m.files)} }

func (m *Memory) Get(name string) ([]byte, error) {
	data, ok := m.files[name]
	if !ok {
		return nil, fmt.Errorf("store: %s: %w", name, ErrNotFound)
	}
	return slices.Clone(data), nil
}

// change runs a change of n bytes, or what Fail leaves of it.
func (m *Memory) change(op, name string, n int, run func(done int)) error {
	if err := checkName(name); err != nil {
		return err
	}
	if m.Fail != nil {
		if done, err := m.Fail(op, name); err != nil {
			if done > 0 {
				run(min(done, n))
			}
			return fmt.Errorf("store: %s %s: %w", op, name, err)
		}
	}
	run(n)
	return nil
}

func (m *Memory) Put(name string, data []byte) error {
	return m.change("put", name, len(data), func(int) { m.files[name] = slices.Clone(data) })
}

func (m *Memory) Append(name string, data []byte) error {
	return m.change("append", name, len(data), func(done int) { m.files[name] = slices.Concat(m.files[name], data[:done]) })
}

func (m *Memory) Delete(name string) error {
	return m.change("delete", name, 0, func(int) { delete(m.files, name) })
}

func (m *Memory) List(prefix string) ([]string, error) {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(m.files)), func(name string) bool { return !strings.HasPrefix(name, prefix) }), nil
}
