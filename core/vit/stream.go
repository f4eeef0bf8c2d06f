package vit

import "haguruma/core/nn"

// ForwardFrom is Forward from a block on: what is below it has been computed before.
//
//	embed   (B, D)      as Forward
//	stream  (B, T, D)   the residual stream before block from, T = Config.Tokens(size); it is not written to
//
// from is 0..Depth-1. BackwardFrom after it stops at that block. act may be nil for inference. It panics when a slice is too short, the size does
// not pass CheckSize or there is no such block.
func (m *Model[F]) ForwardFrom(embed, stream []F, batch, size, from int, act *Activations[F]) {
	c, net := m.params.Config, &m.params.net
	checkStream(c, stream, embed, batch, size, from, batch*c.Dim, "vit: ForwardFrom")
	if act == nil {
		act = m.pool.Get().(*Activations[F])
		defer m.pool.Put(act)
	}
	act.prepareBlocks(c, batch, size, from)
	x, _, _ := act.streams(from)
	copy(x, stream[:batch*act.tokens*c.Dim])
	for i := from; i < c.Depth; i++ {
		net.blocks[i].forward(c, act, i)
	}
	poolTokens(c, net, act, embed[:batch*c.Dim])
}

// Stream writes what Embed computes below a block, for Model.ForwardFrom: the residual stream before block to, with the same bits on every
// machine, whatever else is in the batch.
//
//	stream  (B, T, D)      T = Config.Tokens(size)
//	images  (B, 3, S, S)   as Embed
//
// to is 0..Depth-1; 0 is the patch embedding alone. Panics as Embed.
func (m *Int8Model) Stream(stream, images []float32, batch, size, to int) {
	c := m.weights.config
	n := c.Tokens(size) * c.Dim
	checkStream(c, stream, images, batch, size, to, batch*3*size*size, "vit: Stream")
	chunk := max(1, chunkRows/c.Tokens(size))
	for b := 0; b < batch; b += chunk {
		count := min(chunk, batch-b)
		m.below(to, images[b*3*size*size:], count, size)
		x, _, _ := m.act.streams(to)
		copy(stream[b*n:(b+count)*n], x)
	}
}

// checkStream panics when there is no such batch, size or block, or a slice is too short.
func checkStream[F nn.Float](c Config, stream, other []F, batch, size, block, want int, who string) {
	if batch < 1 || c.CheckSize(size) != nil || block < 0 || block >= c.Depth {
		panic(who + ": batch < 1, no such block, or size does not pass CheckSize")
	}
	if len(stream) < batch*c.Tokens(size)*c.Dim || len(other) < want {
		panic(who + ": a slice is too short")
	}
}
