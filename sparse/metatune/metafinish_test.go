package metatune

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"haguruma/core/fewshot"
	"haguruma/core/vit"
	"haguruma/sparse"
)

// pictureConfig is a run of two updates on the sets of writeSets: three training classes a set, six pictures each.
func pictureConfig(data, out string) MetaConfig {
	c := shortConfig(out)
	c.Data = data
	c.Tasks.Sets = []Set{{"photo", Photo, 1}, {"glyph", Character, 1}}
	c.Tasks.Size, c.Tasks.MinWay, c.Tasks.MaxWay, c.Tasks.MinShot, c.Tasks.MaxShot, c.Tasks.Queries, c.Tasks.Pictures = 16, 2, 5, 1, 3, 2, 20
	c.Updates, c.ValidateEvery = 2, 0
	return c
}

func pictureBackbone() *vit.Params[float32] {
	p := vit.NewParams[float32](tinyConfig("", "").Model)
	p.Init(rand.New(rand.NewPCG(1, 2)))
	return p
}

// TestMetaTunePictures: a run on folders of pictures leaves experts, log, config and plots, and validates on the classes that are for that.
func TestMetaTunePictures(t *testing.T) {
	cfg, backbone := pictureConfig(writeSets(t), t.TempDir()), pictureBackbone()
	r, err := MetaTune(context.Background(), cfg, backbone, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Experts.Delta.Len() != len(backbone.Flat) || r.Experts.Router.Config.Dim != backbone.Config.Dim || r.Update != 2 || !(r.Mean > 0 && r.Mean <= 100) {
		t.Errorf("have %d scalars, router %+v, update %d, mean %v", r.Experts.Delta.Len(), r.Experts.Router.Config, r.Update, r.Mean)
	}
	for _, name := range []string{ExpertsFile, checkpointFile, logFile, "config.json", "loss.svg", "validation.svg", "density.svg", "lambda.svg", "scores.svg"} {
		if fi, err := os.Stat(filepath.Join(cfg.Out, name)); err != nil || fi.Size() == 0 {
			t.Errorf("%s was not written: %v", name, err)
		}
	}
	stats, err := ReadMetaLog(cfg.Out)
	if err != nil || len(stats) != 2 {
		t.Fatalf("want 2 lines of log, have %d, %v", len(stats), err)
	}
	last := stats[1]
	var names []string
	for _, v := range last.Validation {
		names = append(names, v.Set)
	}
	if !slices.Equal(names, []string{"photo", "glyph"}) || last.Mean != r.Mean || last.Update != 2 {
		t.Errorf("validated on %v, mean %v, want %v", names, last.Mean, r.Mean)
	}
	if !(last.Loss > 0 && last.Accuracy >= 0 && last.Accuracy <= 1 && last.GradNorm > 0 && last.Entropy > 0 && last.Entropy <= math.Log(2)+1e-6) ||
		len(last.Density) != 2 || len(last.Lambda) != 2 || len(last.Scores) != 2 || len(last.Sets) == 0 {
		t.Errorf("a line of the log is %+v", last)
	}
}

// TestMetaTuneBadInput: what cannot be trained on is an error of a kind, before any training.
func TestMetaTuneBadInput(t *testing.T) {
	data := writeSets(t)
	for _, c := range []struct {
		name   string
		change func(c *MetaConfig)
		kind   error
	}{
		{"shots and queries beyond every class", func(c *MetaConfig) { c.Tasks.MaxShot = 5 }, fewshot.ErrTooFewClasses},
		{"ways beyond the classes", func(c *MetaConfig) { c.Tasks.MinWay, c.Tasks.Pictures = 4, 40 }, fewshot.ErrTooFewClasses},
		{"a set that is not there", func(c *MetaConfig) { c.Tasks.Sets[1].Name = "moths" }, fewshot.ErrUnknown},
		{"no data", func(c *MetaConfig) { c.Data = filepath.Join(data, "nowhere") }, fs.ErrNotExist},
		{"no sets", func(c *MetaConfig) { c.Tasks.Sets = nil }, ErrConfig},
		{"weight", func(c *MetaConfig) { c.Tasks.Sets[0].Weight = math.NaN() }, ErrConfig},
		{"kind", func(c *MetaConfig) { c.Tasks.Sets[0].Kind = "film" }, ErrConfig},
		{"size", func(c *MetaConfig) { c.Tasks.Size = 4 }, ErrConfig},
		{"size of no patches", func(c *MetaConfig) { c.Tasks.Size = 18 }, vit.ErrConfig},
		{"ways", func(c *MetaConfig) { c.Tasks.MinWay = 1 }, ErrConfig},
		{"more ways than defects", func(c *MetaConfig) {
			c.Tasks.Sets[0].Kind, c.Tasks.MinWay, c.Tasks.MaxWay, c.Tasks.Pictures = Defect, mostDefects+1, mostDefects+1, 99
		}, ErrConfig},
		{"shots", func(c *MetaConfig) { c.Tasks.MinShot = 4 }, ErrConfig},
		{"queries", func(c *MetaConfig) { c.Tasks.Queries = 0 }, ErrConfig},
		{"pictures", func(c *MetaConfig) { c.Tasks.Pictures = 9 }, ErrConfig},
		{"restyle", func(c *MetaConfig) { c.Tasks.Restyle = 1.5 }, ErrConfig},
		{"out", func(c *MetaConfig) { c.Out = "" }, ErrConfig},
		{"masks", func(c *MetaConfig) { c.Masks = "drawn" }, ErrConfig},
		{"routing", func(c *MetaConfig) { c.Routing = "hard" }, ErrConfig},
		{"density", func(c *MetaConfig) { c.Density = 0 }, ErrConfig},
		{"density beyond the gates", func(c *MetaConfig) { c.Gates.Tensors, c.Density = []string{"norm.*"}, 0.5 }, ErrConfig},
		{"density at the start", func(c *MetaConfig) { c.InitDensity = 1 }, ErrConfig},
		{"tasks at the start", func(c *MetaConfig) { c.StartTasks = -1 }, ErrConfig},
		{"gates", func(c *MetaConfig) { c.Gates.Experts = 0 }, sparse.ErrConfig},
		{"gates of no tensor", func(c *MetaConfig) { c.Gates.Tensors = []string{"none"} }, sparse.ErrConfig},
		{"updates", func(c *MetaConfig) { c.Updates = 0 }, ErrConfig},
		{"warmup", func(c *MetaConfig) { c.Warmup = -1 }, ErrConfig},
		{"optimizer", func(c *MetaConfig) { c.Optimizer = "adam" }, ErrConfig},
		{"lr", func(c *MetaConfig) { c.LR = math.Inf(1) }, ErrConfig},
		{"gateLR", func(c *MetaConfig) { c.GateLR = math.NaN() }, ErrConfig},
		{"dualLR", func(c *MetaConfig) { c.DualLR = 1e39 }, ErrConfig},
		{"clip", func(c *MetaConfig) { c.Clip = -1 }, ErrConfig},
		{"balance", func(c *MetaConfig) { c.Balance = math.NaN() }, ErrConfig},
		{"routerPull", func(c *MetaConfig) { c.RouterPull = -1 }, ErrConfig},
		{"temperature", func(c *MetaConfig) { c.Temperature[1] = 0 }, ErrConfig},
		{"temperature that float32 has not", func(c *MetaConfig) { c.Temperature[1] = 1e-60 }, ErrConfig},
		{"cooling", func(c *MetaConfig) { c.Cooling = 2 }, ErrConfig},
		{"distill", func(c *MetaConfig) { c.Distill = -0.1 }, ErrConfig},
		{"no teacher", func(c *MetaConfig) { c.Pretrained = false }, ErrConfig},
		{"direction", func(c *MetaConfig) { c.Direction = "both" }, ErrConfig},
		{"inner", func(c *MetaConfig) { c.Inner = -1 }, ErrConfig},
		{"episodes", func(c *MetaConfig) { c.Episodes = 1 }, ErrConfig},
	} {
		cfg := pictureConfig(data, t.TempDir())
		c.change(&cfg)
		if _, err := MetaTune(context.Background(), cfg, pictureBackbone(), nil); !errors.Is(err, c.kind) {
			t.Errorf("%s: want %v, have %v", c.name, c.kind, err)
		}
		if entries, err := os.ReadDir(cfg.Out); cfg.Out != "" && (err != nil || len(entries) != 0) {
			t.Errorf("%s: the folder holds %v, %v", c.name, entries, err)
		}
	}
}

// TestPictureTasks: ways, shots and labels inside their bounds, support and query apart, and the same generator gives the same task.
func TestPictureTasks(t *testing.T) {
	cfg := pictureConfig(writeSets(t), "")
	splits, err := fewshot.LoadSplits(filepath.Join(cfg.Data, "datasets.json"))
	if err != nil {
		t.Fatal(err)
	}
	sets, err := loadPixels(context.Background(), splits, cfg.Tasks.Sets, 24, nil)
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := newPictureTasks(cfg.Tasks, sets, [3]float32{}, [3]float32{1, 1, 1})
	if err != nil {
		t.Fatal(err)
	}
	var task, again Task
	const length = 3 * 16 * 16
	ways, drawn := map[int]int{}, map[int]int{}
	for seed := range uint64(200) {
		tasks.Draw(&task, rand.New(rand.NewPCG(seed, 1)))
		tasks.Draw(&again, rand.New(rand.NewPCG(seed, 1)))
		if again.Set != task.Set || !slices.Equal(again.Query, task.Query) || !slices.Equal(again.Support, task.Support) {
			t.Fatalf("seed %d: two tasks of one generator", seed)
		}
		drawn[task.Set]++
		if task.Set == 1 {
			ways[task.Way]++ // three classes of characters, four turns each
		}
		shot := len(task.SupportLabels) / task.Way
		limit := min(5, 20/(shot+2))
		if task.Set == 0 {
			limit = min(limit, 3)
		}
		if task.Way < 2 || task.Way > limit || shot < 1 || shot > 3 || len(task.QueryLabels) != 2*task.Way ||
			len(task.Support) != len(task.SupportLabels)*length || len(task.Query) != len(task.QueryLabels)*length {
			t.Fatalf("seed %d: %d ways, %d shots, %d queries, %d and %d numbers", seed, task.Way, shot, len(task.QueryLabels), len(task.Support), len(task.Query))
		}
		for label := range task.Way {
			if count(task.SupportLabels, label) != shot || count(task.QueryLabels, label) != 2 {
				t.Fatalf("seed %d: labels %v and %v", seed, task.SupportLabels, task.QueryLabels)
			}
		}
		if notFinite(task.Support) >= 0 || notFinite(task.Query) >= 0 {
			t.Fatalf("seed %d: a pixel is not finite", seed)
		}
	}
	if drawn[0] < 60 || drawn[1] < 60 || ways[5] == 0 || ways[2] == 0 {
		t.Errorf("sets %v, ways of the second %v", drawn, ways)
	}
}

func count(x []int, v int) (n int) {
	for _, w := range x {
		if w == v {
			n++
		}
	}
	return n
}
