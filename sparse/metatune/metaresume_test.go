package metatune

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"

	"haguruma/core/tensorfile"
	"haguruma/sparse"
)

// shortConfig is a run of a second.
func shortConfig(out string) MetaConfig {
	c := toyConfig(out)
	c.Gates.Experts = 2
	c.Updates, c.Batch, c.Warmup = 6, 2, 2
	c.ValidateEvery, c.Episodes = 3, 2
	return c
}

func shortStart() []float32 {
	c := newConvNet[float32](nil)
	c.init(rand.New(rand.NewPCG(3, 4)))
	return c.flat
}

// shortRun takes a run to its end, or to the update stop and then cancels it; stop 0 is never.
func shortRun(cfg MetaConfig, tasks Tasks, stop int) (*MetaResult, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	return MetaTuneNetwork(ctx, cfg, convNetwork{}, shortStart(), tasks, toyVal(), func(what string, done, _ int, _ string) {
		if what != "metatune" { // validation reports too
			return
		}
		if done == stop {
			cancel()
		}
	})
}

// leftBehind is what a finished run leaves, without times: the experts file's tensors and metadata, the log's lines and config.json.
type leftBehind struct {
	experts *tensorfile.File
	log     []string
	config  string
}

func readLeft(t *testing.T, dir string) leftBehind {
	t.Helper()
	var l leftBehind
	var err error
	if l.experts, err = tensorfile.Load(filepath.Join(dir, ExpertsFile)); err != nil {
		t.Fatal(err)
	}
	if l.experts.Metadata["seconds"] == "" {
		t.Error("the file says nothing of its time")
	}
	delete(l.experts.Metadata, "seconds")
	text, err := os.ReadFile(filepath.Join(dir, logFile))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		var fields map[string]any
		if err := json.Unmarshal(line, &fields); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		delete(fields, "elapsed")
		l.log = append(l.log, string(mustJSON(fields)))
	}
	l.config = readText(t, dir, "config.json")
	return l
}

