package onnx

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"haguruma/core/vit"
)

// ErrTooLarge: the weights do not fit the 2 GiB that a protocol buffer may have.
var ErrTooLarge = errors.New("too large")

// Names of the model's input and output.
const (
	Input  = "pixel_values" // (N, 3, S, S), normalized by Config.Mean and Std
	Output = "embedding"    // (N, D)
)

// Model returns the backbone as an ONNX file: vit.Model.Forward at
// Config.ImageSize, with the weights in float32.
//
// batch is N; 0 leaves it open. Engines plan better for a number they know.
// The error wraps ErrTooLarge. It panics if batch is negative.
func Model(p *vit.Params[float32], batch int) ([]byte, error) {
	return model(p, batch, 0, nil)
}

// model is Model for codes = 0, else ModelInt8; with a head, Classifier.
func model(p *vit.Params[float32], batch int, codes Int8, head *Head) ([]byte, error) {
	if batch < 0 {
		panic("onnx: Model: batch < 0")
	}
	const limit = math.MaxInt32 - 1<<20 // what is not weights is below 1 MiB
	if len(p.Flat) > limit/4 {
		return nil, fmt.Errorf("onnx: want at most %d parameters, have %d: %w", limit/4, len(p.Flat), ErrTooLarge)
	}
	b := &builder{graph: newGraph(room(p, head)), config: p.Config, weights: map[string][]float32{}, shapes: map[string][]int{}, batch: batch, int8: codes}
	for _, t := range p.Tensors() {
		b.weights[t.Name], b.shapes[t.Name] = t.Data, t.Shape
	}
	x := b.tokens()
	for i := range b.config.Depth {
		x = b.block(x, "blocks."+strconv.Itoa(i))
	}
	b.pool(x)
	s, n := b.config.ImageSize, dimension{batch, ""}
	if batch == 0 {
		n.name = "N"
	}
	outputs := []message{valueInfo(Output, []dimension{n, {size: b.config.Dim}})}
	var properties []Property
	if head != nil {
		b.classify(head)
		outputs = append(outputs, valueInfo(Probabilities, []dimension{n, {size: len(head.Bias)}}))
		properties = head.Properties
	}
	return b.model("vit", valueInfo(Input, []dimension{n, {size: 3}, {size: s}, {size: s}}), outputs, properties), nil
}

// room is at least the bytes of a model in float32.
func room(p *vit.Params[float32], head *Head) int {
	size := 4*len(p.Flat) + (p.Config.Depth+8)<<13 // a block has 5 kB of names
	if head != nil {
		size += 4 * (len(head.Weight) + len(head.Bias))
		for _, x := range head.Properties {
			size += len(x.Key) + len(x.Value) + 32
		}
	}
	return size
}

// builder adds the layers of a backbone to a graph.
type builder struct {
	graph
	config  vit.Config
	batch   int
	int8    Int8 // 0: float32
	weights map[string][]float32
	shapes  map[string][]int
}

// weight adds a tensor as it is.
func (b *builder) weight(name string) string {
	return b.floats(name, b.weights[name], b.shapes[name]...)
}

// linear is x Wᵀ + bias; ONNX wants the transposed matrix.
func (b *builder) linear(x, name string) string {
	w, out, in := b.weights[name+".weight"], b.shapes[name+".weight"][0], b.shapes[name+".weight"][1]
	turned := transposed(w, out, in)
	if b.int8 != 0 {
		return b.node("Add", []string{b.dynamic(x, name, turned, in, out), b.weight(name + ".bias")})
	}
	return b.node("Add", []string{b.node("MatMul", []string{x, b.floats(name, turned, in, out)}), b.weight(name + ".bias")})
}

// transposed is a matrix (rows, cols) as (cols, rows).
func transposed(x []float32, rows, cols int) []float32 {
	y := make([]float32, len(x))
	for r := range rows {
		for c := range cols {
			y[c*rows+r] = x[r*cols+c]
		}
	}
	return y
}

func (b *builder) layerNorm(x, name string) string {
	return b.node("LayerNormalization", []string{x, b.weight(name + ".weight"), b.weight(name + ".bias")},
		attribute{"axis", -1}, attribute{"epsilon", float32(b.config.Eps)})
}

// gelu is 0.5 x (1 + erf(x/√2)); opset 17 has no operator of it.
func (b *builder) gelu(x string) string {
	erf := b.node("Erf", []string{b.node("Div", []string{x, b.floats("sqrt2", []float32{math.Sqrt2})})})
	grown := b.node("Mul", []string{x, b.node("Add", []string{erf, b.floats("one", []float32{1})})})
	return b.node("Mul", []string{grown, b.floats("half", []float32{0.5})})
}

func (b *builder) reshape(x string, shape ...int) string {
	return b.node("Reshape", []string{x, b.integers("shape", false, shape...)})
}

func (b *builder) transpose(x string, order ...int) string {
	return b.node("Transpose", []string{x}, attribute{"perm", order})
}

