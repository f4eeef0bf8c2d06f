package sparse

import (
	"slices"
	"strconv"
	"strings"
)

// Share is how many scalars of a part of the backbone a task changes.
type Share struct {
	Name    string
	Changed int // scalars that an expert with a score opens
	Total   int
}

// Part is the share that is changed, 0..1.
func (s Share) Part() float64 { return float64(s.Changed) / float64(max(s.Total, 1)) }

// Shares counts what scores open: of all experts' tensors together, of each part of the backbone in order (the blocks by number, and what
// is before and behind them), and of each kind of tensor in the blocks in the order of its first.
func (e *Experts) Shares(scores []float32) (all Share, parts, kinds []Share) {
	open := e.opened(scores)
	all.Name = "all"
	add := func(list []Share, name string, changed, total int) []Share {
		for i := range list {
			if list[i].Name == name {
				list[i].Changed += changed
				list[i].Total += total
				return list
			}
		}
		return append(list, Share{name, changed, total})
	}
	for _, t := range e.Tensors {
		changed, total := open.Count(t.Start, t.Start+t.Len()), t.Len()
		all.Changed += changed
		all.Total += total
		part, kind := place(t.Name)
		parts = add(parts, part, changed, total)
		if kind != "" {
			kinds = add(kinds, kind, changed, total)
		}
	}
	return all, parts, kinds
}

// opened is the union of the masks that have a score.
func (e *Experts) opened(scores []float32) *Mask {
	var scored []*Mask
	for m, s := range scores[:len(e.Masks)] {
		if s != 0 {
			scored = append(scored, e.Masks[m])
		}
	}
	return union(scalars(e.Tensors), scored)
}

// Place is a kind of tensor in one part of the backbone: weights and biases together.
type Place struct {
	Part, Kind string // as Shares names them; Kind is empty outside the blocks
	Share             // of what scores open, without a name
	Open       []int  // scalars that each expert opens, (M)
}

// Places lists what scores change by part and kind, in the order of the first tensor of each.
func (e *Experts) Places(scores []float32) []Place {
	open := e.opened(scores)
	var places []Place
	for _, t := range e.Tensors {
		part, kind := place(t.Name)
		i := slices.IndexFunc(places, func(p Place) bool { return p.Part == part && p.Kind == kind })
		if i < 0 {
			i = len(places)
			places = append(places, Place{Part: part, Kind: kind, Open: make([]int, len(e.Masks))})
		}
		p := &places[i]
		p.Changed += open.Count(t.Start, t.Start+t.Len())
		p.Total += t.Len()
		for m := range p.Open {
			p.Open[m] += e.Masks[m].Count(t.Start, t.Start+t.Len())
		}
	}
	return places
}

// Block is N of the name of a tensor in a block, blocks.N.*.
func Block(name string) (n int, ok bool) {
	rest, ok := strings.CutPrefix(name, "blocks.")
	number, _, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(number)
	return n, ok && err == nil && n >= 0
}

// place is the part of the backbone that a tensor belongs to and, in a block, its kind: "blocks.3" and "attn.qkv" of
// "blocks.3.attn.qkv.weight". Elsewhere the part is what stands before the first dot.
func place(name string) (part, kind string) {
	if rest, ok := strings.CutPrefix(name, "blocks."); ok {
		number, kind, _ := strings.Cut(rest, ".")
		if i := strings.LastIndexByte(kind, '.'); i >= 0 {
			kind = kind[:i]
		}
		return "blocks." + number, kind
	}
	part, _, _ = strings.Cut(name, ".")
	return part, ""
}
