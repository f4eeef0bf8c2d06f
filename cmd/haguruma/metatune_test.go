package main

import (
	"bytes"
	"context"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"haguruma/core/manifest"
	"haguruma/core/tensorfile"
	"haguruma/sparse"
	"haguruma/sparse/metatune"
)

// tinyTuning is a meta-tuning run that takes a moment.
func tinyTuning(data, out string, more ...string) []string {
	return append([]string{
		"metatune", "--data", data, "--out", out, "--sets", "toy:photo:1", "--size", "16", "--min-way", "2", "--max-way", "3", "--max-shot", "2", "--queries", "2",
		"--pictures", "12", "--experts", "3", "--updates", "4", "--batch", "2", "--warmup", "1", "--validate-every", "1", "--episodes", "4", "--temperature", "2,0.5",
	}, more...)
}

// trainedToy is the folder of a tiny pretrained backbone.
func trainedToy(t *testing.T, data string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "toy")
	succeed(t, tinyRun(data, out, "--quiet")...)
	return out
}

func readExperts(t *testing.T, path string) (*tensorfile.File, *sparse.Experts) {
	t.Helper()
	f, err := tensorfile.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	e, err := sparse.OpenExperts(f)
	if err != nil {
		t.Fatal(err)
	}
	return f, e
}

// sameExperts compares two files in everything but the seconds they took.
func sameExperts(t *testing.T, want, have string) {
	t.Helper()
	w, _ := readExperts(t, want)
	h, _ := readExperts(t, have)
	delete(w.Metadata, "seconds")
	delete(h.Metadata, "seconds")
	if !maps.Equal(w.Metadata, h.Metadata) || len(w.Tensors) != len(h.Tensors) {
		t.Fatalf("metadata: want %v, have %v", w.Metadata, h.Metadata)
	}
	for i, x := range w.Tensors {
		if y := h.Tensors[i]; x.Name != y.Name || !bytes.Equal(x.Data, y.Data) {
			t.Errorf("tensor %s differs from %s", x.Name, y.Name)
		}
	}
}

