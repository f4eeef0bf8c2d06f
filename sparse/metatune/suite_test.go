package metatune

import (
	"context"
	"errors"
	"fmt"
	"image/color"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"haguruma/core/fewshot"
)

// suiteConfig writes five small sets, two for training, one medical and two
// industrial ones, and returns what measures them.
func suiteConfig(t *testing.T, settings []Setting) EvaluateConfig {
	t.Helper()
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(11, 3))
	var sets []map[string]any
	for _, s := range []struct {
		name, role, domain string
		sizes              []int
	}{
		{"toys", fewshot.RoleMetaTrain, "toys", slices.Repeat([]int{9}, 9)},
		{"signs", fewshot.RoleMetaVal, "signs", slices.Repeat([]int{8}, 3)},
		{"cells", fewshot.RoleOODTest, "medical: cells", []int{9, 7, 8}},
		{"weave", fewshot.RoleOODTest, "industrial: cloth", slices.Repeat([]int{30}, 6)},
		{"bolts", fewshot.RoleOODTest, "industrial: bolts", []int{20, 25}},
	} {
		counts := packSet(t, dir, s.name, s.sizes, tintSide, func(c, x, y int) color.RGBA {
			noise := func(v int) uint8 { return uint8(min(255, max(0, v+rng.IntN(240)-120))) }
			return color.RGBA{noise(40 * c), noise(200 - 30*c), noise(60 * (c % 3)), 255}
		})
		set := map[string]any{"name": s.name, "file": s.name + ".zip", "role": s.role, "domain": s.domain, "counts": counts}
		if s.role == fewshot.RoleMetaTrain {
			set["splits"] = map[string][]string{"train": {"c0"}, "val": {"c1", "c2"}, "test": slices.Sorted(maps.Keys(counts))[3:]}
		}
		sets = append(sets, set)
	}
	if err := os.WriteFile(filepath.Join(dir, "datasets.json"), mustJSON(map[string]any{"datasets": sets}), 0o644); err != nil {
		t.Fatal(err)
	}
	cfg := DefaultSuite(dir)
	cfg.Episodes = 12
	if settings != nil {
		cfg.Settings = settings
	}
	return cfg
}

func suiteMethods(embedded *atomic.Int64) []Method {
	return []Method{{Name: "pixels", Identity: "6", New: func() Embedder { return pixelEmbedder(tintSide) }}, tint(nil, embedded)}
}

