package main

import "fmt"

func rowsWasm(f *file) {
	wasmFile(f, "", func(f *file, l loads) {
		gelu(f)
		geluShort(f)
		softmax(f)
		layerNorm(f)
		interleave(f)
	})
}

// Places in rowConstants, vectors of 4 equal numbers; rows_wasm.go has them in this order.
const (
	kExpMin = iota
	kLog2E
	kRoundBit
	kOne
	kLn2Hi
	kLn2Lo
	kExpC // expC5 .. expC0
	_
	_
	_
	_
	_
	kHalf // -0.5
	kNormalMax
	kTailP
	kTailC // tailC8 .. tailC0
	_
	_
	_
	_
	_
	_
	_
	_
	kShortMax
	kShortC // shortC5 .. shortC0
)

// quad are 4 vectors that go through the same steps, so that a constant is loaded once for them and their latencies overlap.
type quad [4]string

var (
	quadX = quad{"V0", "V1", "V2", "V3"}
	quadT = quad{"V4", "V5", "V6", "V7"}
	quadP = quad{"V8", "V9", "V10", "V11"}
)

// each writes code for the 4 vectors; x, t and p in it stand for their registers.
func (f *file) each(comment string, code func(i int, x, t, p string) string) {
	for i := range 4 {
		c := ""
		if i == 0 {
			c = comment
		}
		f.op(code(i, quadX[i], quadT[i], quadP[i]), "%s", c)
	}
}

// constant loads a constant of the table that register table points to.
func constant(table string, k int) string {
	return seq(address(table), fmt.Sprintf("V128Load $%d", 16*k))
}

const vConst, vOne = "V12", "V13"

// exp replaces x by the remainder, uses t, and leaves exp32(x) in p. vOne holds ones.
func exp(f *file, table string) {
	use := func(k int) { f.op(seq(constant(table, k), "Set "+vConst), "") }
	use(kExpMin)
	f.each("p = x < expMin; x = max(x, expMin)", func(i int, x, t, p string) string {
		return seq("Get "+x, "Get "+vConst, "F32x4Lt", "Set "+p, "Get "+x, "Get "+vConst, "F32x4Pmax", "Set "+x)
	})
	use(kLog2E)
	f.each("t = x*log2E", func(i int, x, t, p string) string {
		return seq("Get "+x, "Get "+vConst, "F32x4Mul", "Set "+t)
	})
	use(kRoundBit)
	f.each("t += roundBit; n = t - roundBit; t = p ? 0 : 2^n; p = n", func(i int, x, t, p string) string {
		return seq("Get "+t, "Get "+vConst, "F32x4Add", "Tee "+t, "Get "+vConst, "F32x4Sub",
			"Get "+t, "I32Const $23", "I32x4Shl", "Get "+vOne, "I32x4Add", "Get "+p, "V128Andnot", "Set "+t, "Set "+p)
	})
	for _, k := range []int{kLn2Hi, kLn2Lo} {
		use(k)
		f.each("x -= n*ln2", func(i int, x, t, p string) string {
			return seq("Get "+x, "Get "+p, "Get "+vConst, "F32x4Mul", "F32x4Sub", "Set "+x)
		})
	}
	use(kExpC)
	f.each("p = expC5*x", func(i int, x, t, p string) string {
		return seq("Get "+x, "Get "+vConst, "F32x4Mul", "Set "+p)
	})
	for c := 1; c <= 5; c++ {
		use(kExpC + c)
		f.each(fmt.Sprintf("p += expC%d", 5-c), func(i int, x, t, p string) string {
			code := seq("Get "+p, "Get "+vConst, "F32x4Add", "Get "+x, "F32x4Mul", "Set "+p)
			if c == 5 {
				code = seq("Get "+p, "Get "+vConst, "F32x4Add", "Get "+x, "F32x4Mul", "Get "+x, "F32x4Mul", "Get "+x, "F32x4Add", "Set "+p)
			}
			return code
		})
	}
	f.each("p = (p + 1) * 2^n", func(i int, x, t, p string) string {
		return seq("Get "+p, "Get "+vOne, "F32x4Add", "Get "+t, "F32x4Mul", "Set "+p)
	})
}