// TestMetatune: from a bundle to experts, the same ones with and without a break, at any moment of the run.
func TestMetatune(t *testing.T) {
	data := testData(t)
	toy := trainedToy(t, data)
	start := []string{"--bundle", filepath.Join(toy, "bundle.json")}
	whole := filepath.Join(t.TempDir(), "whole")
	type report struct {
		Mean, Overlap, Union float64
		Density              []float64
		Update, Experts      int
		File                 string
		Bytes                int64
	}
	r := parse[report](t, succeed(t, tinyTuning(data, whole, append(start, "--json")...)...))
	file := filepath.Join(whole, metatune.ExpertsFile)
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if r.File != file || r.Bytes != info.Size() || r.Experts != 3 || len(r.Density) != 3 || r.Update < 1 || r.Update > 4 || !(r.Mean > 0) || !(r.Overlap > 0 && r.Overlap < 1) {
		t.Errorf("have %+v", r)
	}
	_, e := readExperts(t, file)
	for m, d := range r.Density {
		if d != e.Masks[m].Density() || d < 0.095 || d > 0.105 {
			t.Errorf("expert %d: density %v in the report, %v in the file, want 0.1", m, d, e.Masks[m].Density())
		}
	}
	if e.Router == nil || !(r.Union >= r.Density[0]) {
		t.Errorf("router %v, union %v", e.Router, r.Union)
	}

	for _, moment := range []string{"metatune 1/4", "validate 1/4"} {
		broken := filepath.Join(t.TempDir(), "broken")
		ctx, cancel := context.WithCancel(t.Context())
		stop := writerFunc(func(text []byte) (int, error) {
			if bytes.Contains(text, []byte(moment)) {
				cancel()
			}
			return len(text), nil
		})
		var stdout, stderr bytes.Buffer
		code := run(ctx, tinyTuning(data, broken, start...), &stdout, io.MultiWriter(stop, &stderr))
		cancel()
		if code != exitFailure || !strings.Contains(stderr.String(), "goes on from the checkpoint") {
			t.Fatalf("%s: want exit code 1, have %d: %q", moment, code, stderr.String())
		}
		if _, err := os.Stat(filepath.Join(broken, metatune.ExpertsFile)); err == nil {
			t.Errorf("%s: want no experts of a run that was stopped", moment)
		}
		succeed(t, tinyTuning(data, broken, append(start, "--quiet")...)...)
		sameExperts(t, file, filepath.Join(broken, metatune.ExpertsFile))
		stats, err := metatune.ReadMetaLog(broken)
		if err != nil || len(stats) != 4 || len(stats[0].Validation) != 1 {
			t.Errorf("%s: log: %+v, %v", moment, stats, err)
		}
	}

	// A run that is done goes on to the same end, and a recipe stands for the flags.
	succeed(t, tinyTuning(data, whole, append(start, "--quiet")...)...)
	sameExperts(t, file, file)
	again := filepath.Join(t.TempDir(), "again")
	succeed(t, append([]string{"metatune", "--data", data, "--out", again, "--recipe", filepath.Join(whole, "config.json"), "--quiet"}, start...)...)
	sameExperts(t, file, filepath.Join(again, metatune.ExpertsFile))

	// Another run's folder is left as it is.
	config, err := os.ReadFile(filepath.Join(whole, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	refuse(t, exitFailure, []string{"another run", "Config.gates.experts: want 2, have 3", "--out"}, tinyTuning(data, whole, append(start, "--experts", "2")...)...)
	refuse(t, exitFailure, []string{"another run", "Start: want"}, tinyTuning(data, whole, "--weights", filepath.Join(toy, metatune.WeightsFile))...)
	if after, err := os.ReadFile(filepath.Join(whole, "config.json")); err != nil || !bytes.Equal(after, config) {
		t.Errorf("config.json of the refused run's folder: %v\n%s", err, after)
	}
}

// TestMetatuneBaselines: each does what its name says, and refuses flags that say otherwise.
func TestMetatuneBaselines(t *testing.T) {
	data := testData(t)
	start := []string{"--weights", filepath.Join(trainedToy(t, data), metatune.WeightsFile), "--updates", "1", "--quiet"}
	for name, want := range map[string]func(c metatune.MetaConfig, e *sparse.Experts) bool{
		"pmf": func(_ metatune.MetaConfig, e *sparse.Experts) bool {
			return len(e.Masks) == 1 && e.Masks[0].Density() == 1 && e.Router == nil
		},
		"one": func(_ metatune.MetaConfig, e *sparse.Experts) bool {
			return len(e.Masks) == 1 && e.Masks[0].Density() < 0.11 && e.Router == nil
		},
		"random": func(c metatune.MetaConfig, e *sparse.Experts) bool {
			return c.Masks == metatune.MasksRandom && len(e.Masks) == 3 && sparse.Overlap(e.Masks[0], e.Masks[1]) < 0.2 && e.Masks[0].Density() < 0.11
		},
		"magnitude": func(c metatune.MetaConfig, e *sparse.Experts) bool {
			return c.Masks == metatune.MasksMagnitude && len(e.Masks) == 1 && e.Masks[0].Density() < 0.11
		},
		"hand": func(_ metatune.MetaConfig, e *sparse.Experts) bool {
			for _, x := range e.Tensors {
				open := e.Masks[0].Count(x.Start, x.Start+x.Len())
				allowed := strings.HasSuffix(x.Name, "attn.qkv.weight") || strings.HasSuffix(x.Name, "attn.proj.weight") || strings.HasSuffix(x.Name, "mlp.fc2.weight")
				if (open > 0) != allowed {
					return false
				}
			}
			return e.Masks[0].Density() > 0.095 && e.Masks[0].Density() < 0.105
		},
		"no-distill": func(c metatune.MetaConfig, e *sparse.Experts) bool { return c.Distill == 0 && e.Router != nil },
		"uniform":    func(_ metatune.MetaConfig, e *sparse.Experts) bool { return len(e.Masks) == 3 && e.Router == nil },
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), name)
			arguments := tinyTuning(data, out, append(start, "--baseline", name)...)
			if name == "pmf" || name == "one" || name == "magnitude" {
				refuse(t, exitUsage, []string{"decides --experts"}, arguments...)
				at := 0
				for arguments[at] != "--experts" {
					at++
				}
				arguments = append(arguments[:at:at], arguments[at+2:]...)
			}
			succeed(t, arguments...)
			f, e := readExperts(t, filepath.Join(out, metatune.ExpertsFile))
			if c := parse[metatune.MetaConfig](t, f.Metadata["metatune"]); !want(c, e) {
				t.Errorf("config %+v: %d masks of density %v, router %v", c, len(e.Masks), e.Masks[0].Density(), e.Router != nil)
			}
		})
	}
	refuse(t, exitUsage, []string{"--baseline", "pmf, one, random"}, "metatune", "--data", data, "--out", t.TempDir(), "--baseline", "nothing")
}

