package vit

import (
	"math"
	"strconv"
	"strings"

	"haguruma/core/plainjson"
)

// A config is read by a scanner of our own (core/plainjson):
//
//	config = { ( name : value ) ... }, names and values as in Config
//
// Names come in any order, each at most once; text is plain, without escapes.

// decodeConfig returns what text says; it is not checked yet.
func decodeConfig(text string) (Config, error) {
	var c Config
	err := plainjson.Read(text, func(s *plainjson.Scanner) error {
		return s.Fields(map[string]any{
			"imageSize": &c.ImageSize, "patchSize": &c.PatchSize, "dim": &c.Dim, "depth": &c.Depth, "heads": &c.Heads, "mlpDim": &c.MLPDim,
			"registers": &c.Registers, "layerScale": &c.LayerScale, "eps": &c.Eps, "mean": &c.Mean, "std": &c.Std,
			"pool": plainjson.Word(&c.Pool), "stem": plainjson.Integers(&c.Stem),
		})
	})
	return c, err
}

// json returns a checked config as metadata text, with the bytes that encoding/json gives it: the page's engine does without that package.
func (c Config) json() string {
	var w plainjson.Writer
	whole := func(name string, v int) {
		w.Name(name)
		w.Integer(v)
	}
	three := func(name string, v [3]float32) {
		w.Name(name)
		w.List(func() {
			for _, x := range v {
				w.Raw(decimal(float64(x), 32))
			}
		})
	}
	w.Object(func() {
		whole("imageSize", c.ImageSize)
		whole("patchSize", c.PatchSize)
		if len(c.Stem) > 0 {
			w.Name("stem")
			w.List(func() {
				for _, channels := range c.Stem {
					w.Integer(channels)
				}
			})
		}
		whole("dim", c.Dim)
		whole("depth", c.Depth)
		whole("heads", c.Heads)
		whole("mlpDim", c.MLPDim)
		w.Name("pool")
		w.Text(c.Pool)
		if c.Registers != 0 {
			whole("registers", c.Registers)
		}
		if c.LayerScale != 0 {
			w.Name("layerScale")
			w.Raw(decimal(c.LayerScale, 64))
		}
		w.Name("eps")
		w.Raw(decimal(c.Eps, 64))
		three("mean", c.Mean)
		three("std", c.Std)
	})
	return w.String()
}

// decimal writes a finite number as encoding/json does: as ECMAScript does, with an exponent where it is very small or very large, of as few digits as it takes.
func decimal(x float64, bits int) string {
	size := math.Abs(x)
	small, large := 1e-6, 1e21
	if bits == 32 {
		small, large = float64(float32(small)), float64(float32(large))
	}
	if size != 0 && (size < small || size >= large) {
		return strings.Replace(strconv.FormatFloat(x, 'e', -1, bits), "e-0", "e-", 1)
	}
	return strconv.FormatFloat(x, 'f', -1, bits)
}
