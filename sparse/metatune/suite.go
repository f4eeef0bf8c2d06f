package metatune

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"haguruma/core/fewshot"
	"haguruma/core/tensorfile"
)

// Errors of suites.
var (
	// ErrSuite: a file that is no saved suite, or a damaged one.
	ErrSuite = errors.New("not a saved suite")
	// ErrOtherSuite: a saved suite of other episodes, data or weights than asked for.
	ErrOtherSuite = errors.New("saved suite of another run")
	// ErrNotFinite: a model whose output is NaN or infinite.
	ErrNotFinite = errors.New("not a finite number")
)

const suiteFormat = "haguruma-suite/1"

// Suite is a measurement of methods on sets, as it is kept on disk: what the
// episodes depend on, and every cell that is finished.
type Suite struct {
	Format string `json:"format"`
	Plan
	Sets    []SuiteSet    `json:"sets"`
	Methods []SuiteMethod `json:"methods"`
	Cells   []*Cell       `json:"cells"`
}

// Plan is what the episodes of a set depend on, besides the set and its name: two suites
// of one plan have the same episodes and can be compared pairwise.
type Plan struct {
	Split    string `json:"split"`
	Episodes int    `json:"episodes"`
	PerClass int    `json:"perClass"` // pictures of a class that take part; 0: all
	Queries  int    `json:"queries"`  // most queries a class, of settings that do not vary
	Seed     uint64 `json:"seed"`
}

// SuiteSet is one set of a suite.
type SuiteSet struct {
	Name     string `json:"name"`
	Role     string `json:"role"`
	Domain   string `json:"domain"`
	Classes  int    `json:"classes"`
	Pictures int    `json:"pictures"` // that take part
	Hash     string `json:"hash"`     // of the names of classes and pictures and the size of each
}

// SuiteMethod is one method of a suite.
type SuiteMethod struct {
	Name     string `json:"name"`
	Identity string `json:"identity"` // Method.Identity
}

// Groups of sets. A set may be in several.
const (
	InDistribution    = "in-distribution"     // classes kept apart of the sets that training used
	OutOfDistribution = "out-of-distribution" // sets that training never saw: ood-test, or meta-val on the split val
	Industrial        = "industrial"          // those of them whose domain is industrial
)

// Groups returns the groups the set belongs to, the largest first.
func (s SuiteSet) Groups() []string {
	switch {
	case s.Role == fewshot.RoleMetaTrain:
		return []string{InDistribution}
	case strings.HasPrefix(s.Domain, Industrial):
		return []string{OutOfDistribution, Industrial}
	}
	return []string{OutOfDistribution}
}

func newSuiteSet(d *fewshot.Dataset, set *fewshot.Set) SuiteSet {
	sum := sha256.New()
	for _, c := range d.Classes {
		fmt.Fprintf(sum, "%q %d\n", c.Name, len(c.Images))
		for _, ref := range c.Images {
			fmt.Fprintf(sum, "%q %d\n", ref.Name, ref.Size)
		}
	}
	return SuiteSet{Name: d.Name, Role: set.Role, Domain: set.Domain, Classes: len(d.Classes), Pictures: d.NumImages(), Hash: hex.EncodeToString(sum.Sum(nil))}
}

// Cell returns the finished cell of a method on a set at a setting, or nil.
func (s *Suite) Cell(method, set string, at Setting) *Cell {
	for _, c := range s.Cells {
		if c.Method == method && c.Set == set && c.Setting == at {
			return c
		}
	}
	return nil
}

func (s *Suite) set(name string) *SuiteSet {
	if i := slices.IndexFunc(s.Sets, func(v SuiteSet) bool { return v.Name == name }); i >= 0 {
		return &s.Sets[i]
	}
	return nil
}

func (s *Suite) method(name string) *SuiteMethod {
	if i := slices.IndexFunc(s.Methods, func(v SuiteMethod) bool { return v.Name == name }); i >= 0 {
		return &s.Methods[i]
	}
	return nil
}

