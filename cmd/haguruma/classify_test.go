package main

import (
	"encoding/csv"
	"encoding/hex"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"haguruma/adapt/journal"
	"haguruma/core/tensorfile"
	"haguruma/core/vit"
)

func saveWeights(t *testing.T, path string) {
	t.Helper()
	p := vit.NewParams[float32](testConfig)
	for i := range p.Flat {
		p.Flat[i] = 0.5
	}
	if err := tensorfile.Save(path, p.File()); err != nil {
		t.Fatal(err)
	}
}

type classifyOutput struct {
	Bundle  struct{ Name, SHA256 string }
	Classes []classCount
	Results []classified
}

// TestClassify: pictures like those of a class are that class's, from a folder
// and from a zip, and both give the same numbers.
func TestClassify(t *testing.T) {
	support, manifest := testSupport(t), testBundle(t)
	queries := t.TempDir()
	write(t, filepath.Join(queries, "a", "red.PNG"), encodePNG(t, testImage(red, 7)))
	write(t, filepath.Join(queries, "blue.jpg"), encodeJPEG(t, testImage(blue, 8)))
	write(t, filepath.Join(queries, "notes.txt"), []byte("not a picture"))
	write(t, filepath.Join(queries, ".hidden.png"), []byte("nor this"))

	text := succeed(t, "classify", "-s", support, "-b", manifest, "--json", queries)
	have := parse[classifyOutput](t, text)
	if len(have.Classes) != 2 || have.Classes[0] != (classCount{"blue", 2}) || have.Classes[1] != (classCount{"red", 2}) {
		t.Errorf("classes: have %v", have.Classes)
	}
	if have.Bundle.Name != "default" || len(have.Bundle.SHA256) != 64 {
		t.Errorf("bundle: have %v", have.Bundle)
	}
	if len(have.Results) != 2 {
		t.Fatalf("want two results, have %v", have.Results)
	}
	for _, r := range have.Results {
		want := strings.TrimSuffix(strings.ToLower(filepath.Base(r.File)), strings.ToLower(filepath.Ext(r.File)))
		if r.Class != want || r.Error != "" {
			t.Errorf("%s: want class %s, have %+v", r.File, want, r)
		}
		var sum float64
		for i, s := range r.Scores {
			sum += float64(s.Probability)
			if i > 0 && s.Probability > r.Scores[i-1].Probability {
				t.Errorf("%s: scores are not in order: %v", r.File, r.Scores)
			}
		}
		if !(math.Abs(sum-1) < 1e-5) || r.Probability != r.Scores[0].Probability {
			t.Errorf("%s: probabilities %v sum to %v", r.File, r.Scores, sum)
		}
	}
	if zipped := succeed(t, "classify", "-s", pack(t, support), "-b", manifest, "--json", queries); zipped != text {
		t.Errorf("a zip gives other numbers than its folder:\n%s\n%s", text, zipped)
	}
}

