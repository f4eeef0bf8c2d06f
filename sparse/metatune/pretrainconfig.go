package metatune

import (
	"errors"
	"fmt"
	"time"

	"haguruma/core/vit"
)

// Stage is a picture size and the share of all steps at which it ends.
type Stage struct {
	Size  int     `json:"size"`
	Until float64 `json:"until"`
}

// PretrainConfig is one pre-training run, whole: the same config and the same
// data give the same weights on the same machine.
type PretrainConfig struct {
	Data  string     `json:"-"` // folder of <set>.zip and datasets.json
	Out   string     `json:"-"` // folder of checkpoint, log, plot and weights
	Model vit.Config `json:"model"`
	Sets  []Set      `json:"sets"`

	Steps       int     `json:"steps"`
	Micro       int     `json:"micro"`     // micro-batches a step, shared out over the cores
	Batch       int     `json:"batch"`     // pictures a micro-batch, all of one set
	PerClass    int     `json:"perClass"`  // pictures of a class in a micro-batch
	Optimizer   string  `json:"optimizer"` // "adamw" or "muon"
	LR          float64 `json:"lr"`
	Warmup      int     `json:"warmup"` // steps
	WeightDecay float64 `json:"weightDecay"`
	Clip        float64 `json:"clip"` // largest norm of the gradient of the backbone

	LogitScale  float64 `json:"logitScale"`
	Smoothing   float64 `json:"smoothing"`
	Contrast    float64 `json:"contrast"`    // weight of the contrastive loss
	Temperature float64 `json:"temperature"` // of the contrastive loss

	Stages   []Stage `json:"stages"`
	Augment  Augment `json:"augment"`
	DropPath float64 `json:"dropPath"`
	Seed     uint64  `json:"seed"`

	// Start, Levels and Bits make the run another one: it takes the weights of Start, whose shape Model becomes, and holds them to Levels
	// values a weight (vit.FitLevels) while they learn to embed as before.
	Start  string  `json:"-"`                // weights.safetensors
	Levels int     `json:"levels,omitempty"` // odd; 0: no start, no levels
	Bits   float64 `json:"bits,omitempty"`   // of a weight, packed

	ValidateEvery   int           `json:"validateEvery"` // steps; 0: only at the end
	CheckpointEvery time.Duration `json:"-"`
}

// DefaultPretrain is the recipe of the default bundle, chosen by few-shot
// accuracy on the validation classes (docs/RESULTS.md).
func DefaultPretrain() PretrainConfig {
	return PretrainConfig{
		Model: vit.Config{
			ImageSize: 64, PatchSize: 8, Stem: []int{32, 64, 192}, Dim: 192, Depth: 6, Heads: 6, MLPDim: 576, Pool: "mean", Eps: 1e-6,
			Mean: [3]float32{0.485, 0.456, 0.406}, Std: [3]float32{0.229, 0.224, 0.225},
		},
		Sets: []Set{
			{"tiny-imagenet", Photo, 0.5}, {"omniglot", Character, 0.36},
			{"caltech101", Photo, 0.07}, {"grocery", Photo, 0.07},
		},
		Steps: 5500, Micro: 2, Batch: 64, PerClass: 2,
		Optimizer: "muon", LR: 6e-3, Warmup: 200, WeightDecay: 0.05, Clip: 1,
		LogitScale: 16, Smoothing: 0.1, Contrast: 1, Temperature: 0.1,
		Stages:  []Stage{{32, 0.5}, {48, 0.85}, {64, 1}},
		Augment: DefaultAugment, Seed: 1,
		ValidateEvery: 1000, CheckpointEvery: 2 * time.Minute,
	}
}

// ErrConfig is wrapped by every complaint about a config.
var ErrConfig = errors.New("bad training config")

// Check reports the first value that cannot be trained with.
func (c PretrainConfig) Check() error {
	bad := func(name string, want string, have any) error {
		return fmt.Errorf("metatune: %s: want %s, have %v: %w", name, want, have, ErrConfig)
	}
	if err := c.Model.Check(); err != nil {
		return err
	}
	switch {
	case c.Data == "":
		return bad("data", "a folder", "none")
	case c.Out == "":
		return bad("out", "a folder", "none")
	case len(c.Sets) == 0:
		return bad("sets", "at least one", 0)
	case c.Steps < 1:
		return bad("steps", ">= 1", c.Steps)
	case c.Micro < 1:
		return bad("micro", ">= 1", c.Micro)
	case c.PerClass < 1:
		return bad("perClass", ">= 1", c.PerClass)
	case c.Batch < 2 || c.Batch%c.PerClass != 0:
		return bad("batch", fmt.Sprintf("a multiple of perClass %d, >= 2", c.PerClass), c.Batch)
	case c.Optimizer != "adamw" && c.Optimizer != "muon":
		return bad("optimizer", "adamw or muon", c.Optimizer)
	case !(c.LR > 0):
		return bad("lr", "> 0", c.LR)
	case (c.Start == "") != (c.Levels == 0) || (c.Start == "") == (c.Bits > 0):
		return bad("start, levels and bits", "all three, or none", fmt.Sprintf("%q, %d and %g", c.Start, c.Levels, c.Bits))
	case len(c.Stages) == 0 || c.Stages[len(c.Stages)-1].Until < 1:
		return bad("stages", "the last one to end at 1", c.Stages)
	}
	for _, s := range c.Stages {
		if s.Size < c.Model.PatchSize || s.Size%c.Model.PatchSize != 0 {
			return bad("stages", fmt.Sprintf("sizes that are multiples of the patch size %d", c.Model.PatchSize), s.Size)
		}
	}
	return checkSets(c.Sets, Photo, Character)
}

// size is the picture size at a step.
func (c PretrainConfig) size(step int) int {
	at := float64(step) / float64(c.Steps)
	for _, s := range c.Stages {
		if at < s.Until {
			return s.Size
		}
	}
	return c.Stages[len(c.Stages)-1].Size
}
