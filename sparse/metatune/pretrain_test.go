package metatune

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"haguruma/core/fewshot"
	"haguruma/core/tensorfile"
	"haguruma/core/vit"
)

// writeSets makes two small sets whose classes are told apart by colour
// ("photo") and by the slope of a bar ("glyph"), and their datasets.json.
func writeSets(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(7, 7))
	const classes, images = 9, 6
	var sets []map[string]any
	for _, name := range []string{"photo", "glyph"} {
		counts := packSet(t, dir, name, slices.Repeat([]int{images}, classes), 24, func(c, x, y int) color.RGBA {
			v := color.RGBA{uint8(28 * c), uint8(255 - 28*c), uint8(rng.IntN(40)), 255}
			if name == "glyph" {
				v = color.RGBA{255, 255, 255, 255}
				if d := (x-12)*(c-4) + 4*(y-12); d*d < 300 {
					v = color.RGBA{uint8(rng.IntN(60)), 0, 0, 255}
				}
			}
			return v
		})
		splits := map[string][]string{}
		for c := range classes {
			split := []string{"train", "val", "test"}[c%3]
			splits[split] = append(splits[split], fmt.Sprintf("c%d", c))
		}
		sets = append(sets, map[string]any{"name": name, "file": name + ".zip", "role": fewshot.RoleMetaTrain, "counts": counts, "splits": splits})
	}
	if err := os.WriteFile(filepath.Join(dir, "datasets.json"), mustJSON(map[string]any{"datasets": sets}), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// packSet writes dir/name.zip with classes c0, c1, ... of the given numbers of
// pictures and returns those numbers by class.
func packSet(t *testing.T, dir, name string, sizes []int, side int, draw func(class, x, y int) color.RGBA) map[string]int {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	counts := map[string]int{}
	for c, images := range sizes {
		class := fmt.Sprintf("c%d", c)
		counts[class] = images
		for i := range images {
			img := image.NewRGBA(image.Rect(0, 0, side, side))
			for y := range side {
				for x := range side {
					img.SetRGBA(x, y, draw(c, x, y))
				}
			}
			w, err := z.Create(fmt.Sprintf("%s/%d.png", class, i))
			if err != nil {
				t.Fatal(err)
			}
			if err := png.Encode(w, img); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".zip"), buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return counts
}

func tinyConfig(data, out string) PretrainConfig {
	cfg := DefaultPretrain()
	cfg.Data, cfg.Out = data, out
	cfg.Model = vit.Config{
		ImageSize: 16, PatchSize: 4, Stem: []int{8, 16}, Dim: 16, Depth: 1, Heads: 2, MLPDim: 32, Pool: vit.PoolMean, Eps: 1e-6,
		Mean: cfg.Model.Mean, Std: cfg.Model.Std,
	}
	cfg.Sets = []Set{{"photo", Photo, 1}, {"glyph", Character, 1}}
	cfg.Steps, cfg.Micro, cfg.Batch, cfg.Warmup = 12, 3, 6, 2
	cfg.Stages = []Stage{{8, 0.5}, {16, 1}}
	cfg.ValidateEvery = 0
	return cfg
}

// The weights do not depend on the number of cores, nor on being stopped and
// resumed half-way, to the last bit.
func TestPretrainIsReproducible(t *testing.T) {
	data := writeSets(t)
	for _, optimizer := range []string{"adamw", "muon"} {
		cfg := tinyConfig(data, t.TempDir())
		cfg.Optimizer = optimizer
		old := runtime.GOMAXPROCS(1)
		want, err := Pretrain(context.Background(), cfg, nil)
		runtime.GOMAXPROCS(3)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Out = t.TempDir()
		ctx, cancel := context.WithCancel(context.Background())
		_, err = Pretrain(ctx, cfg, func(what string, done, total int, note string) {
			if what == "pretrain" && done == 5 {
				cancel()
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("%s: cancelled run: want context.Canceled, have %v", optimizer, err)
		}
		have, err := Pretrain(context.Background(), cfg, nil)
		runtime.GOMAXPROCS(old)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(want.Flat, have.Flat) {
			t.Errorf("%s: a resumed run on three threads differs from a straight run on one", optimizer)
		}
		stats, err := readLog(cfg.Out)
		if err != nil || len(stats) != cfg.Steps {
			t.Errorf("%s: want %d lines in the log, have %d, %v", optimizer, cfg.Steps, len(stats), err)
		}
		for _, name := range []string{"loss.svg", "validation.svg", "config.json", "bundle.safetensors.zst", "bundle.json", WeightsFile} {
			if fi, err := os.Stat(filepath.Join(cfg.Out, name)); err != nil || fi.Size() == 0 {
				t.Errorf("%s: %s was not written: %v", optimizer, name, err)
			}
		}
	}
}

func TestResumeRefusesAnotherRun(t *testing.T) {
	data, out := writeSets(t), t.TempDir()
	cfg := tinyConfig(data, out)
	cfg.Steps = 2
	if _, err := Pretrain(context.Background(), cfg, nil); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, name := range []string{"config.json", logFile, checkpointFile, WeightsFile} {
		data, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = data
	}
	cfg.Seed = 99
	if _, err := Pretrain(context.Background(), cfg, nil); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("another seed: want ErrCheckpoint, have %v", err)
	}
	for name, want := range files {
		if have, err := os.ReadFile(filepath.Join(out, name)); err != nil || !bytes.Equal(have, want) {
			t.Errorf("%s: a refused run changed it: %v", name, err)
		}
	}
	path := filepath.Join(out, checkpointFile)
	f, err := tensorfile.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	f.Tensors = f.Tensors[1:]
	if err := tensorfile.Save(path, f); err != nil {
		t.Fatal(err)
	}
	cfg.Seed = 1
	if _, err := Pretrain(context.Background(), cfg, nil); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("tensor missing: want ErrCheckpoint, have %v", err)
	}
}

// TestTornLog: a run that was killed while it wrote a line is resumed, and its
// curves are drawn from the lines that are whole.
func TestTornLog(t *testing.T) {
	cfg := tinyConfig(writeSets(t), t.TempDir())
	cfg.Steps = 3
	path := filepath.Join(cfg.Out, logFile)
	if err := os.WriteFile(path, []byte(`{"step": 90, "loss": 2}`+"\n"+`{"step": 91, "lo`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Pretrain(context.Background(), cfg, nil); err != nil {
		t.Fatal(err)
	}
	stats, err := readLog(cfg.Out)
	if err != nil || len(stats) != 4 || stats[2].Step != 3 || stats[3].Step != 90 {
		t.Errorf("want steps 1, 2, 3 and 90, have %v, %v", stats, err)
	}
}

// TestDiverged: numbers that are none any more end the run with an error, and
// the checkpoint of before is not overwritten.
func TestDiverged(t *testing.T) {
	cfg := tinyConfig(writeSets(t), t.TempDir())
	cfg.Optimizer, cfg.LR, cfg.Warmup, cfg.CheckpointEvery = "adamw", 1e38, 0, 0
	if _, err := Pretrain(context.Background(), cfg, nil); !errors.Is(err, ErrDiverged) {
		t.Errorf("want ErrDiverged, have %v", err)
	}
	run, err := newTrainer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f, err := openCheckpoint(cfg, run.identity())
	if err != nil {
		t.Fatal(err)
	}
	if f == nil {
		return // it diverged before the first checkpoint
	}
	flat, ok := f.Tensor("flat")
	if !ok {
		t.Fatal("the checkpoint has no parameters")
	}
	x, err := flat.Float32()
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range x {
		if v != v {
			t.Fatalf("parameter %d of the checkpoint is %v", i, v)
		}
	}
}

func TestPretrainConfigCheck(t *testing.T) {
	ok := tinyConfig("data", "out")
	if err := ok.Check(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*PretrainConfig){
		"no data": func(c *PretrainConfig) { c.Data = "" }, "no out": func(c *PretrainConfig) { c.Out = "" },
		"no sets": func(c *PretrainConfig) { c.Sets = nil }, "no steps": func(c *PretrainConfig) { c.Steps = 0 },
		"odd batch": func(c *PretrainConfig) { c.Batch = 7 }, "optimizer": func(c *PretrainConfig) { c.Optimizer = "sgd" },
		"rate": func(c *PretrainConfig) { c.LR = 0 }, "stages": func(c *PretrainConfig) { c.Stages = []Stage{{16, 0.5}} },
		"size": func(c *PretrainConfig) { c.Stages = []Stage{{18, 1}} }, "weight": func(c *PretrainConfig) { c.Sets = []Set{{"a", Photo, 0}} },
		"kind": func(c *PretrainConfig) { c.Sets = []Set{{"a", "film", 1}} },
	} {
		cfg := tinyConfig("data", "out")
		spoil(&cfg)
		if err := cfg.Check(); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: want ErrConfig, have %v", name, err)
		}
	}
}

// Trained on colours for a moment, the backbone tells unseen colours apart;
// methods are compared on the same episodes and the table names them all.
func TestEvaluate(t *testing.T) {
	data := writeSets(t)
	cfg := tinyConfig(data, t.TempDir())
	cfg.Sets = cfg.Sets[:1]
	cfg.Steps = 60
	p, err := Pretrain(context.Background(), cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	int8Method := Int8("int8", p.Config, func() *vit.Int8Model { return vit.NewInt8(p) })
	rows, err := Evaluate(context.Background(), EvaluateConfig{
		Data: data, Sets: []string{"photo"}, Split: fewshot.Test, Settings: []Setting{{5, 1}, {3, 1}, {2, 5}}, Episodes: 50, Seed: 1,
	}, []Method{Float("float32", p), int8Method, RawPixels(), Random(p.Config, 5)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 8 { // 5-way shrinks to the 3 classes there are: one of the settings falls away
		t.Fatalf("want 8 rows, have %d", len(rows))
	}
	if rows[0].Mean < 80 {
		t.Errorf("float32 on unseen colours: want >= 80, have %.1f", rows[0].Mean)
	}
	for _, r := range rows {
		if r.Method == "float32" && (r.Diff != 0 || r.DiffInterval != 0) {
			t.Errorf("the first method differs from itself: %+v", r)
		}
		if r.Mean < 0 || r.Mean > 100 || r.Episodes != 50 || r.Pictures != 18 {
			t.Errorf("impossible row %+v", r)
		}
	}
	table := Markdown(rows)
	for _, want := range []string{"float32", "int8", "raw pixels", "random backbone", "3-way 1-shot", "2-way 5-shot"} {
		if !bytes.Contains([]byte(table), []byte(want)) {
			t.Errorf("the table lacks %q:\n%s", want, table)
		}
	}
	if _, err := Evaluate(context.Background(), EvaluateConfig{Data: data, Sets: []string{"photo"}, Split: "all", Settings: []Setting{{2, 1}}, Episodes: 2}, []Method{RawPixels()}, nil); !errors.Is(err, fewshot.ErrUnknown) {
		t.Errorf("unknown split: want ErrUnknown, have %v", err)
	}
}
