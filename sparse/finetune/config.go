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
	// From is the first block that may change; -1 is the patch embedding too, for Full, and 0 for the others and in a browser. What is below
	// runs once, in int8.
	From  int
	Steps int
	Rates []float64 // learning rates that are tried and voted on, the smallest first; 0, no change, is always one of them
	// Parts are the shares of a change that are voted on for each rate, the smallest first: less of it keeps more of what the backbone knew, and costs no steps of
	// its own. Source: Wortsman et al. 2022, arXiv:2109.01903 (WiSE-FT).
	Parts  []float64
	Folds  int     // parts of the support that a trial leaves out, one after the other; 0: no vote, the last of Rates and Parts is taken
	Views  int     // changed views of each example that there are, the example itself included
	Smooth float64 // label smoothing
	Decay  float64 // weight decay of AdamW
	Augment
	Seed uint64
	// Workers is how many goroutines share a step; 0: GOMAXPROCS. The result does not depend on it.
	Workers int
}

// batchViews is how many views a step takes at most, where there are no more than half as many classes.
const batchViews = 32

// Procedure is raised whenever the same Config comes to give another result, for what keeps results by their Config.
const Procedure = 2

// Check reports the first value that nothing can be done with, for a backbone of so many blocks. It wraps ErrConfig.
func (c Config) Check(depth int) error {
	within := func(v, least, most float64) bool { return v >= least && v <= most }
	ascend := func(list []float64, good func(float64) bool) bool {
		return len(list) > 0 && slices.IsSorted(list) && !slices.ContainsFunc(list, func(v float64) bool { return !good(v) })
	}
	type rule struct {
		name, want string
		have       any
		good       bool
	}
	rules := []rule{
		{"mode", fmt.Sprintf("one of %v", Modes), c.Mode, slices.Contains(Modes, c.Mode)},
		{"share", "above 0 and at most 1", c.Share, c.Share > 0 && c.Share <= 1},
		{"first block", fmt.Sprintf("-1..%d", depth-1), c.From, c.From >= -1 && c.From < depth},
		{"steps", "1..2^20", c.Steps, c.Steps >= 1 && c.Steps <= 1<<20},
		{"folds", "0 or 2..1024", c.Folds, c.Folds == 0 || c.Folds >= 2 && c.Folds <= 1<<10},
		{"views", "2..1024", c.Views, c.Views >= 2 && c.Views <= 1<<10},
		{"rates", "one or more of 0..1, the smallest first", c.Rates, ascend(c.Rates, func(v float64) bool { return within(v, 0, 1) })},
		{"parts", "one or more above 0 and at most 1, the smallest first", c.Parts, ascend(c.Parts, func(v float64) bool { return v > 0 && v <= 1 })},
		{"label smoothing", "0 to below 1", c.Smooth, within(c.Smooth, 0, 1) && c.Smooth < 1},
		{"weight decay", "0..1", c.Decay, within(c.Decay, 0, 1)},
		{"mirror", "0..1", c.Mirror, within(c.Mirror, 0, 1)},
		{"workers", "0 or more", c.Workers, c.Workers >= 0},
	}
	for _, v := range []float64{c.Zoom, c.Stretch, c.Turn, c.Shift, c.Brightness, c.Contrast, c.Color} {
		rules = append(rules, rule{"change of views", "0..360", v, within(v, 0, 360)})
	}
	for _, r := range rules {
		if !r.good {
			return fmt.Errorf("finetune: %s: want %s, have %v: %w", r.name, r.want, r.have, ErrConfig)
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
	// Views (n, more, 3, Size, Size) are changed views of each example, that a head is to be fitted to; nil: none. Steps and votes do without them: they are what
	// Result.Folds embed too.
	Views []float32
}

// check reports what is wrong with the support.
func (t Task) check() error {
	plane := 3 * t.Size * t.Size
	if t.Way < 2 || t.Size < 1 || len(t.Images) != len(t.Labels)*plane {
		return fmt.Errorf("finetune: want 2 classes or more and %d numbers for each of %d examples, have %d classes and %d numbers: %w",
			plane, len(t.Labels), t.Way, len(t.Images), ErrTask)
	}
	if n := len(t.Labels) * plane; n > 0 && len(t.Views)%n != 0 {
		return fmt.Errorf("finetune: views: want as many for each of %d examples, of %d numbers each, have %d numbers: %w", len(t.Labels), plane, len(t.Views), ErrTask)
	}
	for i, v := range t.Views {
		if !(math.Abs(float64(v)) <= math.MaxFloat32) {
			return fmt.Errorf("finetune: views: number %d is %v: %w", i, v, ErrNotFinite)
		}
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

// Default is the config of a mode: what held up in short trials on validation classes and the sets for validation.
func Default(mode Mode) Config {
	return Config{
		Mode: mode, Share: 0.1, Steps: 10, Folds: 2, Views: 8, Rates: []float64{0, 1e-3}, Parts: []float64{0.25, 0.5, 1},
		Augment: Augment{Zoom: 0.2, Stretch: 0.1, Turn: 10, Shift: 0.08, Mirror: 0.5, Brightness: 0.2, Contrast: 0.2, Color: 0.1}, Seed: 1,
	}
}
