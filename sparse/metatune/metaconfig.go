package metatune

import (
	"fmt"
	"math"
	"slices"
	"time"

	"haguruma/sparse"
)

// MetaConfig is one meta-tuning run, whole: the same config, start and data give the same experts on the same machine.
type MetaConfig struct {
	Data string `json:"-"` // folder of <set>.zip and datasets.json
	Out  string `json:"-"` // folder of checkpoint, log, plots and experts
	// Backbone is the sha256 of the bundle that the run starts from, for the experts' file; empty: weights that are in no bundle.
	Backbone string `json:"-"`

	Tasks TaskConfig         `json:"tasks"`
	Gates sparse.GatesConfig `json:"gates"`
	Masks MaskSource         `json:"masks"`

	Density     float64 `json:"density"`     // share of the weights that an expert may open: 1 - tau
	InitDensity float64 `json:"initDensity"` // share open at the start; the authors' 0.95 of what is not exactly closed is 0.999
	StartTasks  int     `json:"startTasks"`  // tasks looked at before the first update, to start keys and masks from; 0: both by chance
	StartMargin float64 `json:"startMargin"` // how far the logit of a task's expert starts above the others', half of it above 0, with StartTasks
	Settle      bool    `json:"settle"`      // move each mask's threshold to exactly Density at the end

	Updates int `json:"updates"` // steps of the optimizers
	Batch   int `json:"batch"`   // tasks an update
	Warmup  int `json:"warmup"`  // updates of linear warm-up, then cosine to 0

	Optimizer string  `json:"optimizer"` // of the delta: "adamw", "muon" (its matrices, AdamW the rest) or "sgd" (momentum 0.9)
	LR        float64 `json:"lr"`        // of the delta
	Decay     float64 `json:"decay"`     // weight decay of the delta
	GateLR    float64 `json:"gateLR"`    // of logAlpha
	DualLR    float64 `json:"dualLR"`    // of the multipliers
	RouterLR  float64 `json:"routerLR"`
	Clip      float64 `json:"clip"` // largest norm of the gradient of the delta and of the router, each

	Routing     ScoreSource `json:"routing"`
	RouterPull  float64     `json:"routerPull"`          // weight of the mean square of the logits
	Noiseless   bool        `json:"noiseless,omitempty"` // the router's logits have no logistic noise in training: tasks go where they will go in use
	Balance     float64     `json:"balance"`             // weight of KL(mean score over the update's tasks || uniform), against collapse
	Temperature [2]float64  `json:"temperature"`         // of the scores, first and last
	Cooling     float64     `json:"cooling"`             // share of all tasks over which it falls

	Distill     float64   `json:"distill"`     // weight of distillation; cross-entropy has the rest
	Pretrained  bool      `json:"pretrained"`  // the backbone alone is a teacher
	Dense       float64   `json:"dense"`       // learning rate of the dense teacher's step on the queries; 0: no such teacher
	Direction   Direction `json:"direction"`   // of the divergence
	Inner       float64   `json:"inner"`       // learning rate of an inner step on the support; 0: none
	TeacherHeat float64   `json:"teacherHeat"` // temperature of distillation

	// Parity computes multipliers and L0 as the paper's code does: both weighted by the task's scores, the density term divided by the
	// gates. It is for checking and goes with GateParity, SGD and a router that reads the first prototype.
	Parity bool `json:"parity"`

	Seed            uint64        `json:"seed"`
	ValidateEvery   int           `json:"validateEvery"` // updates; 0: only at the end
	Episodes        int           `json:"episodes"`      // of each validation set
	Patience        int           `json:"patience"`      // validations without a better mean before the run stops; 0: never
	CheckpointEvery time.Duration `json:"-"`
}

// MaskSource says where masks come from.
type MaskSource string

const (
	MasksLearned   MaskSource = "learned"
	MasksDense     MaskSource = "dense"     // all open: PMF, Hu et al. 2022, arXiv:2204.07305
	MasksRandom    MaskSource = "random"    // drawn once, at Density
	MasksMagnitude MaskSource = "magnitude" // the largest weights of the backbone, at Density
)

// ScoreSource says where scores come from.
type ScoreSource string

const (
	RoutingLearned ScoreSource = "learned"
	RoutingUniform ScoreSource = "uniform"
)

// HandTensors are the tensors of the hand-designed masks: values, attn.proj and fc2, where the paper's masks are densest (METHOD 5.4).
func HandTensors() []string {
	return []string{"blocks.*.attn.qkv.weight#2/3", "blocks.*.attn.proj.weight", "blocks.*.mlp.fc2.weight"}
}

