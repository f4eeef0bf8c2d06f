package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"haguruma/core/manifest"
	"haguruma/sparse/metatune"
)

// TestEvalExperts: a row for each file, paired against the bundle without experts, in int8 and in float32.
func TestEvalExperts(t *testing.T) {
	data := testData(t)
	toy := trainedToy(t, data)
	bundle := filepath.Join(toy, "bundle.json")
	runs := t.TempDir()
	experts, pmf := filepath.Join(runs, "mix", metatune.ExpertsFile), filepath.Join(runs, "pmf", metatune.ExpertsFile)
	succeed(t, tinyTuning(data, filepath.Dir(experts), "--bundle", bundle, "--lr", "0.05", "--quiet")...)
	recipe := filepath.Join(filepath.Dir(experts), "config.json")
	succeed(t, "metatune", "--data", data, "--out", filepath.Dir(pmf), "--recipe", recipe, "--baseline", "pmf", "--bundle", bundle, "--quiet")

	f, e := readExperts(t, experts)
	m, err := manifest.Read(bundle)
	if err != nil {
		t.Fatal(err)
	}
	if e.Backbone != m.SHA256 || f.Metadata["backbone"] != m.SHA256 {
		t.Errorf("backbone: want the hash of the bundle, %s, have %q and %q", m.SHA256, e.Backbone, f.Metadata["backbone"])
	}

	eval := []string{"eval", "--suite", data, "--bundle", bundle, "--episodes", "12", "--settings", "2x1", "--json"}
	report := parse[metatune.SuiteReport](t, succeed(t, append(eval, "--experts", experts, "--experts", "dense="+pmf)...))
	var names []string
	for _, figure := range report.Figures {
		if figure.Set != "toy" {
			continue
		}
		names = append(names, figure.Method)
		if (figure.Difference == nil) != (figure.Method == "bundle int8") {
			t.Errorf("difference of %s: %v", figure.Method, figure.Difference)
		}
	}
	if want := []string{"bundle int8", "mix", "dense"}; !slices.Equal(names, want) || report.Baseline != want[0] {
		t.Errorf("want rows %q, have %q against %s", want, names, report.Baseline)
	}
	if len(report.Routing) != 2 || len(report.Routing[0].Scores) != 3 || len(report.Routing[1].Scores) != 1 || report.Routing[1].Scores[0] != 1 {
		t.Errorf("routing: %+v", report.Routing)
	}

	unknown := parse[[]metatune.UnknownFigure](t, succeed(t, append(eval, "--unknown", "--experts", experts)...))
	if len(unknown) != 2 || unknown[0].Method != "bundle int8" || unknown[1].Method != "mix" || unknown[1].AUROC.Mean <= 0 {
		t.Errorf("unknown with experts: %+v", unknown)
	}

	// Fine-tuning begins at what the experts merge.
	tuned := parse[metatune.SuiteReport](t, succeed(t, append(eval, "--experts", experts, "--finetune", "none")...))
	if len(tuned.Tuning) != 1 || tuned.Tuning[0].Method != "mix tuned, none" {
		t.Errorf("tuned with experts: %+v", tuned.Tuning)
	}

	refuse(t, exitUsage, []string{"--suite"}, "eval", "--data", data, "--experts", experts)
	refuse(t, exitUsage, []string{"--experts-float"}, "eval", "--suite", data, "--experts-float")
	refuse(t, exitUsage, []string{"two are called mix", "NAME=FILE"}, append(eval, "--experts", experts, "--experts", "mix="+pmf)...)
	refuse(t, exitFailure, []string{"not an experts file", "metatune"}, append(eval, "--experts", filepath.Join(toy, "bundle.safetensors.zst"))...)
	refuse(t, exitFailure, []string{"another backbone", "sha256"}, append(eval, "--experts", experts, "--bundle", testBundle(t))...)
	// Experts that name no bundle are refused, and so are those that name one of other tensors.
	e.Backbone = ""
	loose := filepath.Join(t.TempDir(), "loose.safetensors")
	if err := e.Save(loose, nil); err != nil {
		t.Fatal(err)
	}
	refuse(t, exitFailure, []string{"another backbone", "no bundle"}, append(eval, "--experts", loose)...)
	deep := filepath.Join(t.TempDir(), "deep")
	succeed(t, tinyRun(data, deep, "--depth", "2", "--quiet")...)
	if m, err = manifest.Read(filepath.Join(deep, "bundle.json")); err != nil {
		t.Fatal(err)
	}
	e.Backbone = m.SHA256
	wrong := filepath.Join(t.TempDir(), "wrong.safetensors")
	if err := e.Save(wrong, nil); err != nil {
		t.Fatal(err)
	}
	refuse(t, exitFailure, []string{"another backbone", "tensors"}, append(eval, "--experts", wrong, "--bundle", filepath.Join(deep, "bundle.json"))...)
	// In float32 there is no bundle to name.
	float := []string{"--experts-float", "--experts", loose, "--weights", filepath.Join(toy, metatune.WeightsFile), "--methods", "float"}
	report = parse[metatune.SuiteReport](t, succeed(t, append(eval, float...)...))
	if len(report.Figures) < 2 || report.Figures[0].Method != "float32" || report.Figures[1].Method != "loose float32" {
		t.Errorf("in float32: have %+v", report.Figures)
	}
}

