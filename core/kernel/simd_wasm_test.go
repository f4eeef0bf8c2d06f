//go:build goexperiment.simd

package kernel

import "testing"

// TestElementwiseBodyWasm: built with GOEXPERIMENT=simd, the element-wise kernels must not fall back to their generic bodies.
func TestElementwiseBodyWasm(t *testing.T) {
	x, y := make([]float32, 64), make([]float32, 64)
	for name, ran := range map[string]bool{
		"Add":     add32(y, x),
		"Axpy":    axpy32(y, 2, x),
		"Scale":   scale32(y, 2),
		"Mul":     mul32(y, x, x),
		"MulAdd":  mulAdd32(y, x, x),
		"Sigmoid": sigmoid32(y, x, 1),
		"GELU":    gelu32(y, x),
	} {
		if !ran {
			t.Errorf("%s ran its generic body", name)
		}
	}
}
