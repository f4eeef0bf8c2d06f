package vit

import (
	"errors"
	"fmt"
	"math"
)

// ErrConfig marks a Config that no model can be built from.
var ErrConfig = errors.New("not a usable config")

// Bounds on a Config that comes from a file. They are above the largest published ViT (ViT-G/14: Dim 1664, Depth 48,
// MLPDim 8192) and small enough that sizes computed from them never overflow.
const (
	maxImageSize = 2048
	maxPatchSize = 128 // 3*128*128 inputs an output stay below what quant.Matrix sums exactly
	maxGrid      = 64  // attention scores of one head stay below 64 MiB
	maxDim       = 4096
	maxDepth     = 96
	maxMLPDim    = 16384
	maxRegisters = 64 // published models have 4 or 8

	maxLayerScale = 1000 // published models start at 1e-6..1
)

// Pools: how the tokens after the final norm become one embedding.
const (
	PoolClass = "cls"  // the class token
	PoolMean  = "mean" // the mean of the patch tokens; there is no class token
)

// Config is the shape of a backbone and the normalization of its input.
type Config struct {
	ImageSize int `json:"imageSize"` // side in pixels that the position embeddings were made for
	PatchSize int `json:"patchSize"` // pixels a token side
	// Stem is empty for a linear patch embedding. Otherwise it is the channels of a chain of 3x3 stride-2 convolutions,
	// each but the last followed by LayerNorm over channels and GELU; PatchSize is 2^len(Stem) and the last is Dim.
	// Source: Xiao et al. 2021, arXiv:2106.14881, with LayerNorm in place of batch norm.
	Stem   []int  `json:"stem,omitempty"`
	Dim    int    `json:"dim"`
	Depth  int    `json:"depth"`
	Heads  int    `json:"heads"`
	MLPDim int    `json:"mlpDim"`
	Pool   string `json:"pool"` // PoolClass or PoolMean
	// Registers is the number of tokens between the class token and the patches that belong to no place in the image and
	// are thrown away after the last block; they want PoolClass. Source: Darcet et al. 2023, arXiv:2309.16588.
	Registers int `json:"registers,omitempty"`
	// LayerScale is 0 for none. Otherwise each residual branch ends in a factor for each channel, which starts at
	// LayerScale. An Int8Model has none: NewInt8 multiplies the factors into the weights before them.
	// Source: Touvron et al. 2021, arXiv:2103.17239, eq. 2.
	LayerScale float64    `json:"layerScale,omitempty"`
	Eps        float64    `json:"eps"`  // of every LayerNorm
	Mean       [3]float32 `json:"mean"` // of the input, per channel of pixels in 0..1
	Std        [3]float32 `json:"std"`
}

// Check returns an error that wraps ErrConfig and names the field when no model can be built from the config.
func (c Config) Check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("vit: config: "+format+": %w", append(args, ErrConfig)...)
	}
	for _, f := range []struct {
		name         string
		value, limit int
	}{
		{"imageSize", c.ImageSize, maxImageSize}, {"patchSize", c.PatchSize, maxPatchSize}, {"dim", c.Dim, maxDim},
		{"depth", c.Depth, maxDepth}, {"heads", c.Heads, maxDim}, {"mlpDim", c.MLPDim, maxMLPDim},
	} {
		if f.value < 1 || f.value > f.limit {
			return bad("%s: want 1..%d, have %d", f.name, f.limit, f.value)
		}
	}
	if c.ImageSize%c.PatchSize != 0 {
		return bad("imageSize %d is not a multiple of patchSize %d", c.ImageSize, c.PatchSize)
	}
	if c.grid() > maxGrid {
		return bad("imageSize/patchSize: want at most %d, have %d", maxGrid, c.grid())
	}
	if c.Dim%c.Heads != 0 {
		return bad("dim %d is not a multiple of heads %d", c.Dim, c.Heads)
	}
	if n := len(c.Stem); n > 0 {
		if n > 8 || c.PatchSize != 1<<n {
			return bad("stem of %d convolutions wants patchSize 2^%d, have %d", n, n, c.PatchSize)
		}
		for i, channels := range c.Stem {
			if channels < 1 || channels > maxDim {
				return bad("stem[%d]: want 1..%d, have %d", i, maxDim, channels)
			}
		}
		if c.Stem[n-1] != c.Dim {
			return bad("stem[%d]: want dim %d, have %d", n-1, c.Dim, c.Stem[n-1])
		}
	}
	if c.Pool != PoolClass && c.Pool != PoolMean {
		return bad("pool: want %q or %q, have %q", PoolClass, PoolMean, c.Pool)
	}
	if c.Registers < 0 || c.Registers > maxRegisters {
		return bad("registers: want 0..%d, have %d", maxRegisters, c.Registers)
	}
	if c.Registers > 0 && c.Pool != PoolClass {
		return bad("registers: want pool %q beside them, have %q", PoolClass, c.Pool)
	}
	if !(c.LayerScale >= 0 && c.LayerScale <= maxLayerScale) {
		return bad("layerScale: want 0..%d, have %v", maxLayerScale, c.LayerScale)
	}
	if !(c.Eps > 0 && c.Eps < 1) {
		return bad("eps: want above 0 and below 1, have %v", c.Eps)
	}
	for i := range 3 {
		mean, std := float64(c.Mean[i]), float64(c.Std[i])
		if math.IsNaN(mean) || math.IsInf(mean, 0) || !(std > 0) || math.IsInf(std, 0) {
			return bad("mean, std of channel %d: want finite and std above 0, have %v and %v", i, mean, std)
		}
	}
	return nil
}

// CheckSize returns an error that wraps ErrConfig when images of size x size pixels cannot be embedded.
func (c Config) CheckSize(size int) error {
	if size < c.PatchSize || size%c.PatchSize != 0 || size/c.PatchSize > maxGrid {
		return fmt.Errorf("vit: image size: want a multiple of patchSize %d up to %d, have %d: %w",
			c.PatchSize, c.PatchSize*maxGrid, size, ErrConfig)
	}
	return nil
}

// Tokens is the number of tokens of an image of size x size pixels, class token and registers included.
func (c Config) Tokens(size int) int {
	g := size / c.PatchSize
	return g*g + c.prefixTokens()
}

// grid is the side of the token grid that the position embeddings were made for.
func (c Config) grid() int { return c.ImageSize / c.PatchSize }

// positions is the number of position embeddings: registers have none.
func (c Config) positions() int { return c.grid()*c.grid() + c.classTokens() }

// prefixTokens is the number of tokens before the first patch.
func (c Config) prefixTokens() int { return c.classTokens() + c.Registers }

func (c Config) classTokens() int {
	if c.Pool == PoolClass {
		return 1
	}
	return 0
}

// parseConfig reads the config of a file's metadata and checks it.
func parseConfig(text string) (Config, error) {
	if text == "" {
		return Config{}, fmt.Errorf("vit: metadata has no %q: %w", metaConfig, ErrConfig)
	}
	c, err := decodeConfig(text)
	if err != nil {
		return c, fmt.Errorf("vit: metadata %q: %w: %w", metaConfig, err, ErrConfig)
	}
	return c, c.Check()
}
