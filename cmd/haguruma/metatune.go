package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haguruma/core/manifest"
	"haguruma/core/tensorfile"
	"haguruma/core/vit"
	"haguruma/sparse"
	"haguruma/sparse/metatune"
)

type metatuneFlags struct {
	cfg                               metatune.MetaConfig
	recipe, bundle, weights, baseline string
	install                           string
	asJSON                            bool
}

// tuned is the result of a run, for --json.
type tuned struct {
	*metatune.MetaResult
	File    string  `json:"file"`
	Bytes   int64   `json:"bytes"`
	Experts int     `json:"experts"`
	Union   float64 `json:"union"` // share of the weights that some expert opens
}

func (a *app) metatuneCommand() *cobra.Command {
	f := &metatuneFlags{cfg: metatune.DefaultMetaConfig()}
	command := &cobra.Command{
		Use:   "metatune --data FOLDER --out FOLDER",
		Short: "Learn sparse experts, their shared delta and the router for a backbone",
		Long: `metatune learns what a few examples should change in a backbone: masks that say
which weights each expert may move, one delta that they share, and a router that
mixes them by the prototypes of the examples (Chen et al. 2024, SMAT). It draws
few-shot tasks from the training classes of several sets, validates on
validation classes and meta-val sets, and keeps the best state. --data is a
folder with datasets.json and the sets' zips.

It starts from --bundle (int8, dequantized), whose hash the experts then name as
theirs, or from the float32 --weights of a training run: such experts can be
measured (haguruma eval --experts-float) and not used. --out receives
experts.safetensors.zst, checkpoint.safetensors, log.jsonl, the curves and
config.json; with --install the bundle gets them too. Interrupted (Ctrl-C) or stopped, the same command goes on from the
checkpoint.

--baseline trains, from the same start, data and budget, what the experts are to
be compared with:
` + baselineHelp(),
		Example: `  haguruma metatune --data data --out out/experts
  haguruma metatune --data data --out out/experts --install www/models/default.json
  haguruma metatune --data data --out out/pmf --baseline pmf
  haguruma metatune --data data --out out/again --recipe out/experts/config.json --seed 2`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := f.check(command); err != nil {
				return err
			}
			return a.metatune(command.Context(), f)
		},
	}
	flags := command.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.cfg.Data, "data", "", "folder with datasets.json and the sets' zips")
	flags.StringVar(&f.cfg.Out, "out", "", "folder for checkpoint, experts, log and curves")
	flags.StringVarP(&f.bundle, "bundle", "b", "", "bundle to start from, or its manifest (default: www/models/default.json)")
	flags.StringVar(&f.weights, "weights", "", "float32 weights to start from instead")
	flags.StringVar(&f.recipe, "recipe", "", "config.json of another run; flags given beside it win")
	flags.StringVar(&f.baseline, "baseline", "", "what to train instead: "+strings.Join(baselineNames(), ", "))
	flags.StringVar(&f.install, "install", "", "manifest of the bundle: put the experts beside it and name them in it, for page and terminal")
	flags.BoolVar(&f.asJSON, "json", false, "print the result as JSON")
	addMetaFlags(flags, &f.cfg)
	return command
}

