package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/color"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"haguruma/core/manifest"
	"haguruma/core/tensorfile"
	"haguruma/sparse/metatune"
)

// testData writes a set of nine classes, three for each split, told apart by
// their hue, and its datasets.json; it returns their folder.
func testData(t *testing.T) string {
	t.Helper()
	classes := filepath.Join(t.TempDir(), "toy")
	counts, splits := map[string]int{}, map[string][]string{}
	for c := range 9 {
		class := fmt.Sprintf("c%d", c)
		counts[class] = 8
		split := []string{"train", "val", "test"}[c%3]
		splits[split] = append(splits[split], class)
		for i := range 8 {
			hue := color.RGBA{uint8(28 * c), uint8(255 - 28*c), uint8(90 * (c % 3)), 255}
			write(t, filepath.Join(classes, class, fmt.Sprintf("%d.png", i)), encodePNG(t, testImage(hue, uint64(i))))
		}
	}
	zipped, err := os.ReadFile(pack(t, classes))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	write(t, filepath.Join(folder, "toy.zip"), zipped)
	list, err := json.Marshal(map[string]any{"datasets": []any{
		map[string]any{"name": "toy", "file": "toy.zip", "role": "meta-train", "counts": counts, "splits": splits},
	}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "datasets.json"), list)
	return folder
}

// tinyRun is a run that takes a moment.
func tinyRun(data, out string, more ...string) []string {
	return append([]string{
		"pretrain", "--data", data, "--out", out, "--sets", "toy:photo:1", "--steps", "3", "--micro", "2", "--batch", "4", "--stages", "16:1",
		"--validate-every", "0", "--image-size", "16", "--stem", "4,8,16", "--dim", "16", "--depth", "1", "--heads", "2", "--mlp-dim", "24",
	}, more...)
}