// TestInspectExperts: what was learned, in words, JSON and drawings, and where a suite says its tasks were routed.
func TestInspectExperts(t *testing.T) {
	data := testData(t)
	bundle := filepath.Join(trainedToy(t, data), "bundle.json")
	out := filepath.Join(t.TempDir(), "mix")
	succeed(t, tinyTuning(data, out, "--bundle", bundle, "--updates", "1", "--quiet")...)
	experts := filepath.Join(out, metatune.ExpertsFile)
	suite := filepath.Join(t.TempDir(), "suite")
	succeed(t, "eval", "--suite", data, "--bundle", bundle, "--episodes", "4", "--settings", "2x1", "--experts", experts, "--out", suite, "--quiet")
	saved := filepath.Join(suite, suiteFile)

	text := succeed(t, "inspect", experts)
	for _, want := range []string{"haguruma-experts/1", "3 experts over", "router: reads 16 numbers", "values", "block 0", "overlap of two experts", "masks", "packed alone"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	plots := filepath.Join(t.TempDir(), "figures")
	in := parse[inspection](t, succeed(t, "inspect", "--json", experts, "--suite", saved, "--plots", plots))
	x := in.Experts
	m, err := manifest.Read(bundle)
	if err != nil {
		t.Fatal(err)
	}
	if x == nil || len(x.Density) != 3 || len(x.Overlap) != 3 || len(x.Blocks) != 1 || x.Backbone != m.SHA256 || x.Router.Dim != 16 {
		t.Fatalf("have %+v", x)
	}
	parts := 0
	for _, p := range x.Parts {
		if p.Bytes <= 0 || p.Packed <= 0 {
			t.Errorf("part %+v", p)
		}
		if p.Name != "metadata" {
			parts += p.Bytes
		}
	}
	if parts != in.Totals.Bytes {
		t.Errorf("parts of %d bytes in a file of %d", parts, in.Totals.Bytes)
	}
	if x.Routing == nil || x.Routing.Method != "mix" || !slices.Equal(x.Routing.Sets, []string{"toy"}) || len(x.Routing.Scores[0]) != 3 {
		t.Errorf("routing %+v", x.Routing)
	}
	for _, name := range append(x.Plots, "routing.svg") {
		if svg, err := os.ReadFile(filepath.Join(plots, name)); err != nil || !bytes.Contains(svg, []byte("<svg")) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(x.Plots) != 6 {
		t.Errorf("drawn: %q", x.Plots)
	}

	refuse(t, exitFailure, []string{"not an experts file"}, "inspect", bundle, "--plots", plots)
	refuse(t, exitFailure, []string{"another run", "no method is the experts"}, append([]string{"inspect", "--suite", saved}, otherExperts(t, experts))...)
	refuse(t, exitFailure, []string{"not a saved suite"}, "inspect", experts, "--suite", bundle)
}

// otherExperts is the same experts in a file of another hash.
func otherExperts(t *testing.T, path string) string {
	t.Helper()
	_, e := readExperts(t, path)
	other := filepath.Join(t.TempDir(), "other.safetensors")
	if err := e.Save(other, nil); err != nil {
		t.Fatal(err)
	}
	return other
}
