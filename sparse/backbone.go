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
