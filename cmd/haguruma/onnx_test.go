//go:build onnx

// Held by ./build.sh test after npm ci: it needs Node and onnxruntime-web,
// which a plain go test ./... does not.

package main

import (
	"encoding/binary"
	"fmt"
	"image/color"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"haguruma/core/manifest"
	"haguruma/core/onnx"
	"haguruma/core/picture"
	"haguruma/core/vit"
)

// onnxBatch is the number of pictures a case.
const onnxBatch = 3

// onnxCase is a checkpoint on disk, and what onnxruntime makes of its source.
type onnxCase struct {
	list, layout string
	config       vit.Config // of the source
	checkpoint   string
	pixels       []float32 // normalized as the checkpoint's authors do
	folder       string
}

func (c *onnxCase) file(name string) string { return filepath.Join(c.folder, name) }

// prepare writes the checkpoint, and the graph and the pictures for
// onnxruntime. save is a suffix, or the key of a training checkpoint.
func prepare(t *testing.T, list string, config vit.Config, save string) *onnxCase {
	t.Helper()
	source, f, layout := layoutCheckpoint(t, list, config)
	c := &onnxCase{list: list, layout: layout, config: source.Config, folder: t.TempDir()}
	switch save {
	case ".safetensors":
		c.checkpoint = saveSafetensors(t, c.file("weights.safetensors"), f)
	case ".pth":
		c.checkpoint = torchSave(t, c.file("weights.pth"), []string{""}, f)
	default:
		c.checkpoint = torchSave(t, c.file("weights.pth"), []string{save}, f)
	}
	graph, err := onnx.Model(source, 0)
	if err != nil {
		t.Fatal(err)
	}
	write(t, c.file("model.onnx"), graph)
	c.drawPictures(t)
	return c
}

// drawPictures makes the input, and writes it for onnxruntime.
func (c *onnxCase) drawPictures(t *testing.T) {
	t.Helper()
	size := c.config.ImageSize
	n := 3 * size * size
	c.pixels = make([]float32, onnxBatch*n)
	for b := range onnxBatch {
		madeUp(uint64(40+b)).Square(size).Tensor(c.pixels[b*n:(b+1)*n], c.config.Mean, c.config.Std)
	}
	data := make([]byte, 0, 4*len(c.pixels))
	for _, v := range c.pixels {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	write(t, c.file("images.f32"), data)
}

// TestImportONNX: a checkpoint in a published layout, imported, embeds as
// onnxruntime does with the weights that the checkpoint was written from. The
// graph never sees the checkpoint, so a tensor under a wrong name is seen.
func TestImportONNX(t *testing.T) {
	small := vit.Config{
		ImageSize: 224, PatchSize: 16, Dim: 384, Depth: 12, Heads: 6, MLPDim: 1536, Pool: vit.PoolClass, Eps: 1e-6,
		Mean: layoutConfig.Mean, Std: layoutConfig.Std,
	}
	patch14 := layoutConfig
	patch14.ImageSize, patch14.PatchSize = 56, 14
	cases := []*onnxCase{prepare(t, "dino", small, ".pth")}
	for i, list := range layoutNames(t) {
		config, save := layoutConfig, []string{".pth", ".safetensors"}[i%2]
		switch list {
		case "dinov2", "dinov2-reg4", "hf-dinov2", "hf-dinov2-reg4", "timm-dinov2-reg4":
			config = patch14
		case "dino-teacher":
			save = "teacher"
		case "dino-student":
			save = "student"
		case "deit3", "deit-distilled":
			save = "model"
		}
		cases = append(cases, prepare(t, list, config, save))
	}
	runONNX(t, cases...)
	for _, c := range cases {
		t.Run(fmt.Sprintf("%s/%dx%d", c.list, c.config.Depth, c.config.Dim), c.compare)
	}
}

// runONNX lets onnxruntime write embedding.f32 of every case.
func runONNX(t *testing.T, cases ...*onnxCase) {
	t.Helper()
	args := []string{"../../e2e/onnx.mjs"}
	for _, c := range cases {
		args = append(args, c.file("model.onnx"), c.file("images.f32"), strconv.Itoa(c.config.ImageSize), c.file("embedding.f32"))
	}
	command := exec.CommandContext(t.Context(), "node", args...)
	command.Stderr = os.Stderr
	if err := command.Run(); err != nil {
		t.Fatalf("node e2e/onnx.mjs: %v", err)
	}
}

// TestExportONNX: a bundle of our own kind, with a stem and a mean, exported,
// gives onnxruntime what it gives us.
func TestExportONNX(t *testing.T) {
	config := layoutConfig
	config.ImageSize, config.PatchSize, config.Stem, config.Pool = 32, 8, []int{16, 32, 128}, vit.PoolMean
	params := randomBackbone(config)
	c := &onnxCase{config: config, folder: t.TempDir()}
	c.drawPictures(t)
	if _, err := manifest.Write(c.folder, "imported", vit.NewInt8(params), nil); err != nil {
		t.Fatal(err)
	}
	succeed(t, "export", c.file("imported.json"), "--onnx", c.file("model.onnx"))
	runONNX(t, c)
	c.hold(t, openModel(t, c.folder, "imported").Params())
}

// TestExportAdapterONNX: an adaptation, with experts and a change of weights merged, exported whole, answers in onnxruntime as it does here; and its safetensors, under
// timm's names, come back through import as the same weights.
func TestExportAdapterONNX(t *testing.T) {
	registers := layoutConfig
	registers.Registers = 2
	for name, config := range map[string]vit.Config{"class": layoutConfig, "registers": registers} {
		c := &onnxCase{config: config, folder: t.TempDir()}
		if _, err := manifest.Write(c.folder, "imported", vit.NewInt8(randomBackbone(config)), nil); err != nil {
			t.Fatal(err)
		}
		bundle := c.file("imported.json")
		addExpertsTo(t, bundle, "imported", config)
		succeed(t, "adapt", testSupport(t), "-b", bundle, "-o", c.file("a.safetensors"), "--head", map[string]string{"class": "prototypes", "registers": "ridge"}[name])
		addChange(t, c.file("a.safetensors"), config)
		r := parse[exported](t, succeed(t, "export", bundle, "-a", c.file("a.safetensors"), "--onnx", c.file("model.onnx"), "--safetensors", c.file("timm.safetensors"), "--json"))
		if !slices.Equal(r.Classes, []string{"blue", "red"}) {
			t.Errorf("%s: classes %v", name, r.Classes)
		}
		x := applied(t, bundle, c.file("a.safetensors"))

		// Pictures like the examples, so that the classes are told apart.
		size := config.ImageSize
		c.pixels = make([]float32, onnxBatch*3*size*size)
		var data []byte
		var want [][]float32
		for i, hue := range []color.RGBA{red, blue, red} {
			pic, err := picture.Decode(encodePNG(t, testImage(hue, uint64(1+i))), picture.DefaultLimits)
			if err != nil {
				t.Fatal(err)
			}
			pic.Square(size).Tensor(c.pixels[i*3*size*size:(i+1)*3*size*size], config.Mean, config.Std)
			scores, _, err := x.Answer(pic)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, []float32{scores[0].Probability, scores[1].Probability})
		}
		for _, v := range c.pixels {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
		}
		write(t, c.file("images.f32"), data)
		runONNX(t, c)
		data, err := os.ReadFile(c.file("embedding.f32.probabilities"))
		if err != nil || len(data) != onnxBatch*2*4 {
			t.Fatalf("%s: %d bytes of probabilities, %v", name, len(data), err)
		}
		for i, p := range want {
			for j, q := range p {
				have := math.Float32frombits(binary.LittleEndian.Uint32(data[4*(2*i+j):]))
				if math.Abs(float64(have-q)) > 0.03 || (have > 0.5) != (q > 0.5) {
					t.Errorf("%s, picture %d, class %d: %v in onnxruntime, %v here", name, i, j, have, q)
				}
			}
			t.Logf("%s, picture %d: probabilities %v here", name, i, p)
		}

		back := parse[imported](t, succeed(t, "import", c.file("timm.safetensors"), "--out", c.folder, "--name", "back", "--float32", "--json",
			"--heads", strconv.Itoa(config.Heads), "--eps", "1e-6", "--mean", "0.485,0.456,0.406", "--std", "0.229,0.224,0.225"))
		if back.Layout != "timm" && name == "class" {
			t.Errorf("%s: read as %s", name, back.Layout)
		}
		reference := readFloats(t, c.file("embedding.f32"))
		embedding := make([]float32, len(reference))
		vit.NewModel(openFloat32(t, back.Weights)).Forward(embedding, c.pixels, onnxBatch, size, nil)
		for i, v := range embedding {
			if d := math.Abs(float64(v - reference[i])); d > 1e-3 {
				t.Fatalf("%s: embedding %d of the safetensors is %v, of the ONNX file %v", name, i, v, reference[i])
			}
		}
	}
}

