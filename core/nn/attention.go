package nn

import (
	"math"

	"haguruma/core/kernel"
)

// Attention is multi-head self attention between the qkv and proj matrices of a block:
//
//	y = softmax(q kᵀ / sqrt(headDim)) v    for each image and each head
//
// Heads lie side by side in a row, in timm's order: qkv is (q heads, k heads, v heads). Each head is copied into
// contiguous buffers first, so the two products are plain matmuls; 1/sqrt(headDim) is multiplied into q, which is
// shorter than the scores. Source: Vaswani et al. 2017, arXiv:1706.03762, eq. 1.
type Attention struct{ Heads, HeadDim int }

// ScratchLen is the length of the scratch that Forward and Backward need.
func (a Attention) ScratchLen(tokens int) int {
	return 7*tokens*a.HeadDim + tokens*tokens
}

// Forward writes y, and probs unless it is nil. Images do not see each other.
//
//	y        (batch, tokens, heads*headDim)
//	probs    (batch, heads, tokens, tokens)      for AttentionBackward; nil when there will be none
//	qkv      (batch, tokens, 3*heads*headDim)
//	scratch  (ScratchLen(tokens))
func AttentionForward[F Float](a Attention, y, probs, qkv, scratch []F, batch, tokens int) {
	dim, area := a.Heads*a.HeadDim, tokens*tokens
	s := splitScratch(a, scratch, tokens)
	for b := range batch {
		qkv, y := qkv[b*tokens*3*dim:(b+1)*tokens*3*dim], y[b*tokens*dim:(b+1)*tokens*dim]
		for h := range a.Heads {
			p := s.p
			if probs != nil {
				at := (b*a.Heads + h) * area
				p = probs[at : at+area]
			}
			s.gather(a, qkv, h, tokens)
			kernel.MatmulNT(p, s.q, s.k, tokens, tokens, a.HeadDim, false)
			kernel.Softmax(p, p, tokens, tokens)
			kernel.MatmulNN(s.y, p, s.v, tokens, a.HeadDim, tokens, false)
			scatterHead(y, s.y, h*a.HeadDim, dim, tokens, a.HeadDim)
		}
	}
}

// AttentionInt8 is AttentionForward for inference, its products in integers, with the same bits on every body: kernel.Attention. Only the first
// queries tokens of an image get a result.
//
//	y    (batch, queries, heads*headDim)
//	qkv  (batch, tokens, 3*heads*headDim)
func AttentionInt8(a Attention, y, qkv []float32, batch, queries, tokens int) {
	in, out := tokens*3*a.Heads*a.HeadDim, queries*a.Heads*a.HeadDim
	for b := range batch {
		kernel.Attention(y[b*out:(b+1)*out], qkv[b*in:(b+1)*in], queries, tokens, a.Heads, a.HeadDim)
	}
}

// AttentionBackward writes dqkv.
//
//	dqkv, qkv  (batch, tokens, 3*heads*headDim)    dqkv must not alias qkv
//	dy         (batch, tokens, heads*headDim)
//	probs      (batch, heads, tokens, tokens)      from AttentionForward
//	scratch    (ScratchLen(tokens))
func AttentionBackward[F Float](a Attention, dqkv, dy, qkv, probs, scratch []F, batch, tokens int) {
	dim, area := a.Heads*a.HeadDim, tokens*tokens
	s := splitScratch(a, scratch, tokens)
	for b := range batch {
		qkv, dqkv := qkv[b*tokens*3*dim:(b+1)*tokens*3*dim], dqkv[b*tokens*3*dim:(b+1)*tokens*3*dim]
		dy := dy[b*tokens*dim : (b+1)*tokens*dim]
		for h := range a.Heads {
			at := (b*a.Heads + h) * area
			p := probs[at : at+area]
			s.gather(a, qkv, h, tokens)
			gatherHead(s.y, dy, h*a.HeadDim, dim, tokens, a.HeadDim)

			kernel.MatmulTN(s.dv, p, s.y, tokens, a.HeadDim, tokens, false)  // dv = pᵀ dy
			kernel.MatmulNT(s.p, s.y, s.v, tokens, tokens, a.HeadDim, false) // dp = dy vᵀ
			kernel.SoftmaxBackward(s.p, p, s.p, tokens, tokens)
			kernel.MatmulNN(s.dq, s.p, s.k, tokens, a.HeadDim, tokens, false)
			kernel.Scale(s.dq, headScale[F](a))
			kernel.MatmulTN(s.dk, s.p, s.q, tokens, a.HeadDim, tokens, false) // q is already scaled

			scatterHead(dqkv, s.dq, h*a.HeadDim, 3*dim, tokens, a.HeadDim)
			scatterHead(dqkv, s.dk, dim+h*a.HeadDim, 3*dim, tokens, a.HeadDim)
			scatterHead(dqkv, s.dv, 2*dim+h*a.HeadDim, 3*dim, tokens, a.HeadDim)
		}
	}
}

func headScale[F Float](a Attention) F { return F(1 / math.Sqrt(float64(a.HeadDim))) }

// headBuffers are the contiguous copies of one head: (tokens, headDim) each, p (tokens, tokens).
type headBuffers[F Float] struct{ q, k, v, y, dq, dk, dv, p []F }

func splitScratch[F Float](a Attention, scratch []F, tokens int) headBuffers[F] {
	if len(scratch) < a.ScratchLen(tokens) {
		panic("nn: Attention: scratch shorter than ScratchLen")
	}
	n := tokens * a.HeadDim
	at := func(i int) []F { return scratch[i*n : (i+1)*n : (i+1)*n] }
	return headBuffers[F]{at(0), at(1), at(2), at(3), at(4), at(5), at(6), scratch[7*n : 7*n+tokens*tokens]}
}

// gather copies q, k and v of head h out of the rows of one image and scales q.
func (s *headBuffers[F]) gather(a Attention, qkv []F, h, tokens int) {
	dim := a.Heads * a.HeadDim
	gatherHead(s.q, qkv, h*a.HeadDim, 3*dim, tokens, a.HeadDim)
	gatherHead(s.k, qkv, dim+h*a.HeadDim, 3*dim, tokens, a.HeadDim)
	gatherHead(s.v, qkv, 2*dim+h*a.HeadDim, 3*dim, tokens, a.HeadDim)
	kernel.Scale(s.q, headScale[F](a))
}

func gatherHead[F Float](dst, rows []F, at, stride, tokens, headDim int) {
	for t := range tokens {
		copy(dst[t*headDim:(t+1)*headDim], rows[t*stride+at:])
	}
}

func scatterHead[F Float](rows, src []F, at, stride, tokens, headDim int) {
	for t := range tokens {
		copy(rows[t*stride+at:], src[t*headDim:(t+1)*headDim])
	}
}
