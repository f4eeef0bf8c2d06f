//go:build relaxed

package kernel

// wasmBody is the body of the products in WebAssembly.
const wasmBody = "wasm-relaxed"

func init() {
	peaks = append(peaks,
		peak{"relaxed-madd", peakMadd, 8 * peakVectors},
		peak{"relaxed-dot", peakDot8, 32 * peakVectors})
}
