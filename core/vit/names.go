package vit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"haguruma/core/tensorfile"
)

// names maps our tensors to those of the three layouts that published ViT checkpoints come in; # is the block number.
// Modules stand for their .weight and .bias. Where a layout has several names, its tensors are stacked along the output
// channels: Hugging Face keeps q, k and v apart.
//
//	timm  huggingface/pytorch-image-models, timm/models/vision_transformer.py
//	DINO  facebookresearch/dino, vision_transformer.py (torch hub)
//	HF    huggingface/transformers, models/vit/modeling_vit.py
var names = []struct {
	ours, timm, dino string
	hf               []string
}{
	{"cls_token", "cls_token", "cls_token", []string{"embeddings.cls_token"}},
	{"pos_embed", "pos_embed", "pos_embed", []string{"embeddings.position_embeddings"}},
	{"patch_embed.proj", "patch_embed.proj", "patch_embed.proj", []string{"embeddings.patch_embeddings.projection"}},
	{"blocks.#.norm1", "blocks.#.norm1", "blocks.#.norm1", []string{"encoder.layer.#.layernorm_before"}},
	{"blocks.#.attn.qkv", "blocks.#.attn.qkv", "blocks.#.attn.qkv", []string{
		"encoder.layer.#.attention.attention.query",
		"encoder.layer.#.attention.attention.key",
		"encoder.layer.#.attention.attention.value"}},
	{"blocks.#.attn.proj", "blocks.#.attn.proj", "blocks.#.attn.proj", []string{"encoder.layer.#.attention.output.dense"}},
	{"blocks.#.norm2", "blocks.#.norm2", "blocks.#.norm2", []string{"encoder.layer.#.layernorm_after"}},
	{"blocks.#.mlp.fc1", "blocks.#.mlp.fc1", "blocks.#.mlp.fc1", []string{"encoder.layer.#.intermediate.dense"}},
	{"blocks.#.mlp.fc2", "blocks.#.mlp.fc2", "blocks.#.mlp.fc2", []string{"encoder.layer.#.output.dense"}},
	{"norm", "norm", "norm", []string{"layernorm"}},
}

// layout is how one project writes its checkpoints.
type layout struct {
	name string
	// prefixes may stand before every name of the backbone. Tensors outside a prefix belong to something else.
	prefixes []string
	// marker begins the name of a tensor that only this layout has; empty needs none.
	marker string
	// ignored begin the names of tensors under the prefix that are no part of the backbone: classifiers and the like.
	ignored []string
	// eps, mean and std are the layout's usual ones, used where the metadata says nothing.
	eps       float64
	mean, std [3]float32
}

var (
	half         = [3]float32{0.5, 0.5, 0.5}
	imageNetMean = [3]float32{0.485, 0.456, 0.406}
	imageNetStd  = [3]float32{0.229, 0.224, 0.225}
)

// layouts in the order in which they are tried. timm and DINO use the same names: timm's files have a classifier, DINO's
// have none, or a prefix from the training code.
var layouts = []layout{
	{"timm", []string{""}, "head.", []string{"head."}, 1e-6, half, half},
	{"dino", []string{"", "backbone.", "module.backbone.", "module."}, "", []string{"head."}, 1e-6, imageNetMean, imageNetStd},
	{"hf", []string{"", "vit."}, "", []string{"pooler.", "classifier.", "embeddings.mask_token"}, 1e-12, half, half},
}

// theirs returns the names of our tensor in the layout, without prefix.
func (l *layout) theirs(ours string) []string {
	var module, suffix, number string
	module = ours
	if at := strings.LastIndexByte(ours, '.'); at >= 0 {
		module, suffix = ours[:at], ours[at:]
	}
	if rest, ok := strings.CutPrefix(module, "blocks."); ok {
		number, rest, _ = strings.Cut(rest, ".")
		module = "blocks.#." + rest
	}
	for _, row := range names {
		if row.ours != module {
			continue
		}
		found := row.hf
		switch l.name {
		case "timm":
			found = []string{row.timm}
		case "dino":
			found = []string{row.dino}
		}
		full := make([]string, len(found))
		for i, name := range found {
			full[i] = strings.Replace(name, "#", number, 1) + suffix
		}
		return full
	}
	panic("vit: names has no row for a tensor")
}

// detect finds the layout and the prefix of a file by its patch embedding.
func detect(f *tensorfile.File) (*layout, string, error) {
	for i := range layouts {
		l := &layouts[i]
		if l.marker != "" && !slices.ContainsFunc(f.Tensors, func(t tensorfile.Tensor) bool { return strings.HasPrefix(t.Name, l.marker) }) {
			continue
		}
		for _, prefix := range l.prefixes {
			if _, ok := f.Tensor(prefix + l.theirs("patch_embed.proj.weight")[0]); ok {
				return l, prefix, nil
			}
		}
	}
	return nil, "", fmt.Errorf("vit: want the patch embedding of a timm, DINO or Hugging Face ViT, have none among %d tensors: %w",
		len(f.Tensors), tensorfile.ErrFormat)
}

