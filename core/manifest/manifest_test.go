package manifest

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"haguruma/core/tensorfile"
	"haguruma/core/vit"
)

func model() *vit.Int8Model {
	half := [3]float32{0.5, 0.5, 0.5}
	p := vit.NewParams[float32](vit.Config{ImageSize: 8, PatchSize: 4, Dim: 4, Depth: 1, Heads: 1, MLPDim: 8, Pool: vit.PoolClass, LayerScale: 1, Eps: 1e-6, Mean: half, Std: half})
	p.Init(rand.New(rand.NewPCG(1, 2)))
	return vit.NewInt8(p)
}

// TestWrite: the manifest says what the bundle is, the bundle opens, and writing again replaces both and leaves nothing
// else behind.
func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "models", "new")
	for _, card := range []string{"first", "second"} {
		m, err := Write(dir, "small", model(), map[string]string{"card": card})
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, "small.json"))
		if err != nil {
			t.Fatal(err)
		}
		var read Manifest
		if err := json.Unmarshal(text, &read); err != nil || read.SHA256 != m.SHA256 || read.Name != "small" || read.File != "small.safetensors.zst" {
			t.Errorf("manifest %s: %v", text, err)
		}
		data, err := os.ReadFile(filepath.Join(dir, read.File))
		if err != nil {
			t.Fatal(err)
		}
		if len(data) != read.Bytes || tensorfile.Hash(data) != read.SHA256 {
			t.Errorf("%d bytes with sha256 %s, the manifest says %d with %s", len(data), tensorfile.Hash(data), read.Bytes, read.SHA256)
		}
		f, err := tensorfile.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := vit.OpenInt8(f)
		if err != nil {
			t.Fatal(err)
		}
		if opened.Metadata["card"] != card || opened.Config().LayerScale != 0 || read.Config.LayerScale != 0 {
			t.Errorf("card %q, config %+v, manifest %+v", opened.Metadata["card"], opened.Config(), read.Config)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("%v in the folder: %v", entries, err)
	}
}

// TestWriteBad: a key of the bundle's own and a folder that cannot be made are errors, and nothing is written.
func TestWriteBad(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	if _, err := Write(dir, "a", model(), map[string]string{"config": "{}"}); !errors.Is(err, ErrKey) {
		t.Errorf("reserved key: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something was written: %v", err)
	}
	if err := os.WriteFile(dir, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(dir, "a", model(), nil); err == nil {
		t.Error("a file for a folder: no error")
	}
}

// TestWriteExperts: the manifest names the experts' file, which names the bundle; writing the bundle again forgets them; what is not a
// manifest is refused.
func TestWriteExperts(t *testing.T) {
	dir := t.TempDir()
	experts := func() *tensorfile.File {
		return &tensorfile.File{Metadata: map[string]string{"format": "x"}, Tensors: []tensorfile.Tensor{tensorfile.FromFloat32("a", []int{1}, []float32{1})}}
	}
	if _, err := WriteExperts(dir, "small", experts()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no manifest: %v", err)
	}
	bundle, err := Write(dir, "small", model(), nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := WriteExperts(dir, "small", experts())
	if err != nil {
		t.Fatal(err)
	}
	read, err := Read(filepath.Join(dir, "small.json"))
	if err != nil || read.Experts == nil || *read.Experts != *m.Experts || read.SHA256 != bundle.SHA256 {
		t.Fatalf("%+v, %v", read, err)
	}
	data, err := os.ReadFile(filepath.Join(dir, read.Experts.File))
	if err != nil || len(data) != read.Experts.Bytes || tensorfile.Hash(data) != read.Experts.SHA256 {
		t.Errorf("%d bytes, want %d: %v", len(data), read.Experts.Bytes, err)
	}
	if f, err := tensorfile.Decode(data); err != nil || f.Metadata[MetaBackbone] != bundle.SHA256 {
		t.Errorf("metadata %v: %v", f.Metadata, err)
	}
	other := experts()
	other.Metadata[MetaBackbone] = "another"
	if _, err := WriteExperts(dir, "small", other); !errors.Is(err, ErrKey) {
		t.Errorf("experts of another backbone: %v", err)
	}
	if _, err := Write(dir, "small", model(), nil); err != nil {
		t.Fatal(err)
	}
	if read, err := Read(filepath.Join(dir, "small.json")); err != nil || read.Experts != nil {
		t.Errorf("%+v, %v: want no experts", read, err)
	}
	for _, text := range []string{"", "[]", "{}", `{"file":"../a","bytes":1,"sha256":"` + bundle.SHA256 + `"}`,
		`{"file":"a","bytes":1,"sha256":"` + bundle.SHA256 + `","experts":{"file":"a","bytes":0,"sha256":""}}`} {
		path := filepath.Join(dir, "bad.json")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); !errors.Is(err, ErrManifest) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
