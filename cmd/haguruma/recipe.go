package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/spf13/pflag"

	"haguruma/core/tensorfile"
	"haguruma/sparse/metatune"
)

// applyRecipe reads a config.json into cfg, over the recipe that fields it leaves out have, and under the flags that were given.
func applyRecipe[C any](path string, flags *pflag.FlagSet, cfg *C, recipe C) error {
	given := map[string]string{}
	flags.Visit(func(flag *pflag.Flag) { given[flag.Name] = flag.Value.String() })
	data, err := tensorfile.ReadFile(path, maxText)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&recipe); err != nil {
		return fmt.Errorf("--recipe %s: %w: %w", path, err, metatune.ErrConfig)
	}
	*cfg = recipe
	for name, value := range given {
		if err := flags.Set(name, value); err != nil {
			return usagef("--%s %q: %v", name, value, err)
		}
	}
	return nil
}

// addAugmentFlags makes a flag of every random change of a training picture.
func addAugmentFlags(flags *pflag.FlagSet, g *metatune.Augment) {
	flags.Float64Var(&g.CropScale, "crop-scale", g.CropScale, "photos: smallest share of the area a crop keeps")
	flags.Float64Var(&g.Jitter, "jitter", g.Jitter, "photos: brightness, contrast, saturation change by up to this share")
	flags.Float64Var(&g.Gray, "gray", g.Gray, "photos: share that lose their colour")
	flags.Float64Var(&g.Erase, "erase", g.Erase, "share of pictures with a rectangle erased")
	flags.Float64Var(&g.Invert, "invert", g.Invert, "characters: share drawn light on dark")
	flags.Float64Var(&g.Turn, "turn", g.Turn, "characters: turned by up to this many degrees")
	flags.Float64Var(&g.Shear, "shear", g.Shear, "characters: sheared by up to this")
	flags.Float64Var(&g.Zoom, "zoom", g.Zoom, "characters: zoomed by up to this share")
	flags.Float64Var(&g.Shift, "shift", g.Shift, "characters: moved by up to this share of the width")
	flags.Float64Var(&g.Thicken, "thicken", g.Thicken, "characters: share with strokes thicker by one or two pixels")
}
