package store

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

// TestStores: both do what Store says.
func TestStores(t *testing.T) {
	folder, err := LockFolder(filepath.Join(t.TempDir(), "a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	for kind, s := range map[string]Store{"memory": NewMemory(), "folder": folder} {
		get := func(name, want string) {
			t.Helper()
			if data, err := s.Get(name); err != nil || string(data) != want {
				t.Errorf("%s: %s: %q, %v", kind, name, data, err)
			}
		}
		do := func(err error) {
			t.Helper()
			if err != nil {
				t.Errorf("%s: %v", kind, err)
			}
		}
		do(s.Put("x/y.z", []byte("one")))
		get("x/y.z", "one")
		do(s.Put("x/y.z", []byte("two")))
		get("x/y.z", "two")
		do(s.Append("log", []byte("a")))
		do(s.Append("log", []byte("bc")))
		get("log", "abc")
		do(s.Put("empty", nil))
		get("empty", "")
		do(s.Put("x-a", []byte("1")))
		if names, err := s.List("x"); err != nil || !slices.Equal(names, []string{"x-a", "x/y.z"}) {
			t.Errorf("%s: %v, %v", kind, names, err)
		}
		do(s.Delete("x/y.z"))
		do(s.Delete("x/y.z"))
		if _, err := s.Get("x/y.z"); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: deleted: %v", kind, err)
		}
		for _, name := range []string{"", "/a", "../a", "a/../b", ".lock", "a//b", "a/b/c/d", "a b", "ä", "a\\b", "a/.b"} {
			if err := s.Put(name, nil); !errors.Is(err, ErrName) {
				t.Errorf("%s: Put(%q): %v", kind, name, err)
			}
			if err := s.Append(name, nil); !errors.Is(err, ErrName) {
				t.Errorf("%s: Append(%q): %v", kind, name, err)
			}
			if err := s.Delete(name); !errors.Is(err, ErrName) {
				t.Errorf("%s: Delete(%q): %v", kind, name, err)
			}
			if _, err := s.Get(name); err == nil {
				t.Errorf("%s: Get(%q)", kind, name)
			}
		}
	}
}

func TestFoldersThatCannotBe(t *testing.T) {
	root := t.TempDir()
	file := filepath.Join(root, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFolder(filepath.Join(root, "none")); !errors.Is(err, ErrNotFound) {
		t.Errorf("no folder: %v", err)
	}
	if _, err := OpenFolder(file); !errors.Is(err, ErrNotFound) {
		t.Errorf("a file: %v", err)
	}
	if _, err := LockFolder(filepath.Join(file, "below")); err == nil {
		t.Error("a folder below a file")
	}
	f, err := LockFolder(root)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Put("file/below", []byte("x")); err == nil {
		t.Error("a file below a file")
	}
	if _, err := f.Get("file/below"); err == nil {
		t.Error("a file below a file was read")
	}
	for system, ours := range map[error]error{syscall.ENOSPC: ErrFull, syscall.EROFS: ErrDenied, syscall.EACCES: ErrDenied, syscall.ENOENT: ErrNotFound} {
		if err := wrap(&os.PathError{Op: "write", Path: "x", Err: system}); !errors.Is(err, ours) || !errors.Is(err, system) {
			t.Errorf("%v became %v", system, err)
		}
	}
	if wrap(nil) != nil || wrap(syscall.EIO) == nil {
		t.Error("wrap")
	}
}