// conv is a convolution over (N, C, H, W); our weights are (out, kh, kw, in).
func (b *builder) conv(x, name string, stride, pad int) string {
	w, s := b.weights[name+".weight"], b.shapes[name+".weight"]
	out, size, in := s[0], s[1], s[3]
	turned := make([]float32, 0, len(w))
	for o := range out {
		for i := range in {
			for a := range size * size {
				turned = append(turned, w[(o*size*size+a)*in+i])
			}
		}
	}
	return b.node("Conv", []string{x, b.floats(name, turned, out, in, size, size), b.weight(name + ".bias")},
		attribute{"kernel_shape", []int{size, size}}, attribute{"strides", []int{stride, stride}}, attribute{"pads", []int{pad, pad, pad, pad}})
}

// tokens is the patch embedding with class token, registers and positions:
// (N, T, D).
func (b *builder) tokens() string {
	c, x := b.config, Input
	if len(c.Stem) == 0 {
		x = b.conv(x, "patch_embed.proj", c.PatchSize, 0)
	}
	for i := range c.Stem {
		name := "patch_embed.stem." + strconv.Itoa(i)
		x = b.conv(x, name, 2, 1)
		if i < len(c.Stem)-1 {
			x = b.gelu(b.layerNorm(b.transpose(x, 0, 2, 3, 1), name+".norm"))
			x = b.transpose(x, 0, 3, 1, 2)
		}
	}
	grid := c.ImageSize / c.PatchSize
	x = b.transpose(b.reshape(x, 0, c.Dim, grid*grid), 0, 2, 1)
	pos := b.weights["pos_embed"]
	class := len(pos)/c.Dim - grid*grid
	x = b.node("Add", []string{x, b.floats("pos_embed", pos[class*c.Dim:], 1, grid*grid, c.Dim)})
	if class == 0 {
		return x
	}
	// The class token and its position never change, registers have none: one constant before the patches.
	var first []float32
	for i, v := range b.weights["cls_token"] {
		first = append(first, v+pos[i])
	}
	first = append(first, b.weights["register_tokens"]...)
	before := b.floats("prefix", first, 1, len(first)/c.Dim, c.Dim)
	if b.batch != 1 {
		n := b.node("Shape", []string{x}, attribute{"start", 0}, attribute{"end", 1})
		shape := b.node("Concat", []string{n, b.integers("prefix_shape", false, len(first)/c.Dim, c.Dim)}, attribute{"axis", 0})
		before = b.node("Expand", []string{before, shape})
	}
	return b.node("Concat", []string{before, x}, attribute{"axis", 1})
}

// block is one pre-norm transformer block.
func (b *builder) block(x, name string) string {
	c := b.config
	heads, width := c.Heads, c.Dim/c.Heads
	qkv := b.linear(b.layerNorm(x, name+".norm1"), name+".attn.qkv")
	parts := []string{b.fresh("q"), b.fresh("k"), b.fresh("v")}
	b.operation("Split", []string{qkv, b.integers("thirds", false, c.Dim, c.Dim, c.Dim)}, parts, attribute{"axis", 2})
	head := func(part string, order ...int) string {
		return b.transpose(b.reshape(part, 0, 0, heads, width), order...)
	}
	q := b.node("Mul", []string{head(parts[0], 0, 2, 1, 3), b.floats("scale", []float32{float32(1 / math.Sqrt(float64(width)))})})
	scores := b.node("MatMul", []string{q, head(parts[1], 0, 2, 3, 1)})
	probs := b.node("Softmax", []string{scores}, attribute{"axis", -1})
	attended := b.node("MatMul", []string{probs, head(parts[2], 0, 2, 1, 3)})
	y := b.linear(b.reshape(b.transpose(attended, 0, 2, 1, 3), 0, 0, c.Dim), name+".attn.proj")
	x = b.node("Add", []string{x, b.scaled(y, name+".ls1")})

	y = b.linear(b.gelu(b.linear(b.layerNorm(x, name+".norm2"), name+".mlp.fc1")), name+".mlp.fc2")
	return b.node("Add", []string{x, b.scaled(y, name+".ls2")})
}

// scaled multiplies the factors of LayerScale, where there are any.
func (b *builder) scaled(x, name string) string {
	if b.config.LayerScale == 0 {
		return x
	}
	return b.node("Mul", []string{x, b.weight(name + ".gamma")})
}

// pool turns the tokens into the output.
func (b *builder) pool(x string) {
	if b.config.Pool == vit.PoolMean {
		b.operation("ReduceMean", []string{b.layerNorm(x, "norm")}, []string{Output}, attribute{"axes", []int{1}}, attribute{"keepdims", 0})
		return
	}
	class := b.node("Gather", []string{x, b.integers("class", true, 0)}, attribute{"axis", 1})
	b.operation("Identity", []string{b.layerNorm(class, "norm")}, []string{Output})
}
