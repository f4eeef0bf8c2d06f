package main

import (
	"bytes"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"haguruma/core/tensorfile"
)

// quickTuning has no vote, so that there is something to look at.
var quickTuning = []string{"--finetune-steps", "3", "--finetune-folds", "0", "--finetune-rates", "0.01"}

// TestFineTuning: a tuned adapter gives the answers of the task, from the file, from the task's folder and after a rollback; it is what export writes; the
// journal says what was tuned; with experts and without.
func TestFineTuning(t *testing.T) {
	support, bundle, ask := testSupport(t), testBundle(t), queries(t)
	for _, experts := range []bool{false, true} {
		if experts {
			addExperts(t, bundle)
		}
		folder := t.TempDir()
		file, task := filepath.Join(folder, "a.safetensors"), filepath.Join(folder, "task")
		succeed(t, "adapt", support, "-b", bundle, "--task", task)
		plain := answers(t, "-a", task, "-b", bundle, ask)
		args := slices.Concat([]string{"adapt", "-b", bundle, "--task", task, "-o", file, "--json", "--finetune", "sparse"}, quickTuning)
		r := parse[adaptedTo](t, succeed(t, args...))
		f := r.FineTuning
		if r.Version != 2 || !r.New || f.Mode != "sparse" || f.Steps != 3 || f.Rate != 0.01 || f.Moved == 0 || f.Changed > 0.1 || len(f.Parts) == 0 || r.Verdict.Code != "not_compared" {
			t.Fatalf("experts %t: %+v, %+v", experts, r, f)
		}
		tuned := answers(t, "-a", file, "-b", bundle, ask)
		if reflect.DeepEqual(tuned, plain) || !reflect.DeepEqual(tuned, answers(t, "-a", task, "-b", copyBundle(t, bundle), ask)) {
			t.Errorf("experts %t: tuned %+v\nplain %+v", experts, tuned, plain)
		}
		if same := parse[adaptedTo](t, succeed(t, args...)); same.New || same.Version != 2 {
			t.Errorf("experts %t: the same steps once more: %+v", experts, same)
		}
		succeed(t, "rollback", task)
		if have := answers(t, "-a", task, "-b", bundle, ask); !reflect.DeepEqual(have, plain) {
			t.Errorf("experts %t: version 1 is not what it was", experts)
		}
		again := filepath.Join(folder, "again.safetensors")
		succeed(t, "rollback", task, "2", "-o", again)
		if have := answers(t, "-a", again, "-b", bundle, ask); !reflect.DeepEqual(have, tuned) {
			t.Errorf("experts %t: version 2 is not what it was", experts)
		}
		words := succeed(t, "journal", task)
		for _, want := range []string{"finetune", "sparse", "steps", "rate", "moved"} {
			if !strings.Contains(words, want) {
				t.Errorf("the journal does not say %q: %s", want, words)
			}
		}
		succeed(t, "journal", "verify", task)
		out := filepath.Join(folder, "timm.safetensors")
		succeed(t, "export", bundle, "--adapter", file, "--safetensors", out)
		exported, err := tensorfile.Load(out)
		if err != nil {
			t.Fatal(err)
		}
		x := applied(t, bundle, file)
		if x.Provenance.Method != "sparse" {
			t.Errorf("method %q", x.Provenance.Method)
		}
		for _, want := range x.Model().Params().File().Tensors {
			have, ok := exported.Tensor(want.Name)
			if !ok {
				t.Fatalf("no tensor %s", want.Name)
			}
			if !bytes.Equal(have.Data, want.Data) {
				t.Errorf("tensor %s is not that of the tuned network", want.Name)
			}
		}
	}
}

// TestTunedGuard: examples that votes left out are what the guard compares a tuned version by.
func TestTunedGuard(t *testing.T) {
	support, bundle := testSupport(t), testBundle(t)
	for name, hue := range map[string]color.RGBA{"red": red, "blue": blue} {
		for i := range 3 {
			write(t, filepath.Join(support, name, string(rune('a'+i))+".png"), encodePNG(t, testImage(hue, uint64(40+i))))
		}
	}
	task := filepath.Join(t.TempDir(), "task")
	succeed(t, "adapt", support, "-b", bundle, "--task", task)
	for _, mode := range []string{"norm", "lora", "full"} {
		text := succeed(t, "adapt", "-b", bundle, "--task", task, "--finetune", mode, "--finetune-steps", "2")
		if !strings.Contains(text, "fine-tuning ("+mode+"): ") {
			t.Errorf("%s", text)
		}
	}
	refuse(t, exitUsage, []string{"goes with --finetune"}, "adapt", support, "-o", "x", "--finetune-steps", "2")
	refuse(t, exitUsage, []string{"sparse, norm, lora, full"}, "adapt", support, "-o", "x", "--finetune", "none")
	refuse(t, exitUsage, []string{"share"}, "adapt", support, "-b", bundle, "-o", "x", "--finetune", "sparse", "--finetune-share", "2")
}

// TestTunedAdapterIsSmall: with the default budget a change of the default bundle fits a megabyte: it is one bit a weight and at most one byte for each that
// moves, and a scale a row.
func TestTunedAdapterIsSmall(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.safetensors")
	r := parse[adaptedTo](t, succeed(t, "adapt", testSupport(t), "-b", "../../www/models/default.json", "--no-experts", "-o", file, "--json",
		"--finetune", "sparse", "--finetune-steps", "1", "--finetune-folds", "0", "--finetune-rates", "0.003"))
	if r.FineTuning.Changed < 0.05 || r.Bytes < 1<<19 || r.Bytes > 1_000_000 {
		t.Errorf("%.3f of the weights move, %d bytes", r.FineTuning.Changed, r.Bytes)
	}
}

// TestHeatMaps: one picture a query, over nothing that is there, the same from examples and from an adapter.
func TestHeatMaps(t *testing.T) {
	support, bundle, ask := testSupport(t), testBundle(t), queries(t)
	file, folder := filepath.Join(t.TempDir(), "a.safetensors"), t.TempDir()
	succeed(t, "adapt", support, "-b", bundle, "-o", file)
	maps := func(name string, args ...string) (files []string) {
		for _, r := range answers(t, append(args, "-b", bundle, "--heat", filepath.Join(folder, name), ask)...) {
			if filepath.Dir(r.Heat) != filepath.Join(folder, name) {
				t.Fatalf("heat %q", r.Heat)
			}
			files = append(files, r.Heat)
		}
		return files
	}
	one, two := maps("one", "-s", support), maps("two", "-a", file)
	for i := range one {
		x, err := os.ReadFile(one[i])
		if err != nil {
			t.Fatal(err)
		}
		y, err := os.ReadFile(two[i])
		if err != nil || !bytes.Equal(x, y) {
			t.Errorf("%s and %s differ: %v", one[i], two[i], err)
		}
		m, err := png.Decode(bytes.NewReader(x))
		if err != nil || m.Bounds().Dx() < heatSide || m.Bounds().Dy() != m.Bounds().Dx() {
			t.Errorf("%s: %v, %v", one[i], m.Bounds(), err)
		}
	}
	if len(one) != 3 {
		t.Errorf("%v", one)
	}
	refuse(t, exitFailure, []string{"new or an empty folder"}, "classify", "-s", support, "-b", bundle, "--heat", filepath.Join(folder, "one"), ask)
}