// ImportParams reads a ViT checkpoint of timm, DINO (torch hub) or Hugging Face; the layout is found by the names, the
// config by the shapes. What shapes do not tell comes from the metadata: "config" may be JSON with heads (or
// num_attention_heads), eps (layer_norm_eps), mean (image_mean) and std (image_std). Without it there is a head for each
// 64 channels, and eps, mean and std are the layout's usual ones.
//
// Classifiers are left out; any other tensor that this backbone has no place for (LayerScale, registers, a norm after
// pooling) is an error, because leaving it out would change the embedding. Errors wrap ErrConfig or tensorfile's
// sentinels and name the tensor.
func ImportParams(f *tensorfile.File) (*Params[float32], error) {
	l, prefix, err := detect(f)
	if err != nil {
		return nil, err
	}
	c, err := l.config(f, prefix)
	if err != nil {
		return nil, err
	}
	renamed, known := &tensorfile.File{}, map[string]bool{}
	wanted, _ := list[float32](c)
	for i := range wanted {
		t := &wanted[i]
		parts := l.theirs(t.Name)
		shape := slices.Clone(t.fileShape())
		shape[0] /= len(parts)
		fused := tensorfile.Tensor{Name: t.Name, Shape: t.fileShape()}
		for j, name := range parts {
			part, err := lookup(f, prefix+name, shape, "F32", "F16", "BF16")
			if err != nil {
				return nil, err
			}
			if j > 0 && part.DType != fused.DType {
				return nil, fmt.Errorf("vit: tensor %q: want %s as the tensors it is joined with, have %s: %w",
					prefix+name, fused.DType, part.DType, tensorfile.ErrDType)
			}
			known[prefix+name] = true
			fused.DType = part.DType
			if len(parts) == 1 {
				fused.Data = part.Data
				break
			}
			fused.Data = append(fused.Data, part.Data...)
		}
		renamed.Tensors = append(renamed.Tensors, fused)
	}
	err = refuseUnknown(f, known, func(name string) bool {
		name, inside := strings.CutPrefix(name, prefix)
		return !inside || slices.ContainsFunc(l.ignored, func(start string) bool { return strings.HasPrefix(name, start) })
	})
	if err != nil {
		return nil, err
	}
	return readParams(c, renamed, nil)
}

// config derives the config of a file from its shapes and its metadata.
func (l *layout) config(f *tensorfile.File, prefix string) (Config, error) {
	var c Config
	shape := func(ours string, rank int) ([]int, error) {
		name := prefix + l.theirs(ours)[0]
		t, ok := f.Tensor(name)
		if !ok {
			return nil, fmt.Errorf("vit: tensor %q: have none: %w", name, tensorfile.ErrFormat)
		}
		if len(t.Shape) != rank {
			return nil, fmt.Errorf("vit: tensor %q: want %d dimensions, have shape %v: %w", name, rank, t.Shape, tensorfile.ErrShape)
		}
		return t.Shape, nil
	}
	proj, err := shape("patch_embed.proj.weight", 4)
	if err != nil {
		return c, err
	}
	positions, err := shape("pos_embed", 3)
	if err != nil {
		return c, err
	}
	fc1, err := shape("blocks.0.mlp.fc1.weight", 2)
	if err != nil {
		return c, err
	}
	c = Config{PatchSize: proj[2], Dim: proj[0], MLPDim: fc1[0], Pool: PoolMean, Eps: l.eps, Mean: l.mean, Std: l.std}
	if _, ok := f.Tensor(prefix + l.theirs("cls_token")[0]); ok {
		c.Pool = PoolClass
	}
	for c.Depth <= maxDepth {
		if _, ok := f.Tensor(prefix + l.theirs("blocks." + strconv.Itoa(c.Depth) + ".norm1.weight")[0]); !ok {
			break
		}
		c.Depth++
	}
	grid := 0
	for grid <= maxGrid && grid*grid+c.classTokens() < positions[1] {
		grid++
	}
	if grid*grid+c.classTokens() != positions[1] {
		return c, fmt.Errorf("vit: tensor %q: want a square of up to %dx%d patches and %d class tokens, have %d positions: %w",
			prefix+l.theirs("pos_embed")[0], maxGrid, maxGrid, c.classTokens(), positions[1], tensorfile.ErrShape)
	}
	if c.PatchSize < 1 || c.PatchSize > maxPatchSize {
		return c, fmt.Errorf("vit: patchSize: want 1..%d, have %d: %w", maxPatchSize, c.PatchSize, ErrConfig)
	}
	c.ImageSize = grid * c.PatchSize
	if err := c.hints(f.Metadata[metaConfig]); err != nil {
		return c, err
	}
	if c.Heads == 0 {
		if c.Dim%64 != 0 {
			return c, fmt.Errorf("vit: dim %d is not a multiple of 64 and the metadata has no heads: %w", c.Dim, ErrConfig)
		}
		c.Heads = c.Dim / 64
	}
	return c, c.Check()
}

// hints takes from metadata what shapes do not tell.
func (c *Config) hints(text string) error {
	if text == "" {
		return nil
	}
	var h struct {
		Heads     *int        `json:"heads"`
		HFHeads   *int        `json:"num_attention_heads"`
		Eps       *float64    `json:"eps"`
		HFEps     *float64    `json:"layer_norm_eps"`
		Mean      *[3]float32 `json:"mean"`
		ImageMean *[3]float32 `json:"image_mean"`
		Std       *[3]float32 `json:"std"`
		ImageStd  *[3]float32 `json:"image_std"`
	}
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return fmt.Errorf("vit: metadata %q: %w: %w", metaConfig, err, ErrConfig)
	}
	take(&c.Heads, h.Heads, h.HFHeads)
	take(&c.Eps, h.Eps, h.HFEps)
	take(&c.Mean, h.Mean, h.ImageMean)
	take(&c.Std, h.Std, h.ImageStd)
	return nil
}

// take sets to from the first source that is there.
func take[T any](to *T, sources ...*T) {
	for _, s := range sources {
		if s != nil {
			*to = *s
			return
		}
	}
}
