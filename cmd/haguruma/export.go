package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"haguruma/core/onnx"
	"haguruma/core/tensorfile"
	"haguruma/core/vit"
)

// exported is what export did, for --json.
type exported struct {
	File  string `json:"file"`
	ONNX  string `json:"onnx"`
	Int8  string `json:"int8"` // type of the weights; "" for float32
	Bytes int    `json:"bytes"`
	Batch int    `json:"batch"` // 0: any
	Size  int    `json:"size"`  // of the pictures
	Dim   int    `json:"dim"`
}

func (a *app) exportCommand() *cobra.Command {
	var to, codes string
	var batch int
	var asJSON bool
	command := &cobra.Command{
		Use:   "export FILE --onnx OUT",
		Short: "Write a backbone as an ONNX file for other engines",
		Long: `export writes a bundle, or the float32 weights of pretrain and import, as an ONNX
file: opset 17, float32 (of a bundle: what its int8 codes stand for), from
pixel_values (N, 3, size, size), normalized by the config's mean and std, to
embedding (N, dim).

--int8 quantizes its linear layers dynamically, as onnxruntime's quantize_dynamic
does: weights of type s8 or u8 with one scale a matrix, activations while it runs.`,
		Example: "  haguruma export models/dino-s16.json --onnx dino-s16.onnx\n  haguruma export out/weights.safetensors --onnx small.onnx --batch 1",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("want one bundle or checkpoint, have %d", len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if to == "" {
				return usagef("--onnx is missing: the file to write")
			}
			if batch < 0 {
				return usagef("--batch: want 0 (any) or more, have %d", batch)
			}
			weights, known := map[string]onnx.Int8{"": 0, "s8": onnx.S8, "u8": onnx.U8}[codes]
			if !known {
				return usagef("--int8 %q: want s8 or u8", codes)
			}
			f, err := readModelFile(args[0])
			if err != nil {
				return err
			}
			params, err := openParams(f.file)
			if err != nil {
				return fmt.Errorf("%s: %w", f.path, err)
			}
			var data []byte
			if weights == 0 {
				data, err = onnx.Model(params, batch)
			} else {
				data, err = onnx.ModelInt8(params, batch, weights)
			}
			if err != nil {
				return err
			}
			if err := tensorfile.WriteFile(to, data); err != nil {
				return err
			}
			r := exported{f.path, to, codes, len(data), batch, params.Config.ImageSize, params.Config.Dim}
			if asJSON {
				return a.writeJSON(r)
			}
			fmt.Fprintf(a.stdout, "%s: %d bytes, pictures of %d pixels to %d numbers\n", printable(to), r.Bytes, r.Size, r.Dim)
			return nil
		},
	}
	flags := command.Flags()
	flags.SortFlags = false
	flags.StringVar(&to, "onnx", "", "file to write")
	flags.IntVar(&batch, "batch", 0, "pictures at a time; 0: any number")
	flags.StringVar(&codes, "int8", "", "quantize linear layers: s8 or u8 weights (default: float32)")
	flags.BoolVar(&asJSON, "json", false, "print the result as JSON")
	return command
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
