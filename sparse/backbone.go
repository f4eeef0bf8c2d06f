package sparse

import "haguruma/core/vit"

// BackboneTensors lists the tensors of a backbone in the order of its flat vector.
func BackboneTensors(p *vit.Params[float32]) []Tensor {
	var out []Tensor
	for _, t := range p.Tensors() {
		out = append(out, Tensor{Name: t.Name, Shape: t.Shape, Start: t.Start})
	}
	return out
}

// ModelTensors is BackboneTensors of the float32 weights of an int8 backbone.
func ModelTensors(m *vit.Int8Model) []Tensor {
	var out []Tensor
	start := 0
	for _, t := range m.Tensors() {
		one := Tensor{Name: t.Name, Shape: t.Shape, Start: start}
		out, start = append(out, one), start+one.Len()
	}
	return out
}