// gelu takes 16 numbers at a time: two pieces of 8, one under the other in a panel or side by side.
func gelu(f *file) {
	f.text("geluPieces", "y, x, table unsafe.Pointer, pairs, ld uintptr", "MOVD", []argument{
		{"y", "R0", "pieces of 8 numbers, ld bytes apart; may be x"},
		{"x", "R1", "as y"},
		{"table", "R2", "rowConstants"},
		{"pairs", "R3", "of pieces, not 0"},
		{"ld", "R4", ""},
	})
	use := func(k int) { f.op(seq(constant("R2", k), "Set "+vConst), "") }
	x := func(i int) string {
		return seq(address([]string{"R1", "R6"}[i/2]), fmt.Sprintf("V128Load $%d", 16*(i%2)))
	}
	f.op(seq(constant("R2", kOne), "Set "+vOne), "")
	f.op("Loop", "for each pair")
	f.op(seq("Get R0", "Get R4", "I64Add", "Set R5"), "second piece of y")
	f.op(seq("Get R1", "Get R4", "I64Add", "Set R6"), "and of x")
	use(kNormalMax)
	f.op(seq(constant("R2", kHalf), "Set V14"), "")
	f.each("x = max(x, -normalMax); x = x*x * -0.5", func(i int, v, t, p string) string {
		return seq(x(i), "Get "+vConst, "F32x4Pmax", "Tee "+v, "Get "+v, "F32x4Mul", "Get V14", "F32x4Mul", "Set "+v)
	})
	exp(f, "R2")
	use(kNormalMax)
	f.op(seq(constant("R2", kTailP), "Set V14"), "")
	f.each("t = 1/(tailP*|x| + 1)", func(i int, v, t, p string) string {
		return seq("Get "+vOne, "Get V14", x(i), "Get "+vConst, "F32x4Pmax", "F32x4Abs", "F32x4Mul", "Get "+vOne, "F32x4Add", "F32x4Div", "Set "+t)
	})
	use(kTailC)
	f.each("q = tailC8*t", func(i int, v, t, p string) string {
		return seq("Get "+t, "Get "+vConst, "F32x4Mul", "Set "+v)
	})
	for c := 1; c <= 8; c++ {
		use(kTailC + c)
		f.each(fmt.Sprintf("q = (q + tailC%d)*t", 8-c), func(i int, v, t, p string) string {
			return seq("Get "+v, "Get "+vConst, "F32x4Add", "Get "+t, "F32x4Mul", "Set "+v)
		})
	}
	use(kNormalMax)
	y := func(i int) string { return address([]string{"R0", "R5"}[i/2]) }
	f.each("y = x * |(x >= 0 ? 1 : 0) - q*bell|", func(i int, v, t, p string) string {
		return seq(x(i), "Get "+vConst, "F32x4Pmax", "Set "+t,
			y(i), "Get "+t, zeroV, "F32x4Ge", "Get "+vOne, "V128And", "Get "+v, "Get "+p, "F32x4Mul", "F32x4Sub", "F32x4Abs", "Get "+t, "F32x4Mul",
			fmt.Sprintf("V128Store $0, $%d", 16*(i%2)))
	})
	f.op(seq("Get R5", "Get R4", "I64Add", "Set R0"), "")
	f.op(seq("Get R6", "Get R4", "I64Add", "Set R1"), "")
	loopEnd(f, "R3", "while pairs are left")
	f.op("RET", "")
	f.line("")
}

