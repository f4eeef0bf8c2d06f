package main

import "fmt"

// The kernels of attention beside its products: rows of q, rows of k and columns of v to codes where the products want them, and scores to
// probabilities. A kernel with 2 in its name is for pairs of k in 16 bits, with 4 for fours of k: see dot.

func attentionWasm(f *file) {
	wasmFile(f, "", func(f *file, l loads) {
		attention(f, l, 2)
	})
}

func attentionRelaxedWasm(f *file) {
	wasmFile(f, "relaxed", func(f *file, l loads) {
		attention(f, l, 4)
	})
}

func attention(f *file, l loads, wide int) {
	queries(f, wide)
	keys(f, wide)
	values(f, wide)
	powers(f, wide)
}

// Places in attentionConstants, vectors of 4 equal numbers; attention_wasm.go has them in this order.
const (
	kMagic = iota
	kMagicBits
	kLeastScale
	kLevels
	kOnes
	kFactor
	kPowerMin
	kPowerC // powerC3 .. powerC0
)

// scaleOf turns the largest magnitude or span in register into its scale, in place: one 127th, at least minQuantizeScale; 1 for 0.
func scaleOf(f *file, register, table string) {
	f.op(seq(constant(table, kOnes), "Get "+register, constant(table, kLevels), "F32x4Div", constant(table, kLeastScale), "F32x4Pmax",
		"Get "+register, zeroV, "F32x4Eq", "V128Bitselect", "Set "+register), "0: 1, else max(%s/127, minQuantizeScale)", register)
}

// storeCodes stores 16 codes of 7 bits, wide enough for the product, and goes on behind them.
func storeCodes(f *file, pointer, codes string, wide int) {
	if wide == 4 {
		f.op(seq(address(pointer), "Get "+codes, "V128Store $0, $0"), "")
		f.op(advance(pointer, 16), "")
		return
	}
	f.op(seq(address(pointer), "Get "+codes, "I16x8ExtendLowI8x16U", "V128Store $0, $0"), "")
	f.op(seq(address(pointer), "Get "+codes, "I16x8ExtendHighI8x16U", "V128Store $0, $16"), "")
	f.op(advance(pointer, 32), "")
}

func queries(f *file, wide int) {
	f.text(fmt.Sprintf("headQueries%d", wide), "codes, scale, zero, x, table unsafe.Pointer, rows, ldx, ldc, blocks uintptr", "MOVD", []argument{
		{"codes", "R0", "rows ldc bytes apart"},
		{"scale", "R1", "of the rows, times kFactor"},
		{"zero", "R2", "of the rows, as zeroPair"},
		{"x", "R3", "rows ldx bytes apart, within quantizeLimit, or NaN"},
		{"table", "R4", "attentionConstants"},
		{"rows", "R5", "not 0"},
		{"ldx", "R6", ""},
		{"ldc", "R7", ""},
		{"blocks", "R8", "16 numbers each, not 0"},
	}, "As QuantizeRows.")
	f.op("Loop", "for each row")
	f.op(seq(zeroV, "Tee V0", "Tee V1", "Tee V2", "Set V3"), "lo, hi, of even and of odd vectors")
	overBlocks(f, "R8", "R10", [][2]string{{"R3", "R9"}}, func() {
		for i := range 4 {
			lo, hi := fmt.Sprintf("V%d", i%2*2), fmt.Sprintf("V%d", i%2*2+1)
			f.op(seq(vector("R9", i), "Set V4", "Get "+lo, "Get V4", "F32x4Pmin", "Set "+lo, "Get "+hi, "Get V4", "F32x4Pmax", "Set "+hi), "")
		}
	})
	f.op(seq("Get V0", "Get V2", "F32x4Pmin", "Set V0", "Get V1", "Get V3", "F32x4Pmax", "Set V1"), "")
	for _, fold := range [][2]string{{"V0", "F32Min"}, {"V1", "F32Max"}} {
		v, op := fold[0], fold[1]
		f.op(seq(folded(v, "F32x4", op), "F32x4Splat", "Set "+v), "")
	}
	f.op(seq("Get V1", "Get V0", "F32x4Sub", "Set V1"), "hi - lo")
	scaleOf(f, "V1", "R4")
	f.op(seq(constant("R4", kOnes), "Get V1", "F32x4Div", "Set V11"), "1/scale")
	f.op(seq(constant("R4", kMagic), "Set V10"), "")
	f.op(seq("Get V0", "F32x4Neg", "Get V11", "F32x4Mul", "Get V10", "F32x4Add", constant("R4", kMagicBits), "I32x4Sub",
		"I32Const $127", "I32x4Splat", "I32x4MinS", "Set V0"), "zero = min(roundEven(-lo/scale), 127)")
	f.op(seq(constant("R4", kMagicBits), "Get V0", "I32x4Sub", "Set V9"), "")
	f.op(seq("I32Const $127", "I8x16Splat", "Set V8"), "")
	f.op(seq(address("R1"), "Get V1", constant("R4", kFactor), "F32x4Mul", "F32x4ExtractLane $0, $0", "F32Store $0, $0"), "")
	f.op(seq(address("R2"), "I32Const $0", "Get V0", "I32x4ExtractLane $0, $0", "I32Sub", "I32Const $65535", "I32And",
		"I32Const $0", "Get V0", "I32x4ExtractLane $0, $0", "I32Sub", "I32Const $24", "I32Shl", "I32Or", "I32Store $0, $0"), "-zero&0xffff | -zero<<24")
	f.op(seq("Get R0", "Set R11"), "")
	overBlocks(f, "R8", "R10", [][2]string{{"R3", "R9"}}, func() {
		for i := range 4 {
			x := fmt.Sprintf("V%d", i)
			f.op(seq(vector("R9", i), "Tee "+x, "Get "+x, "Get "+x, "F32x4Eq", "V128And", "Get V11", "F32x4Mul", "Get V10", "F32x4Add", "Get V9", "I32x4Sub", "Set "+x),
				"roundEven(x/scale) + zero, x = 0 for NaN")
		}
		f.op(seq("Get V0", "Get V1", "I16x8NarrowI32x4S", "Get V2", "Get V3", "I16x8NarrowI32x4S", "I8x16NarrowI16x8U", "Get V8", "I8x16MinU", "Set V0"), "min(max(code, 0), 127)")
		storeCodes(f, "R11", "V0", wide)
	})
	f.op(seq("Get R0", "Get R7", "I64Add", "Set R0"), "next row")
	f.op(seq("Get R3", "Get R6", "I64Add", "Set R3"), "")
	f.op(advance("R1", 4), "")
	f.op(advance("R2", 4), "")
	loopEnd(f, "R5", "while rows are left")
	f.op("RET", "")
	f.line("")
}

