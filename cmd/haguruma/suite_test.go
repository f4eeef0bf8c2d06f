package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"haguruma/sparse/metatune"
)

// TestEvalSuite: figures by group, kept on disk, gone on with, and compared
// with another run on the same episodes.
func TestEvalSuite(t *testing.T) {
	data, out := testData(t), filepath.Join(t.TempDir(), "a", "suite")
	suite := []string{"eval", "--suite", data, "--episodes", "6", "--methods", "pixels"}
	text := succeed(t, append(suite, "--out", out)...)
	for _, want := range []string{
		"### 5-way 1-shot", "### 5-way 5-shot", "### Varying way and shot", "| **in-distribution**, mean of 1 |", "| toy | 3 |", "over 6 episodes, seed 1, split test, the first 150 pictures",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("want %q in %s", want, text)
		}
	}
	if kept, err := os.ReadFile(filepath.Join(out, "report.md")); err != nil || string(kept) != text {
		t.Errorf("report.md: %v, %q", err, kept)
	}

	// Again: nothing is measured, the report is the same.
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), append(suite, "--out", out), &stdout, &stderr); code != exitOK || stdout.String() != text || stderr.Len() > 0 {
		t.Errorf("again: code %d, %q, %q", code, stdout.String(), stderr.String())
	}

	// Another method against what is kept.
	saved := filepath.Join(out, "suite.json")
	bundle := testBundle(t)
	report := parse[metatune.SuiteReport](t, succeed(t, "eval", "--suite", data, "--episodes", "6", "--methods", "int8", "--bundle", bundle, "--baseline", saved, "--json"))
	if report.Baseline != "raw pixels" || report.Against != saved || len(report.Figures) != 6 {
		t.Errorf("have %+v", report)
	}
	for _, f := range report.Figures {
		if f.Difference == nil || !(f.Accuracy.Mean > 0 && f.Accuracy.Mean <= 100) {
			t.Errorf("have %+v", f)
		}
	}
	if report = parse[metatune.SuiteReport](t, succeed(t, "eval", "--suite", data, "--episodes", "6", "--split", "val", "--settings", "2x1", "--methods", "pixels,random", "--bundle", bundle, "--baseline-method", "random backbone", "--json")); len(report.Figures) != 4 || report.Figures[0].Difference == nil || report.Figures[1].Difference != nil {
		t.Errorf("the second method as the baseline: have %+v", report)
	}

	refuse(t, exitFailure, []string{"another run", "--out"}, append(suite, "--out", out, "--seed", "2")...)
	refuse(t, exitFailure, []string{"baseline", "another run"}, append(suite, "--baseline", saved, "--per-class", "7")...)
	refuse(t, exitFailure, []string{"nobody"}, append(suite, "--baseline", saved, "--baseline-method", "nobody")...)
	refuse(t, exitUsage, []string{"nobody"}, append(suite, "--baseline-method", "nobody")...)
	refuse(t, exitFailure, []string{"5-way 5-shot", "classes of 6 or more", "lower the shots"}, append(suite, "--per-class", "5")...)
	write(t, saved, []byte("{"))
	refuse(t, exitFailure, []string{saved, "not a saved suite", "suite.json"}, append(suite, "--out", out)...)
}
