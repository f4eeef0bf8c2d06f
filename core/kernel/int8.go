package kernel

//go:generate go run ./_gen

// PackInt8Len returns how many int8 values PackInt8 writes for weights (n, k).
func PackInt8Len(n, k int) int {
	return int8Used.packLen(n, k)
}

// PackInt8 copies weights into the order that the int8 matmul of this machine reads.
//
//	packed  (PackInt8Len(n, k))  written completely
//	w       (n, k)               -127..127
//
// Packed weights are for this process only: another machine may choose another order.
// packed must not overlap w. It panics if a slice is too short.
func PackInt8(packed []int8, w []int8, n, k int) {
	dims(0, n, k, "kernel: PackInt8: negative dimension")
	need(w, n*k, "kernel: PackInt8: insufficient length of w")
	need(packed, int8Used.packLen(n, k), "kernel: PackInt8: insufficient length of packed")
	int8Used.pack(packed, w, n, k)
}

// SumInt8 returns the sum of at most maxInt8K weights, and the least of 0 and them. -128 is allowed here.
func SumInt8(w []int8) (sum int32, least int8) {
	if len(w) > maxInt8K {
		panic("kernel: SumInt8: too many weights for an exact sum")
	}
	done := 0
	if sum, least, done = sumInt8Vector(w); done == len(w) {
		return sum, least
	}
	rest, low := sumInt8Generic(w[done:])
	return sum + rest, min(least, low)
}

// sumInt8Generic defines the result of SumInt8.
func sumInt8Generic(w []int8) (sum int32, least int8) {
	for _, v := range w {
		sum += int32(v)
		if v < least {
			least = v
		}
	}
	return sum, least
}

// MatmulInt8 multiplies quantized activations by quantized weights and gives real numbers back:
//
//	for i := range m {
//		for j := range n {
//			acc := int32(0)
//			for x := range k {
//				acc += int32(a[i*k+x]) * int32(w[j*k+x])
//			}
//			y[i*n+j] = (aScale[i]*wScale[j])*float32(acc-aZero[i]*wSum[j]) + bias[j]
//		}
//	}
//
// with every operation rounded for itself, so every body returns the same bits. What then says is done to y in the same pass.
//
//	y               (m, n)
//	a               (m, k)  0..127
//	aScale, aZero   (m)     of QuantizeRows
//	packed                  of PackInt8, by the body in use
//	wScale          (n)     per output channel
//	wSum            (n)     sum of the k weights of the channel
//	bias            (n)     nil is a bias of zeros
//
// y must not overlap an operand. acc is exact for k <= maxInt8K. It panics if a slice is too short or k too large.
func MatmulInt8(y []float32, a []uint8, aScale []float32, aZero []int32, packed []int8, wScale []float32, wSum []int32, bias []float32, m, n, k int, then Epilogue) {
	dims(m, n, k, "kernel: MatmulInt8: negative dimension")
	if k > maxInt8K {
		panic("kernel: MatmulInt8: k is too large for exact sums")
	}
	need(y, m*n, "kernel: MatmulInt8: insufficient length of y")
	need(a, m*k, "kernel: MatmulInt8: insufficient length of a")
	need(aScale, m, "kernel: MatmulInt8: insufficient length of aScale")
	need(aZero, m, "kernel: MatmulInt8: insufficient length of aZero")
	need(packed, int8Used.packLen(n, k), "kernel: MatmulInt8: insufficient length of packed")
	need(wScale, n, "kernel: MatmulInt8: insufficient length of wScale")
	need(wSum, n, "kernel: MatmulInt8: insufficient length of wSum")
	if bias != nil {
		need(bias, n, "kernel: MatmulInt8: insufficient length of bias")
	}
	if then.Add != nil {
		need(then.Add, m*n, "kernel: MatmulInt8: insufficient length of then.Add")
	}
	if m == 0 || n == 0 {
		return
	}
	int8Used.matmul(int8Product{y, a, aScale, aZero, packed, wScale, wSum, bias, m, n, k, then})
}

// Epilogue is what a product does to its result before it is through with it. The zero value does nothing.
type Epilogue struct {
	GELU bool      // y = GELU(y) within 1.6e-6, the same bits on every body: geluShort
	Add  []float32 // (m, n), nil: nothing; y += Add, after GELU. It must not overlap y.
}