// ReadSuite reads the file of a saved suite. Errors: those of the file
// system, ErrSuite.
func ReadSuite(path string) (*Suite, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("metatune: %w", err)
	}
	s, err := DecodeSuite(data)
	if err != nil {
		return nil, fmt.Errorf("metatune: %s: %w", path, err)
	}
	return s, nil
}

// DecodeSuite is ReadSuite of bytes already read: every cell belongs to a set
// and a method of the suite, once, and its numbers fit the plan.
func DecodeSuite(data []byte) (*Suite, error) {
	s := &Suite{}
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSuite, err)
	}
	if s.Format != suiteFormat {
		return nil, fmt.Errorf("want format %s, have %q: %w", suiteFormat, s.Format, ErrSuite)
	}
	if s.Episodes < 2 || s.PerClass < 0 || s.Queries < 1 {
		return nil, fmt.Errorf("%d episodes, %d pictures a class, %d queries: %w", s.Episodes, s.PerClass, s.Queries, ErrSuite)
	}
	type key struct {
		method, set string
		at          Setting
	}
	seen := map[key]bool{}
	for i, c := range s.Cells {
		if c == nil || s.method(c.Method) == nil || s.set(c.Set) == nil {
			return nil, fmt.Errorf("cell %d: want a method and a set of the suite: %w", i, ErrSuite)
		}
		k := key{c.Method, c.Set, c.Setting}
		if seen[k] {
			return nil, fmt.Errorf("cell %d: %s on %s, %s, is there twice: %w", i, c.Method, c.Set, c.Setting, ErrSuite)
		}
		seen[k] = true
		if err := c.check(s.Episodes); err != nil {
			return nil, fmt.Errorf("cell %d, %s on %s, %s: %w: %w", i, c.Method, c.Set, c.Setting, err, ErrSuite)
		}
	}
	return s, nil
}

// save writes the suite beside the old file and renames.
func (s *Suite) save(path string) error {
	return tensorfile.WriteFile(path, append(mustJSON(s), '\n'))
}

// Plan is the plan of a suite measured by cfg.
func (cfg EvaluateConfig) Plan() Plan {
	return Plan{cfg.Split, cfg.Episodes, cfg.PerClass, Queries, cfg.Seed}
}

// CanCompare tells whether a suite of the plan can be compared with the method
// called name of s; an empty name is the first. Errors as Report's.
func (s *Suite) CanCompare(plan Plan, name string) error {
	if len(s.Methods) == 0 || name != "" && s.method(name) == nil {
		return fmt.Errorf("metatune: the baseline has no method %q: %w", name, fewshot.ErrUnknown)
	}
	if s.Plan != plan {
		return fmt.Errorf("metatune: baseline: want %+v, have %+v: %w", plan, s.Plan, ErrOtherSuite)
	}
	return nil
}

// samePlan tells whether o has the same episodes on the sets both have.
func (s *Suite) samePlan(o *Suite) error {
	if s.Plan != o.Plan {
		return fmt.Errorf("want %+v, have %+v: %w", s.Plan, o.Plan, ErrOtherSuite)
	}
	for _, set := range s.Sets {
		if other := o.set(set.Name); other != nil && *other != set {
			return fmt.Errorf("set %s: want %+v, have %+v: %w", set.Name, set, *other, ErrOtherSuite)
		}
	}
	return nil
}

// resumeSuite returns the suite at path, with the sets and methods of s
// added, or s when there is no file.
func resumeSuite(path string, s *Suite) (*Suite, error) {
	saved, err := ReadSuite(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	if err := s.samePlan(saved); err != nil {
		return nil, fmt.Errorf("metatune: %s: %w", path, err)
	}
	for _, m := range s.Methods {
		if other := saved.method(m.Name); other != nil && *other != m {
			return nil, fmt.Errorf("metatune: %s: method %s: want %q, have %q: %w", path, m.Name, m.Identity, other.Identity, ErrOtherSuite)
		} else if other == nil {
			saved.Methods = append(saved.Methods, m)
		}
	}
	for _, set := range s.Sets {
		if saved.set(set.Name) == nil {
			saved.Sets = append(saved.Sets, set)
		}
	}
	return saved, nil
}