func geluShort(f *file) {
	f.text("geluShortBlocks", "y, x, table unsafe.Pointer, blocks uintptr", "MOVD", []argument{
		{"y", "R0", "may be x"},
		{"x", "R1", ""},
		{"table", "R2", "rowConstants"},
		{"blocks", "R3", "16 numbers each, not 0"},
	})
	use := func(k int) { f.op(seq(constant("R2", k), "Set "+vConst), "") }
	f.op(seq(constant("R2", kShortMax), "Set "+vOne), "")
	f.op("Loop", "for each 16 numbers")
	f.each("u = min(|x|, shortMax)", func(i int, x, t, p string) string {
		return seq(vector("R1", i), "F32x4Abs", "Get "+vOne, "F32x4Pmin", "Set "+x)
	})
	use(kShortC)
	f.each("r = shortC5*u", func(i int, x, t, p string) string { return seq("Get "+x, "Get "+vConst, "F32x4Mul", "Set "+p) })
	for c := 1; c <= 4; c++ {
		use(kShortC + c)
		f.each(fmt.Sprintf("r = (r + shortC%d)*u", 5-c), func(i int, x, t, p string) string {
			return seq("Get "+p, "Get "+vConst, "F32x4Add", "Get "+x, "F32x4Mul", "Set "+p)
		})
	}
	use(kShortC + 5)
	f.each("r = (r + shortC0)^8", func(i int, x, t, p string) string {
		return seq("Get "+p, "Get "+vConst, "F32x4Add", "Tee "+p, "Get "+p, "F32x4Mul", "Tee "+p, "Get "+p, "F32x4Mul", "Tee "+p, "Get "+p, "F32x4Mul", "Set "+p)
	})
	f.each("y = max(x, 0) - r*u", func(i int, x, t, p string) string {
		return seq(address("R0"), zeroV, vector("R1", i), "F32x4Pmax", "Get "+p, "Get "+x, "F32x4Mul", "F32x4Sub", fmt.Sprintf("V128Store $0, $%d", 16*i))
	})
	f.op(advance("R0", 64), "")
	f.op(advance("R1", 64), "")
	loopEnd(f, "R3", "while blocks are left")
	f.op("RET", "")
	f.line("")
}

// vector loads vector i at an address.
func vector(at string, i int) string {
	return seq(address(at), fmt.Sprintf("V128Load $%d", 16*i))
}

// foldSum leaves the sum of the 16 lanes in V0 to V3 on the stack, in the order of foldLanes.
func foldSum(f *file) {
	f.op(seq("Get V0", "Get V2", "F32x4Add", "Get V1", "Get V3", "F32x4Add", "F32x4Add", "Set V0"), "lanes j, j+8 and j+4")
	f.op(seq("Get V0", "F32x4ExtractLane $0, $0", "Get V0", "F32x4ExtractLane $0, $2", "F32Add",
		"Get V0", "F32x4ExtractLane $0, $1", "Get V0", "F32x4ExtractLane $0, $3", "F32Add", "F32Add"), "the rest of the tree")
}

// folded is op over the four lanes of a register, pair by pair. shape is F32x4 or I32x4.
func folded(register, shape, op string) string {
	lane := func(i int) string { return fmt.Sprintf("Get %s; %sExtractLane $0, $%d", register, shape, i) }
	return seq(lane(0), lane(1), op, lane(2), lane(3), op, op)
}

// rowMax leaves the largest number of a row in every lane of V14. It writes what the edge says into the row's last block, before bytes behind
// its first; p and left are registers to count with.
func rowMax(f *file, row, before, p, edge, blocks, left string) {
	f.op(seq("Get "+row, "Get "+before, "I64Add", "Set "+p), "last block")
	for i := range 4 {
		f.op(seq(address(p), vector(p, i), vector(edge, i), "V128And", vector(edge, 4+i), "V128Or", fmt.Sprintf("V128Store $0, $%d", 16*i)), "")
	}
	f.op(seq(vector(edge, 8), "Tee V0", "Tee V1", "Tee V2", "Set V3"), "-Inf")
	overBlocks(f, blocks, left, [][2]string{{row, p}}, func() {
		f.each("max = x > max ? x : max", func(i int, x, t, _ string) string {
			return seq("Get "+x, vector(p, i), "F32x4Pmax", "Set "+x)
		})
	})
	f.op(seq("Get V0", "Get V1", "F32x4Pmax", "Get V2", "Get V3", "F32x4Pmax", "F32x4Pmax", "Set V0"), "")
	f.op(seq(folded("V0", "F32x4", "F32Max"), "F32x4Splat", "Set V14"), "max of the row")
}

