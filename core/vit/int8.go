package vit

import (
	"haguruma/core/kernel"
	"haguruma/core/nn"
	"haguruma/core/quant"
)

// Int8Model is a backbone whose matmuls run in int8: weights per output channel, activations quantized row by row, and
// the two products of attention (kernel.Attention). Everything else (norms, GELU, softmax) is float32 with a fixed order of
// operations, so an image has the same embedding bits on every platform, whatever else is in its batch.
//
// One goroutine uses a model at a time; Share gives another goroutine the same weights with its own buffers.
type Int8Model struct {
	Metadata map[string]string // of the file, without the keys that File writes itself; may be nil
	weights  *int8Weights
	act      Activations[float32]
	rows     quant.Rows
}

// int8Weights are read-only after they are made.
type int8Weights struct {
	config  Config
	net     network[float32]         // without the weights of matrices and convolutions
	tensors []Tensor[float32]        // as net
	matrix  map[string]*quant.Matrix // those weights, by name; convolutions are (out, kh*kw*in)

	conv   []*quant.Matrix
	blocks []int8Block
}

type int8Block struct{ qkv, proj, fc1, fc2 *quant.Matrix }

// NewInt8 quantizes the weights of p, which it does not keep. Factors of LayerScale are folded into the weights first
// (Params.FoldLayerScale), so the model's config has none. Weights on a quant.Grid keep their values exactly.
func NewInt8(p *Params[float32]) *Int8Model {
	p = p.FoldLayerScale()
	matrices, vectors := map[string]*quant.Matrix{}, map[string][]float32{}
	for i := range p.tensors {
		t := &p.tensors[i]
		if t.quantized() {
			rows, cols := t.matrixShape()
			matrices[t.Name] = quant.QuantizeExact(t.Data, rows, cols)
			continue
		}
		vectors[t.Name] = append([]float32(nil), t.Data...)
	}
	return newInt8(p.Config, matrices, vectors)
}

// newInt8 assembles a model from the quantized and the float tensors of a checked config.
func newInt8(c Config, matrices map[string]*quant.Matrix, vectors map[string][]float32) *Int8Model {
	b := &binder[float32]{named: vectors}
	w := &int8Weights{config: c, matrix: matrices}
	w.net = b.network(c)
	w.tensors = b.tensors
	var order []*quant.Matrix
	for i := range w.tensors {
		if t := &w.tensors[i]; t.quantized() {
			order = append(order, matrices[t.Name])
		}
	}
	w.conv = order[:len(w.net.conv)]
	for rest := order[len(w.conv):]; len(rest) > 0; rest = rest[4:] {
		w.blocks = append(w.blocks, int8Block{rest[0], rest[1], rest[2], rest[3]})
	}
	return &Int8Model{weights: w}
}

// matrixShape is the shape (rows, cols) of the tensor as a matmul sees it.
func (t *Tensor[F]) matrixShape() (rows, cols int) {
	cols = 1
	for _, s := range t.Shape[1:] {
		cols *= s
	}
	return t.Shape[0], cols
}

// Config returns the config of the model.
func (m *Int8Model) Config() Config { return m.weights.config }

// Share returns a model for another goroutine: the same weights and metadata, its own buffers.
func (m *Int8Model) Share() *Int8Model { return &Int8Model{Metadata: m.Metadata, weights: m.weights} }

// Params returns the weights as float32: what the int8 codes stand for.
func (m *Int8Model) Params() *Params[float32] {
	p := NewParams[float32](m.weights.config)
	for i := range p.tensors {
		t := &p.tensors[i]
		if t.quantized() {
			m.weights.matrix[t.Name].Dequantize(t.Data)
			continue
		}
		copy(t.Data, m.weights.tensors[i].Data)
	}
	return p
}

// Derive returns a model that differs from m in some weights; the others are shared, and m is not written to. It has its own buffers and m's
// metadata.
//
//	matrix  returns what takes the place of a quantized tensor, of the same shape, or w itself
//	vector  returns what takes the place of another tensor, of the same length, or x itself; neither is written to
//
// It panics on a matrix or vector of another size.
func (m *Int8Model) Derive(matrix func(name string, w *quant.Matrix) *quant.Matrix, vector func(name string, x []float32) []float32) *Int8Model {
	matrices, vectors := make(map[string]*quant.Matrix, len(m.weights.matrix)), map[string][]float32{}
	for i := range m.weights.tensors {
		t := &m.weights.tensors[i]
		if t.quantized() {
			old := m.weights.matrix[t.Name]
			w := matrix(t.Name, old)
			if w.Rows != old.Rows || w.Cols != old.Cols {
				panic("vit: Derive: a matrix of another shape")
			}
			matrices[t.Name] = w
			continue
		}
		x := vector(t.Name, t.Data)
		if len(x) != len(t.Data) {
			panic("vit: Derive: a vector of another length")
		}
		vectors[t.Name] = x
	}
	d := newInt8(m.weights.config, matrices, vectors)
	d.Metadata = m.Metadata
	return d
}

