package main

import (
	"testing"

	"haguruma/sparse/metatune"
)

// TestEvalFinetune: a row for each mode asked for, beside the bundle without tuning.
func TestEvalFinetune(t *testing.T) {
	data, bundle := testData(t), testBundle(t)
	suite := []string{"eval", "--suite", data, "--episodes", "2", "--settings", "2x2", "--bundle", bundle}
	report := parse[metatune.SuiteReport](t, succeed(t, append(suite, "--finetune", "none,norm", "--finetune-steps", "1", "--finetune-folds", "0", "--finetune-rates", "0.01", "--json")...))
	if len(report.Tuning) != 2 || len(report.Figures) != 6 {
		t.Fatalf("have %+v", report)
	}
	none, norm := report.Tuning[0], report.Tuning[1]
	if none.Tuned != 0 || none.Changed != 0 || none.Rates[0].Rate != 0 || norm.Tuned == 0 || norm.Changed == 0 || norm.Rates[0] != (metatune.RateCount{Rate: 0.01, Part: 1, Episodes: 2}) {
		t.Errorf("have %+v", report.Tuning)
	}
	if f := report.Figures[1]; f.Method != none.Method || f.Difference == nil || f.Difference.Mean != 0 {
		t.Errorf("no change differs from int8: %+v", f)
	}
	refuse(t, exitUsage, []string{"--finetune"}, append(suite, "--finetune", "some")...)
	refuse(t, exitUsage, []string{"twice"}, append(suite, "--finetune", "norm,norm")...)
	refuse(t, exitUsage, []string{"share"}, append(suite, "--finetune", "sparse", "--finetune-share", "2")...)
	refuse(t, exitUsage, []string{"--finetune-steps", "--finetune"}, append(suite, "--finetune-steps", "2")...)
	refuse(t, exitUsage, []string{"--suite"}, "eval", "--data", data, "--finetune", "norm")
}
