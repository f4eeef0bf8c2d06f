package metatune

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"haguruma/core/fewshot"
)

// madeSuite is two methods on three sets, four episodes of ten queries each.
func madeSuite() *Suite {
	s := &Suite{
		Format: suiteFormat, Plan: Plan{Split: "test", Episodes: 4, Queries: Queries, Seed: 1},
		Sets:    []SuiteSet{{Name: "x", Role: fewshot.RoleMetaTrain}, {Name: "y", Role: fewshot.RoleOODTest}, {Name: "z", Role: fewshot.RoleOODTest, Domain: "industrial: z"}},
		Methods: []SuiteMethod{{"base", "1"}, {"ours", "2"}},
	}
	for _, c := range []struct {
		method, set string
		hits        []int
	}{
		{"base", "x", []int{5, 5, 5, 5}}, {"ours", "x", []int{5, 6, 5, 6}},
		{"base", "y", []int{1, 2, 3, 4}}, {"ours", "y", []int{2, 4, 6, 8}},
		{"base", "z", []int{4, 3, 2, 1}}, {"ours", "z", []int{4, 3, 2, 1}},
	} {
		s.Cells = append(s.Cells, &Cell{Method: c.method, Set: c.set, Setting: Setting{5, 1}, Ways: 5, Hits: c.hits, Queries: []int{10}})
	}
	return s
}

func figure(t *testing.T, r *SuiteReport, group, set, method string) Figure {
	t.Helper()
	for _, f := range r.Figures {
		if f.Group == group && f.Set == set && f.Method == method {
			return f
		}
	}
	t.Fatalf("no figure of %s%s by %s", group, set, method)
	return Figure{}
}

