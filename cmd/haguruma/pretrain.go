package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haguruma/core/manifest"
	"haguruma/core/tensorfile"
	"haguruma/core/vit"
	"haguruma/sparse/metatune"
)

type pretrainFlags struct {
	cfg                        metatune.PretrainConfig
	recipe, bundle, name, card string
	asJSON                     bool
}

func (a *app) pretrainCommand() *cobra.Command {
	f := &pretrainFlags{cfg: metatune.DefaultPretrain()}
	command := &cobra.Command{
		Use:   "pretrain --data FOLDER --out FOLDER",
		Short: "Train a backbone from nothing on folders of pictures",
		Long: `pretrain trains a small vision transformer on the training classes of several
sets: --data is a folder with datasets.json and the sets' zips. It never sees
validation or test classes. The flags' defaults are the recipe of the default
bundle.

--out receives checkpoint.safetensors, weights.safetensors, the int8 bundle,
log.jsonl, the curves and config.json. Interrupted (Ctrl-C) or stopped, the
same command goes on from the checkpoint.

--start makes a trained backbone smaller instead: its weights are held to few
values each (--levels 31 --bits 3.2) while they learn, without labels, to embed
as before; --lr 3e-4 --optimizer adamw --weight-decay 0 do.

--bundle writes the int8 bundle and its manifest a second time, under a name and
with a model card.`,
		Example: `  haguruma pretrain --data data --out out/small --steps 3000
  haguruma pretrain --data data --out out/again --recipe out/small/config.json --seed 2
  haguruma pretrain --data data --out out/small --bundle www/models --name default --card card.md`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if f.cfg.Data == "" {
				return usagef("--data is missing: the folder with datasets.json and the sets")
			}
			if f.cfg.Out == "" {
				return usagef("--out is missing: the folder for checkpoint, weights and log")
			}
			if f.bundle == "" && (f.card != "" || command.Flags().Changed("name")) {
				return usagef("--name and --card go with --bundle FOLDER")
			}
			if f.name == "" || f.name != filepath.Base(f.name) {
				return usagef("--name %q: want the name of a file, without a folder", f.name)
			}
			if f.recipe != "" {
				if err := applyRecipe(f.recipe, command.Flags(), &f.cfg, metatune.DefaultPretrain()); err != nil {
					return err
				}
			}
			if err := f.cfg.Check(); err != nil {
				return usageError{err.Error()}
			}
			return a.pretrain(command.Context(), f)
		},
	}
	flags := command.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.cfg.Data, "data", "", "folder with datasets.json and the sets' zips")
	flags.StringVar(&f.cfg.Out, "out", "", "folder for checkpoint, weights, log and curves")
	flags.StringVar(&f.recipe, "recipe", "", "config.json of another run; flags given beside it win")
	flags.StringVar(&f.bundle, "bundle", "", "folder for a named int8 bundle and its manifest")
	flags.StringVar(&f.name, "name", "default", "name of that bundle")
	flags.StringVar(&f.card, "card", "", "text file that becomes the model card in that bundle")
	flags.BoolVar(&f.asJSON, "json", false, "print the result as JSON")
	addRecipeFlags(flags, &f.cfg)
	return command
}

