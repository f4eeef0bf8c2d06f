package metatune

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"haguruma/core/vit"
)

// startWeights trains a tiny backbone and returns its config and the file of its weights.
func startWeights(t *testing.T, data string) (PretrainConfig, string) {
	t.Helper()
	cfg := tinyConfig(data, t.TempDir())
	cfg.Steps = 30
	if _, err := Pretrain(context.Background(), cfg, nil); err != nil {
		t.Fatal(err)
	}
	return cfg, filepath.Join(cfg.Out, WeightsFile)
}

func coarseConfig(of PretrainConfig, start, out string) PretrainConfig {
	cfg := of
	cfg.Out, cfg.Start, cfg.Levels, cfg.Bits = out, start, 7, 2
	cfg.Optimizer, cfg.LR, cfg.WeightDecay, cfg.Warmup, cfg.Steps = "adamw", 2e-3, 0, 2, 60
	cfg.Stages = []Stage{{16, 1}}
	return cfg
}

// A backbone that was held to seven values a weight embeds nearly as before, better than one that was only rounded to them; its bundle keeps
// those values to the bit and is smaller; and a run that was stopped gives the same as one that was not.
func TestCoarseWeights(t *testing.T) {
	data := writeSets(t)
	trained, start := startWeights(t, data)
	cfg := coarseConfig(trained, start, t.TempDir())
	want, err := Pretrain(context.Background(), cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	few := 0
	for _, tensor := range want.Tensors() {
		if len(tensor.Shape) < 2 || !tensor.Decay || 100*len(tensor.Data) < len(want.Flat) {
			continue
		}
		few++
		cols := len(tensor.Data) / tensor.Shape[0]
		for r := range tensor.Shape[0] {
			values := slices.Clone(tensor.Data[r*cols:][:cols])
			slices.Sort(values)
			if n := len(slices.Compact(values)); n > 7 {
				t.Fatalf("%s row %d: want at most 7 values, have %d", tensor.Name, r, n)
			}
		}
	}
	if few == 0 {
		t.Fatal("no tensor was looked at")
	}
	model := vit.NewInt8(want)
	for i, tensor := range model.Params().Tensors() {
		other := want.Tensors()[i]
		if 100*len(tensor.Data) >= len(want.Flat) && !slices.Equal(tensor.Data, other.Data) {
			t.Errorf("%s: the bundle's values are not the weights", tensor.Name)
		}
	}

	stats, err := readLog(cfg.Out)
	if err != nil || len(stats) != cfg.Steps {
		t.Fatalf("%d lines in the log, %v", len(stats), err)
	}
	mean := func(s []StepStats) (sum float64) {
		for _, x := range s {
			sum += x.Loss / float64(len(s))
		}
		return sum
	}
	if first, last := mean(stats[:2]), mean(stats[len(stats)-10:]); !(last < 0.5*first) || first <= 0 {
		t.Errorf("1 - cosine with the start: %.5f at first, %.5f at last, want less than half", first, last)
	}
	size := func(folder string) int64 {
		fi, err := os.Stat(filepath.Join(folder, "bundle.safetensors.zst"))
		if err != nil {
			t.Fatal(err)
		}
		return fi.Size()
	}
	if before, after := size(trained.Out), size(cfg.Out); after >= before {
		t.Errorf("the bundle has %d bytes, %d before", after, before)
	}

	again := coarseConfig(trained, start, t.TempDir())
	ctx, cancel := context.WithCancel(context.Background())
	_, err = Pretrain(ctx, again, func(what string, done, total int, note string) {
		if what == "pretrain" && done == 7 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("want context.Canceled, have %v", err)
	}
	old := runtime.GOMAXPROCS(3)
	have, err := Pretrain(context.Background(), again, nil)
	runtime.GOMAXPROCS(old)
	if err != nil || !slices.Equal(have.Flat, want.Flat) {
		t.Errorf("a resumed run on three threads differs from a straight one: %v", err)
	}

	// Another start is another run.
	_, other := startWeights(t, writeSets(t))
	data2, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	data2[len(data2)-1] ^= 1
	if err := os.WriteFile(other, data2, 0o644); err != nil {
		t.Fatal(err)
	}
	cfg.Start = other
	if _, err := Pretrain(context.Background(), cfg, nil); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("another start: want ErrCheckpoint, have %v", err)
	}
}

func TestCoarseRefuses(t *testing.T) {
	cfg := tinyConfig("data", t.TempDir())
	start := filepath.Join(t.TempDir(), WeightsFile)
	cfg.Start, cfg.Levels, cfg.Bits = start, 15, 3
	if err := cfg.Check(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*PretrainConfig){
		"levels alone":      func(c *PretrainConfig) { c.Start, c.Bits = "", 0 },
		"start alone":       func(c *PretrainConfig) { c.Levels, c.Bits = 0, 0 },
		"no bits":           func(c *PretrainConfig) { c.Bits = 0 },
		"no levels":         func(c *PretrainConfig) { c.Levels = 0 },
		"bits not a number": func(c *PretrainConfig) { c.Bits = math.NaN() },
	} {
		bad := cfg
		spoil(&bad)
		if err := bad.Check(); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: want ErrConfig, have %v", name, err)
		}
	}
	if _, err := newTrainer(cfg); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: want fs.ErrNotExist, have %v", err)
	}
	if err := os.WriteFile(start, []byte("not weights"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := newTrainer(cfg); err == nil {
		t.Error("a file of something else was taken")
	}
}

// The gradient of 1 - cosine agrees with differences.
func TestCosineLossGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	const n, dim = 3, 7
	embed, target, grad := make([]float32, n*dim), make([]float32, n*dim), make([]float32, n*dim)
	for i := range embed {
		embed[i], target[i] = float32(rng.NormFloat64()), float32(rng.NormFloat64())
	}
	var s headScratch
	loss := cosineLoss(grad, embed, target, n, dim, &s)
	var want float64
	for i := range n {
		var xy, xx, yy float64
		for j := range dim {
			x, y := float64(embed[i*dim+j]), float64(target[i*dim+j])
			xy, xx, yy = xy+x*y, xx+x*x, yy+y*y
		}
		want += (1 - xy/math.Sqrt(xx*yy)) / n
	}
	if math.Abs(loss-want) > 1e-6 {
		t.Errorf("loss: want %g, have %g", want, loss)
	}
	const h = 1e-2
	for i := range embed {
		scratch := make([]float32, n*dim)
		at := embed[i]
		embed[i] = at + h
		up := cosineLoss(scratch, embed, target, n, dim, &s)
		embed[i] = at - h
		down := cosineLoss(scratch, embed, target, n, dim, &s)
		embed[i] = at
		if d := (up - down) / (2 * h); math.Abs(d-float64(grad[i])) > 2e-4 {
			t.Errorf("number %d: difference %g, gradient %g", i, d, grad[i])
		}
	}
}
