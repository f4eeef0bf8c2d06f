package vit

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"haguruma/core/tensorfile"
)

// ErrUnsupported marks a checkpoint of a model that this backbone cannot be: another feed-forward, another norm.
var ErrUnsupported = errors.New("not supported")

// spelling is one way to name the tensors of a ViT.
type spelling uint8

const (
	// torchNames are timm's (huggingface/pytorch-image-models, timm/models/vision_transformer.py), which DeiT, DINO and
	// DINOv2 of torch hub share (facebookresearch/deit, dino and dinov2, vision_transformer.py).
	torchNames  spelling = iota
	vitNames             // huggingface/transformers, models/vit and models/deit
	dinov2Names          // huggingface/transformers, models/dinov2 and models/dinov2_with_registers
	spellings
)

// names are the tensors of a backbone in each spelling; # is the number of the block. A name without .weight, .gamma or
// the like stands for a module: its .weight and .bias. Tensors joined by + are stacked along the output channels; of
// names separated by | a file has one.
var names = [...][1 + spellings]string{
	{"cls_token", "cls_token", "embeddings.cls_token", "embeddings.cls_token"},
	{"register_tokens", "register_tokens | reg_token | dist_token", "embeddings.distillation_token", "embeddings.register_tokens"},
	{"pos_embed", "pos_embed", "embeddings.position_embeddings", "embeddings.position_embeddings"},
	{"patch_embed.proj", "patch_embed.proj", "embeddings.patch_embeddings.projection", "embeddings.patch_embeddings.projection"},
	{"blocks.#.norm1", "blocks.#.norm1", "encoder.layer.#.layernorm_before", "encoder.layer.#.norm1"},
	{"blocks.#.attn.qkv", "blocks.#.attn.qkv", separateQKV, separateQKV},
	{"blocks.#.attn.proj", "blocks.#.attn.proj", "encoder.layer.#.attention.output.dense", "encoder.layer.#.attention.output.dense"},
	{"blocks.#.ls1.gamma", "blocks.#.ls1.gamma | blocks.#.gamma_1", "", "encoder.layer.#.layer_scale1.lambda1"},
	{"blocks.#.norm2", "blocks.#.norm2", "encoder.layer.#.layernorm_after", "encoder.layer.#.norm2"},
	{"blocks.#.mlp.fc1", "blocks.#.mlp.fc1", "encoder.layer.#.intermediate.dense", "encoder.layer.#.mlp.fc1"},
	{"blocks.#.mlp.fc2", "blocks.#.mlp.fc2", "encoder.layer.#.output.dense", "encoder.layer.#.mlp.fc2"},
	{"blocks.#.ls2.gamma", "blocks.#.ls2.gamma | blocks.#.gamma_2", "", "encoder.layer.#.layer_scale2.lambda1"},
	{"norm", "norm", "layernorm", "layernorm"},
}

const separateQKV = "encoder.layer.#.attention.attention.query + encoder.layer.#.attention.attention.key + encoder.layer.#.attention.attention.value"

// theirs returns the ways to name our tensor, the usual one first; each is the parts that are stacked. It is nil where a
// spelling has no such tensor.
func (s spelling) theirs(ours string) [][]string {
	number, general := "", ours
	if rest, ok := strings.CutPrefix(ours, "blocks."); ok {
		number, rest, _ = strings.Cut(rest, ".")
		general = "blocks.#." + rest
	}
	module, suffix, _ := cutLast(general)
	for i := range names {
		row := &names[i]
		end := ""
		if row[0] != general {
			if row[0] != module {
				continue
			}
			end = "." + suffix
		}
		if row[1+s] == "" {
			return nil
		}
		var ways [][]string
		for way := range strings.SplitSeq(row[1+s], " | ") {
			var parts []string
			for part := range strings.SplitSeq(way, " + ") {
				parts = append(parts, strings.Replace(part, "#", number, 1)+end)
			}
			ways = append(ways, parts)
		}
		return ways
	}
	panic("vit: names has no row for a tensor")
}

func cutLast(name string) (module, suffix string, found bool) {
	at := strings.LastIndexByte(name, '.')
	if at < 0 {
		return name, "", false
	}
	return name[:at], name[at+1:], true
}

// patchName is the tensor by which a spelling is known: every backbone has one and nothing else has its name.
func (s spelling) patchName() string { return s.theirs("patch_embed.proj.weight")[0][0] }

// layout is how one project publishes checkpoints, and runs them.
type layout struct {
	name     string
	spelling spelling
	// signs begin names of which a file of this layout has one; none: what no other layout of the spelling claims.
	signs []string
	// eps, mean and std are the project's usual ones, used where nothing else says.
	eps       float64
	mean, std [3]float32
	// rule resizes position embeddings, registerRule those of models with registers.
	rule, registerRule PositionRule
}

var (
	half         = [3]float32{0.5, 0.5, 0.5}
	imageNetMean = [3]float32{0.485, 0.456, 0.406}
	imageNetStd  = [3]float32{0.229, 0.224, 0.225}

	withOffset = PositionRule{Offset: 0.1}
	antialias  = PositionRule{Antialias: true}
)

