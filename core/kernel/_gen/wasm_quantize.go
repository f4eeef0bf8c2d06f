package main

import "fmt"

func quantizeWasm(f *file) {
	wasmFile(f, "", func(f *file, l loads) {
		span(f, l)
		codes(f, l)
	})
}

// finite replaces the vector on the stack by what its values count as: NaN by 0, then the limit in V15 and its negative in V14.
// f32x4.pmin and pmax are one instruction of an x64 engine each, and equal min and max where there is no NaN.
const finite = "Tee V13; Get V13; Get V13; F32x4Eq; V128And; Get V15; F32x4Pmin; Get V14; F32x4Pmax"

func limits(f *file) {
	f.op(seq(address("R2"), "V128Load $0", "Tee V15", "F32x4Neg", "Set V14"), "limit, -limit")
}

func span(f *file, l loads) {
	f.text("spanBlocks", "out, x, limit unsafe.Pointer, blocks uintptr", "MOVD", []argument{
		{"out", "R0", "[8]float32: min of 0 and the lanes, max of 0 and the lanes"},
		{"x", "R1", ""},
		{"limit", "R2", "[4]float32: quantizeLimit"},
		{"blocks", "R3", "len(x)/16, not 0"},
	})
	limits(f)
	for v := range 4 {
		f.op(seq(zeroV, fmt.Sprintf("Set V%d", v)), "%s", [4]string{"lo", "hi", "lo of odd vectors", "hi of odd vectors"}[v])
	}
	f.op("Loop", "for each 16 values")
	for v := range 4 {
		lo, hi := fmt.Sprintf("V%d", v%2*2), fmt.Sprintf("V%d", v%2*2+1)
		f.op(seq(address("R1"), fmt.Sprintf("V128Load $%d", 16*v), finite, "Set V12"), "finite(x[%d:])", 4*v)
		f.op(seq("Get "+lo, "Get V12", "F32x4Pmin", "Set "+lo), "lo = min(lo, x)")
		f.op(seq("Get "+hi, "Get V12", "F32x4Pmax", "Set "+hi), "hi = max(hi, x)")
	}
	f.op(advance("R1", 64), "")
	loopEnd(f, "R3", "while blocks are left")
	f.op(seq(address("R0"), "Get V0", "Get V2", "F32x4Pmin", "V128Store $0, $0"), "")
	f.op(seq(address("R0"), "Get V1", "Get V3", "F32x4Pmax", "V128Store $0, $16"), "")
	f.op("RET", "")
	f.line("")
}

func codes(f *file, l loads) {
	f.text("codeBlocks", "q, x, constants unsafe.Pointer, blocks uintptr", "MOVD", []argument{
		{"q", "R0", ""},
		{"x", "R1", ""},
		{"constants", "R2", "4 lanes each of quantizeLimit, inv, roundMagic, roundMagicBits - zero"},
		{"blocks", "R3", "len(x)/16, not 0"},
	})
	limits(f)
	f.op(seq(address("R2"), "V128Load $16", "Set V11"), "inv")
	f.op(seq(address("R2"), "V128Load $32", "Set V10"), "roundMagic")
	f.op(seq(address("R2"), "V128Load $48", "Set V9"), "roundMagicBits - zero")
	f.op(seq("I32Const $127", "I8x16Splat", "Set V8"), "maxActivation")
	f.op("Loop", "for each 16 values")
	for v := range 4 {
		f.op(seq(address("R1"), fmt.Sprintf("V128Load $%d", 16*v), finite, "Get V11", "F32x4Mul", "Get V10", "F32x4Add", "Get V9", "I32x4Sub", fmt.Sprintf("Set V%d", v)),
			"roundEven(finite(x[%d:])*inv) + zero", 4*v)
	}
	f.op(seq(address("R0"), "Get V0", "Get V1", "I16x8NarrowI32x4S", "Get V2", "Get V3", "I16x8NarrowI32x4S", "I8x16NarrowI16x8U", "Get V8", "I8x16MinU", "V128Store $0, $0"),
		"q[0:16] = min(max(code, 0), 127)")
	f.op(advance("R0", 16), "")
	f.op(advance("R1", 64), "")
	loopEnd(f, "R3", "while blocks are left")
	f.op("RET", "")
	f.line("")
}
