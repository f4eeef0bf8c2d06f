package metatune

import (
	"math"
	"strings"

	"haguruma/core/tensorfile"
	"haguruma/sparse"
)

// Anatomy is what was learned, in numbers: where each expert opens weights, and how alike the experts are. Source of the questions: Chen
// et al. 2024, arXiv:2403.08477, its figures of learned sparsity patterns.
type Anatomy struct {
	PartDensity                      // of all weights: their number N, what each expert and what some expert opens
	Overlap     [][]float64          `json:"overlap"` // (M, M) Jaccard: open in both of open in either
	MeanOverlap float64              `json:"meanOverlap"`
	Kinds       []PartDensity        `json:"kinds"`  // by kind of tensor, in the order of the network
	Blocks      []PartDensity        `json:"blocks"` // by block; empty when there are none
	Cells       []PartDensity        `json:"cells"`  // by both: kind and block
	Router      *sparse.RouterConfig `json:"router"` // null: scores are uniform
	Temperature float32              `json:"temperature"`
	Steps       int                  `json:"steps"` // scores are multiples of 1/Steps; 0: they are not rounded
}

// PartDensity is how open one part of the weights is.
type PartDensity struct {
	Kind      string    `json:"kind,omitempty"`
	Block     *int      `json:"block,omitempty"`
	Scalars   int       `json:"scalars"`
	Density   []float64 `json:"density"`   // (M)
	Mean      float64   `json:"mean"`      // over the experts
	Deviation float64   `json:"deviation"` // standard deviation over the experts
	Union     float64   `json:"union"`     // that some expert opens

	open       []int // (M)
	openInSome int
}

// NewAnatomy takes the experts apart.
func NewAnatomy(e *sparse.Experts) *Anatomy {
	a := &Anatomy{Steps: e.Steps, Overlap: make([][]float64, len(e.Masks))}
	if e.Router != nil {
		a.Router, a.Temperature = &e.Router.Config, e.Temperature
	}
	pairs := 0
	for m, mask := range e.Masks {
		a.Overlap[m] = make([]float64, len(e.Masks))
		for other := range m {
			v := sparse.Overlap(mask, e.Masks[other])
			a.Overlap[m][other], a.Overlap[other][m] = v, v
			a.MeanOverlap += v
			pairs++
		}
		a.Overlap[m][m] = sparse.Overlap(mask, mask)
	}
	a.MeanOverlap /= float64(max(pairs, 1))
	all := e.UnionMask()
	a.open = make([]int, len(e.Masks))
	a.add(e.Masks, all, 0, all.Len())
	a.PartDensity.finish()
	var kinds, blocks, cells partList
	for _, t := range e.Tensors {
		block := blockOf(t.Name)
		for _, p := range kindsOf(t) {
			kinds.at(p.kind, nil, len(e.Masks)).add(e.Masks, all, p.from, p.to)
			if block != nil {
				blocks.at("", block, len(e.Masks)).add(e.Masks, all, p.from, p.to)
				cells.at(p.kind, block, len(e.Masks)).add(e.Masks, all, p.from, p.to)
			}
		}
	}
	a.Kinds, a.Blocks, a.Cells = kinds.finish(), blocks.finish(), cells.finish()
	return a
}

// partList finds parts by kind and block, in the order they were first asked for.
type partList struct {
	parts []*PartDensity
	index map[partKey]*PartDensity
}

type partKey struct {
	kind  string
	block int
}

// at finds or adds a part.
func (l *partList) at(kind string, block *int, experts int) *PartDensity {
	key := partKey{kind, -1}
	if block != nil {
		key.block = *block
	}
	p := l.index[key]
	if p == nil {
		if l.index == nil {
			l.index = map[partKey]*PartDensity{}
		}
		p = &PartDensity{Kind: kind, Block: block, open: make([]int, experts)}
		l.index[key] = p
		l.parts = append(l.parts, p)
	}
	return p
}

func (l *partList) finish() []PartDensity {
	out := []PartDensity{}
	for _, p := range l.parts {
		p.finish()
		out = append(out, *p)
	}
	return out
}

