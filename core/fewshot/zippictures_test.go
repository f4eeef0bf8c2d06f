//go:build !js

package fewshot

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestPictures: at any depth, in order, without litter; what is no zip, or a dangerous one, is refused.
func TestPictures(t *testing.T) {
	zipped := func(names ...string) string {
		var data bytes.Buffer
		w := zip.NewWriter(&data)
		for _, name := range names {
			entry, err := w.Create(name)
			if err == nil {
				_, err = entry.Write([]byte("of " + name))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "a.zip")
		if err := os.WriteFile(path, data.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := zipped("z.png", "a/b/c/d.JPG", "__MACOSX/z.png", "a/readme.txt", "a/.hidden.png", "a/1.webp")
	p, err := OpenPictures(good)
	if err != nil || !slices.Equal(p.Names, []string{"a/1.webp", "a/b/c/d.JPG", "z.png"}) || p.Others != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	if data, err := p.Bytes(1); err != nil || string(data) != "of a/b/c/d.JPG" {
		t.Errorf("%q, %v", data, err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Bytes(1); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	short := filepath.Join(t.TempDir(), "short.zip")
	if err := os.WriteFile(short, data[:len(data)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{short: ErrFormat, zipped("../a.png"): ErrPath, filepath.Join(t.TempDir(), "none"): os.ErrNotExist} {
		if _, err := OpenPictures(path); !errors.Is(err, want) {
			t.Errorf("%s: want %v, have %v", path, want, err)
		}
	}
}
