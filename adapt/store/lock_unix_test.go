//go:build unix

package store

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestLock: one program writes; another is told so, may read, and may write when the first has ended.
func TestLock(t *testing.T) {
	root := t.TempDir()
	first, err := LockFolder(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Put("a", []byte("1")); err != nil {
		t.Fatal(err)
	}
	if _, err := LockFolder(root); !errors.Is(err, ErrLocked) {
		t.Errorf("locked twice: %v", err)
	}
	reader, err := OpenFolder(root)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := reader.Get("a"); err != nil || string(data) != "1" {
		t.Errorf("%q, %v", data, err)
	}
	for op, err := range map[string]error{"put": reader.Put("a", nil), "append": reader.Append("a", nil), "delete": reader.Delete("a")} {
		if !errors.Is(err, ErrDenied) {
			t.Errorf("%s by a reader: %v", op, err)
		}
	}
	if err := first.Close(); err != nil || reader.Close() != nil {
		t.Fatal(err)
	}
	// What a crash left of a file that was being written.
	half := filepath.Join(root, "task.json.123.tmp")
	if err := os.WriteFile(half, []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	if names, err := reader.List(""); err != nil || !slices.Equal(names, []string{"a"}) {
		t.Errorf("%v, %v", names, err)
	}
	second, err := LockFolder(root)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if _, err := os.Stat(half); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", half, err)
	}
}
