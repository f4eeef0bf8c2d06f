package vit

import (
	"math/rand/v2"

	"haguruma/core/nn"
)

// Activations are the working memory of one goroutine: what Forward leaves for Backward, and scratch. They grow to the
// largest batch seen and are then reused without allocating. A Model is shared between goroutines, Activations are not.
type Activations[F nn.Float] struct {
	train               bool
	batch, size, tokens int  // of the last Forward
	from                int  // the first block that ran
	ready               bool // what it left has not been consumed
	images              bool // and it began with images
	every               bool // without train: every token counts after the last block, not the class token alone

	dropRate float64
	dropRNG  *rand.Rand
	drop     []F // (2*depth, B): factor of each residual branch, empty without drop path

	planes  []F            // (B, S, S, 3): the images, channels last
	stage   []stageActs[F] // one a convolution
	col     []F            // what the stages share as their col when there will be no Backward
	patches []F            // (B, G*G, D) before class token and registers are put in front
	pos     []F            // (T, D) position embeddings at this size
	resize  []F            // scratch of nn.ResizePositions
	stream  [][]F          // (B*T, D): the residual stream at the start, then after each branch
	block   []blockActs[F]
	scratch []F // of attention

	last, lastNormed   []F // rows that the final norm sees: the class tokens (B, D) or all tokens (B*T, D)
	lastMean, lastRstd []F

	dstream, dbranch, dwide []F // gradients: (B*T, D), (B*T, D) and (B*T, max(3D, MLPDim))
	dropped                 []F // (B*T, D) gradient of a branch with drop path
	dunscaled               []F // (B*T, D) gradient of a branch before LayerScale
	dstage                  [2][]F
	dpos                    []F
}

// NewActivations returns empty working memory. With train, Forward keeps what Backward needs; without, the blocks share
// one set of buffers and Backward panics.
func NewActivations[F nn.Float](train bool) *Activations[F] { return &Activations[F]{train: train} }

// SetDropPath makes the training Forward drop residual branches: block i of depth drops each of its two branches of each
// image with probability rate*i/(depth-1), and scales the branches that stay by 1/(1-probability). Rate 0 turns it off.
// Source: Huang et al. 2016, arXiv:1603.09382 (linear decay), per image as in timm's DropPath.
func (a *Activations[F]) SetDropPath(rate float64, rng *rand.Rand) {
	if !(rate >= 0 && rate < 1) {
		panic("vit: SetDropPath: rate not in [0, 1)")
	}
	a.dropRate, a.dropRNG = rate, rng
}

// stageActs are the activations of one convolution of the patch embedding, rows = B * out * out.
type stageActs[F nn.Float] struct {
	col        []F // (rows, patch)
	out        []F // (rows, channels), before the norm
	mean, rstd []F // (rows)
	normed     []F // (rows, channels), before GELU
	active     []F // (rows, channels), input of the next convolution
}

// blockActs are the activations of one block, rows = B * T.
type blockActs[F nn.Float] struct {
	mean1, rstd1 []F // (rows)
	normed1      []F // (rows, D)
	qkv          []F // (rows, 3D)
	probs        []F // (B, heads, T, T)
	attended     []F // (rows, D)
	mean2, rstd2 []F // (rows)
	normed2      []F // (rows, D)
	pre, hidden  []F // (rows, MLPDim)

	unscaled1, unscaled2 []F // (rows, D): the branches before LayerScale; empty without it or without Backward
}

// grow returns buf with length n, allocating only when it is too small. The contents are arbitrary.
func grow[F nn.Float](buf *[]F, n int) []F {
	if cap(*buf) < n {
		*buf = make([]F, n)
	}
	*buf = (*buf)[:n]
	return *buf
}

// prepare sizes the buffers of a Forward.
func (a *Activations[F]) prepare(c Config, net *network[F], batch, size int) {
	a.prepareImages(c, net, batch, size)
	a.prepareBlocks(c, batch, size, 0)
	a.images = true
}

