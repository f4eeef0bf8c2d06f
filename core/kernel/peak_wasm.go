package kernel

import "unsafe"

// peakVectors is the number of vectors that a loop adds.
const peakVectors = 8 * 12

// peak is a loop of nothing but the arithmetic of a product: the speed that the engine cannot exceed. Benchmarks set products against it.
type peak struct {
	name string
	run  func(out, in unsafe.Pointer, loops uintptr)
	ops  int // a loop
}

//go:noescape
func peakMulAdd(out, in unsafe.Pointer, loops uintptr)

//go:noescape
func peakDot16(out, in unsafe.Pointer, loops uintptr)