// overBlocks writes a loop over blocks of 16 numbers, count of them: left counts them down, and of each pair of registers the second goes
// from where the first points on.
func overBlocks(f *file, count, left string, pointers [][2]string, body func()) {
	for _, p := range pointers {
		f.op(seq("Get "+p[0], "Set "+p[1]), "")
	}
	f.op(seq("Get "+count, "Set "+left), "")
	f.op("Loop", "for each 16 numbers")
	body()
	for _, p := range pointers {
		f.op(advance(p[1], 64), "")
	}
	loopEnd(f, left, "")
}

func softmax(f *file) {
	f.text("softmaxRows", "x, table, edge unsafe.Pointer, rows, blocks, ld uintptr", "MOVD", []argument{
		{"x", "R0", "rows ld bytes apart, each filled up to a multiple of 16 numbers; in place"},
		{"table", "R1", "rowConstants"},
		{"edge", "R2", "softmaxEdge"},
		{"rows", "R3", "not 0"},
		{"blocks", "R4", "16 numbers each, not 0"},
		{"ld", "R5", ""},
	})
	f.op(seq("Get R4", "I64Const $1", "I64Sub", "I64Const $6", "I64Shl", "Set R8"), "bytes before the last block")
	f.op(seq(constant("R1", kOne), "Set "+vOne), "")
	f.op("Loop", "for each row")
	rowMax(f, "R0", "R8", "R6", "R2", "R4", "R7")
	overBlocks(f, "R4", "R7", [][2]string{{"R0", "R6"}}, func() {
		f.each("x - max", func(i int, x, t, p string) string {
			return seq(vector("R6", i), "Get V14", "F32x4Sub", "Set "+x)
		})
		exp(f, "R1")
		f.each("x = exp(x - max)", func(i int, x, t, p string) string {
			return seq(address("R6"), "Get "+p, fmt.Sprintf("V128Store $0, $%d", 16*i))
		})
	})
	f.each("sums", func(i int, x, t, p string) string { return seq(zeroV, "Set "+x) })
	overBlocks(f, "R4", "R7", [][2]string{{"R0", "R6"}}, func() {
		f.each("", func(i int, x, t, p string) string {
			return seq("Get "+x, vector("R6", i), "F32x4Add", "Set "+x)
		})
	})
	f.op("F32Const $(1.0)", "")
	foldSum(f)
	f.op(seq("F32Div", "F32x4Splat", "Set V14"), "1/sum")
	overBlocks(f, "R4", "R7", [][2]string{{"R0", "R6"}}, func() {
		f.each("x *= 1/sum", func(i int, x, t, p string) string {
			return seq(address("R6"), vector("R6", i), "Get V14", "F32x4Mul", fmt.Sprintf("V128Store $0, $%d", 16*i))
		})
	})
	f.op(seq("Get R0", "Get R5", "I64Add", "Set R0"), "next row")
	loopEnd(f, "R3", "while rows are left")
	f.op("RET", "")
	f.line("")
}

