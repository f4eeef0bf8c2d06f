package export

import (
	"haguruma/adapt/adapter"
	"haguruma/core/onnx"
	"haguruma/core/plainjson"
	"haguruma/core/vit"
)

// ONNX returns a backbone as an ONNX file, with the head of an adapter that was made on it; a nil: the backbone alone. The names of the classes, mean and std go along with
// a head as properties.
//
// batch is the number of pictures at a time, 0 leaves it open; codes quantizes the linear layers, 0 leaves them float32. Errors and panics are those of
// onnx.Classifier.
func ONNX(params *vit.Params[float32], batch int, codes onnx.Int8, a *adapter.Adapter) ([]byte, error) {
	if a == nil {
		if codes != 0 {
			return onnx.ModelInt8(params, batch, codes)
		}
		return onnx.Model(params, batch)
	}
	weight, bias := scaledHead(a)
	return onnx.Classifier(params, batch, codes, &onnx.Head{Weight: weight, Bias: bias, Properties: []onnx.Property{
		{Key: "classes", Value: classNames(a)}, {Key: "mean", Value: three(params.Config.Mean)}, {Key: "std", Value: three(params.Config.Std)},
	}})
}

// scaledHead is the head with its scale in the numbers: the softmax of W u + bias.
func scaledHead(a *adapter.Adapter) (weight, bias []float32) {
	scaled := func(x []float32) []float32 {
		y := make([]float32, len(x))
		for i, v := range x {
			y[i] = a.Head.Scale * v
		}
		return y
	}
	return scaled(a.Head.Weight), scaled(a.Head.Bias)
}

// classNames is a JSON list of the classes in the order of the head's rows.
func classNames(a *adapter.Adapter) string {
	var w plainjson.Writer
	w.List(func() {
		for _, c := range a.Classes {
			w.Text(c.Name)
		}
	})
	return w.String()
}

func three(x [3]float32) string {
	var w plainjson.Writer
	w.List(func() {
		for _, v := range x {
			w.Real(float64(v), 32)
		}
	})
	return w.String()
}
