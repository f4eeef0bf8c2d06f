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
// Both products are sums of integer codes, of each head by itself: a row of q as QuantizeRows has it, a row of k and a column of v as
// QuantizeWeights, and the probabilities of a row in 7 bits:
//
//	s[t] = float32(qScale*attentionScale)*kScale[t] * float32(sum of (q-qZero)*k[t])
//	p[t] = powerCode(s[t] - max s)
//	y[c] = (1/sum of p)*vScale[c] * float32(sum of p[t]*v[t][c])
//
// Sums of codes are exact in any order and the few operations around them are rounded one by one, so every body returns the same bits.
// It divides by the sum of the codes, not by that of what they stand for: the weights of a row add up to one. Infinities and NaN count as
// in QuantizeRows, and a score that is NaN as -Inf. y must not overlap qkv. It panics if a slice is too short or there are more than
// maxInt8K tokens or channels in a head. TestAttentionError states how far it is from the real numbers.
// Source: Vaswani et al. 2017, arXiv:1706.03762, eq. 1.
func Attention(y, qkv []float32, queries, tokens, heads, headDim int) {
	dims(queries, tokens, heads, "kernel: Attention: negative dimension")
	dims(headDim, 0, 0, "kernel: Attention: negative dimension")
	if queries > tokens {
		panic("kernel: Attention: more queries than tokens")
	}
	if tokens > maxInt8K || headDim > maxInt8K {
		panic("kernel: Attention: too many tokens or channels for exact sums")
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

// attentionScale is log2(e)/sqrt(headDim): scores are exponents of 2.
func attentionScale(headDim int) float32 { return float32(math.Log2E / math.Sqrt(float64(headDim))) }

// inverseSum is one over the sum of a row of probabilities. It is 0 only where every score is NaN or -Inf.
func inverseSum(sum int32) float32 { return 1 / float32(max(sum, 1)) }

// runAttentionGeneric defines the result of Attention.
func runAttentionGeneric(y, qkv []float32, queries, tokens, heads, headDim int) {
	dim := heads * headDim
	q, k, v := make([]uint8, headDim), make([]int8, tokens*headDim), make([]int8, headDim*tokens) // v by channel
	kScale, vScale := make([]float32, tokens), make([]float32, headDim)
	p, s, column := make([]uint8, tokens), make([]float32, tokens), make([]float32, tokens)
	for h := range heads {
		head := qkv[h*headDim:]
		for t := range tokens {
			row := head[t*3*dim+dim:][:headDim]
			kScale[t] = weightScale(largestGeneric(row))
			weightCodesGeneric(k[t*headDim:], row, kScale[t])
		}
		for c := range headDim {
			for t := range tokens {
				column[t] = head[t*3*dim+2*dim+c]
			}
			vScale[c] = weightScale(largestGeneric(column))
			weightCodesGeneric(v[c*tokens:], column, vScale[c])
		}
		for i := range queries {
			row := head[i*3*dim:][:headDim]
			lo, hi := spanGeneric(row)
			scale, inv, zero := quantizeParameters(lo, hi)
			codesGeneric(q, row, lo, hi, inv, zero)
			scale *= attentionScale(headDim)
			for t := range tokens {
				var acc int32
				for c, code := range q {
					acc += (int32(code) - zero) * int32(k[t*headDim+c])
				}
				s[t] = dequantize(acc, scale, 0, kScale[t], 0, 0)
			}
			sum := powerCodesGeneric(p, s)
			for c := range headDim {
				var acc int32
				for t, code := range p {
					acc += int32(code) * int32(v[c*tokens+t])
				}
				y[i*dim+h*headDim+c] = dequantize(acc, inverseSum(sum), 0, vScale[c], 0, 0)
			}
		}
	}
}

// headScratch is one head in contiguous rows, its codes and its scores, reused.
type headScratch struct {
	q, k, v, s, y          []float32
	qCodes, pCodes         []uint8
	codes, packed          []int8 // of k, then of v
	qScale, wScale, pScale []float32
	zero, sums             []int32
}

var headScratches = sync.Pool{New: func() any { return new(headScratch) }}

// probabilityStep is what rows of probabilities are filled up to with zeros: no body takes more k at once.
const probabilityStep = 16

// runAttentionProducts copies each head into contiguous rows, so that the two halves are products of rows and weights.
func runAttentionProducts(y, qkv []float32, queries, tokens, heads, headDim int) {
	dim, depth := heads*headDim, roundUp(tokens, probabilityStep)
	s := headScratches.Get().(*headScratch)
	q, k, v := take(&s.q, queries*headDim), take(&s.k, tokens*headDim), take(&s.v, headDim*tokens)
	scores, out := take(&s.s, queries*tokens), take(&s.y, queries*headDim)
	qCodes, pCodes := take(&s.qCodes, queries*headDim), take(&s.pCodes, queries*depth)
	codes := take(&s.codes, max(tokens*headDim, headDim*depth))
	packed := take(&s.packed, max(PackInt8Len(tokens, headDim), PackInt8Len(headDim, depth)))
	qScale, pScale, wScale := take(&s.qScale, queries), take(&s.pScale, queries), take(&s.wScale, max(tokens, headDim))
	zero, sums := take(&s.zero, queries), take(&s.sums, max(tokens, headDim))
	for h := range heads {
		for t := range tokens {
			row := qkv[t*3*dim+h*headDim:]
			if t < queries {
				copy(q[t*headDim:(t+1)*headDim], row)
			}
			copy(k[t*headDim:(t+1)*headDim], row[dim:])
		}
		turn(v, qkv[2*dim+h*headDim:], tokens, headDim, 3*dim)

		QuantizeRows(qCodes, qScale, zero, q, queries, headDim)
		Scale(qScale, attentionScale(headDim))
		for t := range tokens {
			row := codes[t*headDim:][:headDim]
			wScale[t] = QuantizeWeights(row, k[t*headDim:][:headDim])
			sums[t], _ = SumInt8(row)
		}
		PackInt8(packed, codes, tokens, headDim)
		MatmulInt8(scores, qCodes, qScale, zero, packed, wScale, sums, nil, queries, tokens, headDim, Epilogue{})

		for i := range queries {
			row := pCodes[i*depth:][:depth]
			pScale[i] = inverseSum(powerCodes(row[:tokens], scores[i*tokens:][:tokens]))
			clear(row[tokens:])
		}
		for c := range headDim {
			row := codes[c*depth:][:depth]
			wScale[c] = QuantizeWeights(row, v[c*tokens:][:tokens])
			clear(row[tokens:])
		}
		clear(zero) // sums do not matter
		PackInt8(packed, codes, headDim, depth)
		MatmulInt8(out, pCodes, pScale, zero, packed, wScale, sums, nil, queries, headDim, depth, Epilogue{})
		for i := range queries {
			copy(y[i*dim+h*headDim:][:headDim], out[i*headDim:])
		}
	}
	headScratches.Put(s)
}

// turn writes the columns of x (rows, columns), rows ld apart, as rows of dst (columns, rows).
func turn(dst, x []float32, rows, columns, ld int) {
	for r := range rows {
		for c, v := range x[r*ld:][:columns] {
			dst[c*rows+r] = v
		}
	}
}
