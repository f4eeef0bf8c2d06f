package vit

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Hint is the text of a JSON file that says about a checkpoint what its tensors do not: Hugging Face's config.json and
// preprocessor_config.json, timm's config.json, or the like written by hand. These keys are read, all may be absent:
//
//	heads, num_attention_heads, num_heads                 attention heads
//	eps, layer_norm_eps                                   of every LayerNorm
//	mean, image_mean, std, image_std; pretrained_cfg.mean, .std    of the input; do_normalize false: 0 and 1
//	architecture                                          the file is timm's
//
// Where hidden_size, num_hidden_layers, intermediate_size, patch_size, hidden_act, use_swiglu_ffn or global_pool are
// there, they must agree with the checkpoint.
type Hint struct {
	Source string // for messages and Import.From, say the file's name
	Text   string
}

type hintJSON struct {
	Heads      *int        `json:"heads"`
	HFHeads    *int        `json:"num_attention_heads"`
	TimmHeads  *int        `json:"num_heads"`
	Eps        *float64    `json:"eps"`
	HFEps      *float64    `json:"layer_norm_eps"`
	Mean       *[3]float32 `json:"mean"`
	ImageMean  *[3]float32 `json:"image_mean"`
	Std        *[3]float32 `json:"std"`
	ImageStd   *[3]float32 `json:"image_std"`
	Normalize  *bool       `json:"do_normalize"`
	Pretrained struct {
		Mean *[3]float32 `json:"mean"`
		Std  *[3]float32 `json:"std"`
	} `json:"pretrained_cfg"`

	Architecture string          `json:"architecture"`
	Dim          *int            `json:"hidden_size"`
	Depth        *int            `json:"num_hidden_layers"`
	MLPDim       *int            `json:"intermediate_size"`
	PatchSize    json.RawMessage `json:"patch_size"` // a number, or two of them
	Act          string          `json:"hidden_act"`
	SwiGLU       bool            `json:"use_swiglu_ffn"`
	GlobalPool   string          `json:"global_pool"`
}

func (h Hint) parse() (*hintJSON, error) {
	read := &hintJSON{}
	if h.Text == "" {
		return read, nil
	}
	if err := json.Unmarshal([]byte(h.Text), read); err != nil {
		return nil, fmt.Errorf("vit: %s: %w: %w", h.Source, err, ErrConfig)
	}
	return read, nil
}

// apply takes from the hint what shapes do not tell, and notes where it came from.
func (h Hint) apply(c *Config, from map[string]string) error {
	read, err := h.parse()
	if err != nil {
		return err
	}
	note := func(what string, taken bool) {
		if taken {
			from[what] = h.Source
		}
	}
	note("heads", take(&c.Heads, read.Heads, read.HFHeads, read.TimmHeads))
	note("eps", take(&c.Eps, read.Eps, read.HFEps))
	note("mean", take(&c.Mean, read.Mean, read.ImageMean, read.Pretrained.Mean))
	note("std", take(&c.Std, read.Std, read.ImageStd, read.Pretrained.Std))
	if read.Normalize != nil && !*read.Normalize {
		c.Mean, c.Std = [3]float32{}, [3]float32{1, 1, 1}
		note("mean", true)
		note("std", true)
	}

	for _, f := range []struct {
		name   string
		want   int
		stated *int
	}{
		{"hidden_size", c.Dim, read.Dim}, {"num_hidden_layers", c.Depth, read.Depth}, {"intermediate_size", c.MLPDim, read.MLPDim},
		{"patch_size", c.PatchSize, number(read.PatchSize)},
	} {
		if f.stated != nil && *f.stated != f.want {
			return fmt.Errorf("vit: %s: %s: want %d as in the checkpoint, have %d: %w", h.Source, f.name, f.want, *f.stated, ErrConfig)
		}
	}
	if read.SwiGLU {
		return fmt.Errorf("vit: %s: use_swiglu_ffn: %s: %w", h.Source, swiGLU, ErrUnsupported)
	}
	if read.Act != "" && read.Act != "gelu" {
		return fmt.Errorf("vit: %s: hidden_act: want %q, have %q: %w", h.Source, "gelu", read.Act, ErrUnsupported)
	}
	// timm's other pools (avg with a class token, map) give another embedding than the class token.
	if pool := read.GlobalPool; c.Pool == PoolClass && !slices.Contains([]string{"", "token"}, pool) {
		return fmt.Errorf("vit: %s: global_pool: want %q, have %q: %w", h.Source, "token", pool, ErrUnsupported)
	}
	return nil
}

// number reads a JSON number, and nothing of what else is there.
func number(text json.RawMessage) *int {
	var n int
	if len(text) == 0 || json.Unmarshal(text, &n) != nil {
		return nil
	}
	return &n
}

// take sets to from the first source that is there.
func take[T any](to *T, sources ...*T) bool {
	for _, s := range sources {
		if s != nil {
			*to = *s
			return true
		}
	}
	return false
}