func readFloats(t *testing.T, path string) []float32 {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, len(data)/4)
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return x
}

// compare imports the checkpoint and holds both forwards to onnxruntime's.
func (c *onnxCase) compare(t *testing.T) {
	args := []string{"import", c.checkpoint, "--out", c.folder, "--name", "imported", "--float32", "--json"}
	if c.layout == "timm" || c.layout == "hf-vit" { // whose own defaults are others
		args = append(args, "--mean", "0.485,0.456,0.406", "--std", "0.229,0.224,0.225", "--eps", "1e-6")
	}
	r := parse[imported](t, succeed(t, args...))
	if r.Layout != c.layout {
		t.Errorf("want layout %s, have %s", c.layout, r.Layout)
	}
	c.hold(t, openFloat32(t, r.Weights))
}

// hold compares the float32 parameters and the bundle with onnxruntime.
func (c *onnxCase) hold(t *testing.T, params *vit.Params[float32]) {
	dim, size := c.config.Dim, c.config.ImageSize
	want := readFloats(t, c.file("embedding.f32"))
	if len(want) != onnxBatch*dim {
		t.Fatalf("want %d numbers of onnxruntime, have %d", onnxBatch*dim, len(want))
	}

	have, int8 := make([]float32, len(want)), make([]float32, len(want))
	vit.NewModel(params).Forward(have, c.pixels, onnxBatch, size, nil)
	openModel(t, c.folder, "imported").Embed(int8, c.pixels, onnxBatch, size)
	for b := range onnxBatch {
		reference := want[b*dim : (b+1)*dim]
		var difference, norm float64
		for i, v := range reference {
			d := float64(have[b*dim+i]) - float64(v)
			difference, norm = difference+d*d, norm+float64(v)*float64(v)
		}
		relative, cosine := math.Sqrt(difference/norm), cosineOf(int8[b*dim:(b+1)*dim], reference)
		t.Logf("picture %d: float32 off by %.2g, int8 cosine %.5f", b, relative, cosine)
		if !(relative <= 1e-4) {
			t.Errorf("picture %d: float32 embedding off by %v of its length", b, relative)
		}
		if !(cosine >= 0.995) {
			t.Errorf("picture %d: int8 cosine %v", b, cosine)
		}
		// Nothing would be tested if pictures did not matter.
		if other := want[(b+1)%onnxBatch*dim:][:dim]; cosineOf(reference, other) > 0.999 {
			t.Errorf("picture %d: embedding like that of another picture", b)
		}
	}
}