func (p *PartDensity) add(masks []*sparse.Mask, all *sparse.Mask, from, to int) {
	p.Scalars += to - from
	for m, mask := range masks {
		p.open[m] += mask.Count(from, to)
	}
	p.openInSome += all.Count(from, to)
}

func (p *PartDensity) finish() {
	n := float64(max(p.Scalars, 1))
	for _, open := range p.open {
		p.Density = append(p.Density, float64(open)/n)
		p.Mean += float64(open) / n / float64(len(p.open))
	}
	for _, d := range p.Density {
		p.Deviation += (d - p.Mean) * (d - p.Mean)
	}
	p.Deviation = math.Sqrt(p.Deviation / float64(max(len(p.Density)-1, 1)))
	p.Union = float64(p.openInSome) / n
}

// kindPart is the scalars [from : to] of a kind.
type kindPart struct {
	kind     string
	from, to int
}

// kindsOf names the kind of a tensor; queries, keys and values are the thirds of the rows of attn.qkv. A tensor of another network than
// ours is a kind by its own name, the same in every block.
func kindsOf(t sparse.Tensor) []kindPart {
	end := t.Start + t.Len()
	name, _ := strings.CutPrefix(t.Name, "blocks.")
	if name != t.Name {
		_, name, _ = strings.Cut(name, ".")
		stem := strings.TrimSuffix(strings.TrimSuffix(name, ".weight"), ".bias")
		if stem == "attn.qkv" && len(t.Shape) > 0 && t.Shape[0]%3 == 0 {
			third := t.Len() / 3
			return []kindPart{{"queries", t.Start, t.Start + third}, {"keys", t.Start + third, end - third}, {"values", end - third, end}}
		}
		kinds := map[string]string{
			"attn.proj": "attention output", "mlp.fc1": "fc1", "mlp.fc2": "fc2", "norm1": "norms", "norm2": "norms", "ls1.gamma": "layer scales", "ls2.gamma": "layer scales",
		}
		if kind, ok := kinds[stem]; ok {
			return []kindPart{{kind, t.Start, end}}
		}
		return []kindPart{{name, t.Start, end}}
	}
	switch {
	case name == "cls_token" || name == "register_tokens" || name == "pos_embed" || strings.HasPrefix(name, "patch_embed."):
		return []kindPart{{"embeddings", t.Start, end}}
	case name == "norm.weight" || name == "norm.bias":
		return []kindPart{{"norms", t.Start, end}}
	}
	return []kindPart{{name, t.Start, end}}
}

// blockOf is N of blocks.N.*, or nil.
func blockOf(name string) *int {
	if n, ok := sparse.Block(name); ok {
		return &n
	}
	return nil
}

// FilePart is what one part of an experts' file takes.
type FilePart struct {
	Name   string `json:"name"`
	Bytes  int    `json:"bytes"`  // unpacked
	Packed int    `json:"packed"` // in a zstd frame of its own, header included
}

// FileParts are the sizes of an experts' file, by what is in it.
func FileParts(f *tensorfile.File) ([]FilePart, error) {
	groups := []struct {
		name, prefix string
		file         *tensorfile.File
	}{{"delta", "delta.", nil}, {"masks", "masks.", nil}, {"levels", "levels.", nil}, {"router", "router.", nil}, {"metadata", "", &tensorfile.File{Metadata: f.Metadata}}}
	var parts []FilePart
	for _, g := range groups {
		part := FilePart{Name: g.name}
		if g.file == nil {
			g.file = &tensorfile.File{}
			for _, t := range f.Tensors {
				if strings.HasPrefix(t.Name, g.prefix) {
					g.file.Tensors = append(g.file.Tensors, t)
					part.Bytes += len(t.Data)
				}
			}
			if len(g.file.Tensors) == 0 {
				continue
			}
		} else {
			for key, value := range f.Metadata {
				part.Bytes += len(key) + len(value)
			}
		}
		packed, err := tensorfile.EncodeZstd(g.file)
		if err != nil {
			return nil, err
		}
		part.Packed = len(packed)
		parts = append(parts, part)
	}
	return parts, nil
}
