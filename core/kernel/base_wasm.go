//go:build !(browser && relaxed)

package kernel

// The bodies for engines without relaxed SIMD. A page loads an engine of its own for those (tag browser), so that its relaxed one goes
// without them. This file comes before relaxed_wasm.go, as the initialization order wants.
func init() {
	register(&body{
		name:  "wasm-simd",
		width: 16,
		matmul: func(c, a, b []float32, m, n, k int, f form, accumulate bool) {
			matmulWasm(baseTiles, c, a, b, m, n, k, f, accumulate)
		},
	})
	registerInt8(int8Base.body("wasm-simd", 2))
	registerAttention("wasm-simd", func() *attentionTiles { return attentionBase })
}