// addRecipeFlags makes a flag of every field of the config, with its default.
func addRecipeFlags(flags *pflag.FlagSet, c *metatune.PretrainConfig) {
	flags.Var(&setsFlag{&c.Sets}, "sets", "sets to train on, NAME:KIND:WEIGHT each; KIND is photo or character")
	flags.IntVar(&c.Steps, "steps", c.Steps, "steps of the optimizer")
	flags.IntVar(&c.Micro, "micro", c.Micro, "micro-batches a step, shared out over the cores")
	flags.IntVar(&c.Batch, "batch", c.Batch, "pictures in a micro-batch, all of one set")
	flags.IntVar(&c.PerClass, "per-class", c.PerClass, "pictures of each class in a micro-batch")
	flags.StringVar(&c.Optimizer, "optimizer", c.Optimizer, "muon or adamw")
	flags.Float64Var(&c.LR, "lr", c.LR, "peak learning rate")
	flags.IntVar(&c.Warmup, "warmup", c.Warmup, "steps of linear warm-up, then cosine to 0")
	flags.Float64Var(&c.WeightDecay, "weight-decay", c.WeightDecay, "weight decay of the matrices")
	flags.Float64Var(&c.Clip, "clip", c.Clip, "largest norm of the gradient")
	flags.Float64Var(&c.LogitScale, "logit-scale", c.LogitScale, "scale of the cosine classifiers")
	flags.Float64Var(&c.Smoothing, "smoothing", c.Smoothing, "label smoothing")
	flags.Float64Var(&c.Contrast, "contrast", c.Contrast, "weight of the contrastive loss")
	flags.Float64Var(&c.Temperature, "temperature", c.Temperature, "temperature of the contrastive loss")
	flags.Var(&stagesFlag{&c.Stages}, "stages", "picture sizes, SIZE:UNTIL each; UNTIL is a share of the steps")
	flags.Float64Var(&c.DropPath, "drop-path", c.DropPath, "share of residual branches dropped in the last block")
	flags.Uint64Var(&c.Seed, "seed", c.Seed, "seed of everything random")
	flags.IntVar(&c.ValidateEvery, "validate-every", c.ValidateEvery, "steps between few-shot validations; 0: only at the end")
	flags.DurationVar(&c.CheckpointEvery, "checkpoint-every", c.CheckpointEvery, "time between checkpoints")

	flags.StringVar(&c.Start, "start", "", "weights.safetensors to hold to --levels values, in place of training from nothing")
	flags.IntVar(&c.Levels, "levels", 0, "values a weight may have, odd; with --start")
	flags.Float64Var(&c.Bits, "bits", 0, "bits of a weight when packed, its entropy; with --start")

	m := &c.Model
	flags.IntVar(&m.ImageSize, "image-size", m.ImageSize, "side of the picture the backbone is made for, pixels")
	flags.IntVar(&m.PatchSize, "patch-size", m.PatchSize, "side of a patch, pixels")
	flags.Var(&stemFlag{&m.Stem}, "stem", "channels of the 3x3 stride-2 convolutions; none: one linear patch embedding")
	flags.IntVar(&m.Dim, "dim", m.Dim, "width of the tokens and of the embedding")
	flags.IntVar(&m.Depth, "depth", m.Depth, "blocks")
	flags.IntVar(&m.Heads, "heads", m.Heads, "attention heads of a block")
	flags.IntVar(&m.MLPDim, "mlp-dim", m.MLPDim, "hidden width of the MLPs")
	flags.StringVar(&m.Pool, "pool", m.Pool, "cls (class token) or mean (of the patch tokens)")

	addAugmentFlags(flags, &c.Augment)
}

func (a *app) pretrain(ctx context.Context, f *pretrainFlags) error {
	card := []byte(nil)
	if f.card != "" {
		var err error
		if card, err = tensorfile.ReadFile(f.card, maxText); err != nil { // before days of work
			return err
		}
	}
	if _, err := os.Stat(filepath.Join(f.cfg.Data, "datasets.json")); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--data %s: no datasets.json in it: %w", f.cfg.Data, err)
	}
	progress := a.newReporter()
	defer progress.close()
	params, err := metatune.Pretrain(ctx, f.cfg, progress.report)
	progress.close()
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("stopped; the same command goes on from the checkpoint in %s", f.cfg.Out)
	}
	if err != nil {
		return err
	}
	weights := filepath.Join(f.cfg.Out, metatune.WeightsFile)
	result := map[string]any{"weights": weights, "parameters": len(params.Flat), "steps": f.cfg.Steps}
	if f.bundle != "" {
		written, err := tensorfile.Load(weights)
		if err != nil {
			return err
		}
		metadata := metatune.HowMade(written.Metadata)
		if f.card != "" {
			metadata["card"] = string(card)
		}
		bundled, err := manifest.Write(f.bundle, f.name, vit.NewInt8(params), metadata)
		if err != nil {
			return err
		}
		result["bundle"] = bundled
	}
	if f.asJSON {
		return a.writeJSON(result)
	}
	fmt.Fprintf(a.stdout, "trained %d parameters in %d steps: %s\n", len(params.Flat), f.cfg.Steps, weights)
	if m, ok := result["bundle"].(manifest.Manifest); ok {
		fmt.Fprintf(a.stdout, "bundle %s: %d bytes, sha256 %s\n", filepath.Join(f.bundle, m.File), m.Bytes, m.SHA256)
	}
	return nil
}
