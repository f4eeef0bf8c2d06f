package vit

import (
	"errors"
	"math"
	"strings"
	"testing"
)

// TestCheck: every field that can be wrong is an ErrConfig that names it.
func TestCheck(t *testing.T) {
	good := smallConfigs()["stem/cls"]
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []struct {
		name, place string
		change      func(c *Config)
	}{
		{"zero", "imageSize", func(c *Config) { *c = Config{} }},
		{"negative size", "imageSize", func(c *Config) { c.ImageSize = -12 }},
		{"size not a multiple", "patchSize 4", func(c *Config) { c.ImageSize = 13 }},
		{"large patch", "patchSize", func(c *Config) { c.PatchSize = 1 << 30 }},
		{"large grid", "imageSize/patchSize", func(c *Config) { c.ImageSize = 2048 }},
		{"zero dim", "dim", func(c *Config) { c.Dim = 0 }},
		{"large dim", "dim", func(c *Config) { c.Dim = math.MaxInt }},
		{"depth", "depth", func(c *Config) { c.Depth = 0 }},
		{"heads", "heads", func(c *Config) { c.Heads = 5 }},
		{"mlp", "mlpDim", func(c *Config) { c.MLPDim = -1 }},
		{"pool", "pool", func(c *Config) { c.Pool = "max" }},
		{"registers", "registers", func(c *Config) { c.Registers = 65 }},
		{"negative registers", "registers", func(c *Config) { c.Registers = -1 }},
		{"registers without a class token", "registers", func(c *Config) { c.Registers, c.Pool = 4, PoolMean }},
		{"layer scale", "layerScale", func(c *Config) { c.LayerScale = -1e-5 }},
		{"layer scale NaN", "layerScale", func(c *Config) { c.LayerScale = math.NaN() }},
		{"eps", "eps", func(c *Config) { c.Eps = 0 }},
		{"eps NaN", "eps", func(c *Config) { c.Eps = math.NaN() }},
		{"std", "std", func(c *Config) { c.Std[1] = 0 }},
		{"mean", "mean", func(c *Config) { c.Mean[2] = float32(math.Inf(1)) }},
		{"stem length", "stem", func(c *Config) { c.Stem = []int{8, 8, 12} }},
		{"stem end", "stem[1]", func(c *Config) { c.Stem = []int{8, 8} }},
		{"stem channels", "stem[0]", func(c *Config) { c.Stem = []int{0, 12} }},
	} {
		c := good
		bad.change(&c)
		if err := c.Check(); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), bad.place) {
			t.Errorf("%s: want ErrConfig that names %q, have %v", bad.name, bad.place, err)
		}
	}
	for _, size := range []int{-4, 0, 2, 10, 4 * 65} {
		if err := good.CheckSize(size); !errors.Is(err, ErrConfig) {
			t.Errorf("size %d: want ErrConfig, have %v", size, err)
		}
	}
	if good.CheckSize(4) != nil || good.CheckSize(4*64) != nil {
		t.Error("CheckSize refuses a multiple of patchSize")
	}
	if have := good.Tokens(20); have != 26 {
		t.Errorf("Tokens: want 26, have %d", have)
	}
	good.Registers = 4
	if have := good.Tokens(20); have != 30 {
		t.Errorf("Tokens with registers: want 30, have %d", have)
	}
}