// int8Product is a product with its operands, as MatmulInt8 has them.
type int8Product struct {
	y       []float32
	a       []uint8
	aScale  []float32
	aZero   []int32
	packed  []int8
	wScale  []float32
	wSum    []int32
	bias    []float32
	m, n, k int
	then    Epilogue
}

// finish does what follows a product to rows of width columns, for bodies that do not do it in their tiles. (0, 1, 0, m*n) is all of Y.
func (p *int8Product) finish(row, rows, column, width int) {
	if !p.then.GELU && p.then.Add == nil {
		return
	}
	for i := row; i < row+rows; i++ {
		y := p.y[i*p.n+column:][:width]
		if p.then.GELU {
			geluShort(y, y)
		}
		if p.then.Add != nil {
			Add(y, p.then.Add[i*p.n+column:][:width])
		}
	}
}

// Int8Body names the int8 matmul in use: "avx512-vnni", "avx2", "wasm-relaxed", "wasm-simd" or "generic".
func Int8Body() string { return int8Used.name }

// maxInt8K: a product is at most 127*127 < 2^14, and 2^14 * 2^16 = 2^30; the zero point takes as much off again.
const maxInt8K = 1 << 16

// int8Body is one implementation of the int8 matmul with its order of packed weights:
// panels of nr output channels, in a panel groups of kq values of k, in a group channel after channel;
// n is filled up to a multiple of nr and k to a multiple of kStep with zeros.
type int8Body struct {
	name          string
	nr, kq, kStep int
	matmul        func(p int8Product)

	// packRow, where there is one, packs the first part of a channel of at least 16 weights, the first of which goes to the beginning of
	// panel, and returns how much.
	packRow func(panel, row []int8) (done int)
}

// int8Generic keeps weights as they are: one channel a panel.
var int8Generic = int8Body{name: "generic", nr: 1, kq: 1, kStep: 1, matmul: matmulInt8Generic}

// int8Bodies are those that this machine can run; int8Used is what the package calls.
var (
	int8Bodies = []*int8Body{&int8Generic}
	int8Used   = &int8Generic
)

// registerInt8 takes a body that this machine can run into use. Call it from init functions only, the best body last.
func registerInt8(b *int8Body) {
	int8Bodies = append(int8Bodies, b)
	int8Used = b
}

func (b *int8Body) packLen(n, k int) int {
	return roundUp(n, b.nr) * roundUp(k, b.kStep)
}

func (b *int8Body) pack(packed, w []int8, n, k int) {
	kPad := roundUp(k, b.kStep)
	for j0 := 0; j0 < n; j0 += b.nr {
		panel := packed[j0*kPad : (j0+b.nr)*kPad]
		clear(panel)
		for j := range min(b.nr, n-j0) {
			row := w[(j0+j)*k : (j0+j+1)*k]
			x := 0
			if b.packRow != nil && k >= 16 {
				x = b.packRow(panel[j*b.kq:], row)
			}
			for ; x < k; x += b.kq {
				copy(panel[x*b.nr+j*b.kq:][:b.kq], row[x:])
			}
		}
	}
}

// matmulInt8Generic defines the result of MatmulInt8.
func matmulInt8Generic(p int8Product) {
	for i := range p.m {
		ai, yi := p.a[i*p.k:(i+1)*p.k], p.y[i*p.n:(i+1)*p.n]
		for j := range yi {
			wj := p.packed[j*p.k : (j+1)*p.k]
			var acc int32
			for x, v := range ai {
				acc += int32(v) * int32(wj[x])
			}
			var b float32
			if p.bias != nil {
				b = p.bias[j]
			}
			yi[j] = dequantize(acc, p.aScale[i], p.aZero[i], p.wScale[j], p.wSum[j], b)
		}
		if p.then.GELU {
			geluShortGeneric(yi, yi)
		}
		if p.then.Add != nil {
			addGeneric(yi, p.then.Add[i*p.n:(i+1)*p.n])
		}
	}
}

// dequantize is the epilogue of every body: an explicit conversion keeps a compiler from fusing the product into the sum.
func dequantize(acc int32, aScale float32, aZero int32, wScale float32, wSum int32, bias float32) float32 {
	return float32(float32(aScale*wScale)*float32(acc-aZero*wSum)) + bias
}

// roundUp returns the least multiple of step that is not below n.
func roundUp(n, step int) int { return (n + step - 1) / step * step }
