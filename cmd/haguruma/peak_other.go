//go:build !(amd64 && goexperiment.simd)

package main

// peakLoop has no vectors here, as the kernels of such a build have none on
// amd64; on other machines the shares are of what scalar code reaches.
func peakLoop() (method string, operations int, loop func(rounds int) float32) { return peakScalar() }
