package vit

import (
	"sync"

	"haguruma/core/kernel"
	"haguruma/core/nn"
)

// Model runs a backbone. It only reads its Params, so goroutines may share one; each brings its own Activations.
type Model[F nn.Float] struct {
	params *Params[F]
	pool   sync.Pool // of inference Activations for callers that bring none
}

// NewModel returns the model of p. Changes to p.Flat are seen by the next Forward.
func NewModel[F nn.Float](p *Params[F]) *Model[F] {
	m := &Model[F]{params: p}
	m.pool.New = func() any { return NewActivations[F](false) }
	return m
}

// Config returns the config of the model's parameters.
func (m *Model[F]) Config() Config { return m.params.Config }

func attention(c Config) nn.Attention { return nn.Attention{Heads: c.Heads, HeadDim: c.Dim / c.Heads} }

// Forward embeds a batch of square images.
//
//	embed   (B, D)         the class token after the final norm, or the mean of the patch tokens after it
//	images  (B, 3, S, S)   normalized by Config.Mean and Std; S a multiple of PatchSize (see Config.CheckSize)
//
// act may be nil for inference. For training, calls of about 512 tokens (8 images of 64 pixels at PatchSize 8) are the
// fastest: their activations stay in cache (BenchmarkStep). It panics when a slice is too short or the size does not pass CheckSize.
func (m *Model[F]) Forward(embed, images []F, batch, size int, act *Activations[F]) {
	c, net := m.params.Config, &m.params.net
	if batch < 1 || c.CheckSize(size) != nil {
		panic("vit: Forward: batch < 1 or size does not pass CheckSize")
	}
	if len(images) < batch*3*size*size || len(embed) < batch*c.Dim {
		panic("vit: Forward: images or embed too short")
	}
	if act == nil {
		act = m.pool.Get().(*Activations[F])
		defer m.pool.Put(act)
	}
	act.prepare(c, net, batch, size)
	channelsLast(act.planes, images, batch, size)
	embedPatches(c, net, act)
	startStream(c, net, act)
	for i := range net.blocks {
		net.blocks[i].forward(c, act, i)
	}
	poolTokens(c, net, act, embed[:batch*c.Dim])
}

// channelsLast turns (B, 3, S, S) into (B, S, S, 3).
func channelsLast[F nn.Float](dst, images []F, batch, size int) {
	area := size * size
	for b := range batch {
		red := images[b*3*area:][:area]
		green := images[(b*3+1)*area:][:area]
		blue := images[(b*3+2)*area:][:area]
		kernel.Interleave(dst[b*3*area:][:3*area], red, green, blue)
	}
}

// embedPatches runs the patch embedding from the planes to act.patchRows.
func embedPatches[F nn.Float](c Config, net *network[F], act *Activations[F]) {
	batch := act.batch
	in, side := act.planes, act.size
	for i := range net.conv {
		conv, s := &net.conv[i], &act.stage[i]
		if i == len(net.conv)-1 {
			conv.Forward(act.patchRows(c), s.col, in, batch, side)
			break
		}
		conv.Forward(s.out, s.col, in, batch, side)
		side = conv.OutSize(side)
		net.convNorm[i].Forward(s.normed, s.mean, s.rstd, s.out, batch*side*side)
		kernel.GELU(s.active, s.normed)
		in = s.active
	}
}

// patchRows is where the patch embedding goes: straight into the residual stream unless other tokens come before it.
func (a *Activations[F]) patchRows(c Config) []F {
	if c.prefixTokens() > 0 {
		return a.patches
	}
	return a.stream[0]
}

// startStream completes the first residual stream from the patch embeddings: class token, registers and positions.
func startStream[F nn.Float](c Config, net *network[F], act *Activations[F]) {
	batch, tokens := act.batch, act.tokens
	x := act.stream[0]
	if prefix := c.prefixTokens(); prefix > 0 {
		area := (tokens - prefix) * c.Dim
		for b := range batch {
			image := x[b*tokens*c.Dim : (b+1)*tokens*c.Dim]
			copy(image, net.cls)
			copy(image[c.Dim:], net.register)
			copy(image[prefix*c.Dim:], act.patches[b*area:(b+1)*area])
		}
	}
	kernel.AddBias(x, positions(c, net, act), batch, tokens*c.Dim)
}

