package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"haguruma/core/tensorfile"
	"haguruma/core/vit"
)

// openFloat32 reads what import --float32 wrote.
func openFloat32(t *testing.T, path string) *vit.Params[float32] {
	t.Helper()
	f, err := tensorfile.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	p, err := vit.OpenParams(f)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func saveSafetensors(t *testing.T, path string, f *tensorfile.File) string {
	t.Helper()
	if err := tensorfile.Save(path, f); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestImport: a checkpoint of PyTorch and the same as safetensors give one bundle; other verbs run on it.
func TestImport(t *testing.T) {
	want, f, layout := layoutCheckpoint(t, "dino", layoutConfig)
	folder := t.TempDir()
	torch := torchSave(t, filepath.Join(folder, "dino_vits16.pth"), []string{""}, f)
	safe := saveSafetensors(t, filepath.Join(folder, "again.safetensors"), f)
	out := filepath.Join(folder, "models")
	r := parse[imported](t, succeed(t, "import", torch, "--out", out, "--float32", "--json"))
	if r.Layout != layout || r.Key != "" || r.Prefix != "" || len(r.Ignored) != 0 || r.Read != len(f.Tensors) || r.Parameters != len(want.Flat) || r.Positions != "" {
		t.Errorf("%+v", r)
	}
	if r.Bundle.Name != "dino_vits16" || r.Check.Pictures != 4 || !(r.Check.Least > 0.99 && r.Check.Mean >= r.Check.Least && r.Check.Mean <= 1) {
		t.Errorf("%+v, check %+v", r.Bundle, r.Check)
	}
	if have := openFloat32(t, r.Weights); !slices.Equal(have.Flat, want.Flat) || have.Config.Heads != want.Config.Heads {
		t.Error("other weights than the checkpoint's")
	}
	same := parse[imported](t, succeed(t, "import", safe, "--out", out, "--name", "same", "--json"))
	if same.Weights != "" {
		t.Errorf("float32 weights %s without --float32", same.Weights)
	}
	first, second := openModel(t, out, "dino_vits16"), openModel(t, out, "same")
	for _, m := range []*vit.Int8Model{first, second} {
		if !strings.Contains(m.Metadata["import"], `"layout":"dino"`) {
			t.Errorf("metadata %v", m.Metadata)
		}
		m.Metadata = nil
	}
	x, _ := tensorfile.Encode(first.File())
	y, _ := tensorfile.Encode(second.File())
	if !slices.Equal(x, y) {
		t.Error("two containers, two bundles")
	}

	path := filepath.Join(out, "dino_vits16.json")
	if text := succeed(t, "inspect", path); !strings.Contains(text, "dino_vits16.pth") {
		t.Errorf("inspect does not say where the bundle came from: %s", text)
	}
	table := succeed(t, "classify", "--bundle", path, "--support", testSupport(t), write(t, filepath.Join(folder, "q.png"), encodePNG(t, testImage(red, 7))))
	if !strings.Contains(table, "q.png") {
		t.Errorf("classify: %s", table)
	}
}

// TestImportOwn: weights in this project's own form, which haguruma pretrain and tools/torch write, become a bundle with how they were made and a card.
func TestImportOwn(t *testing.T) {
	want := vit.NewParams[float32](testConfig)
	want.Init(rand.New(rand.NewPCG(3, 4)))
	f := want.File()
	f.Metadata["pretrain"], f.Metadata["seconds"], f.Metadata["else"] = `{"script":"x"}`, "7", "not taken along"
	folder := t.TempDir()
	weights, card := saveSafetensors(t, filepath.Join(folder, "weights.safetensors"), f), filepath.Join(folder, "card.md")
	write(t, card, []byte("a card\n"))
	write(t, filepath.Join(folder, "config.json"), []byte(`{"heads": 7, "steps": 3}`)) // the recipe that pretrain leaves beside its weights
	out := filepath.Join(folder, "models")
	r := parse[imported](t, succeed(t, "import", weights, "--out", out, "--name", "own", "--card", card, "--float32", "--json"))
	if r.Layout != ownLayout || r.Read != len(f.Tensors) || r.From["heads"] != "the checkpoint" || r.Bundle.Name != "own" {
		t.Errorf("%+v", r)
	}
	if have := openFloat32(t, r.Weights); !slices.Equal(have.Flat, want.Flat) || !reflect.DeepEqual(have.Config, want.Config) {
		t.Error("other weights or another config than the checkpoint's")
	}
	m := openModel(t, out, "own")
	if m.Metadata["pretrain"] != `{"script":"x"}` || m.Metadata["seconds"] != "7" || m.Metadata["card"] != "a card\n" || m.Metadata["else"] != "" {
		t.Errorf("metadata %v", m.Metadata)
	}
	refuse(t, exitFailure, []string{"is a checkpoint of haguruma"}, "import", weights, "--out", out, "--layout", "dino")
	refuse(t, exitFailure, []string{"which nothing overrides"}, "import", weights, "--out", out, "--heads", "3")
	refuse(t, exitFailure, []string{"no such file"}, "import", weights, "--out", out, "--card", filepath.Join(folder, "none"))
	f.Tensors = f.Tensors[1:]
	refuse(t, exitFailure, []string{"have none"}, "import", saveSafetensors(t, filepath.Join(folder, "less.safetensors"), f), "--out", out)
}

func openModel(t *testing.T, folder, name string) *vit.Int8Model {
	t.Helper()
	b, err := openBundle(filepath.Join(folder, name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return b.model
}

// TestImportText: what is printed names what was read, ignored and used.
func TestImportText(t *testing.T) {
	_, f, _ := layoutCheckpoint(t, "timm-vit", layoutConfig)
	folder := t.TempDir()
	safe := saveSafetensors(t, filepath.Join(folder, "vit.safetensors"), f)
	photo := write(t, filepath.Join(folder, "photos", "a.png"), encodePNG(t, testImage(blue, 3)))
	text := succeed(t, "import", safe, "--out", folder, "--float32", "--image-size", "96", "--mean", "0.4,0.5,0.6", "--check", filepath.Dir(photo))
	for _, word := range []string{
		"layout timm, 42 tensors", "ignored 2", "head.weight", "head.bias", "2 heads (layout timm)", "1e-06 (layout timm)", "[0.4 0.5 0.6] (--mean)",
		"[0.5 0.5 0.5] (layout timm)", "96 pixels, 37 tokens; positions for 64 pixels resized (bicubic, antialiased)", "on 1 pictures", "vit.safetensors.zst", "sha256", "vit.json", "vit.float32.safetensors",
	} {
		if !strings.Contains(text, word) {
			t.Errorf("want %q in\n%s", word, text)
		}
	}
	if c := openModel(t, folder, "vit").Config(); c.ImageSize != 96 || c.Mean != [3]float32{0.4, 0.5, 0.6} {
		t.Errorf("config %+v", c)
	}
}

// TestImportFolder: of a folder from Hugging Face the weights are found, and both JSON files are read.
func TestImportFolder(t *testing.T) {
	_, f, _ := layoutCheckpoint(t, "hf-dino", layoutConfig)
	for _, name := range []string{"model.safetensors", "pytorch_model.bin"} {
		folder := filepath.Join(t.TempDir(), "dino-vits16")
		write(t, filepath.Join(folder, "config.json"), []byte(`{"architectures": ["ViTModel"], "model_type": "vit", "hidden_size": 128, "num_hidden_layers": 3,
			"num_attention_heads": 4, "intermediate_size": 320, "hidden_act": "gelu", "layer_norm_eps": 1e-05, "image_size": 64, "patch_size": 16}`))
		write(t, filepath.Join(folder, "preprocessor_config.json"), []byte(`{"do_normalize": true, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "size": 64}`))
		if name == "model.safetensors" {
			saveSafetensors(t, filepath.Join(folder, name), f)
		} else {
			torchSave(t, filepath.Join(folder, name), []string{""}, f)
		}
		r := parse[imported](t, succeed(t, "import", folder, "--out", folder, "--json", "--eps", "1e-4"))
		c := r.Config
		if r.Bundle.Name != "dino-vits16" || c.Heads != 4 || c.Eps != 1e-4 || c.Mean != layoutConfig.Mean || c.Std != layoutConfig.Std {
			t.Errorf("%s: %+v", name, c)
		}
		if r.From["heads"] != "config.json" || r.From["mean"] != "preprocessor_config.json" || r.From["eps"] != "--eps" {
			t.Errorf("%s: from %v", name, r.From)
		}
	}
}

// TestImportKeys: of a training checkpoint the averaged model is taken, or the one that is asked for.
func TestImportKeys(t *testing.T) {
	teacher, averaged, _ := layoutCheckpoint(t, "dino-teacher", layoutConfig)
	c := layoutConfig
	c.Depth = 2
	student, trained, _ := layoutCheckpoint(t, "dino-student", c)
	folder := t.TempDir()
	path := torchSave(t, filepath.Join(folder, "full.pth"), []string{"student", "teacher"}, trained, averaged)
	r := parse[imported](t, succeed(t, "import", path, "--out", folder, "--float32", "--json"))
	if r.Key != "teacher" || r.Prefix != "backbone." || len(r.Ignored) != 8 || !slices.Equal(openFloat32(t, r.Weights).Flat, teacher.Flat) {
		t.Errorf("key %q, prefix %q, %d ignored", r.Key, r.Prefix, len(r.Ignored))
	}
	r = parse[imported](t, succeed(t, "import", path, "--out", folder, "--float32", "--json", "--key", "student"))
	if r.Key != "student" || r.Prefix != "module.backbone." || !slices.Equal(openFloat32(t, r.Weights).Flat, student.Flat) {
		t.Errorf("key %q, prefix %q", r.Key, r.Prefix)
	}
	refuse(t, exitFailure, []string{"ema", "teacher"}, "import", path, "--out", folder, "--key", "ema")
	odd := torchSave(t, filepath.Join(folder, "odd.pth"), []string{"net"}, averaged)
	refuse(t, exitFailure, []string{"--key", "net"}, "import", odd, "--out", folder)
}

// TestImportFailures: what cannot be imported says what it is and what to do, and leaves nothing behind.
func TestImportFailures(t *testing.T) {
	_, f, _ := layoutCheckpoint(t, "dinov2", layoutConfig)
	folder, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	good := saveSafetensors(t, filepath.Join(folder, "good.safetensors"), f)
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	torch, err := os.ReadFile(torchSave(t, filepath.Join(folder, "good.pth"), []string{""}, f))
	if err != nil {
		t.Fatal(err)
	}
	swiglu := &tensorfile.File{Tensors: append(slices.Clone(f.Tensors), tensorfile.FromFloat32("blocks.0.mlp.w12.weight", []int{1}, []float32{1}))}
	zeros := &tensorfile.File{}
	for _, x := range f.Tensors {
		x.Data = make([]byte, len(x.Data))
		zeros.Tensors = append(zeros.Tensors, x)
	}
	wrong := filepath.Join(folder, "wrong")
	saveSafetensors(t, write(t, filepath.Join(wrong, "model.safetensors"), nil), f)
	write(t, filepath.Join(wrong, "config.json"), []byte(`{"hidden_size": 384}`))
	for _, bad := range []struct {
		words []string
		args  []string
	}{
		{[]string{"no such file"}, []string{filepath.Join(folder, "none.pth")}},
		{[]string{"model.safetensors", "pytorch_model.bin"}, []string{folder}},
		{[]string{"truncated", "cut short"}, []string{write(t, filepath.Join(folder, "short.safetensors"), data[:len(data)/2])}},
		{[]string{"zip"}, []string{write(t, filepath.Join(folder, "short.pth"), torch[:len(torch)/2])}},
		{[]string{"short.bin"}, []string{write(t, filepath.Join(folder, "short.bin"), nil)}},
		{[]string{"page.pth", "haguruma import --help"}, []string{write(t, filepath.Join(folder, "page.pth"), []byte("<!DOCTYPE html><html>not found</html>"))}},
		{[]string{"SwiGLU", "w12"}, []string{saveSafetensors(t, filepath.Join(folder, "g.safetensors"), swiglu)}},
		{[]string{"patch embedding"}, []string{testBundleFile(t)}},
		{[]string{"layout"}, []string{good, "--layout", "hf-vit"}},
		{[]string{"heads"}, []string{good, "--heads", "3"}},
		{[]string{"std"}, []string{good, "--std", "0,1,1"}},
		{[]string{"direction"}, []string{saveSafetensors(t, filepath.Join(folder, "zeros.safetensors"), zeros)}},
		{[]string{"config.json", "hidden_size"}, []string{wrong}},
		{[]string{"--check", "none.png"}, []string{good, "--check", filepath.Join(folder, "none.png")}},
	} {
		refuse(t, exitFailure, bad.words, append([]string{"import", "--out", out}, bad.args...)...)
	}
	for _, bad := range []struct {
		word string
		args []string
	}{
		{"one checkpoint", nil},
		{"--out", []string{good}},
		{"--name", []string{good, "--out", out, "--name", "a/b"}},
		{"--layout", []string{good, "--out", out, "--layout", "clip"}},
		{"--mean", []string{good, "--out", out, "--mean", "0.5"}},
		{"--image-size", []string{good, "--out", out, "--image-size", "100"}},
		{"--key", []string{good, "--out", out, "--key", "teacher"}},
	} {
		refuse(t, exitUsage, []string{bad.word, "--help"}, append([]string{"import"}, bad.args...)...)
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("a failed import wrote something: %v", err)
	}
}

// testBundleFile is a bundle itself: not a checkpoint of others.
func testBundleFile(t *testing.T) string {
	t.Helper()
	b, err := openBundle(testBundle(t))
	if err != nil {
		t.Fatal(err)
	}
	return b.path
}
