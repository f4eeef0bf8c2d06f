package vit

import "haguruma/core/plainjson"

// A config is read by a scanner of our own (core/plainjson):
//
//	config = { ( name : value ) ... }, names and values as in Config
//
// Names come in any order, each at most once; text is plain, without escapes.

// decodeConfig returns what text says; it is not checked yet.
func decodeConfig(text string) (Config, error) {
	var c Config
	err := plainjson.Read(text, func(s *plainjson.Scanner) error {
		return s.Object(func(name string) error { return configField(s, &c, name) })
	})
	return c, err
}

// configField reads the value of one field.
func configField(s *plainjson.Scanner, c *Config, name string) (err error) {
	switch name {
	case "imageSize":
		return s.Integer(&c.ImageSize)
	case "patchSize":
		return s.Integer(&c.PatchSize)
	case "stem":
		return s.List('[', ']', func() error {
			c.Stem = append(c.Stem, 0)
			return s.Integer(&c.Stem[len(c.Stem)-1])
		})
	case "dim":
		return s.Integer(&c.Dim)
	case "depth":
		return s.Integer(&c.Depth)
	case "heads":
		return s.Integer(&c.Heads)
	case "mlpDim":
		return s.Integer(&c.MLPDim)
	case "pool":
		c.Pool, err = s.Word()
		return err
	case "registers":
		return s.Integer(&c.Registers)
	case "layerScale":
		c.LayerScale, err = s.Real(64)
		return err
	case "eps":
		c.Eps, err = s.Real(64)
		return err
	case "mean":
		return s.Three(&c.Mean)
	case "std":
		return s.Three(&c.Std)
	}
	return plainjson.Unknown(name)
}