// weightCode is roundEven(x/scale) of a vector on the stack, NaN counting as 0; it leaves it in register. V10 is roundMagic, V9 roundMagicBits.
func weightCode(register, scale string) string {
	return seq("Tee "+register, "Get "+register, "Get "+register, "F32x4Eq", "V128And", "Get "+scale, "F32x4Div", "Get V10", "F32x4Add", "Get V9", "I32x4Sub", "Set "+register)
}

func keys(f *file, wide int) {
	f.text(fmt.Sprintf("headKeys%d", wide), "codes, scale, sum, x, table unsafe.Pointer, rows, ldx, blocks uintptr", "MOVD", []argument{
		{"codes", "R0", fmt.Sprintf("a panel: of each %d of k, 8 rows", wide)},
		{"scale", "R1", "of the rows"},
		{"sum", "R2", "of the codes of the rows, as sumPair"},
		{"x", "R3", "rows ldx bytes apart, within quantizeLimit, or NaN"},
		{"table", "R4", "attentionConstants"},
		{"rows", "R5", "1..8"},
		{"ldx", "R6", ""},
		{"blocks", "R7", "16 numbers each, not 0"},
	}, "As QuantizeWeights, each row an output channel.")
	f.op(seq(constant("R4", kMagic), "Set V10"), "")
	f.op(seq(constant("R4", kMagicBits), "Set V9"), "")
	f.op(seq("I32Const $-127", "I8x16Splat", "Set V8"), "")
	f.op("Loop", "for each row")
	f.op(seq(zeroV, "Tee V0", "Tee V1", "Tee V2", "Set V3"), "largest magnitudes")
	overBlocks(f, "R7", "R10", [][2]string{{"R3", "R9"}}, func() {
		for i := range 4 {
			f.op(seq(fmt.Sprintf("Get V%d", i), vector("R9", i), "F32x4Abs", "F32x4Pmax", fmt.Sprintf("Set V%d", i)), "")
		}
	})
	f.op(seq("Get V0", "Get V1", "F32x4Pmax", "Get V2", "Get V3", "F32x4Pmax", "F32x4Pmax", "Set V0"), "")
	f.op(seq(folded("V0", "F32x4", "F32Max"), "F32x4Splat", "Set V11"), "")
	scaleOf(f, "V11", "R4")
	f.op(seq(address("R1"), "Get V11", "F32x4ExtractLane $0, $0", "F32Store $0, $0"), "")
	f.op(seq(zeroV, "Set V7"), "sums")
	f.op(seq("Get R0", "Set R11"), "")
	overBlocks(f, "R7", "R10", [][2]string{{"R3", "R9"}}, func() {
		for i := range 4 {
			f.op(seq(vector("R9", i), weightCode(fmt.Sprintf("V%d", i), "V11")), "roundEven(x/scale)")
		}
		f.op(seq("Get V0", "Get V1", "I16x8NarrowI32x4S", "Get V2", "Get V3", "I16x8NarrowI32x4S", "I8x16NarrowI16x8S", "Get V8", "I8x16MaxS", "Set V0"), "min(max(code, -127), 127)")
		f.op(seq("Get V7", "Get V0", "I16x8ExtaddPairwiseI8x16S", "I32x4ExtaddPairwiseI16x8S", "I32x4Add", "Set V7"), "")
		for i := range 16 / wide {
			if wide == 4 {
				f.op(seq(address("R11"), "Get V0", fmt.Sprintf("I32x4ExtractLane $0, $%d", i), fmt.Sprintf("I32Store $0, $%d", 8*wide*i)), "")
			} else {
				f.op(seq(address("R11"), "Get V0", fmt.Sprintf("I16x8ExtractLaneU $0, $%d", i), fmt.Sprintf("I32Store16 $0, $%d", 8*wide*i)), "")
			}
		}
		f.op(advance("R11", 128), "")
	})
	f.op(seq(folded("V7", "I32x4", "I32Add"), "I64ExtendI32S", "Set R12"), "sum of the row")
	f.op(seq(address("R2"), "Get R12", "I32WrapI64", "I32Const $255", "I32And", "Get R12", "I32WrapI64", "I32Const $8", "I32ShrS", "I32Const $16", "I32Shl", "I32Or", "I32Store $0, $0"), "sum&0xff | sum>>8<<16")
	f.op(advance("R0", wide), "next row")
	f.op(seq("Get R3", "Get R6", "I64Add", "Set R3"), "")
	f.op(advance("R1", 4), "")
	f.op(advance("R2", 4), "")
	loopEnd(f, "R5", "while rows are left")
	f.op("RET", "")
	f.line("")
}

