// Package kernel holds the inner loops of the machine and nothing else: matrix products in float32 and int8, softmax, LayerNorm, GELU,
// row quantization, AXPY-likes, AdamW and patch gathering. It knows slices and ints only: every matrix is a dense row-major slice,
// (rows, dim) in the comments reads "rows rows of dim contiguous elements".
//
// Every function xxx has a body xxxGeneric in plain Go that is compiled everywhere and defines the result. With GOEXPERIMENT=simd
// float32 work goes to vector bodies:
//
//   - Element-wise and row kernels (package simd: amd64, arm64, wasm) give the same bits as the generic body. Sums are taken in a fixed
//     order of 16 lanes (see sumGeneric), products are rounded before they are added, and exp is ours.
//   - Matrix products (simd/archsimd on amd64, wasm) may fuse multiply and add and may split k into blocks, so their last bits depend on
//     the body. Products of integer codes, MatmulInt8 and those of Attention, are exact: the same bits on every body.
//
// Slices that are too short are programmer errors and panic; longer ones are used up to the length needed. Unless a comment says
// otherwise, outputs must not overlap inputs. All functions may be called from many goroutines at once.
package kernel

// Float is the element type of the kernels. float32 runs on SIMD bodies where there are any; float64 always runs on the generic body
// (gradient checks need it).
type Float interface{ float32 | float64 }

// need panics when s holds fewer than n elements. what names the function and the operand.
func need[T any](s []T, n int, what string) {
	if len(s) < n {
		panic(what)
	}
}

// dims panics when a dimension is negative.
func dims(m, n, k int, what string) {
	if m < 0 || n < 0 || k < 0 {
		panic(what)
	}
}
