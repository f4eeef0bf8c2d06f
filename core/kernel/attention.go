package kernel

import (
	"math"
	"sync"
)

// Attention writes multi-head self attention of one image, for its first queries tokens:
//
//	y = softmax((q/sqrt(headDim)) kᵀ) v    for each head
//
//	y    (queries, heads*headDim)     heads side by side
//	qkv  (tokens, 3*heads*headDim)    q of every head, then k, then v
//
// Every product is rounded, then added to its sum in ascending order, of channels in the scores and of tokens in the result; q is
// multiplied by 1/sqrt(headDim) first. So every body returns the same bits. y must not overlap qkv.
// Source: Vaswani et al. 2017, arXiv:1706.03762, eq. 1.
func Attention(y, qkv []float32, queries, tokens, heads, headDim int) {
	dims(queries, tokens, heads, "kernel: Attention: negative dimension")
	dims(headDim, 0, 0, "kernel: Attention: negative dimension")
	if queries > tokens {
		panic("kernel: Attention: more queries than tokens")
	}
	need(y, queries*heads*headDim, "kernel: Attention: insufficient length of y")
	need(qkv, tokens*3*heads*headDim, "kernel: Attention: insufficient length of qkv")
	if queries*heads*headDim == 0 {
		return
	}
	attentionUsed.run(y, qkv, queries, tokens, heads, headDim)
}

// attentionBody is one implementation of Attention. All dimensions are positive.
type attentionBody struct {
	name string
	run  func(y, qkv []float32, queries, tokens, heads, headDim int)
}

var (
	attentionGeneric  = attentionBody{"generic", runAttentionGeneric}
	attentionProducts = attentionBody{"products", runAttentionProducts}

	// attentionBodies are those that this machine can run; attentionUsed is what the package calls.
	attentionBodies = []*attentionBody{&attentionGeneric, &attentionProducts}
	attentionUsed   = &attentionProducts
)

func attentionScale(headDim int) float32 { return float32(1 / math.Sqrt(float64(headDim))) }

// runAttentionGeneric defines the result of Attention.
func runAttentionGeneric(y, qkv []float32, queries, tokens, heads, headDim int) {
	dim := heads * headDim
	q, p := make([]float32, headDim), make([]float32, tokens)
	for i := range queries {
		for h := range heads {
			at := h * headDim
			for c, v := range qkv[i*3*dim+at:][:headDim] {
				q[c] = v * attentionScale(headDim)
			}
			for t := range tokens {
				k := qkv[t*3*dim+dim+at:][:headDim]
				var s float32
				for c, v := range q {
					s += float32(v * k[c])
				}
				p[t] = s
			}
			softmaxGeneric(p, p)
			out := y[i*dim+at:][:headDim]
			clear(out)
			for t, v := range p {
				axpyGeneric(out, v, qkv[t*3*dim+2*dim+at:][:headDim])
			}
		}
	}
}

// headScratch are the contiguous copies of one head and its scores, reused.
type headScratch struct{ q, k, v, p, y []float32 }

var headScratches = sync.Pool{New: func() any { return new(headScratch) }}

// runAttentionProducts copies each head into contiguous rows, so that the two halves are strict products.
func runAttentionProducts(y, qkv []float32, queries, tokens, heads, headDim int) {
	dim := heads * headDim
	s := headScratches.Get().(*headScratch)
	q, k, v := take(&s.q, queries*headDim), take(&s.k, tokens*headDim), take(&s.v, tokens*headDim)
	p, out := take(&s.p, queries*tokens), take(&s.y, queries*headDim)
	for h := range heads {
		at := h * headDim
		for t := range tokens {
			row := qkv[t*3*dim:]
			if t < queries {
				copy(q[t*headDim:(t+1)*headDim], row[at:])
			}
			copy(k[t*headDim:(t+1)*headDim], row[dim+at:])
			copy(v[t*headDim:(t+1)*headDim], row[2*dim+at:])
		}
		Scale(q, attentionScale(headDim))
		MatmulNTStrict(p, q, k, queries, tokens, headDim)
		Softmax(p, p, queries, tokens)
		MatmulNNStrict(out, p, v, queries, headDim, tokens)
		for i := range queries {
			copy(y[i*dim+at:][:headDim], out[i*headDim:])
		}
	}
	headScratches.Put(s)
}
