package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"haguruma/core/manifest"
	"haguruma/core/vit"
	"haguruma/sparse/smat"
)

// importedExperts are the experts of a checkpoint that has some, for --json.
type importedExperts struct {
	File        string    `json:"file"` // beside the bundle
	Bytes       int       `json:"bytes"`
	SHA256      string    `json:"sha256"`
	Density     []float64 `json:"density"`     // of each expert: the share of weights that it changes
	Tasks       int       `json:"tasks"`       // of meta-tuning; 0 where the checkpoint has no router
	Temperature float32   `json:"temperature"` // of the router's scores
	Missing     []string  `json:"missing"`     // tensors without which there is no router
}

// readBackbone reads the backbone of a checkpoint, and the experts of one that has some. flags come after what files beside it say.
func readBackbone(source *checkpointFile, f *importFlags, flags []vit.Hint) (*vit.Import, *smat.Checkpoint, error) {
	if vit.IsCheckpoint(source.file) {
		read, err := readOwn(source, f, flags)
		return read, nil, err
	}
	hints, err := hintsBeside(source.path)
	if err != nil {
		return nil, nil, err
	}
	hints = append(hints, flags...)
	if !smat.Is(source.file) {
		read, err := vit.ImportParams(source.file, f.layout, hints...)
		if err != nil {
			return nil, nil, importError{fmt.Errorf("%s: %w", source.path, err)}
		}
		return read, nil, nil
	}
	c, err := smat.Read(source.file, hints...)
	if err != nil {
		return nil, nil, importError{fmt.Errorf("%s: %w", source.path, err)}
	}
	read := c.Backbone
	read.Ignored = c.Ignored
	if f.layout != "auto" && f.layout != read.Layout {
		return nil, nil, importError{fmt.Errorf("%s: layout %q: the backbone is one of %q: %w", source.path, f.layout, read.Layout, vit.ErrUnsupported)}
	}
	if size := read.Params.Config.ImageSize; f.imageSize != 0 && f.imageSize != size {
		return nil, nil, usagef("--image-size %d: the experts change positions for %d pixels, and each its own: they cannot be resized", f.imageSize, size)
	}
	return read, c, nil
}

// ownLayout is what the result calls checkpoints of this project's own form.
const ownLayout = "haguruma"

// readOwn reads a float32 checkpoint of haguruma pretrain or of tools/torch/pretrain.py, which says all of itself: the config.json beside it is the
// recipe of its training.
func readOwn(source *checkpointFile, f *importFlags, flags []vit.Hint) (*vit.Import, error) {
	if f.layout != "auto" && f.layout != ownLayout {
		return nil, importError{fmt.Errorf("%s: layout %q: the file is a checkpoint of haguruma: %w", source.path, f.layout, vit.ErrUnsupported)}
	}
	if len(flags) > 0 {
		return nil, importError{fmt.Errorf("%s: %s: the checkpoint has a config of its own, which nothing overrides: %w", source.path, flags[0].Source, vit.ErrUnsupported)}
	}
	params, err := vit.OpenParams(source.file)
	if err != nil {
		return nil, importError{fmt.Errorf("%s: %w", source.path, err)}
	}
	from := map[string]string{}
	for _, what := range []string{"heads", "eps", "mean", "std"} {
		from[what] = "the checkpoint"
	}
	return &vit.Import{Params: params, Layout: ownLayout, From: from}, nil
}

// writeExperts writes the experts beside the bundle they belong to, and names them in its manifest.
func writeExperts(f *importFlags, c *smat.Checkpoint, metadata map[string]string) (*importedExperts, error) {
	c.Experts.CloseDelta()
	result := &importedExperts{
		Tasks: c.Tasks, Temperature: c.Experts.Temperature, Missing: append([]string{}, c.Missing...),
	}
	for _, mask := range c.Experts.Masks {
		result.Density = append(result.Density, mask.Density())
	}
	file, err := c.Experts.File(metadata)
	if err != nil {
		return nil, err
	}
	written, err := manifest.WriteExperts(f.out, f.name, file)
	if err != nil {
		return nil, err
	}
	result.File, result.Bytes, result.SHA256 = written.Experts.File, written.Experts.Bytes, written.Experts.SHA256
	return result, nil
}

// printExperts prints what was read of experts and where they are.
func printExperts(line func(what, format string, args ...any), f *importFlags, e *importedExperts) {
	var density []string
	for _, d := range e.Density {
		density = append(density, fmt.Sprintf("%.1f%%", 100*d))
	}
	line("experts", "%d, which change %s of the weights", len(e.Density), strings.Join(density, ", "))
	if len(e.Missing) > 0 {
		line("router", "none: the checkpoint lacks %s, which its authors' code of June 2024 does not save; each task takes the experts that tell its examples apart best", printable(strings.Join(e.Missing, ", ")))
	} else {
		line("router", "temperature %g, after %d tasks", e.Temperature, e.Tasks)
	}
	line("experts", "%s: %d bytes, sha256 %s", printable(filepath.Join(f.out, e.File)), e.Bytes, e.SHA256)
}