// TestPretrainAndEval: from pictures to a bundle with its card, and to a table
// that says how good it is.
func TestPretrainAndEval(t *testing.T) {
	data, out, models := testData(t), filepath.Join(t.TempDir(), "run"), t.TempDir()
	card := write(t, filepath.Join(t.TempDir(), "card.md"), []byte("# Toy"))

	var stdout, stderr bytes.Buffer
	code := run(t.Context(), tinyRun(data, out, "--bundle", models, "--name", "toy", "--card", card, "--json"), &stdout, &stderr)
	if code != exitOK {
		t.Fatalf("want exit code 0, have %d: %s", code, stderr.String())
	}
	if !strings.Contains(stderr.String(), "pretrain 3/3, loss ") {
		t.Errorf("want progress on stderr, have %q", stderr.String())
	}
	trained := parse[struct {
		Weights    string
		Parameters int
		Bundle     manifest.Manifest
	}](t, stdout.String())
	manifest := filepath.Join(models, "toy.json")
	have := parse[inspection](t, succeed(t, "inspect", "--json", manifest))
	if have.SHA256 != trained.Bundle.SHA256 || have.Metadata["card"] != "# Toy" || have.Metadata["seconds"] == "" {
		t.Errorf("bundle: have %v, %v", have.SHA256, have.Metadata)
	}
	recipe := parse[metatune.PretrainConfig](t, have.Metadata["pretrain"])
	if recipe.Steps != 3 || recipe.Model.Dim != 16 || recipe.Sets[0].Name != "toy" {
		t.Errorf("recipe in the bundle: have %+v", recipe)
	}

	// The same command goes on from the checkpoint: nothing is left to do.
	before := stderr.Len()
	if code := run(t.Context(), tinyRun(data, out), &stdout, &stderr); code != exitOK {
		t.Fatalf("again: want exit code 0, have %d: %s", code, stderr.String()[before:])
	}
	if strings.Contains(stderr.String()[before:], "pretrain 1/3") {
		t.Errorf("again: want no step, have %q", stderr.String()[before:])
	}

	// The trained weights as the start of another run: few values each, the same shape without its flags, and a smaller bundle.
	few := filepath.Join(t.TempDir(), "few")
	start := filepath.Join(out, metatune.WeightsFile)
	succeed(t, "pretrain", "--data", data, "--out", few, "--sets", "toy:photo:1", "--steps", "2", "--batch", "4", "--stages", "16:1", "--validate-every", "0",
		"--start", start, "--levels", "7", "--bits", "2", "--bundle", models, "--name", "few", "--quiet")
	small := parse[inspection](t, succeed(t, "inspect", "--json", filepath.Join(models, "few.json")))
	weights, err := os.ReadFile(start)
	if err != nil {
		t.Fatal(err)
	}
	if small.Metadata["start"] != tensorfile.Hash(weights) || small.Bytes >= have.Bytes {
		t.Errorf("few values: start %q, %d bytes beside %d", small.Metadata["start"], small.Bytes, have.Bytes)
	}
	refuse(t, exitFailure, []string{"gone.safetensors", "no such file"}, "pretrain", "--data", data, "--out", t.TempDir(), "--start", "gone.safetensors", "--levels", "7", "--bits", "2")

	// A recipe stands for the flags; flags beside it win.
	again := filepath.Join(t.TempDir(), "again")
	succeed(t, "pretrain", "--data", data, "--out", again, "--recipe", filepath.Join(out, "config.json"), "--steps", "1", "--dim", "16", "--quiet")
	written, err := os.ReadFile(filepath.Join(again, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	if c := parse[metatune.PretrainConfig](t, string(written)); c.Steps != 1 || c.Model.Depth != 1 || c.Batch != 4 {
		t.Errorf("recipe: have %+v", c)
	}
	refuse(t, exitFailure, []string{"another run", "--out"}, tinyRun(data, out, "--seed", "9")...)

	type table struct {
		Rows      []metatune.Row
		Agreement []agreement
	}
	eval := []string{"eval", "--data", data, "--bundle", manifest, "--settings", "3x1,20x5", "--episodes", "20"}
	result := parse[table](t, succeed(t, append(eval, "--methods", "float,int8,random,pixels", "--weights", trained.Weights, "--json")...))
	var seen []string
	for _, r := range result.Rows {
		seen = append(seen, fmt.Sprintf("%s %dx%d", r.Method, r.Way, r.Shot))
		if r.Set != "toy" || !(r.Mean > 0 && r.Mean <= 100) || !(r.Interval >= 0) || r.Episodes != 20 {
			t.Errorf("have %+v", r)
		}
	}
	want := []string{
		"float32 3x1", "float32 3x5", "toy int8 3x1", "toy int8 3x5", "random backbone 3x1", "random backbone 3x5", "raw pixels 3x1", "raw pixels 3x5",
	}
	if !slices.Equal(seen, want) {
		t.Errorf("want rows %q, have %q", want, seen)
	}
	if len(result.Agreement) != 1 || result.Agreement[0].Pictures != 24 || !(result.Agreement[0].Least > 0.9 && result.Agreement[0].Mean <= 1.000001) {
		t.Errorf("agreement of int8 and float: have %+v", result.Agreement)
	}
	if text := succeed(t, append(eval, "--methods", "int8", "--split", "val")...); !strings.Contains(text, "| toy | 3-way 1-shot |") || !strings.Contains(text, "seed 1, split val") {
		t.Errorf("table: have %q", text)
	}
	refuse(t, exitFailure, []string{"unknown"}, append(eval, "--sets", "nothing")...)
}

// TestPretrainInterrupted: what was done is kept, and the sentence says so.
func TestPretrainInterrupted(t *testing.T) {
	data, out := testData(t), filepath.Join(t.TempDir(), "run")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stop := writerFunc(func(text []byte) (int, error) {
		if bytes.Contains(text, []byte("pretrain ")) {
			cancel()
		}
		return len(text), nil
	})
	var stdout, stderr bytes.Buffer
	code := run(ctx, tinyRun(data, out, "--steps", "100000"), &stdout, io.MultiWriter(stop, &stderr))
	if code != exitFailure || !strings.Contains(stderr.String(), "goes on from the checkpoint") {
		t.Errorf("want exit code 1, have %d: %q", code, stderr.String())
	}
	if _, err := os.Stat(filepath.Join(out, "checkpoint.safetensors")); err != nil {
		t.Error(err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(text []byte) (int, error) { return f(text) }
