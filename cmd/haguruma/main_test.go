package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"haguruma/core/manifest"
	"haguruma/core/vit"
)

// execute runs the command line in this process, as main does.
func execute(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, complaints bytes.Buffer
	code = run(t.Context(), args, &out, &complaints)
	return code, out.String(), complaints.String()
}

// succeed is execute for a command line that must work.
func succeed(t *testing.T, args ...string) string {
	t.Helper()
	code, stdout, stderr := execute(t, args...)
	if code != exitOK {
		t.Fatalf("%v: want exit code 0, have %d: %s", args, code, stderr)
	}
	return stdout
}

// refuse holds a command line to its exit code and to what it says: one
// sentence with every word wanted, and a remedy.
func refuse(t *testing.T, want int, words []string, args ...string) {
	t.Helper()
	code, stdout, stderr := execute(t, args...)
	if code != want {
		t.Errorf("%v: want exit code %d, have %d: %s", args, want, code, stderr)
	}
	if stdout != "" {
		t.Errorf("%v: want nothing on stdout, have %q", args, stdout)
	}
	for _, word := range append(words, "haguruma", "remedy: ") {
		if !strings.Contains(stderr, word) {
			t.Errorf("%v: want %q on stderr, have %q", args, word, stderr)
		}
	}
}

func write(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// testConfig is a backbone small enough to run in a moment.
var testConfig = vit.Config{
	ImageSize: 16, PatchSize: 8, Stem: []int{4, 8, 16}, Dim: 16, Depth: 1, Heads: 2, MLPDim: 24, Pool: vit.PoolMean, Eps: 1e-6,
	Mean: [3]float32{0.5, 0.5, 0.5}, Std: [3]float32{0.25, 0.25, 0.25},
}

// testBundle writes a bundle with random weights and returns its manifest's path.
func testBundle(t *testing.T) string {
	t.Helper()
	p := vit.NewParams[float32](testConfig)
	p.Init(rand.New(rand.NewPCG(1, 2)))
	folder := t.TempDir()
	if _, err := manifest.Write(folder, "default", vit.NewInt8(p), map[string]string{"card": "A test.\nTwo lines."}); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, "default.json")
}

// testImage is a disc on a ground, both of one hue, with noise.
func testImage(hue color.RGBA, seed uint64) image.Image {
	rng := rand.New(rand.NewPCG(seed, 5))
	m := image.NewRGBA(image.Rect(0, 0, 24, 20))
	for y := range 20 {
		for x := range 24 {
			c := hue
			if (x-12)*(x-12)+(y-10)*(y-10) < 40 {
				c = color.RGBA{255 - hue.R, 255 - hue.G, 255 - hue.B, 255}
			}
			c.R ^= uint8(rng.IntN(8))
			m.SetRGBA(x, y, c)
		}
	}
	return m
}

func encodePNG(t *testing.T, m image.Image) []byte {
	t.Helper()
	var data bytes.Buffer
	if err := png.Encode(&data, m); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

func encodeJPEG(t *testing.T, m image.Image) []byte {
	t.Helper()
	var data bytes.Buffer
	if err := jpeg.Encode(&data, m, nil); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

var (
	red  = color.RGBA{220, 20, 30, 255}
	blue = color.RGBA{20, 40, 230, 255}
)

// testSupport writes two classes of two pictures and returns their folder.
func testSupport(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "support")
	for name, hue := range map[string]color.RGBA{"red": red, "blue": blue} {
		write(t, filepath.Join(folder, name, "1.png"), encodePNG(t, testImage(hue, 1)))
		write(t, filepath.Join(folder, name, "2.jpg"), encodeJPEG(t, testImage(hue, 2)))
	}
	return folder
}

// pack makes a stored zip of a folder.
func pack(t *testing.T, folder string) string {
	t.Helper()
	var data bytes.Buffer
	w := zip.NewWriter(&data)
	if err := w.AddFS(os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return write(t, filepath.Join(t.TempDir(), "support.zip"), data.Bytes())
}

func parse[T any](t *testing.T, text string) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("want JSON, have %q: %v", text, err)
	}
	return value
}

func TestHelpOfEveryVerb(t *testing.T) {
	text := succeed(t, "--help")
	for _, verb := range []string{"pretrain", "eval", "adapt", "classify", "history", "rollback", "journal", "key", "export", "inspect", "serve", "bench", "version", "completion"} {
		if !strings.Contains(text, "  "+verb) {
			t.Errorf("--help: want the verb %s", verb)
		}
		if verb == "completion" {
			continue // cobra's own
		}
		help := succeed(t, verb, "--help")
		for _, part := range []string{"Usage:", "Examples:", "haguruma " + verb, "Flags:", "--quiet"} {
			if !strings.Contains(help, part) {
				t.Errorf("%s --help: want %q", verb, part)
			}
		}
	}
}

