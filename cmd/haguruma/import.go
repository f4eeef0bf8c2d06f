package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"haguruma/core/manifest"
	"haguruma/core/tensorfile"
	"haguruma/core/vit"
	"haguruma/sparse/metatune"
)

type importFlags struct {
	out, name, layout, key, card string
	imageSize, heads             int
	eps                          float64
	mean, std                    []float64
	check                        []string
	float32, asJSON              bool
}

// imported is what import did, for --json.
type imported struct {
	File       string             `json:"file"`
	SHA256     string             `json:"sha256"`
	Key        string             `json:"key"` // of the state dict in a training checkpoint; "" for the file itself
	Layout     string             `json:"layout"`
	Prefix     string             `json:"prefix"`
	Read       int                `json:"read"`    // tensors
	Ignored    []string           `json:"ignored"` // tensors that are no part of the backbone
	Parameters int                `json:"parameters"`
	From       map[string]string  `json:"from"`      // where heads, eps, mean and std came from
	TrainedAt  int                `json:"trainedAt"` // picture size that the file's positions are for
	Positions  string             `json:"positions"` // how they were resized; "" when they were not
	Config     vit.Config         `json:"config"`    // of the bundle
	Bundle     manifest.Manifest  `json:"bundle"`
	Weights    string             `json:"weights"`     // float32 checkpoint; "" without --float32
	Check      *quantizationCheck `json:"int8Against"` // the bundle against the float32 weights
	Experts    *importedExperts   `json:"experts"`     // null where the checkpoint has a backbone alone
}

func (a *app) importCommand() *cobra.Command {
	f := &importFlags{}
	command := &cobra.Command{
		Use:   "import FILE --out FOLDER",
		Short: "Make a bundle of somebody else's ViT checkpoint",
		Long: `import reads the weights of a vision transformer that others have trained,
quantizes them to int8 and writes a bundle and its manifest, which every verb and
the page can use in place of the default.

FILE is .safetensors, or .pth, .pt or .bin of PyTorch, or a folder from Hugging
Face. Nothing in a .pth is run. These models are known:

  dino        DINO ViT-S and ViT-B, patch 8 or 16 (torch hub)
  dinov2      DINOv2 ViT-S, B and L, with and without registers (torch hub)
  deit        DeiT, DeiT III, distilled or not
  timm        vit_* and deit_* with a class token
  hf-vit      Hugging Face ViT and DeiT, facebook/dino-vits16 among them
  hf-dinov2   Hugging Face DINOv2, with and without registers
  haguruma    weights.safetensors of haguruma pretrain or tools/torch/pretrain.py

Checkpoints of SMAT (szc12153/sparse_meta_tuning), on ViT-S or ViT-B, are a
backbone and its sparse experts, which are written beside it.

Not these: SwiGLU (DINOv2 ViT-g), CLIP, pooling other than by the class token.

What tensors do not tell, heads, eps, mean and std, is read from config.json and
preprocessor_config.json beside FILE; else it is what the layout's authors use,
and printed. Of a training checkpoint the first there is of teacher,
state_dict_ema, model_ema, state_dict, model and student is taken.

--image-size resizes the position embeddings as the authors do: DINOv2 is trained
at 518 pixels, and five times faster at 224.`,
		Example: `  haguruma import dino_deitsmall16_pretrain.pth --out models --name dino-s16
  haguruma import dinov2-small --out models --image-size 224
  haguruma import vit_small.safetensors --out models --check photos
  haguruma classify --bundle models/dino-s16.json --support castings new`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("want one checkpoint, have %d", len(args))
			}
			return nil
		},
		RunE: func(command *cobra.Command, args []string) error {
			if f.out == "" {
				return usagef("--out is missing: the folder for the bundle")
			}
			if f.name == "" {
				f.name, _, _ = strings.Cut(filepath.Base(filepath.Clean(args[0])), ".")
			}
			if f.name == "" || f.name != filepath.Base(f.name) {
				return usagef("--name %q: want the name of a file, without a folder", f.name)
			}
			if f.layout != "auto" && f.layout != ownLayout && !slices.Contains(vit.Layouts(), f.layout) {
				return usagef("--layout %q: want auto or one of %s, %s", f.layout, strings.Join(vit.Layouts(), ", "), ownLayout)
			}
			hints, err := f.hints(command)
			if err != nil {
				return err
			}
			return a.importFile(args[0], f, hints)
		},
	}
	flags := command.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.out, "out", "", "folder for the bundle and its manifest")
	flags.StringVar(&f.name, "name", "", "name of the bundle (default: that of FILE)")
	flags.IntVar(&f.imageSize, "image-size", 0, "side of the pictures to run at, pixels (default: as trained)")
	flags.StringVar(&f.layout, "layout", "auto", "auto, or "+strings.Join(vit.Layouts(), ", ")+", "+ownLayout)
	flags.StringVar(&f.key, "key", "", "state dict to take from a training checkpoint")
	flags.IntVar(&f.heads, "heads", 0, "attention heads of a block")
	flags.Float64Var(&f.eps, "eps", 0, "eps of every LayerNorm")
	flags.Float64SliceVar(&f.mean, "mean", nil, "mean of red, green and blue in 0..1")
	flags.Float64SliceVar(&f.std, "std", nil, "deviation of red, green and blue in 0..1")
	flags.StringVar(&f.card, "card", "", "text file that becomes the model card in the bundle")
	flags.BoolVar(&f.float32, "float32", false, "write the float32 weights too, for haguruma eval --weights")
	flags.StringArrayVar(&f.check, "check", nil, "picture or folder to compare int8 and float32 on; may be repeated (default: made up)")
	flags.BoolVar(&f.asJSON, "json", false, "print the result as JSON")
	return command
}

