package vit

import (
	"fmt"

	"haguruma/core/nn"
)

// block is one pre-norm transformer block: x += ls1(proj(attention(qkv(norm1(x))))), then x += ls2(mlp(norm2(x))).
type block[F nn.Float] struct {
	norm1     nn.LayerNorm[F]
	qkv, proj nn.Linear[F]
	ls1       nn.LayerScale[F] // no gain without LayerScale
	norm2     nn.LayerNorm[F]
	mlp       nn.MLP[F]
	ls2       nn.LayerScale[F]
}

// network is every layer as a view into one flat parameter (or gradient) vector.
type network[F nn.Float] struct {
	cls      []F // (D), nil without a class token
	register []F // (Registers, D)
	pos      []F // (1 + grid*grid, D), without the 1 when there is no class token
	conv     []nn.Conv[F]
	convNorm []nn.LayerNorm[F] // one less than conv
	blocks   []block[F]
	norm     nn.LayerNorm[F]
}

// kind says how a tensor is initialized, stored and decayed.
type kind uint8

const (
	kindMatrix    kind = iota // (out, in)
	kindConv                  // (out, kh, kw, in) here, (out, in, kh, kw) in files
	kindBias                  // zeros at the start
	kindGain                  // ones at the start
	kindEmbedding             // class token, registers and position embeddings
	kindScale                 // Config.LayerScale at the start
)

// Tensor is one named parameter tensor: a view into Params.Flat.
type Tensor[F nn.Float] struct {
	Name  string // timm's
	Shape []int  // convolutions are (out, kh, kw, in), which is not the order of files
	Data  []F
	Start int  // Data is Flat[Start:Start+len(Data)]
	Decay bool // weight decay applies: matrices and convolutions only
	kind  kind
}

// quantized tells whether the tensor is int8 in an Int8Model.
func (t *Tensor[F]) quantized() bool { return t.kind == kindMatrix || t.kind == kindConv }

// fileShape is the shape of the tensor in files: torch's.
func (t *Tensor[F]) fileShape() []int {
	if t.kind == kindConv {
		return []int{t.Shape[0], t.Shape[3], t.Shape[1], t.Shape[2]}
	}
	return t.Shape
}

// binder walks the layers in the one fixed order and hands out the vector tensor by tensor, or the tensors of a map by
// their names. With neither it only lists names, shapes and places.
type binder[F nn.Float] struct {
	flat    []F
	named   map[string][]F
	at      int
	tensors []Tensor[F]
}

func (b *binder[F]) take(k kind, name string, shape ...int) []F {
	n := 1
	for _, s := range shape {
		n *= s
	}
	t := Tensor[F]{Name: name, Shape: shape, Data: b.named[name], Start: b.at, Decay: k == kindMatrix || k == kindConv, kind: k}
	if b.flat != nil {
		t.Data = b.flat[b.at : b.at+n : b.at+n]
	}
	b.at += n
	b.tensors = append(b.tensors, t)
	return t.Data
}

func (b *binder[F]) linear(name string, in, out int) nn.Linear[F] {
	return nn.Linear[F]{
		Weight: b.take(kindMatrix, name+".weight", out, in),
		Bias:   b.take(kindBias, name+".bias", out),
		In:     in, Out: out,
	}
}

func (b *binder[F]) layerNorm(name string, dim int, eps float64) nn.LayerNorm[F] {
	return nn.LayerNorm[F]{
		Gain: b.take(kindGain, name+".weight", dim),
		Bias: b.take(kindBias, name+".bias", dim),
		Dim:  dim, Eps: F(eps),
	}
}

func (b *binder[F]) layerScale(c Config, name string) nn.LayerScale[F] {
	if c.LayerScale == 0 {
		return nn.LayerScale[F]{}
	}
	return nn.LayerScale[F]{Gain: b.take(kindScale, name+".gamma", c.Dim), Dim: c.Dim}
}

func (b *binder[F]) conv(name string, in, out, size, stride, pad int) nn.Conv[F] {
	return nn.Conv[F]{
		Weight: b.take(kindConv, name+".weight", out, size, size, in),
		Bias:   b.take(kindBias, name+".bias", out),
		In:     in, Out: out, Size: size, Stride: stride, Pad: pad,
	}
}

// bind builds the layers of a config over flat, which must have the length that list returns.
func bind[F nn.Float](c Config, flat []F) (network[F], []Tensor[F]) {
	b := &binder[F]{flat: flat}
	return b.network(c), b.tensors
}

// list returns the tensors of a config without data, and the length of the flat vector.
func list[F nn.Float](c Config) (tensors []Tensor[F], n int) {
	b := &binder[F]{}
	b.network(c)
	return b.tensors, b.at
}

// network walks the layers of a checked config.
func (b *binder[F]) network(c Config) network[F] {
	var n network[F]
	if c.Pool == PoolClass {
		n.cls = b.take(kindEmbedding, "cls_token", 1, 1, c.Dim)
	}
	if c.Registers > 0 {
		n.register = b.take(kindEmbedding, "register_tokens", 1, c.Registers, c.Dim)
	}
	n.pos = b.take(kindEmbedding, "pos_embed", 1, c.positions(), c.Dim)
	if len(c.Stem) == 0 {
		n.conv = append(n.conv, b.conv("patch_embed.proj", 3, c.Dim, c.PatchSize, c.PatchSize, 0))
	}
	in := 3
	for i, out := range c.Stem {
		name := fmt.Sprintf("patch_embed.stem.%d", i)
		n.conv = append(n.conv, b.conv(name, in, out, 3, 2, 1))
		if i < len(c.Stem)-1 {
			n.convNorm = append(n.convNorm, b.layerNorm(name+".norm", out, c.Eps))
		}
		in = out
	}
	for i := range c.Depth {
		name := fmt.Sprintf("blocks.%d", i)
		n.blocks = append(n.blocks, block[F]{
			norm1: b.layerNorm(name+".norm1", c.Dim, c.Eps),
			qkv:   b.linear(name+".attn.qkv", c.Dim, 3*c.Dim),
			proj:  b.linear(name+".attn.proj", c.Dim, c.Dim),
			ls1:   b.layerScale(c, name+".ls1"),
			norm2: b.layerNorm(name+".norm2", c.Dim, c.Eps),
			mlp: nn.MLP[F]{
				FC1: b.linear(name+".mlp.fc1", c.Dim, c.MLPDim),
				FC2: b.linear(name+".mlp.fc2", c.MLPDim, c.Dim),
			},
			ls2: b.layerScale(c, name+".ls2"),
		})
	}
	n.norm = b.layerNorm("norm", c.Dim, c.Eps)
	return n
}
