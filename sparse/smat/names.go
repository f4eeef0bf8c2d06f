package smat

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"haguruma/core/tensorfile"
	"haguruma/core/vit"
)

// Parts of the authors' model, by how their names begin.
const (
	backbonePart  = "net.encoder."
	headPart      = "net.head." // prototypes take its place
	deltaPart     = "delta_hypernet.phis."
	gatePart      = "mask_hypernet.log_alphas."
	routerPart    = "mask_hypernet.task_embed_agg."
	keysName      = "mask_hypernet.masks_keys"
	skillsName    = "mask_hypernet.skills_tokens"
	tasksName     = "num_metaupdates"
	spectralOrig  = ".weight_orig"
	spectralLeft  = ".weight_u"
	spectralRight = ".weight_v"
)

// spelling is one of the two backbones of the authors: how its tensors are named and in which order the shared delta and the gates number
// them. # is the number of the block.
type spelling struct {
	layout       string // of package vit
	before       []string
	block, after []string
}

var spellings = []spelling{
	{
		layout: "hf-vit", // ViT-S: facebook/dino-vits16 of Hugging Face
		before: []string{"embeddings.cls_token", "embeddings.position_embeddings",
			"embeddings.patch_embeddings.projection.weight", "embeddings.patch_embeddings.projection.bias"},
		block: modules("encoder.layer.#.attention.attention.query", "encoder.layer.#.attention.attention.key",
			"encoder.layer.#.attention.attention.value", "encoder.layer.#.attention.output.dense", "encoder.layer.#.intermediate.dense",
			"encoder.layer.#.output.dense", "encoder.layer.#.layernorm_before", "encoder.layer.#.layernorm_after"),
		after: modules("layernorm"),
	},
	{
		layout: "dino", // ViT-B: DINO of torch hub
		before: []string{"cls_token", "pos_embed", "patch_embed.proj.weight", "patch_embed.proj.bias"},
		block:  modules("blocks.#.norm1", "blocks.#.attn.qkv", "blocks.#.attn.proj", "blocks.#.norm2", "blocks.#.mlp.fc1", "blocks.#.mlp.fc2"),
		after:  modules("norm"),
	},
}

// modules are the weight and the bias of each.
func modules(names ...string) []string {
	var all []string
	for _, name := range names {
		all = append(all, name+".weight", name+".bias")
	}
	return all
}

// tensors lists the names of a backbone of so many blocks, in the authors' order.
func (s *spelling) tensors(depth int) []string {
	names := append([]string{}, s.before...)
	for i := range depth {
		for _, name := range s.block {
			names = append(names, strings.Replace(name, "#", strconv.Itoa(i), 1))
		}
	}
	return append(names, s.after...)
}

// Is tells by the names of tensors whether the file is one of the authors'.
func Is(f *tensorfile.File) bool {
	_, ok := findPrefix(f)
	return ok
}

// findPrefix returns what every name begins with, such as "module." of a model that was trained on several devices.
func findPrefix(f *tensorfile.File) (prefix string, ok bool) {
	for i := range f.Tensors {
		if prefix, ok = strings.CutSuffix(f.Tensors[i].Name, deltaPart+"0"); ok {
			return prefix, true
		}
	}
	return "", false
}

// detect finds the spelling of the backbone and the names of its tensors.
func (r *reader) detect() (*spelling, []string, error) {
	for i := range spellings {
		s := &spellings[i]
		if !r.has(backbonePart + s.before[0]) {
			continue
		}
		depth := 0
		for slices.ContainsFunc(s.block, func(name string) bool {
			return r.has(backbonePart + strings.Replace(name, "#", strconv.Itoa(depth), 1))
		}) {
			depth++
		}
		return s, s.tensors(depth), nil
	}
	return nil, nil, fmt.Errorf("smat: want the tensor %q or %q, have neither: %w",
		r.prefix+backbonePart+spellings[0].before[0], r.prefix+backbonePart+spellings[1].before[0], vit.ErrUnsupported)
}