func values(f *file, wide int) {
	f.text(fmt.Sprintf("headValues%d", wide), "codes, scale, x, table unsafe.Pointer, groups, rows, ldx uintptr", "MOVD", []argument{
		{"codes", "R0", fmt.Sprintf("a panel: of each %d rows of x, 8 columns", wide)},
		{"scale", "R1", "of the 8 columns"},
		{"x", "R2", "8 columns, rows ldx bytes apart, within quantizeLimit, or NaN"},
		{"table", "R3", "attentionConstants"},
		{"groups", "R4", fmt.Sprintf("of %d rows that become codes", wide)},
		{"rows", "R5", "that count for the scale, not 0"},
		{"ldx", "R6", ""},
	}, "As QuantizeWeights, each column an output channel.")
	f.op(seq(constant("R3", kMagic), "Set V10"), "")
	f.op(seq(constant("R3", kMagicBits), "Set V9"), "")
	f.op(seq(zeroV, "Tee V12", "Set V13"), "largest magnitudes, then scales")
	f.op(seq("Get R2", "Set R7"), "")
	f.op("Loop", "for each row")
	for i := range 2 {
		v := fmt.Sprintf("V%d", 12+i)
		f.op(seq("Get "+v, vector("R7", i), "F32x4Abs", "F32x4Pmax", "Set "+v), "")
	}
	f.op(seq("Get R7", "Get R6", "I64Add", "Set R7"), "")
	loopEnd(f, "R5", "while rows are left")
	for i := range 2 {
		v := fmt.Sprintf("V%d", 12+i)
		scaleOf(f, v, "R3")
		f.op(seq(address("R1"), "Get "+v, fmt.Sprintf("V128Store $0, $%d", 16*i)), "")
	}
	f.op(seq("I32Const $255", "I32x4Splat", "Set V8"), "")
	f.op(seq("Get R4", "I64Eqz", "I32Eqz", "If"), "if there are groups")
	f.op("Loop", "for each group")
	for r := range wide {
		for i := range 2 {
			f.op(seq(vector("R2", i), weightCode(fmt.Sprintf("V%d", 2*r%4+i), fmt.Sprintf("V%d", 12+i))), "row %d, columns %d and on", r, 4*i)
			code, all := fmt.Sprintf("V%d", 2*r%4+i), fmt.Sprintf("V%d", 4+i)
			switch {
			case r == 0:
				f.op(seq("Get "+code, "Get V8", "V128And", "Set "+all), "")
			case r == wide-1: // the bits above are those of the sign
				f.op(seq("Get "+all, "Get "+code, fmt.Sprintf("I32Const $%d", 8*r), "I32x4Shl", "V128Or", "Set "+all), "")
			default:
				f.op(seq("Get "+all, "Get "+code, "Get V8", "V128And", fmt.Sprintf("I32Const $%d", 8*r), "I32x4Shl", "V128Or", "Set "+all), "")
			}
		}
		f.op(seq("Get R2", "Get R6", "I64Add", "Set R2"), "next row")
	}
	if wide == 4 {
		f.op(seq(address("R0"), "Get V4", "V128Store $0, $0"), "")
		f.op(seq(address("R0"), "Get V5", "V128Store $0, $16"), "")
	} else {
		f.op(seq(address("R0"), "Get V4", "Get V5", "I16x8NarrowI32x4S", "V128Store $0, $0"), "16 bits with the sign of the second row")
	}
	f.op(advance("R0", 8*wide), "")
	loopEnd(f, "R4", "while groups are left")
	f.op("End", "")
	f.op("RET", "")
	f.line("")
}