// DefaultMetaConfig is what the first trials on validation classes and meta-val sets came to (docs/RESULTS.md).
func DefaultMetaConfig() MetaConfig {
	augment := DefaultAugment
	augment.Erase = 0
	return MetaConfig{
		Tasks: TaskConfig{
			Sets: []Set{{"tiny-imagenet", Photo, 0.4}, {"omniglot", Character, 0.3}, {"caltech101", Photo, 0.15}, {"grocery", Photo, 0.15}},
			Size: 64, MinWay: 5, MaxWay: 12, MinShot: 1, MaxShot: 5, Queries: 4, Pictures: 64, Augment: augment, Restyle: 0.4,
		},
		Gates: sparse.GatesConfig{Experts: 8, Gate: sparse.GateBinary, Unit: sparse.UnitScalar},
		Masks: MasksLearned, Density: 0.1, InitDensity: 0.15, StartMargin: 3, Settle: true,
		Updates: 600, Batch: 4, Warmup: 20,
		Optimizer: "adamw", LR: 3e-3, GateLR: 5e-2, DualLR: 0.05, RouterLR: 3e-3, Clip: 1,
		Routing: RoutingLearned, RouterPull: 1e-4, Temperature: [2]float64{2, 0.5}, Cooling: 0.36,
		Distill: 0.25, Pretrained: true, Direction: TeacherFirst, TeacherHeat: 2,
		Seed: 1, ValidateEvery: 150, Episodes: 100, CheckpointEvery: 2 * time.Minute,
	}
}

// Check reports the first value that cannot be trained with; it wraps ErrConfig or sparse.ErrConfig.
func (c MetaConfig) Check() error {
	bad := func(name, want string, have any) error {
		return fmt.Errorf("metatune: %s: want %s, have %v: %w", name, want, have, ErrConfig)
	}
	if err := c.Gates.Check(); err != nil {
		return err
	}
	share := func(x float64) bool { return x >= 0 && x <= 1 }
	finite := func(x ...float64) bool { // and not negative, in float32 too
		return !slices.ContainsFunc(x, func(v float64) bool { return !(v >= 0 && v <= math.MaxFloat32) })
	}
	switch {
	case c.Out == "":
		return bad("out", "a folder", "none")
	case c.Masks != MasksLearned && c.Masks != MasksDense && c.Masks != MasksRandom && c.Masks != MasksMagnitude:
		return bad("masks", "learned, dense, random or magnitude", c.Masks)
	case c.Routing != RoutingLearned && c.Routing != RoutingUniform:
		return bad("routing", "learned or uniform", c.Routing)
	case !(c.Density > 0 && c.Density <= 1):
		return bad("density", "above 0, at most 1", c.Density)
	case !(c.InitDensity > 0 && c.InitDensity < 1):
		return bad("initDensity", "above 0, below 1", c.InitDensity)
	case c.StartTasks < 0:
		return bad("startTasks", "0 or more", c.StartTasks)
	case !finite(c.StartMargin):
		return bad("startMargin", "0 or more and finite", c.StartMargin)
	case c.Updates < 1 || c.Batch < 1 || c.Warmup < 0:
		return bad("updates, batch, warmup", "1, 1, 0 or more", []int{c.Updates, c.Batch, c.Warmup})
	case c.Optimizer != "adamw" && c.Optimizer != "muon" && c.Optimizer != "sgd":
		return bad("optimizer", "adamw, muon or sgd", c.Optimizer)
	case !(c.LR > 0 && finite(c.LR)):
		return bad("lr", "above 0 and finite", c.LR)
	case !finite(c.GateLR, c.DualLR, c.RouterLR, c.Decay, c.Clip):
		return bad("gateLR, dualLR, routerLR, decay, clip", "0 or more and finite", []float64{c.GateLR, c.DualLR, c.RouterLR, c.Decay, c.Clip})
	case !finite(c.RouterPull, c.Balance):
		return bad("routerPull and balance", "0 or more and finite", []float64{c.RouterPull, c.Balance})
	case !(float32(min(c.Temperature[0], c.Temperature[1], c.TeacherHeat)) > 0 && finite(c.Temperature[0], c.Temperature[1], c.TeacherHeat)):
		return bad("temperature and teacherHeat", "above 0 and finite", []float64{c.Temperature[0], c.Temperature[1], c.TeacherHeat})
	case !share(c.Distill) || !share(c.Cooling):
		return bad("distill and cooling", "0..1", []float64{c.Distill, c.Cooling})
	case c.Distill > 0 && !c.Pretrained && c.Dense == 0:
		return bad("distill", "a teacher, pretrained or dense, beside it", c.Distill)
	case c.Direction != StudentFirst && c.Direction != TeacherFirst:
		return bad("direction", "student or teacher", c.Direction)
	case !finite(c.Inner, c.Dense):
		return bad("inner and dense", "0 or more and finite", []float64{c.Inner, c.Dense})
	case c.ValidateEvery < 0 || c.Patience < 0 || c.Episodes < 2:
		return bad("validateEvery, patience, episodes", "0, 0, 2 or more", []int{c.ValidateEvery, c.Patience, c.Episodes})
	}
	return nil
}

// settles reports whether the masks of use are those of training moved to exactly Density.
func (c MetaConfig) settles() bool { return c.Settle && c.Masks == MasksLearned }

// steps is the rounding of scores in use, as sparse.Experts.Steps; the paper's code rounds none.
func (c MetaConfig) steps() int {
	if c.Parity {
		return 0
	}
	return sparse.DefaultSteps
}

// DenseBaseline turns a config into PMF from the same start, data and budget.
func (c MetaConfig) DenseBaseline() MetaConfig {
	c.Masks, c.Gates.Experts, c.Routing = MasksDense, 1, RoutingUniform
	return c
}
