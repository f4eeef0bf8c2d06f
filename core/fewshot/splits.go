//go:build !js

package fewshot

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Roles of a set, as written in datasets.json.
const (
	RoleMetaTrain = "meta-train" // split by class: train on train, choose on val, report on test
	RoleMetaVal   = "meta-val"   // choosing recipes only
	RoleOODTest   = "ood-test"   // reporting only: never train on it, never choose by it
)

// Names of the splits.
const (
	Train = "train"
	Val   = "val"
	Test  = "test"
)

// Set describes one data set of datasets.json.
type Set struct {
	Name       string              `json:"name"`
	File       string              `json:"file"` // relative to datasets.json
	Role       string              `json:"role"`
	Domain     string              `json:"domain"`
	Note       string              `json:"note"`
	Licence    string              `json:"licence"`
	Citation   string              `json:"citation"`
	Counts     map[string]int      `json:"counts"`      // images of each class
	ClassNames map[string]string   `json:"class_names"` // words for class folders that are codes
	Splits     map[string][]string `json:"splits"`      // only of meta-train sets
}

// Splits is datasets.json: which classes may be used for what. It is the one place that hands out
// class lists, so that no command can train on classes it later reports.
type Splits struct {
	Sets []Set `json:"datasets"`

	dir string
}

// LoadSplits reads a datasets.json and checks it: known roles, unique names, splits exactly where the
// role wants them, no class in two splits and no class that the set does not have. Errors: those of
// the file system, ErrFormat, ErrDuplicate, ErrUnknown.
func LoadSplits(path string) (Splits, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Splits{}, fmt.Errorf("fewshot: %w", err)
	}
	s, err := DecodeSplits(data)
	if err != nil {
		return Splits{}, fmt.Errorf("fewshot: %s: %w", filepath.Base(path), err)
	}
	s.dir = filepath.Dir(path)
	return s, nil
}

// DecodeSplits is [LoadSplits] of bytes already read.
func DecodeSplits(data []byte) (Splits, error) {
	var s Splits
	if err := json.Unmarshal(data, &s); err != nil {
		return Splits{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if len(s.Sets) == 0 {
		return Splits{}, fmt.Errorf("no datasets: %w", ErrFormat)
	}
	seen := make(map[string]bool)
	for i := range s.Sets {
		set := &s.Sets[i]
		if seen[set.Name] {
			return Splits{}, fmt.Errorf("set %q: %w", set.Name, ErrDuplicate)
		}
		seen[set.Name] = true
		if err := set.check(); err != nil {
			return Splits{}, fmt.Errorf("set %q: %w", set.Name, err)
		}
	}
	return s, nil
}

func (s *Set) check() error {
	if s.Name == "" || len(s.Counts) == 0 {
		return fmt.Errorf("want a name and the counts of its classes: %w", ErrFormat)
	}
	if s.File != "" && !filepath.IsLocal(s.File) {
		return fmt.Errorf("file %q: %w", s.File, ErrPath)
	}
	switch s.Role {
	case RoleMetaTrain:
	case RoleMetaVal, RoleOODTest:
		if len(s.Splits) != 0 {
			return fmt.Errorf("role %s has no splits, have %d: %w", s.Role, len(s.Splits), ErrFormat)
		}
		return nil
	default:
		return fmt.Errorf("role %q: %w", s.Role, ErrUnknown)
	}
	where := make(map[string]string)
	for _, split := range []string{Train, Val, Test} {
		if len(s.Splits[split]) == 0 {
			return fmt.Errorf("split %q is missing: %w", split, ErrFormat)
		}
		for _, class := range s.Splits[split] {
			if _, ok := s.Counts[class]; !ok {
				return fmt.Errorf("split %q: class %q: %w", split, class, ErrUnknown)
			}
			if other, ok := where[class]; ok {
				return fmt.Errorf("class %q is in %s and %s: %w", class, other, split, ErrDuplicate)
			}
			where[class] = split
		}
	}
	if len(s.Splits) != 3 {
		return fmt.Errorf("want the splits train, val and test, have %d: %w", len(s.Splits), ErrFormat)
	}
	return nil
}

// Set returns the description of a set.
func (s Splits) Set(name string) (*Set, bool) {
	for i := range s.Sets {
		if s.Sets[i].Name == name {
			return &s.Sets[i], true
		}
	}
	return nil, false
}

// Names returns the names of the sets of a role in the order of the file; "" is every role.
func (s Splits) Names(role string) []string {
	var names []string
	for i := range s.Sets {
		if role == "" || s.Sets[i].Role == role {
			names = append(names, s.Sets[i].Name)
		}
	}
	return names
}

// Classes returns, in byte order, the classes of a set that may be used as the given split:
//
//	meta-train  train, val, test: the classes listed for it
//	meta-val    val: all classes
//	ood-test    test: all classes
//
// Every other pair is refused with ErrGuard: test classes are not for training or choosing, and
// figures on sets that recipes were chosen by are not test figures. ErrUnknown: no such set or split.
func (s Splits) Classes(set, split string) ([]string, error) {
	d, ok := s.Set(set)
	if !ok {
		return nil, fmt.Errorf("fewshot: set %q: %w", set, ErrUnknown)
	}
	if split != Train && split != Val && split != Test {
		return nil, fmt.Errorf("fewshot: set %q: split %q, want train, val or test: %w", set, split, ErrUnknown)
	}
	if d.Role == RoleMetaTrain {
		return slices.Sorted(slices.Values(d.Splits[split])), nil
	}
	if only := d.ReportSplit(); split != only {
		return nil, fmt.Errorf("fewshot: set %q has role %s: want split %s, have %s: %w", set, d.Role, only, split, ErrGuard)
	}
	classes := make([]string, 0, len(d.Counts))
	for class := range d.Counts {
		classes = append(classes, class)
	}
	slices.Sort(classes)
	return classes, nil
}

// ReportSplit returns the split whose figures a table shows for this set: val of a meta-val set, else test.
func (s *Set) ReportSplit() string {
	if s.Role == RoleMetaVal {
		return Val
	}
	return Test
}

// Title returns the words for a class folder, or the folder's name where there are none.
func (s *Set) Title(class string) string {
	if words := s.ClassNames[class]; words != "" {
		return words
	}
	return class
}

// Open opens the set's file, which lies beside the datasets.json that was loaded, and returns the
// classes of the split, under the rules of [Splits.Classes].
func (s Splits) Open(set, split string) (*Dataset, error) {
	classes, err := s.Classes(set, split)
	if err != nil {
		return nil, err
	}
	d, _ := s.Set(set)
	if d.File == "" {
		return nil, fmt.Errorf("fewshot: set %q: no file: %w", set, ErrFormat)
	}
	all, err := OpenDataset(filepath.Join(s.dir, filepath.FromSlash(d.File)))
	if err != nil {
		return nil, err
	}
	sub, err := all.Subset(classes)
	if err != nil {
		all.Close()
		return nil, err
	}
	sub.Name = set
	return sub, nil
}