// Sets with fewer classes than ways use all they have, and the report says so;
// differences and groups are there for every setting.
func TestSuite(t *testing.T) {
	suite, err := RunSuite(t.Context(), suiteConfig(t, nil), suiteMethods(nil), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	var sets []string
	for _, s := range suite.Sets {
		sets = append(sets, s.Name)
	}
	if want := []string{"toys", "cells", "weave", "bolts"}; !slices.Equal(sets, want) {
		t.Errorf("want the sets that have the split test, %v, have %v", want, sets)
	}
	if len(suite.Cells) != 4*2*3 {
		t.Errorf("want 24 cells, have %d", len(suite.Cells))
	}
	for set, ways := range map[string]int{"toys": 5, "cells": 3, "weave": 5, "bolts": 2} {
		if c := suite.Cell("pixels", set, Setting{5, 5}); c.Ways != ways {
			t.Errorf("%s: want %d ways, have %d", set, ways, c.Ways)
		}
	}
	if c := suite.Cell("pixels", "weave", Setting{5, 1}); len(c.Queries) != 1 || c.Queries[0] != 5*15 {
		t.Errorf("weave: want 75 queries in every episode, have %v", c.Queries)
	}
	if c := suite.Cell("pixels", "weave", Setting{}); len(c.Queries) != 12 || c.Ways != 0 {
		t.Errorf("weave, varying: want queries of 12 episodes and no fixed ways, have %v, %d", c.Queries, c.Ways)
	}

	report, err := suite.Report(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	want := []GroupReport{{InDistribution, []string{"toys"}}, {OutOfDistribution, []string{"cells", "weave", "bolts"}}, {Industrial, []string{"weave", "bolts"}}}
	if !reflect.DeepEqual(report.Groups, want) {
		t.Errorf("groups: want %v, have %v", want, report.Groups)
	}
	if len(report.Figures) != 3*2*(4+3) || len(report.Routing) != 4*3 {
		t.Errorf("want 42 figures and 12 of routing, have %d and %d", len(report.Figures), len(report.Routing))
	}
	for _, f := range report.Figures {
		if (f.Difference == nil) != (f.Method == "pixels") {
			t.Errorf("difference of %+v", f)
		}
	}
	text := report.Markdown()
	for _, want := range []string{
		"### 5-way 1-shot\n\n| set | ways | pixels | tinted | difference |\n| --- | --- | ---: | ---: | ---: |\n",
		"### Varying way and shot", "| **out-of-distribution**, mean of 3 |", "| **industrial**, mean of 2 |", "| bolts | 2 | ", "| bolts | varying | ",
		"### Routing of tinted", "| expert 2 | entropy of the mean |", "over 12 episodes, seed 1, split test, the first 150 pictures",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the table lacks %q:\n%s", want, text)
		}
	}
	if n := strings.Count(text, "| weave |"); n != 3+3 { // once a table, though it is in two groups
		t.Errorf("want weave in 3 tables of accuracy and 3 rows of routing, have %d", n)
	}
	if strings.Contains(text, "NaN") {
		t.Errorf("not a number in:\n%s", text)
	}
}

// A run that was stopped goes on where it was and ends with the numbers of a
// run without a break; what is finished is not measured again.
func TestSuiteResume(t *testing.T) {
	cfg := suiteConfig(t, nil)
	unbroken, err := RunSuite(t.Context(), cfg, suiteMethods(nil), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "suite.json")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err = RunSuite(ctx, cfg, suiteMethods(nil), path, func(what string, _, _ int, _ string) {
		if what == "adapt to weave by tinted" {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("want Canceled, have %v", err)
	}
	saved, err := ReadSuite(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(saved.Cells); n != 15 { // toys and cells by both, weave by pixels
		t.Fatalf("want 15 cells kept, have %d", n)
	}

	var again []string
	resumed, err := RunSuite(t.Context(), cfg, suiteMethods(nil), path, func(what string, done, total int, _ string) {
		if done == total && strings.HasPrefix(what, "embed ") {
			again = append(again, what)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(resumed, unbroken) {
		t.Errorf("resumed: want %s,\nhave %s", mustJSON(unbroken), mustJSON(resumed))
	}
	if want := []string{"embed weave by tinted", "embed bolts by pixels", "embed bolts by tinted"}; !slices.Equal(again, want) {
		t.Errorf("want only what was missing, %v, have %v", want, again)
	}

	// Fewer methods, sets and settings are a part of it; nothing is measured.
	part := cfg
	part.Sets, part.Settings = []string{"bolts"}, []Setting{{5, 1}}
	some, err := RunSuite(t.Context(), part, suiteMethods(nil)[1:], path, func(what string, _, _ int, _ string) { t.Errorf("measured again: %s", what) })
	if err != nil {
		t.Fatal(err)
	}
	if len(some.Cells) != 1 || len(some.Methods) != 1 || len(some.Sets) != 1 || !reflect.DeepEqual(some.Cells[0], unbroken.Cell("tinted", "bolts", Setting{5, 1})) {
		t.Errorf("a part: have %s", mustJSON(some))
	}

	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*EvaluateConfig, []Method){
		"seed":     func(c *EvaluateConfig, _ []Method) { c.Seed++ },
		"episodes": func(c *EvaluateConfig, _ []Method) { c.Episodes++ },
		"perClass": func(c *EvaluateConfig, _ []Method) { c.PerClass = 20 },
		"identity": func(_ *EvaluateConfig, m []Method) { m[0].Identity = "7" },
		"data":     func(c *EvaluateConfig, _ []Method) { c.Data = suiteConfig(t, nil).Data; growSet(t, c.Data) },
	} {
		other, methods := cfg, suiteMethods(nil)
		change(&other, methods)
		if _, err := RunSuite(t.Context(), other, methods, path, nil); !errors.Is(err, ErrOtherSuite) {
			t.Errorf("another %s: want ErrOtherSuite, have %v", what, err)
		}
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the refused runs changed the file: %v", err)
	}
	if err := os.WriteFile(path, before[:len(before)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := RunSuite(t.Context(), cfg, suiteMethods(nil), path, nil); !errors.Is(err, ErrSuite) || !strings.Contains(err.Error(), path) {
		t.Errorf("cut short: want ErrSuite and the path, have %v", err)
	}
}

// growSet gives the set bolts one picture more.
func growSet(t *testing.T, dir string) {
	packSet(t, dir, "bolts", []int{20, 26}, tintSide, func(c, _, _ int) color.RGBA { return color.RGBA{uint8(c), 0, 0, 255} })
}

func TestSuiteBadInput(t *testing.T) {
	cfg := suiteConfig(t, nil)
	check := func(what string, cfg EvaluateConfig, methods []Method, want error, words ...string) {
		t.Helper()
		_, err := RunSuite(t.Context(), cfg, methods, "", func(what string, _, _ int, _ string) { t.Errorf("work before the check: %s", what) })
		if !errors.Is(err, want) {
			t.Errorf("%s: want %v, have %v", what, want, err)
			return
		}
		for _, word := range words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: want %q in %q", what, word, err)
			}
		}
	}
	small := cfg
	small.Settings = []Setting{{5, 1}, {3, 7}} // c1 of cells has 7 pictures
	check("small classes", small, suiteMethods(nil), fewshot.ErrTooFewClasses, "cells, 3-way 7-shot", "3 classes of 8 or more", "have 2 of 3", `"c1", has 7`)
	small = cfg
	small.PerClass = 1
	check("one picture a class", small, suiteMethods(nil), fewshot.ErrTooFewClasses)
	guarded := cfg
	guarded.Sets = []string{"signs"}
	check("a set for choosing", guarded, suiteMethods(nil), fewshot.ErrGuard, "signs")
	unknown := cfg
	unknown.Sets = []string{"nothing"}
	check("no such set", unknown, suiteMethods(nil), fewshot.ErrUnknown, "nothing")
	check("one method twice", cfg, append(suiteMethods(nil), suiteMethods(nil)[0]), fewshot.ErrDuplicate, "pixels")
	check("no method", cfg, nil, fewshot.ErrEpisode)
	if _, err := RunSuite(t.Context(), cfg, suiteMethods(nil)[:1], filepath.Join(t.TempDir(), "none", "suite.json"), nil); err == nil {
		t.Error("no folder to keep the suite in: want an error")
	}
}

func TestSetting(t *testing.T) {
	for text, want := range map[string]Setting{"5x1": {5, 1}, "20x5": {20, 5}, "varying": {}} {
		var s Setting
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%s: have %+v, %v", text, s, err)
		}
		if back, err := s.MarshalText(); err != nil || string(back) != text {
			t.Errorf("%s: have %q, %v", text, back, err)
		}
	}
	for _, text := range []string{"", "5", "x", "1x1", "5x0", "-5x1", "5x1x1", "99999999999999999999x1", "20000x1", "Varying"} {
		var s Setting
		if err := s.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", text)) {
			t.Errorf("%q: want an error that names it, have %v", text, err)
		}
	}
}