func readText(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (l leftBehind) check(t *testing.T, what string, want leftBehind) {
	t.Helper()
	if !reflect.DeepEqual(l.experts, want.experts) {
		t.Errorf("%s: the experts differ", what)
	}
	if !slices.Equal(l.log, want.log) {
		t.Errorf("%s: the log differs: want\n%s, have\n%s", what, want.log, l.log)
	}
	if l.config != want.config {
		t.Errorf("%s: config.json differs", what)
	}
}

// TestResumeGivesTheSame: a run that is cancelled after any update and goes on with another number of cores, or goes on when it is over, leaves
// what one without a break leaves.
func TestResumeGivesTheSame(t *testing.T) {
	parity := func(c MetaConfig) MetaConfig {
		c.Parity, c.Gates.Gate, c.Optimizer, c.GateLR, c.Settle, c.Balance = true, sparse.GateParity, "sgd", 1e3, false, 0
		c.Inner, c.Dense, c.Direction = 1e-3, 5e-3, StudentFirst
		return c
	}
	for name, form := range map[string]func(MetaConfig) MetaConfig{
		"ours": func(c MetaConfig) MetaConfig { return c }, "muon": func(c MetaConfig) MetaConfig { c.Optimizer = "muon"; return c },
		"from tasks": func(c MetaConfig) MetaConfig { c.StartTasks = 5; return c }, "parity": parity, "dense": MetaConfig.DenseBaseline,
	} {
		whole := form(shortConfig(t.TempDir()))
		r, err := shortRun(whole, toyTrain(), 0)
		if err != nil {
			t.Fatal(err)
		}
		want := readLeft(t, whole.Out)
		if len(want.log) != whole.Updates {
			t.Fatalf("%s: want a line an update, have %d", name, len(want.log))
		}
		saved, err := sparse.OpenExperts(want.experts)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(saved.Delta.Values(), r.Experts.Delta.Values()) || slices.Max(saved.Delta.Values()) == 0 {
			t.Errorf("%s: the result's delta is not the file's, or was not learned", name)
		}
		for _, stop := range []int{1, 4, whole.Updates} {
			if name != "ours" && stop != 4 {
				continue
			}
			cfg := form(shortConfig(t.TempDir()))
			_, err := shortRun(cfg, toyTrain(), stop)
			if over := stop == cfg.Updates; over != (err == nil) || !over && !errors.Is(err, context.Canceled) {
				t.Fatalf("%s: cancelled after update %d: have %v", name, stop, err)
			}
			old := runtime.GOMAXPROCS(1 + stop%3)
			_, err = shortRun(cfg, toyTrain(), 0)
			runtime.GOMAXPROCS(old)
			if err != nil {
				t.Fatal(err)
			}
			readLeft(t, cfg.Out).check(t, name, want)
		}
	}
}

// TestResumeWithoutValidation: a finished run without trials, gone on with, writes the same file: the temperature of use is there again.
func TestResumeWithoutValidation(t *testing.T) {
	cfg := shortConfig(t.TempDir())
	cfg.Updates = 3
	var files []leftBehind
	for range 2 {
		if _, err := MetaTuneNetwork(context.Background(), cfg, convNetwork{}, shortStart(), toyTrain(), nil, nil); err != nil {
			t.Fatal(err)
		}
		files = append(files, readLeft(t, cfg.Out))
	}
	files[1].check(t, "again", files[0])
}

// TestResumeAfterCrash: the process ends without a word two updates behind its last checkpoint, in the middle of a line.
func TestResumeAfterCrash(t *testing.T) {
	whole := shortConfig(t.TempDir())
	if _, err := shortRun(whole, toyTrain(), 0); err != nil {
		t.Fatal(err)
	}
	cfg := shortConfig(t.TempDir())
	cfg.CheckpointEvery = 1 // after every update
	var third []byte
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err := MetaTuneNetwork(ctx, cfg, convNetwork{}, shortStart(), toyTrain(), toyVal(), func(what string, done, _ int, _ string) {
		if what != "metatune" { // validation reports too
			return
		}
		if done == 4 { // before its own checkpoint
			third, _ = os.ReadFile(filepath.Join(cfg.Out, checkpointFile))
		}
		if done == 5 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cfg.Out, checkpointFile), third, 0o644); err != nil {
		t.Fatal(err)
	}
	log := readText(t, cfg.Out, logFile)
	if err := os.WriteFile(filepath.Join(cfg.Out, logFile), []byte(log[:len(log)-20]), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := shortRun(cfg, toyTrain(), 0); err != nil {
		t.Fatal(err)
	}
	readLeft(t, cfg.Out).check(t, "after a crash", readLeft(t, whole.Out))
}

// TestCheckpointOfAnotherRun: another config, start, shape or kind of file is refused with ErrCheckpoint, and the folder stays as it was.
func TestCheckpointOfAnotherRun(t *testing.T) {
	cfg := shortConfig(t.TempDir())
	if _, err := shortRun(cfg, toyTrain(), 1); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	good, config, log := readText(t, cfg.Out, checkpointFile), readText(t, cfg.Out, "config.json"), readText(t, cfg.Out, logFile)
	path := filepath.Join(cfg.Out, checkpointFile)
	refused := func(what string, cfg MetaConfig, network Network, start []float32) {
		t.Helper()
		before := readText(t, cfg.Out, checkpointFile)
		if _, err := MetaTuneNetwork(context.Background(), cfg, network, start, toyTrain(), nil, nil); !errors.Is(err, ErrCheckpoint) {
			t.Errorf("%s: want ErrCheckpoint, have %v", what, err)
		}
		if readText(t, cfg.Out, checkpointFile) != before || readText(t, cfg.Out, "config.json") != config || readText(t, cfg.Out, logFile) != log {
			t.Fatalf("%s: the folder was written to", what)
		}
	}
	for what, change := range map[string]func(c *MetaConfig){
		"density": func(c *MetaConfig) { c.Density = 0.3 }, "experts": func(c *MetaConfig) { c.Gates.Experts = 3 }, "seed": func(c *MetaConfig) { c.Seed++ },
		"gate": func(c *MetaConfig) { c.Gates.Gate = sparse.GateConcrete }, "length": func(c *MetaConfig) { c.Updates++ },
		"baseline": func(c *MetaConfig) { *c = c.DenseBaseline() }, "routing": func(c *MetaConfig) { c.Routing = RoutingUniform },
	} {
		other := cfg
		change(&other)
		refused(what, other, convNetwork{}, shortStart())
	}
	start := shortStart()
	start[5]++
	refused("start", cfg, convNetwork{}, start)
	refused("network", cfg, lineNetwork{}, []float32{1, 2, 3, 4, 5, 6, 7, 8})
	for what, spoil := range map[string]func(f *tensorfile.File){
		"format":    func(f *tensorfile.File) { f.Metadata["format"] = checkpointFormat },
		"progress":  func(f *tensorfile.File) { f.Metadata["progress"] = "{}" },
		"no JSON":   func(f *tensorfile.File) { f.Metadata["progress"] = "" },
		"no tensor": func(f *tensorfile.File) { f.Tensors = f.Tensors[1:] },
		"short": func(f *tensorfile.File) {
			d, _ := f.Tensor("delta")
			*d = tensorfile.FromFloat32("delta", []int{2}, []float32{1, 2})
		},
	} {
		f, err := tensorfile.Decode([]byte(good))
		if err != nil {
			t.Fatal(err)
		}
		spoil(f)
		if err := tensorfile.Save(path, f); err != nil {
			t.Fatal(err)
		}
		refused(what, cfg, convNetwork{}, shortStart())
	}
	if err := os.WriteFile(path, []byte(good[:len(good)/2]), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := shortRun(cfg, toyTrain(), 0); !errors.Is(err, tensorfile.ErrTruncated) {
		t.Errorf("half a checkpoint: want ErrTruncated, have %v", err)
	}
	if err := os.WriteFile(path, []byte(good), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := shortRun(cfg, toyTrain(), 0); err != nil {
		t.Errorf("the checkpoint itself: %v", err)
	}
}

// TestNowhereToWrite: a folder that cannot be made is an error before any work; one that is gone when a checkpoint is due ends the run, and the
// checkpoint that was there goes on from where it was.
func TestNowhereToWrite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	cfg := shortConfig(filepath.Join(file, "out")) // below a file: for root too
	if _, err := shortRun(cfg, noTasks{t}, 0); !errors.As(err, new(*os.PathError)) {
		t.Errorf("below a file: want the operating system's error, have %v", err)
	}

	whole := shortConfig(t.TempDir())
	if _, err := shortRun(whole, toyTrain(), 0); err != nil {
		t.Fatal(err)
	}
	cfg = shortConfig(filepath.Join(t.TempDir(), "out"))
	cfg.CheckpointEvery = time.Nanosecond
	moved := cfg.Out + ".moved"
	_, err := MetaTuneNetwork(context.Background(), cfg, convNetwork{}, shortStart(), toyTrain(), toyVal(), func(what string, done, _ int, _ string) {
		if what != "metatune" { // validation reports too
			return
		}
		if done == 3 { // the checkpoint of update 2 is there; from now on the place is a file
			if err := errors.Join(os.Rename(cfg.Out, moved), os.WriteFile(cfg.Out, nil, 0o644)); err != nil {
				t.Error(err)
			}
		}
		if done > 3 {
			t.Error("the run goes on without a checkpoint")
		}
	})
	if !errors.As(err, new(*os.PathError)) {
		t.Errorf("a lost folder: want the operating system's error, have %v", err)
	}
	cfg.Out = moved
	if _, err := shortRun(cfg, toyTrain(), 0); err != nil {
		t.Fatal(err)
	}
	readLeft(t, moved).check(t, "after a lost folder", readLeft(t, whole.Out))
}

// noTasks fails the test when a task is drawn.
type noTasks struct{ t *testing.T }

func (noTasks) Names() []string { return []string{"none"} }
func (n noTasks) Draw(*Task, *rand.Rand) {
	n.t.Error("a task was drawn")
	panic("metatune: test: a task was drawn")
}

// brokenTasks are tasks whose pictures hold a NaN from a draw on.
type brokenTasks struct {
	*toyTasks
	left *int
}

func (b brokenTasks) Draw(t *Task, rng *rand.Rand) {
	b.toyTasks.Draw(t, rng)
	if *b.left--; *b.left < 0 {
		t.Query[3] = float32(math.NaN())
	}
}

// TestDivergence: what is not finite ends the run with ErrDiverged, in whatever part it comes up, and the checkpoint before it goes on to the
// same end as a run without the accident.
func TestDivergence(t *testing.T) {
	whole := shortConfig(t.TempDir())
	if _, err := shortRun(whole, toyTrain(), 0); err != nil {
		t.Fatal(err)
	}
	cfg := shortConfig(t.TempDir())
	cfg.CheckpointEvery = 1
	left := 3 * cfg.Batch // the first three updates are good
	one := toyTrain()
	if _, err := shortRun(cfg, brokenTasks{one, &left}, 0); !errors.Is(err, ErrDiverged) {
		t.Fatalf("a NaN in a picture: want ErrDiverged, have %v", err)
	}
	if stats, err := ReadMetaLog(cfg.Out); err != nil || len(stats) != 3 {
		t.Errorf("want a log of 3 good updates, have %d, %v", len(stats), err)
	}
	if _, err := shortRun(cfg, toyTrain(), 0); err != nil {
		t.Fatal(err)
	}
	readLeft(t, cfg.Out).check(t, "after a NaN", readLeft(t, whole.Out))

	for what, change := range map[string]func(c *MetaConfig){
		"delta":  func(c *MetaConfig) { c.LR = 3e38 },
		"router": func(c *MetaConfig) { c.RouterLR = 3e38 },
		"gates":  func(c *MetaConfig) { c.GateLR, c.DualLR = 3e38, 3e38 },
	} {
		cfg := shortConfig(t.TempDir())
		cfg.CheckpointEvery = 1
		change(&cfg)
		_, err := shortRun(cfg, toyTrain(), 0)
		if !errors.Is(err, ErrDiverged) {
			t.Errorf("%s: want ErrDiverged, have %v", what, err)
		}
		f, err := tensorfile.Load(filepath.Join(cfg.Out, checkpointFile))
		if errors.Is(err, os.ErrNotExist) {
			continue // it diverged before the first
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, tensor := range f.Tensors {
			x, err := tensor.Float32()
			if err != nil {
				t.Fatal(err)
			}
			if i := notFinite(x); i >= 0 {
				t.Errorf("%s: the checkpoint's %s is %v at %d", what, tensor.Name, x[i], i)
			}
		}
	}

	start := shortStart()
	start[7] = float32(math.NaN())
	if _, err := MetaTuneNetwork(context.Background(), shortConfig(t.TempDir()), convNetwork{}, start, noTasks{t}, nil, nil); !errors.Is(err, ErrConfig) {
		t.Errorf("a NaN to start from: want ErrConfig, have %v", err)
	}
	if _, err := MetaTuneNetwork(context.Background(), shortConfig(t.TempDir()), convNetwork{}, start[1:], noTasks{t}, nil, nil); !errors.Is(err, ErrConfig) {
		t.Errorf("weights too few: want ErrConfig, have %v", err)
	}
}
