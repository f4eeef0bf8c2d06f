package main

import "fmt"

func weightsWasm(f *file) {
	wasmFile(f, "", func(f *file, l loads) {
		mergeBlocks(f, l)
		weightBlocks(f)
	})
}

func mergeBlocks(f *file, l loads) {
	f.text("mergeBlocks", "w, base, delta, masks, constants unsafe.Pointer, count, blocks uintptr", "MOVD", []argument{
		{"w", "R0", ""},
		{"base", "R1", ""},
		{"delta", "R2", ""},
		{"masks", "R3", "count times {pointer to the first bits, score}, 16 bytes"},
		{"constants", "R4", "mergeConstants"},
		{"count", "R5", "not 0"},
		{"blocks", "R6", "len(w)/16, not 0"},
	}, "Bits of 16 elements stand twice in each lane of a vector; element 4*k+l has its own in lane l of V8+k.")
	for k := range 4 {
		f.op(seq(address("R4"), fmt.Sprintf("V128Load $%d", 16*k), fmt.Sprintf("Set V%d", 8+k)), "bits of elements %d..%d", 4*k, 4*k+3)
	}
	f.op(seq(address("R4"), "V128Load $64", "Set V12"), "baseScale")
	f.op(seq(address("R4"), "V128Load $80", "Set V13"), "deltaScale")
	f.op(seq(zeroV, "Set V14"), "largest magnitudes")
	f.op(seq("I64Const $0", "Set R7"), "bytes of the masks so far")
	f.op("Loop", "for each 16 elements")
	for k := range 4 {
		f.op(seq(zeroV, fmt.Sprintf("Set V%d", k)), "")
	}
	f.op(seq("Get R3", "Set R8"), "")
	f.op(seq("Get R5", "Set R9"), "")
	f.op("Loop", "for each mask")
	f.op(seq(address("R8"), "I64Load $0", "Get R7", "I64Add", "I32WrapI64", l.at("V128Load16Splat", 0), "Set V4"), "its 16 bits")
	f.op(seq(address("R8"), l.at("V128Load32Splat", 8), "Set V5"), "its score")
	for k := range 4 {
		sum, bit := fmt.Sprintf("V%d", k), fmt.Sprintf("V%d", 8+k)
		f.op(seq("Get "+sum, "Get V4", "Get "+bit, "V128And", "Get "+bit, "I32x4Eq", "Get V5", "V128And", "F32x4Add", "Set "+sum), "mix[%d:] += score where open", 4*k)
	}
	f.op(advance("R8", 16), "")
	loopEnd(f, "R9", "while masks are left")
	f.op(seq(address("R1"), "V128Load $0", "Set V6"), "base")
	f.op(seq(address("R2"), "V128Load $0", "Set V7"), "delta")
	for k := range 4 {
		sum := fmt.Sprintf("V%d", k)
		wide := func(v string) string {
			half := [2]string{"Low", "High"}
			return seq("Get "+v, "I16x8Extend"+half[k/2]+"I8x16S", "I32x4Extend"+half[k%2]+"I16x8S", "F32x4ConvertI32x4S")
		}
		f.op(seq(wide("V6"), "Get V12", "F32x4Mul", "Get "+sum, wide("V7"), "Get V13", "F32x4Mul", "F32x4Mul", "F32x4Add", "Set "+sum),
			"baseScale*base + mix*(deltaScale*delta), %d and on", 4*k)
		f.op(seq(address("R0"), "Get "+sum, fmt.Sprintf("V128Store $0, $%d", 16*k)), "")
		f.op(seq("Get V14", "Get "+sum, "F32x4Abs", "F32x4Pmax", "Set V14"), "")
	}
	f.op(advance("R0", 64), "")
	f.op(advance("R1", 16), "")
	f.op(advance("R2", 16), "")
	f.op(advance("R7", 2), "")
	loopEnd(f, "R6", "while blocks are left")
	f.op(seq(address("R4"), "Get V14", "V128Store $0, $96"), "")
	f.op("RET", "")
	f.line("")
}

func weightBlocks(f *file) {
	f.text("weightBlocks", "q, w, constants unsafe.Pointer, blocks uintptr", "MOVD", []argument{
		{"q", "R0", ""},
		{"w", "R1", "within quantizeLimit"},
		{"constants", "R2", "4 lanes each of scale, roundMagic, roundMagicBits"},
		{"blocks", "R3", "len(w)/16, not 0"},
	})
	f.op(seq(address("R2"), "V128Load $0", "Set V11"), "scale")
	f.op(seq(address("R2"), "V128Load $16", "Set V10"), "roundMagic")
	f.op(seq(address("R2"), "V128Load $32", "Set V9"), "roundMagicBits")
	f.op(seq("I32Const $-127", "I8x16Splat", "Set V8"), "-maxWeight")
	f.op("Loop", "for each 16 weights")
	for v := range 4 {
		f.op(seq(address("R1"), fmt.Sprintf("V128Load $%d", 16*v), "Get V11", "F32x4Div", "Get V10", "F32x4Add", "Get V9", "I32x4Sub", fmt.Sprintf("Set V%d", v)),
			"roundEven(w/scale), %d and on", 4*v)
	}
	f.op(seq(address("R0"), "Get V0", "Get V1", "I16x8NarrowI32x4S", "Get V2", "Get V3", "I16x8NarrowI32x4S", "I8x16NarrowI16x8S", "Get V8", "I8x16MaxS", "V128Store $0, $0"),
		"q[0:16] = min(max(code, -127), 127)")
	f.op(advance("R0", 16), "")
	f.op(advance("R1", 64), "")
	loopEnd(f, "R3", "while blocks are left")
	f.op("RET", "")
	f.line("")
}