func TestClassifyTable(t *testing.T) {
	support, manifest := testSupport(t), testBundle(t)
	query := write(t, filepath.Join(t.TempDir(), "=1+1.png"), encodePNG(t, testImage(red, 7)))
	if have := succeed(t, "classify", "-s", support, "-b", manifest, query); !strings.Contains(have, "CLASS") || !strings.Contains(have, "red  ") {
		t.Errorf("table: have %q", have)
	}
	t.Chdir(filepath.Dir(query))
	text := succeed(t, "classify", "-s", support, "-b", manifest, "--csv", "=1+1.png")
	text, found := strings.CutPrefix(text, journal.ByteOrderMark)
	if !found {
		t.Errorf("csv: want a byte order mark, have %q", text)
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 2 || rows[1][0] != "'=1+1.png" || rows[1][1] != "red" {
		t.Errorf("csv: a name must not be a formula, have %q", rows)
	}
}

// TestClassifyKeepsGoing: one bad query costs its own row only.
func TestClassifyKeepsGoing(t *testing.T) {
	support, manifest := testSupport(t), testBundle(t)
	folder := t.TempDir()
	good := write(t, filepath.Join(folder, "good.png"), encodePNG(t, testImage(blue, 9)))
	bad := write(t, filepath.Join(folder, "bad.jpg"), []byte("\xff\xd8\xff and then nothing"))
	empty := write(t, filepath.Join(folder, "empty.jpg"), nil)
	code, stdout, stderr := execute(t, "classify", "-s", support, "-b", manifest, "--json", bad, good, empty, bad)
	if code != exitFailure || !strings.Contains(stderr, "bad.jpg") || !strings.Contains(stderr, "empty.jpg") {
		t.Errorf("want exit code 1, bad.jpg and empty.jpg, have %d, %q", code, stderr)
	}
	if n := strings.Count(stderr, "remedy: "); n != 2 {
		t.Errorf("want a remedy for each kind of failure, once: 2, have %d: %q", n, stderr)
	}
	have := parse[classifyOutput](t, stdout)
	if len(have.Results) != 4 || have.Results[0].Error == "" || have.Results[0].Class != "" || have.Results[1].Class != "blue" {
		t.Errorf("have %+v", have.Results)
	}
}

// TestClassifyPassedOver: files that are no picture by their name are counted,
// not dropped in silence.
func TestClassifyPassedOver(t *testing.T) {
	support, manifest := testSupport(t), testBundle(t)
	write(t, filepath.Join(support, "red", "IMG_1.HEIC"), []byte("x"))
	write(t, filepath.Join(support, "red", ".hidden"), []byte("x"))
	queries := t.TempDir()
	write(t, filepath.Join(queries, "a.png"), encodePNG(t, testImage(red, 7)))
	write(t, filepath.Join(queries, "b.heic"), []byte("x"))
	write(t, filepath.Join(queries, "notes.txt"), []byte("x"))
	args := []string{"classify", "-s", support, "-b", manifest, queries}
	code, _, stderr := execute(t, args...)
	for _, want := range []string{"1 file is passed over in " + support, "2 files are passed over among the queries"} {
		if code != exitOK || !strings.Contains(stderr, want) {
			t.Errorf("want exit code 0 and %q, have %d, %q", want, code, stderr)
		}
	}
	if _, _, stderr := execute(t, append(args, "--quiet")...); stderr != "" {
		t.Errorf("--quiet: have %q", stderr)
	}
}

// TestClassifyEmbed: the bits, the hash and the numbers say the same.
func TestClassifyEmbed(t *testing.T) {
	manifest := testBundle(t)
	query := write(t, filepath.Join(t.TempDir(), "q.png"), encodePNG(t, testImage(red, 7)))
	have := parse[[]embedded](t, succeed(t, "classify", "--embed", "-b", manifest, "--json", query))
	if len(have) != 1 || have[0].Dim != testConfig.Dim || len(have[0].Embed) != testConfig.Dim {
		t.Fatalf("have %+v", have)
	}
	data, err := hex.DecodeString(have[0].Hex)
	if err != nil {
		t.Fatal(err)
	}
	if tensorfile.Hash(data) != have[0].Bits {
		t.Errorf("bits: want the hash of hex, have %s", have[0].Bits)
	}
	for i, v := range have[0].Embed {
		bits := uint32(data[4*i]) | uint32(data[4*i+1])<<8 | uint32(data[4*i+2])<<16 | uint32(data[4*i+3])<<24
		if math.Float32bits(v) != bits {
			t.Errorf("number %d: want %v, have %v", i, math.Float32frombits(bits), v)
		}
	}
	if text := succeed(t, "classify", "--embed", "-b", manifest, query); !strings.Contains(text, have[0].Hex) {
		t.Errorf("text: want the hex of the embedding, have %q", text)
	}
}

func TestInspect(t *testing.T) {
	manifest := testBundle(t)
	have := parse[inspection](t, succeed(t, "inspect", "--json", manifest))
	if have.Format != "haguruma-bundle/1" || have.Name != "default" || have.Metadata["card"] != "A test.\nTwo lines." {
		t.Errorf("have %+v", have)
	}
	config := parse[vit.Config](t, string(have.Config))
	if config.Dim != testConfig.Dim || config.Depth != testConfig.Depth {
		t.Errorf("config: have %+v", config)
	}
	data, err := os.ReadFile(have.File)
	if err != nil {
		t.Fatal(err)
	}
	if have.Bytes != len(data) || have.SHA256 != tensorfile.Hash(data) {
		t.Errorf("want %d bytes with %s, have %d with %s", len(data), tensorfile.Hash(data), have.Bytes, have.SHA256)
	}
	bytes, elements := 0, 0
	for _, tensor := range have.Tensors {
		bytes += tensor.Bytes
	}
	for _, n := range have.Totals.ByDType {
		elements += n
	}
	if have.Totals.Tensors != len(have.Tensors) || bytes != have.Totals.Bytes || elements != have.Totals.Elements || have.Totals.ByDType["I8"] == 0 {
		t.Errorf("totals: have %+v", have.Totals)
	}
	text := succeed(t, "inspect", manifest)
	for _, part := range []string{"haguruma-bundle/1", have.SHA256, "Two lines.", "blocks.0.attn.qkv.weight", "I8"} {
		if !strings.Contains(text, part) {
			t.Errorf("text: want %q", part)
		}
	}
}

// TestDefaultBundle: without --bundle it is the one in www/models above the
// working directory.
func TestDefaultBundle(t *testing.T) {
	manifest := testBundle(t)
	root := t.TempDir()
	for _, name := range []string{"default.json", "default.safetensors.zst"} {
		data, err := os.ReadFile(filepath.Join(filepath.Dir(manifest), name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(root, "www", "models", name), data)
	}
	deep := filepath.Join(root, "some", "where")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(deep)
	if have := parse[inspection](t, succeed(t, "inspect", "--json")); have.Format != "haguruma-bundle/1" {
		t.Errorf("have %+v", have)
	}
}
