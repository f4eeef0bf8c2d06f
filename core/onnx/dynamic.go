package onnx

import (
	"math"

	"haguruma/core/vit"
)

// Int8 is the type of the weights in a model of ModelInt8.
type Int8 int

const (
	U8 Int8 = typeUint8 // 1..255, zero point 128
	S8 Int8 = typeInt8  // -127..127
)

// ModelInt8 returns the backbone as an ONNX file whose linear layers are quantized dynamically, as onnxruntime's
// quantize_dynamic does: weights with one scale a matrix, activations (uint8, one scale a tensor) while it runs. The patch
// embedding and all else stay float32. Arguments and errors are those of Model.
func ModelInt8(p *vit.Params[float32], batch int, weights Int8) ([]byte, error) {
	return model(p, batch, weights, nil)
}

// dynamic is x W with W (in, out) quantized here and x while the model runs.
func (b *builder) dynamic(x, name string, w []float32, in, out int) string {
	peak := float32(0)
	for _, v := range w {
		peak = max(peak, float32(math.Abs(float64(v))))
	}
	scale, zero := peak/127, 0
	if scale == 0 {
		scale = 1
	}
	if b.int8 == U8 {
		zero = 128
	}
	codes := make([]byte, len(w))
	for i, v := range w {
		codes[i] = byte(int(math.RoundToEven(float64(v/scale))) + zero)
	}
	parts := []string{b.fresh("codes"), b.fresh("scale"), b.fresh("zero")}
	b.operation("DynamicQuantizeLinear", []string{x}, parts)
	sums := b.node("MatMulInteger", []string{
		parts[0], b.codes(name, b.int8, codes, in, out),
		parts[2], b.codes("zero", b.int8, []byte{byte(zero)}),
	})
	real := b.node("Cast", []string{sums}, attribute{"to", typeFloat})
	return b.node("Mul", []string{real, b.node("Mul", []string{parts[1], b.floats("scale", []float32{scale})})})
}
