package kernel

import (
	"math"
	"unsafe"
)

func init() {
	registerQuantize(&quantizeBody{name: "wasm-simd", span: spanWasm, codes: codesWasm})
}

func spanWasm(x []float32) (lo, hi float32) {
	blocks := len(x) / 16
	lo, hi = spanGeneric(x[blocks*16:])
	if blocks > 0 {
		var out [2]lanes4
		spanBlocks(unsafe.Pointer(&out), at(x, 0), uintptr(blocks))
		low, high := foldSpan(&out[0], &out[1])
		if low < lo {
			lo = low
		}
		if high > hi {
			hi = high
		}
	}
	return lo, hi
}

// foldSpan turns lanes of min(0, x...) and max(0, x...) into the span of x. (The built-in min and max are calls that look for NaN.)
func foldSpan(low, high *lanes4) (lo, hi float32) {
	for l := range 4 {
		if low[l] < lo {
			lo = low[l]
		}
		if high[l] > hi {
			hi = high[l]
		}
	}
	return finite(lo), finite(hi)
}

// codesWasm needs the span of x: where no value exceeds the limit, none has to be held to it.
func codesWasm(q []uint8, x []float32, lo, hi, inv float32, zero int32) {
	blocks := len(x) / 16
	if lo == -quantizeLimit || hi == quantizeLimit {
		blocks = 0
	}
	if blocks > 0 {
		constants := [3]lanes4{splat4(inv), splat4(roundMagic), splat4(math.Float32frombits(uint32(roundMagicBits - zero)))}
		codeBlocks(at(q, 0), at(x, 0), unsafe.Pointer(&constants), uintptr(blocks))
	}
	codesGeneric(q[blocks*16:], x[blocks*16:], lo, hi, inv, zero)
}

//go:noescape
func spanBlocks(out, x unsafe.Pointer, blocks uintptr)

//go:noescape
func codeBlocks(q, x, constants unsafe.Pointer, blocks uintptr)