// prepareImages sizes the buffers of what is below the blocks.
func (a *Activations[F]) prepareImages(c Config, net *network[F], batch, size int) {
	tokens, grid := c.Tokens(size), size/c.PatchSize
	if len(a.stage) != len(net.conv) {
		a.stage = make([]stageActs[F], len(net.conv))
	}
	grow(&a.planes, batch*size*size*3)
	side := size
	for i := range net.conv {
		conv, s := &net.conv[i], &a.stage[i]
		side = conv.OutSize(side)
		n := batch * side * side
		if a.train {
			grow(&s.col, n*conv.Patch())
		} else {
			s.col = grow(&a.col, n*conv.Patch())
		}
		if i == len(net.conv)-1 {
			break
		}
		grow(&s.out, n*conv.Out)
		grow(&s.normed, n*conv.Out)
		if a.train {
			grow(&s.mean, n)
			grow(&s.rstd, n)
			grow(&s.active, n*conv.Out)
		} else {
			s.active = s.normed
		}
	}
	if c.prefixTokens() > 0 {
		grow(&a.patches, batch*grid*grid*c.Dim)
	}
	grow(&a.pos, tokens*c.Dim)
	grow(&a.resize, c.grid()*grid*c.Dim)
}

// prepareBlocks sizes the buffers of the blocks from the given one on, and of what is above them.
func (a *Activations[F]) prepareBlocks(c Config, batch, size, from int) {
	a.batch, a.size, a.tokens, a.from = batch, size, c.Tokens(size), from
	a.ready, a.images = true, false
	rows := batch * a.tokens
	// Without Backward the stream alternates between two buffers and every block uses the same ones.
	streams, blocks := 2, 1
	if a.train {
		streams, blocks = 2*c.Depth+1, c.Depth
	}
	if len(a.stream) != streams || len(a.block) != blocks {
		a.stream, a.block = make([][]F, streams), make([]blockActs[F], blocks)
	}
	for i := range a.stream {
		if i >= 2*from || !a.train {
			grow(&a.stream[i], rows*c.Dim)
		}
	}
	for i := range a.block {
		if i < from && a.train {
			continue
		}
		b := &a.block[i]
		grow(&b.normed1, rows*c.Dim)
		grow(&b.qkv, rows*3*c.Dim)
		grow(&b.attended, rows*c.Dim)
		grow(&b.pre, rows*c.MLPDim)
		if !a.train {
			b.normed2, b.hidden = b.normed1, b.pre
			continue
		}
		grow(&b.mean1, rows)
		grow(&b.rstd1, rows)
		grow(&b.probs, batch*c.Heads*a.tokens*a.tokens)
		grow(&b.mean2, rows)
		grow(&b.rstd2, rows)
		grow(&b.normed2, rows*c.Dim)
		grow(&b.hidden, rows*c.MLPDim)
		if c.LayerScale != 0 {
			grow(&b.unscaled1, rows*c.Dim)
			grow(&b.unscaled2, rows*c.Dim)
		}
	}
	grow(&a.scratch, attention(c).ScratchLen(a.tokens))

	lastRows := rows
	if c.Pool == PoolClass {
		lastRows = batch
		grow(&a.last, lastRows*c.Dim)
	}
	grow(&a.lastNormed, lastRows*c.Dim)
	if a.train {
		grow(&a.lastMean, lastRows)
		grow(&a.lastRstd, lastRows)
	}
	a.drawDropPath(c, batch)
}

// drawDropPath draws the factor of each branch of each image.
func (a *Activations[F]) drawDropPath(c Config, batch int) {
	if !a.train || a.dropRate == 0 {
		a.drop = a.drop[:0]
		return
	}
	grow(&a.drop, 2*c.Depth*batch)
	for i := range a.drop {
		p := a.dropRate * float64(i/(2*batch)) / float64(max(c.Depth-1, 1))
		a.drop[i] = F(1 / (1 - p))
		if a.dropRNG.Float64() < p {
			a.drop[i] = 0
		}
	}
}

// prepareBackward sizes the gradient buffers.
func (a *Activations[F]) prepareBackward(c Config, net *network[F]) {
	rows := a.batch * a.tokens
	grow(&a.dstream, rows*c.Dim)
	grow(&a.dbranch, rows*c.Dim)
	grow(&a.dwide, rows*max(3*c.Dim, c.MLPDim))
	if c.LayerScale != 0 {
		grow(&a.dunscaled, rows*c.Dim)
	}
	if !a.images {
		return
	}
	grow(&a.dpos, a.tokens*c.Dim)
	side, most := a.size, 0
	for i := range len(net.conv) - 1 {
		side = net.conv[i].OutSize(side)
		most = max(most, a.batch*side*side*net.conv[i].Out)
	}
	grow(&a.dstage[0], most)
	grow(&a.dstage[1], most)
}