// TestMetatuneComplaints: what cannot be done is said before the work.
func TestMetatuneComplaints(t *testing.T) {
	data, out := testData(t), filepath.Join(t.TempDir(), "out")
	refuse(t, exitUsage, []string{"--data is missing"}, "metatune", "--out", out)
	refuse(t, exitUsage, []string{"--out is missing"}, "metatune", "--data", data)
	refuse(t, exitUsage, []string{"do not go together"}, "metatune", "--data", data, "--out", out, "--bundle", "a", "--weights", "b")
	refuse(t, exitUsage, []string{"density: want above 0"}, tinyTuning(data, out, "--density", "0")...)
	refuse(t, exitUsage, []string{"gate", "soft"}, tinyTuning(data, out, "--gate", "soft")...)
	refuse(t, exitUsage, []string{"temperature", "two numbers"}, tinyTuning(data, out, "--temperature", "1")...)
	refuse(t, exitFailure, []string{"datasets.json"}, tinyTuning(t.TempDir(), out, "--bundle", testBundle(t))...)
	bundle := []string{"--bundle", filepath.Join(trainedToy(t, data), "bundle.json")}
	refuse(t, exitFailure, []string{"9 classes of 4 pictures, have 3", "lower"}, tinyTuning(data, out, append(bundle, "--min-way", "9", "--max-way", "9", "--pictures", "99")...)...)
	refuse(t, exitFailure, []string{"no name matches"}, tinyTuning(data, out, append(bundle, "--tensors", "nothing")...)...)
	refuse(t, exitFailure, []string{"density: want at most"}, tinyTuning(data, out, append(bundle, "--tensors", "norm.weight")...)...)
	if entries, err := os.ReadDir(out); err == nil && len(entries) > 0 {
		t.Errorf("want nothing left in --out, have %v", entries)
	}
}

// TestMetatuneInstall: the bundle's manifest names the experts, which classify then uses; the manifest of another bundle is refused before
// any training.
func TestMetatuneInstall(t *testing.T) {
	data := testData(t)
	toy, other := trainedToy(t, data), filepath.Dir(testBundle(t))
	bundle := filepath.Join(toy, "bundle.json")
	out := filepath.Join(t.TempDir(), "run")
	if _, _, stderr := execute(t, tinyTuning(data, out, "--bundle", bundle, "--install", filepath.Join(other, "default.json"))...); !strings.Contains(stderr, "the run starts from") {
		t.Errorf("another bundle: have %q", stderr)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("another bundle: the run had begun")
	}
	succeed(t, tinyTuning(data, out, "--bundle", bundle, "--install", bundle)...)
	m, err := manifest.Read(bundle)
	if err != nil || m.Experts == nil {
		t.Fatalf("the manifest is %+v, %v", m, err)
	}
	sameExperts(t, filepath.Join(out, metatune.ExpertsFile), filepath.Join(toy, m.Experts.File))
	support := testSupport(t)
	if text := succeed(t, "classify", "-s", support, "-b", bundle, "--json", support); !strings.Contains(text, "scores") {
		t.Errorf("classify does not use the experts: %.300s", text)
	}
}
