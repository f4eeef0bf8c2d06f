package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"haguruma/sparse/metatune"
)

// baseline is a run that the experts are compared with, from the same start, data and budget.
type baseline struct {
	name, what string
	flags      []string // what it decides: giving one of them beside it is a contradiction
	apply      func(c *metatune.MetaConfig)
}

var baselines = []baseline{
	{"pmf", "all weights, no masks, no router (Hu et al. 2022)", []string{"masks", "experts", "routing"}, func(c *metatune.MetaConfig) { *c = c.DenseBaseline() }},
	{"one", "one expert", []string{"experts"}, func(c *metatune.MetaConfig) { c.Gates.Experts = 1 }},
	{"random", "masks drawn once at the density", []string{"masks"}, func(c *metatune.MetaConfig) { c.Masks = metatune.MasksRandom }},
	// Every expert would open the same weights, so one stands for all.
	{"magnitude", "one mask, of the largest weights", []string{"masks", "experts"}, func(c *metatune.MetaConfig) {
		c.Masks, c.Gates.Experts = metatune.MasksMagnitude, 1
	}},
	{"hand", "masks drawn once at the density, in values, attn.proj and fc2 only", []string{"masks", "tensors"}, func(c *metatune.MetaConfig) {
		c.Masks, c.Gates.Tensors = metatune.MasksRandom, metatune.HandTensors()
	}},
	{"no-distill", "cross-entropy alone, without a teacher", []string{"distill"}, func(c *metatune.MetaConfig) { c.Distill = 0 }},
	{"uniform", "all experts alike, no router", []string{"routing"}, func(c *metatune.MetaConfig) { c.Routing = metatune.RoutingUniform }},
}

func baselineNames() []string {
	var names []string
	for _, b := range baselines {
		names = append(names, b.name)
	}
	return names
}

func baselineHelp() string {
	var lines []string
	for _, b := range baselines {
		lines = append(lines, fmt.Sprintf("  %-11s %s", b.name, b.what))
	}
	return strings.Join(lines, "\n")
}

// applyBaseline changes cfg, and refuses flags that say otherwise.
func applyBaseline(name string, flags *pflag.FlagSet, cfg *metatune.MetaConfig) error {
	at := slices.IndexFunc(baselines, func(b baseline) bool { return b.name == name })
	if at < 0 {
		return usagef("--baseline %q: want %s", name, strings.Join(baselineNames(), ", "))
	}
	for _, flag := range baselines[at].flags {
		if flags.Changed(flag) {
			return usagef("--baseline %s decides --%s, which is given beside it", name, flag)
		}
	}
	baselines[at].apply(cfg)
	return nil
}
