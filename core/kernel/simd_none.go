//go:build !goexperiment.simd || !(amd64 || arm64 || wasm)

package kernel

// Without GOEXPERIMENT=simd there is no vector body: each function says that it did nothing and the generic body runs.

func add32(y, x []float32) bool                                                      { return false }
func axpy32(y []float32, alpha float32, x []float32) bool                            { return false }
func mulAdd32(y, a, b []float32) bool                                                { return false }
func mul32(y, a, b []float32) bool                                                   { return false }
func sigmoid32(y, x []float32, scale float32) bool                                   { return false }
func sigmoidBackward32(dx, dy, y []float32) bool                                     { return false }
func scale32(y []float32, alpha float32) bool                                        { return false }
func dot32(x, y []float32) (sum float32, ok bool)                                    { return 0, false }
func sumRows32(dBias, dy []float32, rows int) bool                                   { return false }
func softmax32(y, x []float32, rows, dim int) bool                                   { return false }
func softmaxBackward32(dx, y, dy []float32, rows, dim int) bool                      { return false }
func gelu32(y, x []float32) bool                                                     { return false }
func geluShort32(y, x []float32) bool                                                { return false }
func power32s(s []float32) bool                                                      { return false }
func geluBackward32(dx, dy, x []float32) bool                                        { return false }
func adamw32(w, g, m, v []float32, c *adamwStep) bool                                { return false }
func layerNorm32(y, mean, rstd, x, gain, bias []float32, rows int, eps float32) bool { return false }
func layerNormBackward32(dx, dGain, dBias, dy, x, mean, rstd, gain []float32, rows int) bool {
	return false
}

func largest32(w []float32) (largest float32, ok bool)              { return 0, false }
func weightCodes32(q []int8, w []float32, scale float32) bool       { return false }
func blockCodes32(q []int8, w []float32, scale float32) (whole int) { return 0 }
func mergeRow32(w []float32, base, delta []int8, baseScale, deltaScale float32, mix *Mix) (whole int, largest float32) {
	return 0, 0
}