// layouts in the order in which they are tried. timm's files have a classifier or a config.json, DINO's neither.
var layouts = []layout{
	{"deit", torchNames, []string{"dist_token", "head_dist.", "blocks.0.gamma_1"}, 1e-6, imageNetMean, imageNetStd, antialias, antialias},
	{"timm", torchNames, []string{"head."}, 1e-6, half, half, antialias, antialias},
	{"dinov2", torchNames, []string{"mask_token", "register_tokens", "reg_token", "blocks.0.ls1.gamma"}, 1e-6, imageNetMean, imageNetStd, withOffset, antialias},
	{"dino", torchNames, nil, 1e-6, imageNetMean, imageNetStd, withOffset, withOffset},
	{"hf-dinov2", dinov2Names, nil, 1e-6, imageNetMean, imageNetStd, PositionRule{}, antialias},
	{"hf-vit", vitNames, nil, 1e-12, half, half, PositionRule{}, PositionRule{}},
}

// Layouts returns the names of the layouts that ImportParams knows.
func Layouts() []string {
	var all []string
	for i := range layouts {
		all = append(all, layouts[i].name)
	}
	return all
}

// ignored begin the names under a backbone's prefix that are no part of it: classifiers, and what only training needs.
var ignored = [spellings][]string{
	torchNames:  {"head.", "head_dist.", "fc.", "pre_logits.", "mask_token"},
	vitNames:    {"pooler.", "classifier.", "cls_classifier.", "distillation_classifier.", "embeddings.mask_token", "decoder."},
	dinov2Names: {"classifier.", "embeddings.mask_token"},
}

// foreign are parts of names of models that look like a ViT and are none of ours.
var foreign = []struct{ part, reason string }{
	{"mlp.w12.", swiGLU}, {"mlp.weights_in.", swiGLU}, {"mlp.fc1_g.", swiGLU}, {"mlp.gate_proj.", swiGLU},
	{"fc_norm.", "a norm after pooling"},
	{"norm_pre.", "a norm before the blocks, as in CLIP"}, {"pre_layrnorm.", "a norm before the blocks, as in CLIP"},
	{"q_norm.", "normed queries and keys"},
	{"attn_pool.", "pooling by attention"},
	{"relative_position_bias", "relative positions"}, {"rel_pos_", "relative positions"}, {"rope", "rotary positions"},
	{"patch_embed.backbone.", "a convolutional network before the patches"},
	{"blocks.0.0.norm1.", "blocks in chunks: save the model with block_chunks=0"},
}

const swiGLU = "a SwiGLU feed-forward, want a GELU one (DINOv2: ViT-S, B or L)"

// refuseForeign returns an error for the first tensor under the prefix that marks another kind of model.
func refuseForeign(f *tensorfile.File, prefix string) error {
	for i := range f.Tensors {
		name, inside := strings.CutPrefix(f.Tensors[i].Name, prefix)
		if !inside {
			continue
		}
		for _, mark := range foreign {
			if strings.Contains(name, mark.part) {
				return fmt.Errorf("vit: tensor %q: %s: %w", f.Tensors[i].Name, mark.reason, ErrUnsupported)
			}
		}
	}
	return nil
}

// detect finds the spelling and the prefix of a file by its patch embedding, then the layout: the wanted one, or the
// first whose sign is there. "" wants any.
func detect(f *tensorfile.File, wanted string, timm bool) (*layout, string, error) {
	var found []string // names of patch embeddings
	var which spelling
	for i := range f.Tensors {
		for s := range spellings {
			if name := f.Tensors[i].Name; name == s.patchName() || strings.HasSuffix(name, "."+s.patchName()) {
				// The two of Hugging Face differ in the blocks.
				if s == vitNames && hasSuffix(f, "encoder.layer.0.norm1.weight") || s == dinov2Names && !hasSuffix(f, "encoder.layer.0.norm1.weight") {
					continue
				}
				found, which = append(found, name), s
			}
		}
	}
	switch {
	case len(found) == 0:
		return nil, "", fmt.Errorf("vit: want the patch embedding of a timm, DINO, DINOv2 or Hugging Face ViT, have none among %d tensors: %w",
			len(f.Tensors), tensorfile.ErrFormat)
	case len(found) > 1:
		return nil, "", fmt.Errorf("vit: want one backbone, have %d: %q: %w", len(found), found[:2], ErrUnsupported)
	}
	prefix := strings.TrimSuffix(found[0], which.patchName())
	for i := range layouts {
		l := &layouts[i]
		if l.spelling != which {
			continue
		}
		sign := len(l.signs) == 0 || slices.ContainsFunc(l.signs, func(sign string) bool { return hasPrefix(f, prefix+sign) })
		if wanted == l.name || wanted == "" && (sign && !timm || timm && l.name == "timm" || which != torchNames) {
			return l, prefix, nil
		}
	}
	return nil, "", fmt.Errorf("vit: layout %q: tensor %q is of another: %w", wanted, found[0], ErrUnsupported)
}

func hasPrefix(f *tensorfile.File, start string) bool {
	return slices.ContainsFunc(f.Tensors, func(t tensorfile.Tensor) bool { return strings.HasPrefix(t.Name, start) })
}

func hasSuffix(f *tensorfile.File, end string) bool {
	return slices.ContainsFunc(f.Tensors, func(t tensorfile.Tensor) bool { return strings.HasSuffix(t.Name, end) })
}