// Tensors lists the names and shapes of the weights in their fixed order, as Params has them: the slice and the shapes are the caller's to
// read. Data is nil where the weights are int8 codes, which have the same order.
func (m *Int8Model) Tensors() []Tensor[float32] { return m.weights.tensors }

// chunkRows is the number of tokens that Embed runs at once: enough for the matmuls to reuse their panels, few enough
// that a large batch does not need large buffers.
const chunkRows = 256

// Embed writes the embeddings of a batch of square images; shapes as in Model.Forward. The buffers grow to the largest
// size seen and are then reused without allocating.
func (m *Int8Model) Embed(embed, images []float32, batch, size int) {
	c := m.weights.config
	if batch < 1 || c.CheckSize(size) != nil {
		panic("vit: Embed: batch < 1 or size does not pass CheckSize")
	}
	if len(images) < batch*3*size*size || len(embed) < batch*c.Dim {
		panic("vit: Embed: images or embed too short")
	}
	chunk := max(1, chunkRows/c.Tokens(size))
	for b := 0; b < batch; b += chunk {
		n := min(chunk, batch-b)
		m.embed(embed[b*c.Dim:(b+n)*c.Dim], images[b*3*size*size:], n, size)
	}
}

func (m *Int8Model) embed(embed, images []float32, batch, size int) {
	m.below(len(m.weights.net.blocks), images, batch, size)
	poolTokens(m.weights.config, &m.weights.net, &m.act, embed)
}

// below leaves the residual stream of images before a block, or behind the last.
func (m *Int8Model) below(block int, images []float32, batch, size int) {
	c, net, act := m.weights.config, &m.weights.net, &m.act
	act.prepare(c, net, batch, size)
	channelsLast(act.planes, images, batch, size)
	m.embedPatches()
	startStream(c, net, act)
	for i := range block {
		m.block(i)
	}
}

// embedPatches is embedPatches of model.go with int8 matmuls.
func (m *Int8Model) embedPatches() {
	w, act := m.weights, &m.act
	in, side := act.planes, act.size
	for i := range w.net.conv {
		conv, s := &w.net.conv[i], &act.stage[i]
		conv.Unroll(s.col, in, act.batch, side)
		side = conv.OutSize(side)
		rows := act.batch * side * side
		if i == len(w.net.conv)-1 {
			w.conv[i].Mul(act.patchRows(w.config), s.col, conv.Bias, rows, &m.rows)
			return
		}
		w.conv[i].Mul(s.out, s.col, conv.Bias, rows, &m.rows)
		w.net.convNorm[i].Forward(s.normed, nil, nil, s.out, rows)
		kernel.GELU(s.active, s.normed)
		in = s.active
	}
}

// block is block.forward of model.go with int8 matmuls and attention. Norms go straight into quantized rows, GELU and the residual
// are done by the matmul before them.
func (m *Int8Model) block(i int) {
	layer, w, act := &m.weights.net.blocks[i], &m.weights.blocks[i], &m.act
	tokens, queries, dim := act.tokens, act.queries(m.weights.config, i), m.weights.config.Dim
	x, mid, y := act.streams(i)
	a := &act.block[0]

	m.rows.Normalize(x, layer.norm1.Gain, layer.norm1.Bias, act.batch*tokens, dim, layer.norm1.Eps)
	w.qkv.MulRows(a.qkv, &m.rows, layer.qkv.Bias, kernel.Epilogue{})
	nn.AttentionInt8(attention(m.weights.config), a.attended, a.qkv, act.batch, queries, tokens)
	if queries < tokens {
		x = classRows(act.last, x, act.batch, tokens, dim)
	}
	rows := act.batch * queries
	m.rows.Quantize(a.attended, rows, dim)
	w.proj.MulRows(mid, &m.rows, layer.proj.Bias, kernel.Epilogue{Add: x})

	m.rows.Normalize(mid, layer.norm2.Gain, layer.norm2.Bias, rows, dim, layer.norm2.Eps)
	w.fc1.MulRows(a.hidden, &m.rows, layer.mlp.FC1.Bias, kernel.Epilogue{GELU: true})
	m.rows.Quantize(a.hidden, rows, layer.mlp.FC2.In)
	w.fc2.MulRows(y, &m.rows, layer.mlp.FC2.Bias, kernel.Epilogue{Add: mid})
}
