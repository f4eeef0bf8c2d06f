package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"haguruma/core/tensorfile"
	"haguruma/core/torchfile"
	"haguruma/sparse"
)

const smatFolder = "../../sparse/smat/testdata/"

func openTorch(t *testing.T, path, key string) *tensorfile.File {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := torchfile.New(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := c.StateDict(key)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func openExpertsFile(t *testing.T, path string) (*sparse.Experts, map[string]string) {
	t.Helper()
	f, err := tensorfile.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	e, err := sparse.OpenExperts(f)
	if err != nil {
		t.Fatal(err)
	}
	return e, f.Metadata
}

// TestImportExperts: a training checkpoint and a bare state dict of SMAT become a backbone and experts; what the files hold gives torch's
// scores, and torch's merged weights up to the delta in int8.
func TestImportExperts(t *testing.T) {
	for _, kind := range []struct{ name, key, layout string }{{"hf", "model", "hf-vit"}, {"hub", "", "dino"}} {
		out := t.TempDir()
		r := parse[imported](t, succeed(t, "import", smatFolder+kind.name+".pt", "--out", out, "--heads", "2", "--float32", "--json"))
		x := r.Experts
		if x == nil || r.Key != kind.key || r.Layout != kind.layout || r.Prefix != "net.encoder." || len(r.Ignored) != 9 {
			t.Fatalf("%s: %+v", kind.name, r)
		}
		if x.Tasks != 14000 || x.Temperature != 1.5 || len(x.Missing) != 0 || len(x.Density) != 3 || !(x.Density[0] > 0.8 && x.Density[0] < 0.95) {
			t.Errorf("%s: %+v", kind.name, x)
		}
		data, err := os.ReadFile(filepath.Join(out, x.File))
		if err != nil || len(data) != x.Bytes || tensorfile.Hash(data) != x.SHA256 {
			t.Errorf("%s: %v, %d bytes", kind.name, err, len(data))
		}
		e, metadata := openExpertsFile(t, filepath.Join(out, x.File))
		if e.Backbone != r.Bundle.SHA256 || !strings.Contains(metadata["import"], r.SHA256) {
			t.Errorf("%s: metadata %v", kind.name, metadata)
		}
		want := openTorch(t, smatFolder+kind.name+".expected.pt", "")
		values := func(name string) []float32 {
			x, ok := want.Tensor(name)
			if !ok {
				t.Fatalf("no tensor %s", name)
			}
			v, err := x.Float32()
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		scores := make([]float32, 3)
		e.Route(scores, values("prototypes"), 6)
		for m, s := range values("scores") {
			if !(math.Abs(float64(s-scores[m])) < 5e-6) {
				t.Errorf("%s: score %d: want %v, have %v", kind.name, m, s, scores[m])
			}
		}
		p := openFloat32(t, r.Weights)
		theta := make([]float32, len(p.Flat))
		e.Merge(theta, p.Flat, scores)
		for _, pair := range [][2]string{
			{"blocks.1.mlp.fc2.weight", "encoder.layer.1.output.dense.weight"}, {"blocks.0.norm1.bias", "encoder.layer.0.layernorm_before.bias"},
			{"pos_embed", "embeddings.position_embeddings"}, {"norm.weight", "layernorm.weight"},
		} {
			name := "net.encoder." + pair[0]
			if kind.name == "hf" {
				name = "net.encoder." + pair[1]
			}
			at := slices.IndexFunc(e.Tensors, func(t sparse.Tensor) bool { return t.Name == pair[0] })
			for i, w := range values(name) {
				if have := theta[e.Tensors[at].Start+i]; !(math.Abs(float64(have-w)) < 0.006) {
					t.Fatalf("%s: %s[%d]: want %v, have %v", kind.name, name, i, w, have)
				}
			}
		}
	}
}

// TestImportExpertsText: what is printed names experts and router, and says when there is none.
func TestImportExpertsText(t *testing.T) {
	folder := t.TempDir()
	text := succeed(t, "import", smatFolder+"hf.pt", "--out", folder, "--heads", "2")
	for _, word := range []string{"state dict model", "3, which change", "temperature 1.5, after 14000 tasks", "hf.experts.safetensors.zst", "(SMAT)"} {
		if !strings.Contains(text, word) {
			t.Errorf("want %q in\n%s", word, text)
		}
	}
	f := openTorch(t, smatFolder+"hf.pt", "model")
	f.Tensors = slices.DeleteFunc(f.Tensors, func(x tensorfile.Tensor) bool {
		return slices.Contains([]string{"mask_hypernet.masks_keys", "mask_hypernet.skills_tokens", "num_metaupdates"}, x.Name)
	})
	june := torchSave(t, filepath.Join(folder, "june.pt"), []string{""}, f)
	text = succeed(t, "import", june, "--out", folder, "--heads", "2")
	if !strings.Contains(text, "lacks mask_hypernet.masks_keys, mask_hypernet.skills_tokens") {
		t.Errorf("the router is not said to be missing in\n%s", text)
	}
	e, _ := openExpertsFile(t, filepath.Join(folder, "june.experts.safetensors.zst"))
	if e.Router != nil || len(e.Masks) != 3 {
		t.Errorf("router %v, %d masks", e.Router, len(e.Masks))
	}
}

// TestImportExpertsBad: what cannot be done is said, and nothing is written.
func TestImportExpertsBad(t *testing.T) {
	folder := t.TempDir()
	refuse(t, exitUsage, []string{"--image-size 16", "8 pixels"}, "import", smatFolder+"hf.pt", "--out", folder, "--heads", "2", "--image-size", "16")
	refuse(t, exitFailure, []string{"layout", "hf-vit"}, "import", smatFolder+"hf.pt", "--out", folder, "--heads", "2", "--layout", "dino")
	refuse(t, exitFailure, []string{"heads"}, "import", smatFolder+"hf.pt", "--out", folder)
	left, err := os.ReadDir(folder)
	if err != nil || len(left) != 0 {
		t.Errorf("%v: left %v", err, left)
	}
}