// positions returns the position embeddings (T, D) at the size of act. The class token's is never resized, and those of
// registers are zeros.
func positions[F nn.Float](c Config, net *network[F], act *Activations[F]) []F {
	grid := act.size / c.PatchSize
	if grid == c.grid() && c.Registers == 0 {
		return net.pos
	}
	class, prefix := c.classTokens()*c.Dim, c.prefixTokens()*c.Dim
	copy(act.pos[:class], net.pos[:class])
	clear(act.pos[class:prefix])
	nn.ResizePositions(act.pos[prefix:], net.pos[class:], act.resize, c.grid(), grid, c.Dim)
	return act.pos
}

// forward runs block i from the stream before it to the stream after it, which has act.queries tokens of an image.
func (b *block[F]) forward(c Config, act *Activations[F], i int) {
	rows := act.batch * act.tokens
	x, mid, y := act.streams(i)
	a := &act.block[i%len(act.block)]

	b.norm1.Forward(a.normed1, a.mean1, a.rstd1, x, rows)
	b.qkv.Forward(a.qkv, a.normed1, rows)
	nn.AttentionForward(attention(c), a.attended, a.probs, a.qkv, act.scratch, act.batch, act.tokens)
	if act.queries(c, i) < act.tokens {
		rows = act.batch
		x = classRows(act.last, x, rows, act.tokens, c.Dim)
		classRows(a.attended, a.attended, rows, act.tokens, c.Dim)
	}
	b.proj.Forward(mid, a.attended, rows)
	b.ls1.Forward(mid, a.unscaled1, rows)
	act.dropBranch(mid, 2*i)
	kernel.Add(mid[:rows*c.Dim], x[:rows*c.Dim])

	b.norm2.Forward(a.normed2, a.mean2, a.rstd2, mid, rows)
	b.mlp.Forward(y, a.pre[:rows*c.MLPDim], a.hidden[:rows*c.MLPDim], a.normed2, rows)
	b.ls2.Forward(y, a.unscaled2, rows)
	act.dropBranch(y, 2*i+1)
	kernel.Add(y[:rows*c.Dim], mid[:rows*c.Dim])
}

// queries is the number of tokens of an image, from the first on, that block i gives a result for. When there will be no Backward, only the
// class token counts after the last block, where it is what is pooled: rows do not see each other but in attention.
func (a *Activations[F]) queries(c Config, i int) int {
	if !a.train && !a.every && c.Pool == PoolClass && i == c.Depth-1 {
		return 1
	}
	return a.tokens
}

// classRows copies the class tokens of x (batch, tokens, dim) to dst (batch, dim), which may be x, and returns that.
func classRows[F nn.Float](dst, x []F, batch, tokens, dim int) []F {
	for b := range batch {
		copy(dst[b*dim:(b+1)*dim], x[b*tokens*dim:])
	}
	return dst
}

// streams returns the residual stream before block i, between its branches and after it.
func (a *Activations[F]) streams(i int) (x, mid, y []F) {
	n := len(a.stream)
	return a.stream[2*i%n], a.stream[(2*i+1)%n], a.stream[(2*i+2)%n]
}

// dropBranch scales the output (or the gradient) of a residual branch by the factor of each image.
func (a *Activations[F]) dropBranch(y []F, branch int) {
	if len(a.drop) == 0 {
		return
	}
	n := len(y) / a.batch
	for b, factor := range a.drop[branch*a.batch : (branch+1)*a.batch] {
		kernel.Scale(y[b*n:(b+1)*n], factor)
	}
}

// poolTokens writes the embeddings from the last residual stream.
func poolTokens[F nn.Float](c Config, net *network[F], act *Activations[F], embed []F) {
	_, _, x := act.streams(c.Depth - 1)
	if c.Pool == PoolMean {
		net.norm.Forward(act.lastNormed, act.lastMean, act.lastRstd, x, act.batch*act.tokens)
		nn.MeanPool(embed, act.lastNormed, act.batch, act.tokens, c.Dim)
		return
	}
	if act.queries(c, c.Depth-1) == act.tokens {
		x = classRows(act.last, x, act.batch, act.tokens, c.Dim)
	}
	net.norm.Forward(embed, act.lastMean, act.lastRstd, x, act.batch)
}
