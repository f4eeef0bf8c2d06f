package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"haguruma/adapt/adapter"
	"haguruma/adapt/carry"
	"haguruma/adapt/export"
	"haguruma/core/onnx"
	"haguruma/core/tensorfile"
	"haguruma/core/vit"
)

// exported is what export did, for --json.
type exported struct {
	File        string       `json:"file"`
	ONNX        string       `json:"onnx,omitempty"`
	Int8        string       `json:"int8"`  // type of the weights; "" for float32
	Bytes       int          `json:"bytes"` // of the ONNX file
	Batch       int          `json:"batch"` // 0: any
	Size        int          `json:"size"`  // of the pictures
	Dim         int          `json:"dim"`
	Classes     []string     `json:"classes,omitempty"` // of the head; none without an adapter
	Adapter     *adapterInfo `json:"adapter,omitempty"`
	Safetensors string       `json:"safetensors,omitempty"`
}

type exportFlags struct {
	onnx, safetensors, codes, experts string
	batch                             int
	asJSON                            bool
	adapter                           adapterFlags
}

func (a *app) exportCommand() *cobra.Command {
	f := exportFlags{}
	command := &cobra.Command{
		Use:   "export [FILE] [--adapter FILE] {--onnx OUT | --safetensors OUT}",
		Short: "Write a backbone, or a whole adaptation, for other engines",
		Long: `export writes a bundle, or the float32 weights of pretrain and import, for other
engines. --onnx: opset 17, float32 (of a bundle: what its int8 codes stand for), from
pixel_values (N, 3, size, size), normalized by the config's mean and std, to
embedding (N, dim). --safetensors: float32 weights under the names that timm gives them.

With --adapter, it is the adapted backbone, experts and changes of weights merged, with
the head on top: a second output of the ONNX file, probabilities (N, classes), and
head.weight and head.bias for the embedding scaled to length one in the safetensors.
The names of the classes are in the metadata of both. Without FILE it is the default bundle.

--int8 quantizes its linear layers dynamically, as onnxruntime's quantize_dynamic
does: weights of type s8 or u8 with one scale a matrix, activations while it runs.`,
		Example: `  haguruma export models/dino-s16.json --onnx dino-s16.onnx
  haguruma export out/weights.safetensors --onnx small.onnx --batch 1
  haguruma export --adapter castings.safetensors --onnx castings.onnx --safetensors castings-timm.safetensors`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 && (len(args) > 1 || f.adapter.path == "") {
				return usagef("want one bundle or checkpoint, have %d", len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if f.onnx == "" && f.safetensors == "" {
				return usagef("--onnx is missing: the file to write; or --safetensors")
			}
			if f.batch < 0 {
				return usagef("--batch: want 0 (any) or more, have %d", f.batch)
			}
			if f.experts != "" && f.adapter.path == "" {
				return usagef("--experts goes with --adapter")
			}
			if err := f.adapter.check(); err != nil {
				return err
			}
			codes, known := map[string]onnx.Int8{"": 0, "s8": onnx.S8, "u8": onnx.U8}[f.codes]
			if !known {
				return usagef("--int8 %q: want s8 or u8", f.codes)
			}
			return a.export(f, codes, args)
		},
	}
	flags := command.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.onnx, "onnx", "", "ONNX file to write")
	flags.StringVar(&f.safetensors, "safetensors", "", "safetensors file to write, with timm's names")
	f.adapter.add(flags)
	flags.StringVar(&f.experts, "experts", "", "experts of the bundle (default: those that its manifest names)")
	flags.IntVar(&f.batch, "batch", 0, "pictures at a time; 0: any number")
	flags.StringVar(&f.codes, "int8", "", "quantize linear layers: s8 or u8 weights (default: float32)")
	flags.BoolVar(&f.asJSON, "json", false, "print the result as JSON")
	return command
}

func (a *app) export(f exportFlags, codes onnx.Int8, args []string) error {
	r := exported{Int8: f.codes, Batch: f.batch}
	var params *vit.Params[float32]
	var head *adapter.Adapter
	if f.adapter.path != "" {
		given := ""
		if len(args) == 1 {
			given = args[0]
		}
		x, path, err := f.adapted(given)
		if err != nil {
			return err
		}
		info := describe(x.Adapter)
		r.File, r.Adapter, head, params = path, &info, x.Adapter, x.Model().Params()
		for _, c := range x.Classes {
			r.Classes = append(r.Classes, c.Name)
		}
	} else {
		file, err := readModelFile(args[0])
		if err != nil {
			return err
		}
		if params, err = openParams(file.file); err != nil {
			return fmt.Errorf("%s: %w", file.path, err)
		}
		r.File = file.path
	}
	r.Size, r.Dim = params.Config.ImageSize, params.Config.Dim
	if f.onnx != "" {
		data, err := export.ONNX(params, f.batch, codes, head)
		if err != nil {
			return err
		}
		if err := tensorfile.WriteFile(f.onnx, data); err != nil {
			return err
		}
		r.ONNX, r.Bytes = f.onnx, len(data)
	}
	if f.safetensors != "" {
		if err := tensorfile.Save(f.safetensors, export.Timm(params, head)); err != nil {
			return err
		}
		r.Safetensors = f.safetensors
	}
	if f.asJSON {
		return a.writeJSON(r)
	}
	to := fmt.Sprintf("%d numbers", r.Dim)
	if head != nil {
		to += " and the probabilities of " + count(len(r.Classes), "class", "classes")
	}
	if r.ONNX != "" {
		fmt.Fprintf(a.stdout, "%s: %d bytes, pictures of %d pixels to %s\n", printable(r.ONNX), r.Bytes, r.Size, to)
	}
	if r.Safetensors != "" {
		fmt.Fprintf(a.stdout, "%s: float32 weights under timm's names, pictures of %d pixels to %s\n", printable(r.Safetensors), r.Size, to)
	}
	return nil
}

// adapted opens the bundle and applies the adapter to it.
func (f *exportFlags) adapted(bundle string) (*carry.Applied, string, error) {
	loaded, err := f.adapter.load()
	if err != nil {
		return nil, "", err
	}
	b, err := openBundle(bundle)
	if err != nil {
		return nil, "", err
	}
	x, err := b.apply(loaded, f.experts)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", f.adapter.path, err)
	}
	return x, b.path, nil
}

// openParams reads a bundle or a checkpoint as float32.
func openParams(f *tensorfile.File) (*vit.Params[float32], error) {
	if strings.HasPrefix(f.Metadata["format"], "haguruma-checkpoint/") {
		return vit.OpenParams(f)
	}
	model, err := vit.OpenInt8(f)
	if err != nil {
		return nil, err
	}
	return model.Params(), nil
}
