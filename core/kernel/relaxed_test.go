//go:build relaxed

package kernel

// wasmBody is the body of the products in WebAssembly.
const wasmBody = "wasm-relaxed"
