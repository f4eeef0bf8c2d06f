package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
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

// TestEvalHeads: a row for each head, on the embeddings of its method.
func TestEvalHeads(t *testing.T) {
	data := testData(t)
	suite := []string{"eval", "--suite", data, "--episodes", "6", "--methods", "pixels", "--settings", "3x4"}
	report := parse[metatune.SuiteReport](t, succeed(t, append(suite, "--head", "chosen,prototypes,ridge", "--json")...))
	var names []string
	for _, f := range report.Figures[:4] {
		names = append(names, f.Method)
		// Prototypes as a head are prototypes.
		if f.Method == "raw pixels, head prototypes" && (f.Difference == nil || f.Difference.Mean != 0 || f.Difference.Interval != 0) {
			t.Errorf("have %+v", f)
		}
		if f.Set != "toy" || !(f.Accuracy.Mean > 0) {
			t.Errorf("have %+v", f)
		}
	}
	if want := []string{"raw pixels", "raw pixels, head chosen", "raw pixels, head prototypes", "raw pixels, head ridge"}; !slices.Equal(names, want) {
		t.Errorf("have %v, want %v", names, want)
	}
	refuse(t, exitUsage, []string{"--head", "forest"}, append(suite, "--head", "forest")...)
	refuse(t, exitUsage, []string{"--head goes with --suite"}, "eval", "--data", data, "--head", "lda")
	refuse(t, exitUsage, []string{"--unknown"}, append(suite, "--unknown", "--head", "lda")...)

	figures := parse[[]metatune.UnknownFigure](t, succeed(t, append(suite, "--unknown", "--json")...))
	if len(figures) != 1 || figures[0].Ways != 2 || figures[0].Method != "raw pixels" || !(figures[0].AUROC.Mean > 0 && figures[0].AUROC.Mean <= 100) ||
		!(figures[0].Refused.Mean >= 0 && figures[0].Refused.Mean <= 100) {
		t.Errorf("have %+v", figures)
	}
	if text := succeed(t, append(suite, "--unknown")...); !strings.Contains(text, "| toy | 3-way 4-shot | 2 | raw pixels |") || !strings.Contains(text, "| **mean of 1** |") {
		t.Errorf("have %s", text)
	}
}
