//go:build !wasm && !(goexperiment.simd && amd64)

package kernel

func mergeRowBody(w []float32, base, delta []int8, baseScale, deltaScale float32, mix *Mix) (whole int, largest float32) {
	return 0, 0
}
func weightCodesBody(q []int8, w []float32, scale float32) (whole int) { return 0 }