func powers(f *file, wide int) {
	f.text(fmt.Sprintf("powerRows%d", wide), "codes, scale, x, table, edge unsafe.Pointer, rows, ldx, ldc, blocks uintptr", "MOVD", []argument{
		{"codes", "R0", "rows ldc bytes apart"},
		{"scale", "R1", "of the rows, as inverseSum"},
		{"x", "R2", "rows ldx bytes apart, each filled up to a multiple of 16 numbers; what it is filled with is overwritten"},
		{"table", "R3", "attentionConstants"},
		{"edge", "R4", "rowEdge"},
		{"rows", "R5", "not 0"},
		{"ldx", "R6", ""},
		{"ldc", "R7", ""},
		{"blocks", "R8", "16 numbers each, not 0"},
	}, "As powerCodes.")
	const table = "R3"
	f.op(seq("Get R8", "I64Const $1", "I64Sub", "I64Const $6", "I64Shl", "Set R9"), "bytes before the last block")
	f.op(seq(constant(table, kMagic), "Set V13"), "")
	f.op("Loop", "for each row")
	rowMax(f, "R2", "R9", "R10", "R4", "R8", "R11")
	f.op(seq(zeroV, "Set V15"), "sums")
	f.op(seq("Get R0", "Set R12"), "")
	overBlocks(f, "R8", "R11", [][2]string{{"R2", "R10"}}, func() {
		use := func(k int) { f.op(seq(constant(table, k), "Set "+vConst), "") }
		use(kPowerMin)
		f.each("z = max(x - max, powerMin); t = z + roundBit; f = z - (t - roundBit)", func(i int, x, t, p string) string {
			return seq("Get "+vConst, vector("R10", i), "Get V14", "F32x4Sub", "F32x4Pmax", "Tee "+x, "Get V13", "F32x4Add", "Set "+t,
				"Get "+x, "Get "+t, "Get V13", "F32x4Sub", "F32x4Sub", "Set "+x)
		})
		use(kPowerC)
		f.each("p = powerC3*f", func(i int, x, t, p string) string { return seq("Get "+x, "Get "+vConst, "F32x4Mul", "Set "+p) })
		for c := 1; c <= 3; c++ {
			use(kPowerC + c)
			f.each(fmt.Sprintf("p += powerC%d", 3-c), func(i int, x, t, p string) string {
				if c < 3 {
					return seq("Get "+p, "Get "+vConst, "F32x4Add", "Get "+x, "F32x4Mul", "Set "+p)
				}
				return seq("Get "+p, "Get "+vConst, "F32x4Add", "Get "+t, "I32Const $23", "I32x4Shl", "I32x4Add", "Set "+p)
			})
		}
		use(kMagicBits)
		f.each("roundEven(p * 2^n)", func(i int, x, t, p string) string {
			return seq("Get "+p, "Get V13", "F32x4Add", "Get "+vConst, "I32x4Sub", "Set "+p)
		})
		f.op(seq("Get V8", "Get V9", "I16x8NarrowI32x4S", "Get V10", "Get V11", "I16x8NarrowI32x4S", "I8x16NarrowI16x8U", "Set V0"), "")
		f.op(seq("Get V15", "Get V0", "I16x8ExtaddPairwiseI8x16U", "I32x4ExtaddPairwiseI16x8U", "I32x4Add", "Set V15"), "")
		storeCodes(f, "R12", "V0", wide)
	})
	f.op(seq(address("R1"), "F32Const $(1.0)", folded("V15", "I32x4", "I32Add"), "F32ConvertI32S", "F32Const $(1.0)", "F32Max", "F32Div", "F32Store $0, $0"), "1/max(sum, 1)")
	f.op(seq("Get R0", "Get R7", "I64Add", "Set R0"), "next row")
	f.op(seq("Get R2", "Get R6", "I64Add", "Set R2"), "")
	f.op(advance("R1", 4), "")
	loopEnd(f, "R5", "while rows are left")
	f.op("RET", "")
	f.line("")
}