// addMetaFlags makes a flag of every field of the config, with its default.
func addMetaFlags(flags *pflag.FlagSet, c *metatune.MetaConfig) {
	t := &c.Tasks
	flags.Var(&setsFlag{&t.Sets}, "sets", "sets to draw tasks from, NAME:KIND:WEIGHT each; KIND is photo or character")
	flags.IntVar(&t.Size, "size", t.Size, "side of the pictures, pixels")
	flags.IntVar(&t.MinWay, "min-way", t.MinWay, "fewest classes of a task")
	flags.IntVar(&t.MaxWay, "max-way", t.MaxWay, "most classes of a task")
	flags.IntVar(&t.MinShot, "min-shot", t.MinShot, "fewest examples of a class")
	flags.IntVar(&t.MaxShot, "max-shot", t.MaxShot, "most examples of a class")
	flags.IntVar(&t.Queries, "queries", t.Queries, "pictures of each class that are asked")
	flags.IntVar(&t.Pictures, "pictures", t.Pictures, "most pictures of a task; classes give way")
	flags.Float64Var(&t.Restyle, "restyle", t.Restyle, "share of tasks whose pictures are all restyled alike: gray, inverted, channels exchanged, blurred")

	g := &c.Gates
	flags.IntVar(&g.Experts, "experts", g.Experts, "experts")
	flags.StringVar((*string)(&g.Gate), "gate", string(g.Gate), "binary, concrete or parity")
	flags.StringVar((*string)(&g.Unit), "unit", string(g.Unit), "what a gate opens: scalar, column or row")
	flags.Var(&namesFlag{&g.Tensors}, "tensors", "patterns of the tensors with gates, such as blocks.*.mlp.fc2.weight; #i/n behind one takes a part of the rows (default: all)")
	flags.StringVar((*string)(&c.Masks), "masks", string(c.Masks), "learned, dense, random or magnitude")
	flags.Float64Var(&c.Density, "density", c.Density, "share of the weights that an expert may open")
	flags.Float64Var(&c.InitDensity, "init-density", c.InitDensity, "share that is open at the start")
	flags.IntVar(&c.StartTasks, "start-tasks", c.StartTasks, "tasks looked at before the first update, to start keys and masks from; 0: both by chance")
	flags.Float64Var(&c.StartMargin, "start-margin", c.StartMargin, "how far the router's logit of a task's expert starts above the others', half of it above 0; with --start-tasks")
	flags.BoolVar(&c.Settle, "settle", c.Settle, "bring each mask to exactly the density at the end")

	flags.IntVar(&c.Updates, "updates", c.Updates, "steps of the optimizers")
	flags.IntVar(&c.Batch, "batch", c.Batch, "tasks an update, shared out over the cores")
	flags.IntVar(&c.Warmup, "warmup", c.Warmup, "updates of linear warm-up, then cosine to 0")
	flags.StringVar(&c.Optimizer, "optimizer", c.Optimizer, "of the delta: adamw, muon or sgd")
	flags.Float64Var(&c.LR, "lr", c.LR, "peak learning rate of the delta")
	flags.Float64Var(&c.Decay, "decay", c.Decay, "weight decay of the delta")
	flags.Float64Var(&c.GateLR, "gate-lr", c.GateLR, "peak learning rate of the gates")
	flags.Float64Var(&c.DualLR, "dual-lr", c.DualLR, "peak learning rate of the density multipliers")
	flags.Float64Var(&c.RouterLR, "router-lr", c.RouterLR, "peak learning rate of the router")
	flags.Float64Var(&c.Clip, "clip", c.Clip, "largest norm of the gradient of the delta and of the router")

	flags.StringVar((*string)(&c.Routing), "routing", string(c.Routing), "learned or uniform")
	flags.Float64Var(&c.RouterPull, "router-pull", c.RouterPull, "weight of the mean square of the router's logits")
	flags.BoolVar(&c.Noiseless, "noiseless", c.Noiseless, "no noise on the router's logits: tasks go in training where they will go in use")
	flags.Float64Var(&c.Balance, "balance", c.Balance, "weight of the divergence of the mean scores from uniform")
	flags.Var(&pairFlag{&c.Temperature}, "temperature", "of the scores, FIRST,LAST")
	flags.Float64Var(&c.Cooling, "cooling", c.Cooling, "share of the run over which the temperature falls")

	flags.Float64Var(&c.Distill, "distill", c.Distill, "weight of distillation; cross-entropy has the rest")
	flags.BoolVar(&c.Pretrained, "pretrained", c.Pretrained, "the backbone alone is a teacher")
	flags.Float64Var(&c.Dense, "dense", c.Dense, "learning rate of the dense teacher's step; 0: no such teacher")
	flags.StringVar((*string)(&c.Direction), "direction", string(c.Direction), "of the divergence: teacher or student first")
	flags.Float64Var(&c.Inner, "inner", c.Inner, "learning rate of an inner step on the support; 0: none")
	flags.Float64Var(&c.TeacherHeat, "teacher-heat", c.TeacherHeat, "temperature of distillation")
	flags.BoolVar(&c.Parity, "parity", c.Parity, "compute multipliers and density terms as the paper's code does")

	flags.Uint64Var(&c.Seed, "seed", c.Seed, "seed of everything random")
	flags.IntVar(&c.ValidateEvery, "validate-every", c.ValidateEvery, "updates between validations; 0: only at the end")
	flags.IntVar(&c.Episodes, "episodes", c.Episodes, "episodes of each validation set")
	flags.IntVar(&c.Patience, "patience", c.Patience, "validations without a better mean before the run stops; 0: never")
	flags.DurationVar(&c.CheckpointEvery, "checkpoint-every", c.CheckpointEvery, "time between checkpoints")
	addAugmentFlags(flags, &t.Augment)
}

