//go:build goexperiment.simd

package kernel

import "simd/archsimd"

// clearUpper clears the upper halves of the vector registers: SSE code that follows would stall otherwise.
func clearUpper() { archsimd.ClearAVXUpperBits() }
