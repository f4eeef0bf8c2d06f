package kernel

import (
	"math"
	"unsafe"
)

func init() {
	registerQuantize(&quantizeBody{name: "wasm-simd", span: spanWasm, codes: codesWasm})
}

// lanes4 is a vector as the assembly reads it.
type lanes4 [4]float32

func splat4(v float32) lanes4 { return lanes4{v, v, v, v} }

func spanWasm(x []float32) (lo, hi float32) {
	blocks := len(x) / 16
	lo, hi = spanGeneric(x[blocks*16:])
	if blocks > 0 {
		limit := splat4(quantizeLimit)
		var out [8]float32
		spanBlocks(unsafe.Pointer(&out), at(x, 0), unsafe.Pointer(&limit), uintptr(blocks))
		for l := range 4 {
			lo, hi = min(lo, out[l]), max(hi, out[l+4])
		}
	}
	return lo, hi
}

func codesWasm(q []uint8, x []float32, inv float32, zero int32) {
	blocks := len(x) / 16
	if blocks > 0 {
		constants := [4]lanes4{splat4(quantizeLimit), splat4(inv), splat4(roundMagic), splat4(math.Float32frombits(uint32(roundMagicBits - zero)))}
		codeBlocks(at(q, 0), at(x, 0), unsafe.Pointer(&constants), uintptr(blocks))
	}
	codesGeneric(q[blocks*16:], x[blocks*16:], inv, zero)
}

// spanBlocks needs len(x)/16 blocks.
//
//go:noescape
func spanBlocks(out, x, limit unsafe.Pointer, blocks uintptr)

//go:noescape
func codeBlocks(q, x, constants unsafe.Pointer, blocks uintptr)
