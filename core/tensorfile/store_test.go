package tensorfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestSaveLoad(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.safetensors", "a.safetensors.zst"} {
		path := filepath.Join(dir, name)
		for range 2 { // the second replaces the first
			if err := Save(path, sample()); err != nil {
				t.Fatal(err)
			}
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if have, want := isZstd(data), strings.HasSuffix(name, ".zst"); have != want {
			t.Errorf("%s: want zstd %v, have %v", name, want, have)
		}
		f, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(f.Metadata, sample().Metadata) || len(f.Tensors) != len(sample().Tensors) {
			t.Errorf("%s: want the sample, have %v", name, f)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("want the 2 files and nothing beside them, have %v, %v", entries, err)
	}
}

// TestSaveKeepsOld: a file that cannot be encoded, or whose place cannot be
// written, leaves what was there.
func TestSaveKeepsOld(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.safetensors")
	if err := Save(path, sample()); err != nil {
		t.Fatal(err)
	}
	bad := &File{Tensors: []Tensor{{Name: "x", DType: "F64", Data: make([]byte, 8)}}}
	if err := Save(path, bad); !errors.Is(err, ErrDType) || !strings.Contains(err.Error(), path) {
		t.Errorf("want %v and the file's name, have %v", ErrDType, err)
	}
	if _, err := Load(path); err != nil {
		t.Errorf("want the old file, have %v", err)
	}
	taken := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "full"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Save(taken, sample()); err == nil {
		t.Error("want an error for a path that is a directory, have none")
	}
	if err := Save(filepath.Join(dir, "absent", "a"), sample()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("want %v, have %v", fs.ErrNotExist, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("want no temporary file left, have %v, %v", entries, err)
	}
}

func TestLoadNamesFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "broken.safetensors")
	if _, err := Load(path); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("want %v and the file's name, have %v", fs.ErrNotExist, err)
	}
	if err := os.WriteFile(path, []byte("short"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); !errors.Is(err, ErrTruncated) || !strings.Contains(err.Error(), path) {
		t.Errorf("want %v and the file's name, have %v", ErrTruncated, err)
	}
}

// TestReadFile: what has no end, or too late a one, is refused before it is read.
func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ten")
	if err := os.WriteFile(path, []byte("ten bytes!"), 0o644); err != nil {
		t.Fatal(err)
	}
	if data, err := ReadFile(path, 10); err != nil || string(data) != "ten bytes!" {
		t.Errorf("at the limit: have %q, %v", data, err)
	}
	sparse := filepath.Join(dir, "sparse")
	if err := os.WriteFile(sparse, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(sparse, MaxFile+1); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path  string
		limit int64
		want  error
	}{
		{path, 9, ErrTooLarge}, {sparse, MaxFile, ErrTooLarge}, {dir, 10, ErrFormat}, {os.DevNull, 10, ErrFormat}, {path + "x", 10, fs.ErrNotExist},
	} {
		if _, err := ReadFile(c.path, c.limit); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.path) {
			t.Errorf("%s: want %v and the file's name, have %v", c.path, c.want, err)
		}
	}
	if _, err := Load(sparse); !errors.Is(err, ErrTooLarge) {
		t.Errorf("Load: want ErrTooLarge, have %v", err)
	}
}
