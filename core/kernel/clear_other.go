//go:build goexperiment.simd && (arm64 || wasm)

package kernel

// clearUpper is for amd64 only.
func clearUpper() {}