// hints are the flags that were given, in the form of a file beside the checkpoint.
func (f *importFlags) hints(command *cobra.Command) ([]vit.Hint, error) {
	var hints []vit.Hint
	for name, value := range map[string]any{"heads": f.heads, "eps": f.eps, "mean": f.mean, "std": f.std} {
		if !command.Flags().Changed(name) {
			continue
		}
		if list, ok := value.([]float64); ok && len(list) != 3 {
			return nil, usagef("--%s: want three numbers, one for each of red, green and blue, have %d", name, len(list))
		}
		text, err := json.Marshal(map[string]any{name: value})
		if err != nil {
			return nil, usagef("--%s: %v", name, err)
		}
		hints = append(hints, vit.Hint{Source: "--" + name, Text: string(text)})
	}
	return hints, nil
}

func (a *app) importFile(path string, f *importFlags, flags []vit.Hint) error {
	progress := a.newReporter()
	defer progress.close()
	const stages = 4
	progress.report("import", 0, stages, "reading")
	source, err := readCheckpoint(path, f.key)
	if err != nil {
		return err
	}
	read, experts, err := readBackbone(source, f, flags)
	if err != nil {
		return err
	}
	result := imported{
		File: source.path, SHA256: source.hash, Key: source.key, Layout: read.Layout, Prefix: read.Prefix,
		Read: len(source.file.Tensors) - len(read.Ignored), Ignored: append([]string{}, read.Ignored...),
		Parameters: len(read.Params.Flat), From: read.From, TrainedAt: read.Params.Config.ImageSize,
	}
	metadata := map[string]string{}
	if result.Layout == ownLayout {
		metadata = metatune.HowMade(source.file.Metadata)
	}
	if f.card != "" {
		card, err := tensorfile.ReadFile(f.card, maxText)
		if err != nil {
			return err
		}
		metadata["card"] = string(card)
	}
	source.file = nil // the parameters are a copy of it
	params := read.Params
	if f.imageSize != 0 && f.imageSize != params.Config.ImageSize {
		if err := params.Config.CheckSize(f.imageSize); err != nil {
			return usagef("--image-size %d: %v", f.imageSize, err)
		}
		result.Positions = ruleName(read.Positions)
		params = params.ResizePositions(f.imageSize, read.Positions)
	}

	progress.report("import", 1, stages, "quantizing")
	model := vit.NewInt8(params)
	result.Config = model.Config()
	progress.report("import", 2, stages, "comparing")
	if result.Check, err = compareInt8(params, model, f.check); err != nil {
		return err
	}
	progress.report("import", 3, stages, "writing")
	origin, err := json.Marshal(map[string]string{
		"file": filepath.Base(source.path), "sha256": source.hash, "key": source.key, "layout": read.Layout, "prefix": read.Prefix,
	})
	if err != nil {
		return err
	}
	metadata["import"] = string(origin)
	if result.Bundle, err = manifest.Write(f.out, f.name, model, metadata); err != nil {
		return err
	}
	if experts != nil {
		metadata["backbone"], experts.Experts.Backbone = result.Bundle.SHA256, result.Bundle.SHA256
		if result.Experts, err = writeExperts(f, experts, metadata); err != nil {
			return err
		}
	}
	if f.float32 {
		result.Weights = filepath.Join(f.out, f.name+".float32.safetensors")
		file := params.File()
		file.Metadata["import"] = string(origin)
		if err := tensorfile.Save(result.Weights, file); err != nil {
			return err
		}
	}
	progress.close()
	if f.asJSON {
		return a.writeJSON(result)
	}
	return a.printImport(f, &result)
}

func ruleName(rule vit.PositionRule) string {
	switch {
	case rule.Antialias:
		return "bicubic, antialiased"
	case rule.Offset != 0:
		return fmt.Sprintf("bicubic, offset %g", rule.Offset)
	}
	return "bicubic"
}
