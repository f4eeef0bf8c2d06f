package export

import (
	"haguruma/adapt/adapter"
	"haguruma/core/tensorfile"
	"haguruma/core/vit"
)

// Timm returns the backbone under timm's names, which are ours but for registers: theirs have no position for the class token. A convolutional stem has no names
// there and keeps ours. With an adapter that was made on it, head.weight and head.bias are for embeddings scaled to length one; a nil: there is no head.
func Timm(params *vit.Params[float32], a *adapter.Adapter) *tensorfile.File {
	f, c := params.File(), params.Config
	f.Metadata["format"] = "pt"
	if c.Registers > 0 {
		for i := range f.Tensors {
			switch t := &f.Tensors[i]; t.Name {
			case "register_tokens":
				t.Name = "reg_token"
			case "cls_token", "pos_embed":
				*t = withoutClassPosition(params, t.Name)
			}
		}
	}
	if a == nil {
		return f
	}
	f.Metadata["classes"], f.Metadata["head"] = classNames(a), "softmax(head.weight @ (embedding / |embedding|) + head.bias)"
	weight, bias := scaledHead(a)
	f.Tensors = append(f.Tensors, tensorfile.FromFloat32("head.weight", []int{len(bias), c.Dim}, weight), tensorfile.FromFloat32("head.bias", []int{len(bias)}, bias))
	return f
}

// withoutClassPosition is a tensor of the class token or of the positions, with the token's position added to the token.
func withoutClassPosition(params *vit.Params[float32], name string) tensorfile.Tensor {
	dim, data := params.Config.Dim, map[string][]float32{}
	for _, t := range params.Tensors() {
		data[t.Name] = t.Data
	}
	class, positions := data["cls_token"], data["pos_embed"]
	if name == "pos_embed" {
		return tensorfile.FromFloat32(name, []int{1, len(positions)/dim - 1, dim}, positions[dim:])
	}
	sum := make([]float32, dim)
	for i, v := range class {
		sum[i] = v + positions[i]
	}
	return tensorfile.FromFloat32(name, []int{1, 1, dim}, sum)
}