func (f *metatuneFlags) check(command *cobra.Command) error {
	switch {
	case f.cfg.Data == "":
		return usagef("--data is missing: the folder with datasets.json and the sets")
	case f.cfg.Out == "":
		return usagef("--out is missing: the folder for checkpoint, experts and log")
	}
	if err := exclusive(command, "bundle", "weights"); err != nil {
		return err
	}
	if err := exclusive(command, "install", "weights"); err != nil {
		return err
	}
	if f.recipe != "" {
		if err := applyRecipe(f.recipe, command.Flags(), &f.cfg, metatune.DefaultMetaConfig()); err != nil {
			return err
		}
	}
	if f.baseline != "" {
		if err := applyBaseline(f.baseline, command.Flags(), &f.cfg); err != nil {
			return err
		}
	}
	if err := f.cfg.Tasks.Check(); err != nil {
		return usageError{err.Error()}
	}
	if err := f.cfg.Check(); err != nil {
		return usageError{err.Error()}
	}
	return nil
}

// start is the backbone that the run starts from, in float32. Experts of a bundle are marked with its hash.
func (f *metatuneFlags) start() (*vit.Params[float32], error) {
	if f.weights == "" {
		b, err := openBundle(f.bundle)
		if err != nil {
			return nil, err
		}
		f.cfg.Backbone = b.hash
		return b.model.Params(), nil
	}
	return openWeights(f.weights)
}

// openWeights reads float32 weights of a training run.
func openWeights(path string) (*vit.Params[float32], error) {
	file, err := tensorfile.Load(path)
	if err != nil {
		return nil, err
	}
	params, err := vit.OpenParams(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return params, nil
}

func (a *app) metatune(ctx context.Context, f *metatuneFlags) error {
	params, err := f.start()
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(f.cfg.Data, "datasets.json")); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--data %s: no datasets.json in it: %w", f.cfg.Data, err)
	}
	if err := f.checkInstall(); err != nil { // before hours of work
		return err
	}
	progress := a.newReporter()
	defer progress.close()
	result, err := metatune.MetaTune(ctx, f.cfg, params, progress.report)
	progress.close()
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("stopped; the same command goes on from the checkpoint in %s", f.cfg.Out)
	}
	if err != nil {
		return err
	}
	done := tuned{MetaResult: result, File: filepath.Join(f.cfg.Out, metatune.ExpertsFile), Experts: len(result.Experts.Masks), Union: result.Experts.Union()}
	info, err := os.Stat(done.File)
	if err != nil {
		return err
	}
	done.Bytes = info.Size()
	if f.install != "" {
		if err := installExperts(f.install, done.File); err != nil {
			return err
		}
	}
	if f.asJSON {
		return a.writeJSON(done)
	}
	a.printTuned(done)
	return nil
}

// checkInstall reports whether the experts can be named in the manifest: it must be that of the bundle they start from.
func (f *metatuneFlags) checkInstall() error {
	if f.install == "" {
		return nil
	}
	m, err := manifest.Read(f.install)
	if err != nil {
		return err
	}
	if m.SHA256 != f.cfg.Backbone {
		return fmt.Errorf("--install %s: it names the bundle %s, the run starts from %s: %w", f.install, m.SHA256, f.cfg.Backbone, sparse.ErrBackbone)
	}
	return nil
}

// installExperts puts a file of experts beside the bundle of a manifest, which then names it.
func installExperts(path, experts string) error {
	file, err := tensorfile.Load(experts)
	if err != nil {
		return err
	}
	_, err = manifest.WriteExperts(filepath.Dir(path), strings.TrimSuffix(filepath.Base(path), ".json"), file)
	return err
}

func (a *app) printTuned(t tuned) {
	fmt.Fprintf(a.stdout, "experts %s: %d bytes\n", t.File, t.Bytes)
	fmt.Fprintf(a.stdout, "update %d, validation mean %.2f%%, %.0f s\n", t.Update, t.Mean, t.Seconds)
	for m, density := range t.Density {
		fmt.Fprintf(a.stdout, "expert %d: density %.4f\n", m, density)
	}
	fmt.Fprintf(a.stdout, "some expert opens %.4f of the weights", t.Union)
	if len(t.Density) > 1 {
		fmt.Fprintf(a.stdout, "; mean overlap of two experts %.4f", t.Overlap)
	}
	fmt.Fprintln(a.stdout)
}
