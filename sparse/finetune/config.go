package finetune

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Errors of Tune, wrapped with the numbers.
var (
	// ErrConfig: a config that nothing can be tuned by.
	ErrConfig = errors.New("not a usable config of fine-tuning")
	// ErrTask: a support that is not one: lengths that do not fit, labels out of range, a class without an example.
	ErrTask = errors.New("not a usable support")
	// ErrNotFinite: a picture, a loss or a weight that is NaN or infinite.
	ErrNotFinite = errors.New("not a finite number")
)

// Mode is what may change.
type Mode string

const (
	None   Mode = "none"   // nothing: the votes alone
	Sparse Mode = "sparse" // the weights that experts or the gradient ask for most, Config.Share of all
	Norm   Mode = "norm"   // gains and biases of the norms
	LoRA   Mode = "lora"   // queries and values, by factors of rank 8
	Full   Mode = "full"   // all weights
)

// Modes lists them for flags.
var Modes = []Mode{None, Sparse, Norm, LoRA, Full}

// Config says how to tune.
type Config struct {
	Mode  Mode
	Share float64 // of all weights that Sparse may change
	// From is the first block that may change; -1 is the patch embedding too. What is below runs once, in int8.
	From   int
	Steps  int
	Rates  []float64 // learning rates that are tried and voted on; 0, no change, is always one of them
	Folds  int       // parts of the support that a trial leaves out, one after the other; 0: no vote, the last of Rates is taken
	Views  int       // changed views of each example that there are, the example itself included
	Smooth float64   // label smoothing
	Decay  float64   // weight decay of AdamW
	Augment
	Seed uint64
	// Workers is how many goroutines share a step; 0: GOMAXPROCS. The result does not depend on it.
	Workers int
}

// batchViews is how many views a step takes at most, where there are no more than half as many classes.
const batchViews = 32

// Check reports the first value that nothing can be done with, for a backbone of so many blocks. It wraps ErrConfig.
func (c Config) Check(depth int) error {
	bad := func(what string, want string, have any) error {
		return fmt.Errorf("finetune: %s: want %s, have %v: %w", what, want, have, ErrConfig)
	}
	share := func(v float64) bool { return v >= 0 && v <= 1 }
	switch {
	case !slices.Contains(Modes, c.Mode):
		return bad("mode", fmt.Sprint("one of ", Modes), c.Mode)
	case !(c.Share > 0 && c.Share <= 1):
		return bad("share", "above 0, at most 1", c.Share)
	case c.From < -1 || c.From >= depth:
		return bad("first block", fmt.Sprintf("-1..%d", depth-1), c.From)
	case c.Steps < 1 || c.Steps > 1<<20:
		return bad("steps", "1..2^20", c.Steps)
	case c.Folds < 0 || c.Folds == 1 || c.Folds > 1<<10:
		return bad("folds", "0 or 2..1024", c.Folds)
	case c.Views < 2 || c.Views > 1<<10:
		return bad("views", "2..1024", c.Views)
	case len(c.Rates) == 0:
		return bad("rates", "one or more", c.Rates)
	case !share(c.Smooth) || c.Smooth == 1:
		return bad("label smoothing", "0 to below 1", c.Smooth)
	case !(c.Decay >= 0 && c.Decay <= 1):
		return bad("weight decay", "0..1", c.Decay)
	case !share(c.Mirror):
		return bad("mirror", "0..1", c.Mirror)
	case c.Workers < 0:
		return bad("workers", "0 or more", c.Workers)
	}
	for _, r := range c.Rates {
		if !(r >= 0 && r <= 1) {
			return bad("rate", "0..1", r)
		}
	}
	for what, v := range map[string]float64{"zoom": c.Zoom, "stretch": c.Stretch, "turn": c.Turn, "shift": c.Shift, "brightness": c.Brightness, "contrast": c.Contrast, "color": c.Color} {
		if !(v >= 0 && v <= 360) {
			return bad(what, "0..360", v)
		}
	}
	return nil
}

// Task is a labelled support.
type Task struct {
	Images []float32 // (n, 3, Size, Size) normalized as the backbone wants
	Labels []int     // (n) 0..Way-1
	Way    int
	Size   int
}

// check reports what is wrong with the support.
func (t Task) check() error {
	plane := 3 * t.Size * t.Size
	if t.Way < 2 || t.Size < 1 || len(t.Images) != len(t.Labels)*plane {
		return fmt.Errorf("finetune: want 2 classes or more and %d numbers for each of %d examples, have %d classes and %d numbers: %w",
			plane, len(t.Labels), t.Way, len(t.Images), ErrTask)
	}
	count := make([]int, t.Way)
	for i, label := range t.Labels {
		if label < 0 || label >= t.Way {
			return fmt.Errorf("finetune: example %d: want a label of 0..%d, have %d: %w", i, t.Way-1, label, ErrTask)
		}
		count[label]++
		for _, v := range t.Images[i*plane : (i+1)*plane] {
			if !(math.Abs(float64(v)) <= math.MaxFloat32) {
				return fmt.Errorf("finetune: example %d: a pixel is %v: %w", i, v, ErrNotFinite)
			}
		}
	}
	if empty := slices.Index(count, 0); empty >= 0 {
		return fmt.Errorf("finetune: class %d has no example: %w", empty, ErrTask)
	}
	return nil
}

// Default is the config of a mode: what was best on validation classes and the sets for validation.
func Default(mode Mode) Config {
	return Config{
		Mode: mode, Share: 0.1, Steps: 10, Folds: 2, Views: 8, Rates: []float64{0, 3e-3},
		Augment: Augment{Zoom: 0.2, Stretch: 0.1, Turn: 10, Shift: 0.08, Mirror: 0.5, Brightness: 0.2, Contrast: 0.2, Color: 0.1}, Seed: 1,
	}
}
