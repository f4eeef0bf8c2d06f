package vit

import (
	"haguruma/core/kernel"
	"haguruma/core/nn"
)

// Backward adds the gradient of every parameter into grad. The gradient of the images is never computed, nor that of a tensor which grad leaves
// out (Params.Only).
//
//	dEmbed  (B, D)   gradient of the loss with respect to the embeddings of the last Forward with this act
//
// The activations are consumed: call Forward again before the next Backward. It panics without a training Forward.
func (m *Model[F]) Backward(grad *Params[F], dEmbed []F, act *Activations[F]) {
	if act == nil || !act.images {
		panic("vit: Backward: no training Forward before it")
	}
	m.BackwardFrom(grad, dEmbed, act)
	patchBackward(m.params.Config, &m.params.net, &grad.net, act)
}

// BackwardFrom is Backward after ForwardFrom: down to the block that ran first and no further.
func (m *Model[F]) BackwardFrom(grad *Params[F], dEmbed []F, act *Activations[F]) {
	c, net := m.params.Config, &m.params.net
	if act == nil || !act.train || !act.ready {
		panic("vit: Backward: no training Forward before it")
	}
	if len(dEmbed) < act.batch*c.Dim || len(grad.Flat) != len(m.params.Flat) {
		panic("vit: Backward: dEmbed too short or grad of another shape")
	}
	act.prepareBackward(c, net)
	poolBackward(c, net, &grad.net, act, dEmbed)
	for i := c.Depth - 1; i >= act.from; i-- {
		net.blocks[i].backward(c, &grad.net.blocks[i], act, i)
	}
	act.ready, act.images = false, false
}

// poolBackward writes the gradient of the last residual stream.
func poolBackward[F nn.Float](c Config, net, grad *network[F], act *Activations[F], dEmbed []F) {
	_, _, x := act.streams(c.Depth - 1)
	clear(act.dstream)
	if c.Pool == PoolMean {
		nn.MeanPoolBackward(act.dbranch, dEmbed, act.batch, act.tokens, c.Dim)
		net.norm.Backward(&grad.norm, act.dstream, act.dbranch, x, act.lastMean, act.lastRstd, act.batch*act.tokens)
		return
	}
	dlast := act.dbranch[:act.batch*c.Dim]
	clear(dlast)
	net.norm.Backward(&grad.norm, dlast, dEmbed[:act.batch*c.Dim], act.last, act.lastMean, act.lastRstd, act.batch)
	for b := range act.batch {
		copy(act.dstream[b*act.tokens*c.Dim:], dlast[b*c.Dim:(b+1)*c.Dim])
	}
}

// backward turns the gradient of the stream after block i into that of the stream before it, in place.
func (b *block[F]) backward(c Config, grad *block[F], act *Activations[F], i int) {
	rows := act.batch * act.tokens
	x, mid, _ := act.streams(i)
	a := &act.block[i]

	dy := b.ls2.Backward(&grad.ls2, act.dunscaled, act.branchGradient(2*i+1), a.unscaled2, rows)
	dhidden := act.dwide[:rows*c.MLPDim]
	b.mlp.Backward(&grad.mlp, act.dbranch, dhidden, dy, a.normed2, a.pre, a.hidden, rows)
	b.norm2.Backward(&grad.norm2, act.dstream, act.dbranch, mid, a.mean2, a.rstd2, rows)

	dy = b.ls1.Backward(&grad.ls1, act.dunscaled, act.branchGradient(2*i), a.unscaled1, rows)
	dqkv := act.dwide[:rows*3*c.Dim]
	b.proj.Backward(&grad.proj, act.dbranch, dy, a.attended, rows)
	nn.AttentionBackward(attention(c), dqkv, act.dbranch, a.qkv, a.probs, act.scratch, act.batch, act.tokens)
	b.qkv.Backward(&grad.qkv, act.dbranch, dqkv, a.normed1, rows)
	b.norm1.Backward(&grad.norm1, act.dstream, act.dbranch, x, a.mean1, a.rstd1, rows)
}

// branchGradient returns the gradient of a residual branch's output: the stream's, scaled where paths were dropped.
func (a *Activations[F]) branchGradient(branch int) []F {
	if len(a.drop) == 0 {
		return a.dstream
	}
	dy := grow(&a.dropped, len(a.dstream))
	copy(dy, a.dstream)
	a.dropBranch(dy, branch)
	return dy
}

// patchBackward adds the gradients of positions, class token, registers and patch embedding from that of the first stream.
func patchBackward[F nn.Float](c Config, net, grad *network[F], act *Activations[F]) {
	batch, tokens, grid := act.batch, act.tokens, act.size/c.PatchSize
	dx := act.dstream
	class, prefix := c.classTokens()*c.Dim, c.prefixTokens()*c.Dim

	clear(act.dpos)
	kernel.SumRows(act.dpos, dx, batch, tokens*c.Dim)
	if grad.pos != nil {
		kernel.Add(grad.pos[:class], act.dpos[:class])
		nn.ResizePositionsBackward(grad.pos[class:], act.dpos[prefix:], act.resize, c.grid(), grid, c.Dim)
	}
	if prefix > 0 {
		if grad.cls != nil {
			kernel.Add(grad.cls, act.dpos[:class])
		}
		if grad.register != nil {
			kernel.Add(grad.register, act.dpos[class:prefix])
		}
		area := grid * grid * c.Dim
		for b := range batch {
			copy(act.patches[b*area:(b+1)*area], dx[b*tokens*c.Dim+prefix:])
		}
		dx = act.patches
	}

	for i := len(net.conv) - 1; i >= 0; i-- {
		conv, s := &net.conv[i], &act.stage[i]
		side := act.stageSize(net, i)
		if i == 0 {
			conv.Backward(&grad.conv[0], nil, nil, dx, s.col, batch, side)
			return
		}
		before := &act.stage[i-1]
		n := len(before.out)
		dactive, dout := act.dstage[0][:n], act.dstage[1][:n]
		conv.Backward(&grad.conv[i], dactive, s.col, dx, s.col, batch, side)
		kernel.GELUBackward(dactive, dactive, before.normed)
		clear(dout)
		net.convNorm[i-1].Backward(&grad.convNorm[i-1], dout, dactive, before.out, before.mean, before.rstd, batch*side*side)
		dx = dout
	}
}

// stageSize is the side of the input of convolution i.
func (a *Activations[F]) stageSize(net *network[F], i int) int {
	side := a.size
	for j := range i {
		side = net.conv[j].OutSize(side)
	}
	return side
}
