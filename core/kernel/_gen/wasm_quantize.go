package main

import "fmt"

func quantizeWasm(f *file) {
	wasmFile(f, "", func(f *file, l loads) {
		span(f)
		codes(f)
	})
}

func span(f *file) {
	f.text("spanBlocks", "out, x unsafe.Pointer, blocks uintptr", "MOVD", []argument{
		{"out", "R0", "[8]float32: min of 0 and the lanes, max of 0 and the lanes"},
		{"x", "R1", ""},
		{"blocks", "R2", "len(x)/16, not 0"},
	}, "f32x4.pmin and pmax are one instruction of an x64 engine each, and keep their first operand where the second is NaN.")
	for v := range 4 {
		f.op(seq(zeroV, fmt.Sprintf("Set V%d", v)), "%s", [4]string{"lo", "hi", "lo of odd vectors", "hi of odd vectors"}[v])
	}
	f.op("Loop", "for each 16 values")
	for v := range 4 {
		lo, hi := fmt.Sprintf("V%d", v%2*2), fmt.Sprintf("V%d", v%2*2+1)
		f.op(seq(address("R1"), fmt.Sprintf("V128Load $%d", 16*v), "Set V12"), "x[%d:]", 4*v)
		f.op(seq("Get "+lo, "Get V12", "F32x4Pmin", "Set "+lo), "lo = x < lo ? x : lo")
		f.op(seq("Get "+hi, "Get V12", "F32x4Pmax", "Set "+hi), "hi = hi < x ? x : hi")
	}
	f.op(advance("R1", 64), "")
	loopEnd(f, "R2", "while blocks are left")
	f.op(seq(address("R0"), "Get V0", "Get V2", "F32x4Pmin", "V128Store $0, $0"), "")
	f.op(seq(address("R0"), "Get V1", "Get V3", "F32x4Pmax", "V128Store $0, $16"), "")
	f.op("RET", "")
	f.line("")
}

func codes(f *file) {
	f.text("codeBlocks", "q, x, constants unsafe.Pointer, blocks uintptr", "MOVD", []argument{
		{"q", "R0", ""},
		{"x", "R1", "within quantizeLimit, or NaN"},
		{"constants", "R2", "4 lanes each of inv, roundMagic, roundMagicBits - zero"},
		{"blocks", "R3", "len(x)/16, not 0"},
	})
	f.op(seq(address("R2"), "V128Load $0", "Set V11"), "inv")
	f.op(seq(address("R2"), "V128Load $16", "Set V10"), "roundMagic")
	f.op(seq(address("R2"), "V128Load $32", "Set V9"), "roundMagicBits - zero")
	f.op(seq("I32Const $127", "I8x16Splat", "Set V8"), "maxActivation")
	f.op("Loop", "for each 16 values")
	for v := range 4 {
		x := fmt.Sprintf("V%d", v)
		f.op(seq(address("R1"), fmt.Sprintf("V128Load $%d", 16*v), "Tee "+x, "Get "+x, "Get "+x, "F32x4Eq", "V128And"), "x[%d:], 0 for NaN", 4*v)
		f.op(seq("Get V11", "F32x4Mul", "Get V10", "F32x4Add", "Get V9", "I32x4Sub", "Set "+x), "roundEven(x*inv) + zero")
	}
	f.op(seq(address("R0"), "Get V0", "Get V1", "I16x8NarrowI32x4S", "Get V2", "Get V3", "I16x8NarrowI32x4S", "I8x16NarrowI16x8U", "Get V8", "I8x16MinU", "V128Store $0, $0"),
		"q[0:16] = min(max(code, 0), 127)")
	f.op(advance("R0", 16), "")
	f.op(advance("R1", 64), "")
	loopEnd(f, "R3", "while blocks are left")
	f.op("RET", "")
	f.line("")
}
