package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"haguruma/core/vit"
	"haguruma/sparse"
	"haguruma/sparse/finetune"
	"haguruma/sparse/metatune"
)

// tuningFlags change the defaults of fine-tuning.
type tuningFlags struct {
	cfg finetune.Config
	set func(name string) bool
}

// tuningNames are all of them.
var tuningNames = []string{"finetune-share", "finetune-from", "finetune-steps", "finetune-folds", "finetune-rates", "finetune-parts"}

func (x *tuningFlags) add(flags *pflag.FlagSet) {
	d := finetune.Default(finetune.Sparse)
	x.cfg, x.set = d, flags.Changed
	flags.Float64Var(&x.cfg.Share, "finetune-share", d.Share, "share of all weights that sparse may change")
	flags.IntVar(&x.cfg.From, "finetune-from", d.From, "first block that may change; -1: the patch embedding too")
	flags.IntVar(&x.cfg.Steps, "finetune-steps", d.Steps, "steps")
	flags.IntVar(&x.cfg.Folds, "finetune-folds", d.Folds, "parts of the support that the votes on rates leave out in turn; 0: no vote, the last rate and part are taken")
	flags.Float64SliceVar(&x.cfg.Rates, "finetune-rates", d.Rates, "learning rates that are voted on, beside 0, the smallest first; the mode's own by default")
	flags.Float64SliceVar(&x.cfg.Parts, "finetune-parts", d.Parts, "shares of the change of a rate that are voted on, the smallest first")
}

// alone refuses flags that go with --finetune where that is not.
func (x *tuningFlags) alone() error {
	for _, name := range tuningNames {
		if x.set(name) {
			return usagef("--%s goes with --finetune", name)
		}
	}
	return nil
}

// finetuneFlags are the flags of eval about fine-tuning.
type finetuneFlags struct {
	modes []string
	tuningFlags
}

func (x *finetuneFlags) add(flags *pflag.FlagSet) {
	flags.StringSliceVar(&x.modes, "finetune", nil, fmt.Sprintf("add a row for the bundle, or for each file of --experts, tuned on each task: %s (with --suite)", names(finetune.Modes)))
	x.tuningFlags.add(flags)
}

func names(modes []finetune.Mode) string {
	var list []string
	for _, m := range modes {
		list = append(list, string(m))
	}
	return strings.Join(list, ", ")
}

// config is that of a mode with what the flags change.
func (x *tuningFlags) config(mode string) finetune.Config {
	c := finetune.Default(finetune.Mode(mode))
	for name, take := range map[string]func(){
		"finetune-share": func() { c.Share = x.cfg.Share },
		"finetune-from":  func() { c.From = x.cfg.From },
		"finetune-steps": func() { c.Steps = x.cfg.Steps },
		"finetune-folds": func() { c.Folds = x.cfg.Folds },
		"finetune-rates": func() { c.Rates = x.cfg.Rates },
		"finetune-parts": func() { c.Parts = x.cfg.Parts },
	} {
		if x.set(name) {
			take()
		}
	}
	return c
}

// check is told whether a suite is measured.
func (x *finetuneFlags) check(suite bool) error {
	if len(x.modes) == 0 {
		return x.alone()
	}
	if !suite {
		return usagef("--finetune goes with --suite: each task is tuned for itself")
	}
	for i, mode := range x.modes {
		if !slices.Contains(finetune.Modes, finetune.Mode(mode)) {
			return usagef("--finetune %q: want some of %s", mode, names(finetune.Modes))
		}
		if slices.Contains(x.modes[:i], mode) {
			return usagef("--finetune: %s is there twice", mode)
		}
	}
	return nil
}

// start is what is tuned: the bundle, or what experts merge into it.
type start struct {
	name, path string // of the file that is named when they do not fit
	experts    *sparse.Experts
	hash       string // of the experts
}

// methods are the experts merged into the bundle, or the bundle itself where there are none, tuned in every mode asked for. b may be nil where no mode is.
func (x *finetuneFlags) methods(experts []namedExperts, b *bundle) ([]metatune.Method, error) {
	if len(x.modes) == 0 {
		return nil, nil
	}
	var starts []start
	for _, e := range experts {
		starts = append(starts, start{e.name, e.path, e.tuned, e.hash})
	}
	if len(starts) == 0 {
		starts = []start{{name: b.name, path: b.path}}
	}
	var methods []metatune.Method
	for _, mode := range x.modes {
		cfg := x.config(mode)
		if err := cfg.Check(b.model.Config().Depth); err != nil {
			return nil, usagef("--finetune %s: %v", mode, err)
		}
		how, err := json.Marshal(cfg)
		if err != nil {
			return nil, err
		}
		for _, s := range starts {
			m, err := metatune.FineTune(strings.TrimSpace(s.name+" tuned, "+mode), b.model, b.hash, s.experts, s.hash, fmt.Sprintf("procedure %d, %s", finetune.Procedure, how), tuneOne(cfg))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.path, err)
			}
			methods = append(methods, m)
		}
	}
	return methods, nil
}

// tuneOne is finetune for one task at a time on one goroutine.
func tuneOne(cfg finetune.Config) metatune.Tune {
	return func(ctx context.Context, base *vit.Int8Model, demand []float32, task metatune.Support) (metatune.TunedModel, error) {
		cfg := cfg
		cfg.Seed += uint64(task.Number)
		cfg.Workers = 1
		tuner := finetune.Tuner{Base: base, Demand: demand, Pause: ctx.Err}
		r, err := tuner.Tune(finetune.Task{Images: task.Images, Labels: task.Labels, Way: task.Way, Size: task.Size}, cfg)
		if err != nil {
			return metatune.TunedModel{}, err
		}
		tuned := metatune.TunedModel{Model: r.Model, Rate: r.Rate, Tuned: r.Tuned, Changed: r.Change.Len()}
		if r.Rate > 0 {
			tuned.Part = r.Part
		}
		return tuned, nil
	}
}