func layerNorm(f *file) {
	f.text("layerNormRow", "y, x, gain, bias, stats unsafe.Pointer, blocks uintptr", "MOVD", []argument{
		{"y", "R0", "may be x"},
		{"x", "R1", ""},
		{"gain", "R2", ""},
		{"bias", "R3", ""},
		{"stats", "R4", "normStats: the first two are read, the others written"},
		{"blocks", "R5", "16 numbers each, not 0"},
	})
	dim := seq(address("R4"), "F32Load $0")
	f.each("sums of x", func(i int, x, t, p string) string { return seq(zeroV, "Set "+x) })
	overBlocks(f, "R5", "R7", [][2]string{{"R1", "R6"}}, func() {
		f.each("", func(i int, x, t, p string) string {
			return seq("Get "+x, vector("R6", i), "F32x4Add", "Set "+x)
		})
	})
	foldSum(f)
	f.op(seq(dim, "F32Div", "F32x4Splat", "Set V14"), "mean")
	f.each("sums of (x - mean)^2", func(i int, x, t, p string) string { return seq(zeroV, "Set "+x) })
	overBlocks(f, "R5", "R7", [][2]string{{"R1", "R6"}}, func() {
		f.each("", func(i int, x, t, p string) string {
			return seq("Get "+x, vector("R6", i), "Get V14", "F32x4Sub", "Tee "+t, "Get "+t, "F32x4Mul", "F32x4Add", "Set "+x)
		})
	})
	f.op("F32Const $(1.0)", "")
	foldSum(f)
	f.op(seq(dim, "F32Div", address("R4"), "F32Load $4", "F32Add", "F32Sqrt", "F32Div", "F32x4Splat", "Set V15"), "rstd")
	f.op(seq(address("R4"), "Get V14", "F32x4ExtractLane $0, $0", "F32Store $0, $8"), "")
	f.op(seq(address("R4"), "Get V15", "F32x4ExtractLane $0, $0", "F32Store $0, $12"), "")
	f.op(seq(zeroV, "Tee V8", "Tee V9", "Tee V10", "Set V11"), "lo and hi, of even and of odd vectors")
	overBlocks(f, "R5", "R7", [][2]string{{"R0", "R6"}, {"R1", "R8"}, {"R2", "R9"}, {"R3", "R10"}}, func() {
		f.each("y = (x - mean)*rstd*gain + bias", func(i int, x, t, p string) string {
			lo, hi := quadP[i%2], quadP[2+i%2]
			return seq(address("R6"), vector("R8", i), "Get V14", "F32x4Sub", "Get V15", "F32x4Mul", vector("R9", i), "F32x4Mul", vector("R10", i), "F32x4Add", "Tee "+x,
				fmt.Sprintf("V128Store $0, $%d", 16*i), "Get "+lo, "Get "+x, "F32x4Pmin", "Set "+lo, "Get "+hi, "Get "+x, "F32x4Pmax", "Set "+hi)
		})
	})
	f.op(seq(address("R4"), "Get V8", "Get V9", "F32x4Pmin", "V128Store $0, $16"), "")
	f.op(seq(address("R4"), "Get V10", "Get V11", "F32x4Pmax", "V128Store $0, $32"), "")
	f.op("RET", "")
	f.line("")
}

func interleave(f *file) {
	f.text("interleaveQuads", "dst, a, b, c unsafe.Pointer, quads uintptr", "MOVD", []argument{
		{"dst", "R0", "a[0], b[0], c[0], a[1], ..."},
		{"a", "R1", ""},
		{"b", "R2", ""},
		{"c", "R3", ""},
		{"quads", "R4", "len(a)/4, not 0"},
	})
	f.op("Loop", "for each 4 of a, of b and of c")
	for i := range 4 {
		for p, plane := range []string{"R1", "R2", "R3"} {
			f.op(seq(address("R0"), address(plane), fmt.Sprintf("I32Load $%d", 4*i), fmt.Sprintf("I32Store $0, $%d", 4*(3*i+p))), "")
		}
	}
	f.op(advance("R0", 48), "")
	for _, plane := range []string{"R1", "R2", "R3"} {
		f.op(advance(plane, 16), "")
	}
	loopEnd(f, "R4", "while quads are left")
	f.op("RET", "")
	f.line("")
}
