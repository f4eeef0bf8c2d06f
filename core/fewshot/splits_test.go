//go:build !js

package fewshot

import (
	"archive/zip"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const description = `{"datasets": [
	{"name": "letters", "file": "letters.zip", "role": "meta-train", "domain": "letters", "note": "n",
	 "counts": {"a": 2, "b": 2, "c": 1, "d": 1, "spare": 3}, "class_names": {"a": "first letter"},
	 "splits": {"train": ["b", "a"], "val": ["c"], "test": ["d"]}},
	{"name": "signs", "file": "signs.zip", "role": "meta-val", "counts": {"y": 1, "x": 1}},
	{"name": "castings", "file": "castings.zip", "role": "ood-test", "counts": {"good": 1, "bad": 1}}
]}`

// The guard: every pair of role and split, allowed or refused. Training never sees val or test
// classes, choosing never sees test classes, and nothing but reporting sees an ood-test set.
func TestGuardOfSplits(t *testing.T) {
	s, err := DecodeSplits([]byte(description))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		set, split string
		want       []string
		err        error
	}{
		{"letters", Train, []string{"a", "b"}, nil},
		{"letters", Val, []string{"c"}, nil},
		{"letters", Test, []string{"d"}, nil},
		{"signs", Train, nil, ErrGuard},
		{"signs", Val, []string{"x", "y"}, nil},
		{"signs", Test, nil, ErrGuard},
		{"castings", Train, nil, ErrGuard},
		{"castings", Val, nil, ErrGuard},
		{"castings", Test, []string{"bad", "good"}, nil},
		{"letters", "all", nil, ErrUnknown},
		{"castings", "", nil, ErrUnknown},
		{"none", Train, nil, ErrUnknown},
	} {
		got, err := s.Classes(test.set, test.split)
		if !slices.Equal(got, test.want) || !errors.Is(err, test.err) || (err == nil) != (test.err == nil) {
			t.Errorf("%s %q: have %q, %v; want %q, %v", test.set, test.split, got, err, test.want, test.err)
		}
	}
}

func TestSplitsDescribeTheirSets(t *testing.T) {
	s, err := DecodeSplits([]byte(description))
	if err != nil {
		t.Fatal(err)
	}
	letters, ok := s.Set("letters")
	if !ok || letters.Domain != "letters" || letters.Note != "n" || letters.Role != RoleMetaTrain {
		t.Errorf("have %+v, %v", letters, ok)
	}
	if a, b := letters.Title("a"), letters.Title("b"); a != "first letter" || b != "b" {
		t.Errorf("titles %q, %q", a, b)
	}
	if all, ood := s.Names(""), s.Names(RoleOODTest); !slices.Equal(all, []string{"letters", "signs", "castings"}) || !slices.Equal(ood, []string{"castings"}) {
		t.Errorf("names %q, %q", all, ood)
	}
	for name, want := range map[string]string{"letters": Test, "signs": Val, "castings": Test} {
		set, _ := s.Set(name)
		if got := set.ReportSplit(); got != want {
			t.Errorf("%s is reported on %s, want %s", name, got, want)
		}
		if _, err := s.Classes(name, set.ReportSplit()); err != nil {
			t.Error(err)
		}
	}
}

func TestSplitsAreRefused(t *testing.T) {
	for _, test := range []struct {
		name, old, new string
		err            error
	}{
		{"not JSON", `{"datasets"`, `{"datasets`, ErrFormat},
		{"no sets", `"datasets"`, `"other"`, ErrFormat},
		{"wrong type", `"name": "letters"`, `"name": 1`, ErrFormat},
		{"no name", `"name": "letters"`, `"name": ""`, ErrFormat},
		{"unknown role", `"ood-test"`, `"train"`, ErrUnknown},
		{"two of a name", `"name": "signs"`, `"name": "letters"`, ErrDuplicate},
		{"a class in train and test", `"test": ["d"]`, `"test": ["d", "a"]`, ErrDuplicate},
		{"a class twice in train", `["b", "a"]`, `["b", "a", "b"]`, ErrDuplicate},
		{"a class that is not there", `"val": ["c"]`, `"val": ["x"]`, ErrUnknown},
		{"no val split", `"val": ["c"],`, ``, ErrFormat},
		{"a fourth split", `"val": ["c"],`, `"val": ["c"], "more": ["spare"],`, ErrFormat},
		{"ood-test with splits", `"role": "ood-test",`, `"role": "ood-test", "splits": {"train": ["good"]},`, ErrFormat},
		{"meta-train without splits", `"splits": {"train": ["b", "a"], "val": ["c"], "test": ["d"]}`, `"note": ""`, ErrFormat},
		{"no counts", `"counts": {"y": 1, "x": 1}`, `"counts": {}`, ErrFormat},
		{"a file elsewhere", `"castings.zip"`, `"../castings.zip"`, ErrPath},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !strings.Contains(description, test.old) {
				t.Fatalf("the description has no %q", test.old)
			}
			_, err := DecodeSplits([]byte(strings.Replace(description, test.old, test.new, 1)))
			if !errors.Is(err, test.err) {
				t.Errorf("have %v, want %v", err, test.err)
			}
		})
	}
	if _, err := LoadSplits(filepath.Join(t.TempDir(), "none.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

func TestOpenSplit(t *testing.T) {
	dir := t.TempDir()
	var entries []entry
	for i, name := range []string{"a/1.png", "a/2.png", "b/1.png", "b/2.png", "c/1.png", "d/1.png", "spare/1.png", "spare/2.png", "spare/3.png"} {
		entries = append(entries, entry{name, tiny(t, uint8(i))})
	}
	for name, data := range map[string][]byte{"datasets.json": []byte(description), "letters.zip": makeZip(t, zip.Store, entries), "signs.zip": makeZip(t, zip.Store, entries)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	s, err := LoadSplits(filepath.Join(dir, "datasets.json"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.Open("letters", Train)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if got := tree(d); d.Name != "letters" || got != "a[1.png 2.png] b[1.png 2.png]" {
		t.Errorf("have %s: %s", d.Name, got)
	}
	if _, err := s.Open("castings", Train); !errors.Is(err, ErrGuard) {
		t.Errorf("castings for training: %v, want ErrGuard", err)
	}
	if _, err := s.Open("castings", Test); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing zip: %v", err)
	}
	if _, err := s.Open("signs", Val); !errors.Is(err, ErrUnknown) { // its zip has other classes
		t.Errorf("another set's zip: %v, want ErrUnknown", err)
	}
}

// FuzzDecodeSplits: whatever the bytes, no panic, and what is accepted hands out no class twice.
func FuzzDecodeSplits(f *testing.F) {
	f.Add([]byte(`{"datasets": [{"name": "a", "file": "a.zip", "role": "meta-train", "counts": {"x": 1, "y": 2, "z": 3},
		"splits": {"train": ["x"], "val": ["y"], "test": ["z"]}}, {"name": "b", "role": "ood-test", "counts": {"x": 1}}]}`))
	f.Add([]byte(`{"datasets": [{"name": "a", "file": "../a.zip", "role": "meta-val", "counts": {"x": -1}}]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := DecodeSplits(data)
		if err != nil {
			return
		}
		for _, set := range s.Sets {
			seen := map[string]string{}
			for _, split := range []string{Train, Val, Test} {
				classes, err := s.Classes(set.Name, split)
				if err != nil {
					continue // the role keeps it
				}
				for _, class := range classes {
					if other, ok := seen[class]; ok {
						t.Fatalf("set %q: class %q is in %s and %s", set.Name, class, other, split)
					}
					seen[class] = split
				}
			}
		}
	})
}
