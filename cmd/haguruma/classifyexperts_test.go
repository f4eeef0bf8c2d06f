package main

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"haguruma/core/manifest"
	"haguruma/core/vit"
	"haguruma/sparse"
)

// addExperts puts random experts beside a test bundle.
func addExperts(t *testing.T, bundle string) { addExpertsTo(t, bundle, "default", testConfig) }

// addExpertsTo is addExperts for a bundle of another name and config.
func addExpertsTo(t *testing.T, bundle, name string, c vit.Config) {
	t.Helper()
	tensors := sparse.BackboneTensors(vit.NewParams[float32](c))
	file, err := sparse.RandomExperts(tensors, 4, 0.2, 0.05, c.Dim, rand.New(rand.NewPCG(1, 2))).File(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := manifest.WriteExperts(filepath.Dir(bundle), name, file); err != nil {
		t.Fatal(err)
	}
}

// strangeExperts writes another bundle in the place of the one that the experts beside it name.
func strangeExperts(t *testing.T, bundle string) {
	t.Helper()
	m, err := manifest.Read(bundle)
	if err != nil {
		t.Fatal(err)
	}
	p := vit.NewParams[float32](testConfig)
	p.Init(rand.New(rand.NewPCG(3, 4)))
	other, err := manifest.Write(filepath.Dir(bundle), "default", vit.NewInt8(p), nil)
	if err != nil {
		t.Fatal(err)
	}
	other.Experts = m.Experts
	text, err := json.Marshal(other)
	if err != nil {
		t.Fatal(err)
	}
	write(t, bundle, text)
}

// TestClassifyExperts: the manifest's experts are used and shown, --no-experts gives what there is without them, and experts of another
// backbone, or not those the manifest names, are refused.
func TestClassifyExperts(t *testing.T) {
	support, bundle := testSupport(t), testBundle(t)
	query := write(t, filepath.Join(t.TempDir(), "q.png"), encodePNG(t, testImage(red, 7)))
	type output struct {
		Experts *expertsUsed
		Results []classified
	}
	args := []string{"classify", "-s", support, "-b", bundle, "--json", query}
	plain := succeed(t, args...)
	if strings.Contains(plain, "experts") {
		t.Errorf("a bundle without experts: %s", plain)
	}
	addExperts(t, bundle)
	text := succeed(t, args...)
	have := parse[output](t, text)
	if have.Experts == nil || len(have.Experts.Scores) != 4 || !(have.Experts.Changed > 0.2 && have.Experts.Changed < 0.8) || len(have.Experts.Parts) == 0 || len(have.Experts.Kinds) == 0 {
		t.Fatalf("experts %+v", have.Experts)
	}
	var sum float64
	for _, s := range have.Experts.Scores {
		sum += float64(s)
	}
	if math.Abs(sum-1) > 1e-6 {
		t.Errorf("scores %v", have.Experts.Scores)
	}
	if have.Results[0].Class != "red" || reflect.DeepEqual(have.Results[0].Scores, parse[output](t, plain).Results[0].Scores) {
		t.Errorf("with experts %+v, without %s", have.Results, plain)
	}
	if again := succeed(t, args...); again != text {
		t.Errorf("another time another answer:\n%s\n%s", text, again)
	}
	if got := succeed(t, append(args, "--no-experts")...); got != plain {
		t.Errorf("--no-experts: %s, want %s", got, plain)
	}

	path := filepath.Join(filepath.Dir(bundle), "default.experts.safetensors.zst")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, append([]byte("x"), data[1:]...))
	if code, _, stderr := execute(t, args...); code != exitFailure || !strings.Contains(stderr, "sha256") || !strings.Contains(stderr, "remedy: ") {
		t.Errorf("other bytes: exit code %d, %q", code, stderr)
	}
	write(t, path, data)
	strangeExperts(t, bundle)
	if code, _, stderr := execute(t, args...); code != exitFailure || !strings.Contains(stderr, sparse.ErrBackbone.Error()) || !strings.Contains(stderr, "--no-experts") {
		t.Errorf("experts of another backbone: exit code %d, %q", code, stderr)
	}
	succeed(t, append(args, "--no-experts")...)
}