// The figures of the made suite, worked out by hand.
func TestGroupMeans(t *testing.T) {
	r, err := madeSuite().Report(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	// 1.96 s/sqrt(n): four values 1 apart have s = sqrt(5/3), two pairs 1 apart s = sqrt(1/3)
	apart, pairs := 1.96*math.Sqrt(5.0/3/4), 1.96*math.Sqrt(1.0/3/4)
	for _, c := range []struct {
		group, set, method   string
		mean, half           float64
		diff, diffHalf       float64
		whatTheIntervalShows string
	}{
		{"", "x", "base", 50, 0, 0, 0, "no spread"},
		{"", "y", "base", 25, 10 * apart, 0, 0, "0.1 apart"},
		{"", "y", "ours", 50, 20 * apart, 25, 10 * apart, "differences 0.1 0.2 0.3 0.4"},
		{"", "z", "ours", 25, 10 * apart, 0, 0, "equal on every episode"},
		{InDistribution, "", "ours", 55, 10 * pairs, 5, 10 * pairs, "one set: as the set"},
		// y and z go up and down against each other: their mean is 0.25 in every
		// episode, so the mean of the group has no spread although both sets have.
		{OutOfDistribution, "", "base", 25, 0, 0, 0, "opposite"},
		{OutOfDistribution, "", "ours", 37.5, 5 * apart, 12.5, 5 * apart, "means 0.3 0.35 0.4 0.45, differences 0.05 .. 0.2"},
		{Industrial, "", "ours", 25, 10 * apart, 0, 0, "one set"},
	} {
		f := figure(t, r, c.group, c.set, c.method)
		near := func(what string, want, have float64) {
			if math.Abs(want-have) > 1e-9 {
				t.Errorf("%s%s by %s (%s): %s: want %v, have %v", c.group, c.set, c.method, c.whatTheIntervalShows, what, want, have)
			}
		}
		near("mean", c.mean, f.Accuracy.Mean)
		near("interval", c.half, f.Accuracy.Interval)
		if (f.Difference == nil) != (c.method == "base") {
			t.Errorf("%s%s by %s: difference %v", c.group, c.set, c.method, f.Difference)
		} else if f.Difference != nil {
			near("difference", c.diff, f.Difference.Mean)
			near("interval of the difference", c.diffHalf, f.Difference.Interval)
		}
	}
}

func TestGroups(t *testing.T) {
	for _, c := range []struct {
		set  SuiteSet
		want []string
	}{
		{SuiteSet{Role: fewshot.RoleMetaTrain, Domain: "industrial: known"}, []string{InDistribution}},
		{SuiteSet{Role: fewshot.RoleMetaVal, Domain: "aerial"}, []string{OutOfDistribution}},
		{SuiteSet{Role: fewshot.RoleOODTest, Domain: "medical: not industrial"}, []string{OutOfDistribution}},
		{SuiteSet{Role: fewshot.RoleOODTest, Domain: "industrial: weld"}, []string{OutOfDistribution, Industrial}},
	} {
		if have := c.set.Groups(); !slices.Equal(have, c.want) {
			t.Errorf("%+v: want %v, have %v", c.set, c.want, have)
		}
	}
}

// Against a suite of another run, every method has a difference.
func TestBaseline(t *testing.T) {
	own := madeSuite()
	own.Methods, own.Cells = own.Methods[1:], []*Cell{own.Cells[1], own.Cells[3], own.Cells[5]}
	r, err := own.Report(madeSuite(), "")
	if err != nil {
		t.Fatal(err)
	}
	if f := figure(t, r, OutOfDistribution, "", "ours"); r.Baseline != "base" || math.Abs(f.Difference.Mean-12.5) > 1e-9 {
		t.Errorf("have %+v against %s", f, r.Baseline)
	}
	if r, err = own.Report(madeSuite(), "ours"); err != nil {
		t.Fatal(err)
	}
	if f := figure(t, r, "", "y", "ours"); f.Difference == nil || *f.Difference != (Estimate{}) {
		t.Errorf("against itself: want no difference, have %+v", f.Difference)
	}
	r.Against = "other.json"
	if text := r.Markdown(); !strings.Contains(text, "against ours in other.json.") {
		t.Errorf("have %s", text)
	}

	for what, c := range map[string]struct {
		change func(*Suite)
		name   string
		want   error
	}{
		"seed":      {func(s *Suite) { s.Seed = 2 }, "", ErrOtherSuite},
		"data":      {func(s *Suite) { s.Sets[1].Hash = "other" }, "", ErrOtherSuite},
		"method":    {func(*Suite) {}, "nobody", fewshot.ErrUnknown},
		"no method": {func(s *Suite) { s.Methods = nil }, "", fewshot.ErrUnknown},
		"cell":      {func(s *Suite) { s.Cells = s.Cells[1:] }, "", fewshot.ErrUnknown},
	} {
		baseline := madeSuite()
		c.change(baseline)
		if _, err := own.Report(baseline, c.name); !errors.Is(err, c.want) {
			t.Errorf("%s: want %v, have %v", what, c.want, err)
		}
	}
}

func TestDecodeSuite(t *testing.T) {
	good := mustJSON(madeSuite())
	back, err := DecodeSuite(good)
	if err != nil {
		t.Fatal(err)
	}
	if string(mustJSON(back)) != string(good) {
		t.Errorf("want %s, have %s", good, mustJSON(back))
	}
	for what, spoil := range map[string]func(*Suite){
		"format":         func(s *Suite) { s.Format = "x" },
		"episodes":       func(s *Suite) { s.Episodes = 1 },
		"hits missing":   func(s *Suite) { s.Cells[1].Hits = s.Cells[1].Hits[1:] },
		"hits":           func(s *Suite) { s.Cells[1].Hits[2] = 11 },
		"negative":       func(s *Suite) { s.Cells[1].Hits[2] = -1 },
		"no queries":     func(s *Suite) { s.Cells[1].Queries = nil },
		"zero queries":   func(s *Suite) { s.Cells[1].Queries[0] = 0 },
		"unknown set":    func(s *Suite) { s.Cells[1].Set = "w" },
		"unknown method": func(s *Suite) { s.Cells[1].Method = "w" },
		"twice":          func(s *Suite) { s.Cells[1] = s.Cells[0] },
		"null":           func(s *Suite) { s.Cells[1] = nil },
		"routing":        func(s *Suite) { s.Cells[1].Routing = &TaskRouting{} },
	} {
		s := madeSuite()
		spoil(s)
		if _, err := DecodeSuite(mustJSON(s)); !errors.Is(err, ErrSuite) {
			t.Errorf("%s: want ErrSuite, have %v", what, err)
		}
	}
}

// What decodes can be reported or is refused with a reason, and is written
// back as it was.
func FuzzDecodeSuite(f *testing.F) {
	f.Add(mustJSON(madeSuite()))
	routed := madeSuite()
	for _, c := range routed.Cells {
		c.Setting, c.Ways, c.Queries = Setting{}, 0, []int{10, 11, 12, 13}
		c.Routing = newRouting([][]float32{{1, 0}, {0.5, 0.5}})
	}
	f.Add(mustJSON(routed))
	f.Add([]byte(`{"format":"haguruma-suite/1","episodes":2,"queries":1,"cells":[null]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := DecodeSuite(data)
		if err != nil {
			if !errors.Is(err, ErrSuite) {
				t.Fatalf("want ErrSuite, have %v", err)
			}
			return
		}
		text := mustJSON(s)
		back, err := DecodeSuite(text)
		if err != nil || string(mustJSON(back)) != string(text) {
			t.Fatalf("not the same twice: %v", err)
		}
		if r, err := s.Report(nil, ""); err == nil {
			r.Markdown()
		}
	})
}