func TestVersion(t *testing.T) {
	if have := parse[map[string]string](t, succeed(t, "version", "--json")); have["version"] != version || have["kernel"] == "" {
		t.Errorf("version --json: have %v", have)
	}
	if have := succeed(t, "--version"); have != "haguruma "+version+"\n" {
		t.Errorf("--version: have %q", have)
	}
	changes, err := os.ReadFile("../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(changes), "["+version+"]") && !strings.Contains(string(changes), "[Unreleased]") {
		t.Errorf("CHANGELOG.md: want notes of %s", version)
	}
}

// TestUsage: a command line that asks for nothing that can be done ends with 2.
func TestUsage(t *testing.T) {
	query := write(t, filepath.Join(t.TempDir(), "q.png"), encodePNG(t, testImage(red, 1)))
	for _, c := range []struct {
		word string
		args []string
	}{
		{"unknown command", []string{"clasify"}},
		{"unknown flag", []string{"classify", "--colour"}},
		{"unknown flag", []string{"--colour"}},
		{"--support", []string{"classify", query}},
		{"query", []string{"classify", "--support", "x"}},
		{"json", []string{"classify", "--support", "x", "--json", "--csv", query}},
		{"embed", []string{"classify", "--support", "x", "--embed", query}},
		{"adapter", []string{"classify", "--support", "x", "--adapter", "y", query}},
		{"no-experts", []string{"classify", "--adapter", "y", "--no-experts", query}},
		{"--adapter", []string{"classify", "--support", "x", "--signed", query}},
		{"--out", []string{"adapt", "x"}},
		{"no examples", []string{"adapt", "-o", "y"}},
		{"one folder", []string{"adapt", "a", "b", "-o", "y"}},
		{"--sign", []string{"adapt", "x", "--task", "y", "--sign", "z"}},
		{"do not go together", []string{"adapt", "x", "-o", "y", "--experts", "z", "--no-experts"}},
		{"--force", []string{"adapt", "x", "-o", "y", "--force"}},
		{"--finetune", []string{"adapt", "x", "-o", "y", "--finetune", "none"}},
		{"--finetune-share", []string{"adapt", "x", "-o", "y", "--finetune-share", "0.2"}},
		{"--head", []string{"adapt", "x", "-o", "y", "--head", "forest"}},
		{"have 0", []string{"history"}},
		{"have 2", []string{"journal", "a", "b"}},
		{"have 0", []string{"journal", "verify"}},
		{"have 0", []string{"journal", "restart"}},
		{"have 0", []string{"rollback"}},
		{"history", []string{"rollback", "x", "last"}},
		{"have 2", []string{"key", "a", "b"}},
		{"--experts", []string{"export", "x", "--onnx", "y", "--experts", "z"}},
		{"at most 1", []string{"inspect", "a", "b"}},
		{"at most 1", []string{"serve", "a", "b"}},
		{"--addr", []string{"serve", "--addr", "8080"}},
		{"unknown command", []string{"bench", "now"}},
		{"--batch", []string{"bench", "--batch", "0"}},
		{"--seconds", []string{"bench", "--seconds", "NaN"}},
		{"invalid argument", []string{"bench", "--batch", "many"}},
		{"--data", []string{"eval"}},
		{"--split", []string{"eval", "--data", "x", "--split", "train"}},
		{"--episodes", []string{"eval", "--data", "x", "--episodes", "1"}},
		{"--methods", []string{"eval", "--data", "x", "--methods", "magic"}},
		{"twice", []string{"eval", "--data", "x", "--methods", "int8,int8"}},
		{"--weights", []string{"eval", "--data", "x", "--methods", "float"}},
		{"WAYxSHOT", []string{"eval", "--data", "x", "--settings", "5"}},
		{"WAYxSHOT", []string{"eval", "--data", "x", "--settings", "1x1"}},
		{"--suite", []string{"eval"}},
		{"--suite", []string{"eval", "--data", "x", "--out", "y"}},
		{"--baseline", []string{"eval", "--data", "x", "--baseline", "y"}},
		{"do not go together", []string{"eval", "--data", "x", "--suite", "y"}},
		{"varying", []string{"eval", "--suite", "x", "--settings", "some"}},
		{"--data", []string{"pretrain"}},
		{"--out", []string{"pretrain", "--data", "x"}},
		{"--bundle", []string{"pretrain", "--data", "x", "--out", "y", "--card", "z"}},
		{"--name", []string{"pretrain", "--data", "x", "--out", "y", "--bundle", "b", "--name", "a/b"}},
		{"optimizer", []string{"pretrain", "--data", "x", "--out", "y", "--optimizer", "magic"}},
		{"levels", []string{"pretrain", "--data", "x", "--out", "y", "--start", "w"}},
		{"bits", []string{"pretrain", "--data", "x", "--out", "y", "--levels", "15"}},
		{"heads", []string{"pretrain", "--data", "x", "--out", "y", "--heads", "7"}},
		{"SIZE:UNTIL", []string{"pretrain", "--data", "x", "--out", "y", "--stages", "32"}},
		{"NAME:KIND:WEIGHT", []string{"pretrain", "--data", "x", "--out", "y", "--sets", "omniglot"}},
	} {
		refuse(t, exitUsage, []string{c.word, "--help"}, c.args...)
	}
}

