package nn

import (
	"math"
	"slices"
	"testing"
)

func near(t *testing.T, what string, want, have, tolerance float64) {
	t.Helper()
	if !(math.Abs(want-have) <= tolerance*math.Max(1, math.Abs(want))) {
		t.Errorf("%s: want %v, have %v", what, want, have)
	}
}

// TestConvForward: against the definition, y[o,p,q] = b[o] + sum w[o,i,j,c] x[p*stride-pad+i, q*stride-pad+j, c].
func TestConvForward(t *testing.T) {
	const batch, size = 2, 7
	c := Conv[float64]{Weight: random(1, 3*9*2), Bias: random(2, 3), In: 2, Out: 3, Size: 3, Stride: 2, Pad: 1}
	out := c.OutSize(size)
	x := random(3, batch*size*size*c.In)
	y, col := make([]float64, batch*out*out*c.Out), make([]float64, batch*out*out*c.Patch())
	c.Forward(y, col, x, batch, size)
	at := 0
	for b := range batch {
		for p := range out {
			for q := range out {
				for o := range c.Out {
					want := c.Bias[o]
					for i := range c.Size {
						for j := range c.Size {
							row, column := p*c.Stride-c.Pad+i, q*c.Stride-c.Pad+j
							if row < 0 || row >= size || column < 0 || column >= size {
								continue
							}
							for ch := range c.In {
								want += c.Weight[((o*c.Size+i)*c.Size+j)*c.In+ch] * x[((b*size+row)*size+column)*c.In+ch]
							}
						}
					}
					near(t, "y", want, y[at], 1e-12)
					at++
				}
			}
		}
	}
}

// TestAttentionForward: against the definition, and the strict form against the fast one.
func TestAttentionForward(t *testing.T) {
	const batch, tokens = 2, 5
	a := Attention{Heads: 2, HeadDim: 3}
	dim := a.Heads * a.HeadDim
	qkv, y := random(1, batch*tokens*3*dim), make([]float64, batch*tokens*dim)
	scratch := make([]float64, a.ScratchLen(tokens))
	AttentionForward(a, y, nil, qkv, scratch, batch, tokens)
	at := func(b, token, part, h, i int) float64 { return qkv[(b*tokens+token)*3*dim+part*dim+h*a.HeadDim+i] }
	for b := range batch {
		for h := range a.Heads {
			for token := range tokens {
				var p [tokens]float64
				sum := 0.0
				for other := range tokens {
					score := 0.0
					for i := range a.HeadDim {
						score += at(b, token, 0, h, i) * at(b, other, 1, h, i)
					}
					p[other] = math.Exp(score / math.Sqrt(3))
					sum += p[other]
				}
				for i := range a.HeadDim {
					want := 0.0
					for other := range tokens {
						want += p[other] / sum * at(b, other, 2, h, i)
					}
					near(t, "y", want, y[(b*tokens+token)*dim+h*a.HeadDim+i], 1e-12)
				}
			}
		}
	}
	qkv32, codes := make([]float32, len(qkv)), make([]float32, len(y))
	for i, v := range qkv {
		qkv32[i] = float32(v)
	}
	AttentionInt8(a, codes, qkv32, batch, tokens, tokens)
	for i := range y {
		near(t, "int8", y[i], float64(codes[i]), 0.02)
	}
	first := make([]float32, batch*dim)
	AttentionInt8(a, first, qkv32, batch, 1, tokens)
	for b := range batch {
		if !slices.Equal(first[b*dim:(b+1)*dim], codes[b*tokens*dim:][:dim]) {
			t.Errorf("int8: the first query of image %d alone has another result", b)
		}
	}
}

// TestResizePositions: against the sixteen-term definition of torch's upsample_bicubic2d, written out directly.
func TestResizePositions(t *testing.T) {
	cubic := func(x float64) float64 { // Keys' kernel with a = -0.75
		const a = -0.75
		switch x = math.Abs(x); {
		case x <= 1:
			return (a+2)*x*x*x - (a+3)*x*x + 1
		case x < 2:
			return a*x*x*x - 5*a*x*x + 8*a*x - 4*a
		}
		return 0
	}
	const dim = 3
	for _, sizes := range [][2]int{{4, 7}, {8, 3}, {2, 9}, {1, 2}, {14, 12}} {
		in, out := sizes[0], sizes[1]
		src, dst, scratch := random(1, in*in*dim), make([]float64, out*out*dim), random(2, in*out*dim)
		ResizePositions(dst, src, scratch, in, out, dim)
		clamp := func(i int) int { return min(max(i, 0), in-1) }
		for y := range out {
			for x := range out {
				sy := (float64(y)+0.5)*float64(in)/float64(out) - 0.5
				sx := (float64(x)+0.5)*float64(in)/float64(out) - 0.5
				for d := range dim {
					want := 0.0
					for i := int(math.Floor(sy)) - 1; i <= int(math.Floor(sy))+2; i++ {
						for j := int(math.Floor(sx)) - 1; j <= int(math.Floor(sx))+2; j++ {
							want += cubic(sy-float64(i)) * cubic(sx-float64(j)) * src[(clamp(i)*in+clamp(j))*dim+d]
						}
					}
					near(t, "dst", want, dst[(y*out+x)*dim+d], 1e-12)
				}
			}
		}
	}
	// 2 -> 4 by hand: the coordinate of output 1 is 0.25, so t = 0.25 and the taps are f(1.25), f(0.25), f(0.75), f(1.75).
	_, weight := bicubicTaps(1, 2, 4)
	for i, want := range []float64{-0.10546875, 0.87890625, 0.26171875, -0.03515625} {
		near(t, "tap", want, weight[i], 1e-15)
	}
	same := random(3, 3*3*dim)
	dst := make([]float64, len(same))
	ResizePositions(dst, same, nil, 3, 3, dim)
	if !slices.Equal(same, dst) {
		t.Error("equal sizes are not a copy")
	}
}

// TestMeanPool: the mean, image by image.
func TestMeanPool(t *testing.T) {
	y := []float64{9, 9, 9, 9}
	MeanPool(y, []float64{1, 2, 3, 4, 5, 9, -1, 0, 0, 0, 4, 3}, 2, 3, 2)
	for i, want := range []float64{3, 5, 1, 1} {
		near(t, "y", want, y[i], 1e-15)
	}
}