// TestFailures: work that cannot be done ends with 1 and says what to do.
func TestFailures(t *testing.T) {
	support, manifest := testSupport(t), testBundle(t)
	query := filepath.Join(support, "red", "1.png")
	temp := t.TempDir()

	empty := testSupport(t)
	if err := os.MkdirAll(filepath.Join(empty, "green"), 0o755); err != nil {
		t.Fatal(err)
	}
	lonely := testSupport(t)
	if err := os.RemoveAll(filepath.Join(lonely, "red")); err != nil {
		t.Fatal(err)
	}
	foreign := testSupport(t)
	write(t, filepath.Join(foreign, "red", "3.png"), []byte("this is text"))
	cut := testSupport(t)
	photo := encodePNG(t, testImage(red, 3))
	write(t, filepath.Join(cut, "red", "3.png"), photo[:len(photo)/2])

	bytesOf := func(path string) []byte {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	packed := bytesOf(filepath.Join(filepath.Dir(manifest), "default.safetensors.zst"))
	shortBundle := write(t, filepath.Join(temp, "short.safetensors.zst"), packed[:len(packed)-9])
	textBundle := write(t, filepath.Join(temp, "text.safetensors"), []byte("not a model at all, only text"))
	zipped := bytesOf(pack(t, support))
	shortZip := write(t, filepath.Join(temp, "short.zip"), zipped[:len(zipped)/2])

	wrong := testBundle(t)
	damaged := bytesOf(filepath.Join(filepath.Dir(wrong), "default.safetensors.zst"))
	damaged[len(damaged)/2] ^= 1
	write(t, filepath.Join(filepath.Dir(wrong), "default.safetensors.zst"), damaged)
	escape := write(t, filepath.Join(temp, "escape.json"), []byte(`{"file": "../secret", "bytes": 1, "sha256": "`+strings.Repeat("0", 64)+`"}`))
	weights := filepath.Join(temp, "weights.safetensors")
	saveWeights(t, weights)

	classify := func(support, bundle string, queries ...string) []string {
		return append([]string{"classify", "--support", support, "--bundle", bundle}, queries...)
	}
	for _, c := range []struct {
		word string
		args []string
	}{
		{"green", classify(empty, manifest, query)},
		{"two classes", classify(lonely, manifest, query)},
		{"3.png", classify(foreign, manifest, query)},
		{"truncated", classify(cut, manifest, query)},
		{"no class folder", classify(filepath.Join(support, "red"), manifest, query)},
		{"no such file", classify(filepath.Join(temp, "nowhere"), manifest, query)},
		{"short", classify(shortZip, manifest, query)},
		{"no such file", classify(support, manifest, filepath.Join(temp, "nothing.png"))},
		{"no such file", classify(support, filepath.Join(temp, "none.json"), query)},
		{"short.safetensors.zst", classify(support, shortBundle, query)},
		{"text.safetensors", classify(support, textBundle, query)},
		{"sha256", classify(support, wrong, query)},
		{"folder", classify(support, temp, query)},
		{"device", classify(support, os.DevNull, query)},
		{"device", []string{"import", os.DevNull, "--out", temp}},
		{"manifest", classify(support, escape, query)},
		{"haguruma-bundle/1", classify(support, weights, query)},
		{"text.safetensors", []string{"inspect", textBundle}},
		{"sha256", []string{"inspect", wrong}},
		{"short.safetensors.zst", []string{"bench", "--bundle", shortBundle}},
		{"not a folder", []string{"serve", query, "--addr", "localhost:0"}},
		{"no such file", []string{"serve", filepath.Join(temp, "nowhere"), "--addr", "localhost:0"}},
		{"datasets.json", []string{"eval", "--data", temp, "--bundle", manifest}},
		{"datasets.json", []string{"pretrain", "--data", temp, "--out", filepath.Join(temp, "out")}},
		{"card.md", []string{"pretrain", "--data", temp, "--out", filepath.Join(temp, "out"), "--bundle", temp, "--card", filepath.Join(temp, "card.md")}},
		{"--recipe", []string{"pretrain", "--data", temp, "--out", filepath.Join(temp, "out"), "--recipe", textBundle}},
	} {
		refuse(t, exitFailure, []string{c.word}, c.args...)
	}
}

// TestNoBundle: where there is none, the sentence says how to get one.
func TestNoBundle(t *testing.T) {
	t.Chdir(t.TempDir())
	refuse(t, exitFailure, []string{"default.json", "--bundle"}, "inspect")
}

// TestInterrupted: a verb that is stopped ends with 1 and without a table.
func TestInterrupted(t *testing.T) {
	support, manifest := testSupport(t), testBundle(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"classify", "--support", support, "--bundle", manifest, support}, &stdout, &stderr)
	if code != exitFailure || stdout.Len() != 0 || !strings.Contains(stderr.String(), "cancel") {
		t.Errorf("want exit code 1 and no table, have %d, %q, %q", code, stdout.String(), stderr.String())
	}
}
