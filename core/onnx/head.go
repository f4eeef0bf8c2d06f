package onnx

import "haguruma/core/vit"

// Probabilities is the second output of a model with a head: (N, classes), rows sum to 1.
const Probabilities = "probabilities"

// Head is a classifier of embeddings scaled to length one: the softmax of Weight u + Bias.
type Head struct {
	Weight     []float32  // (classes, dim)
	Bias       []float32  // (classes)
	Properties []Property // metadata_props of the file: class names, say, for who has only the file
}

// Classifier is Model, or ModelInt8 where codes is not 0, with a head on top: a second output of probabilities. It panics if the head is
// not one of this backbone.
func Classifier(p *vit.Params[float32], batch int, codes Int8, head *Head) ([]byte, error) {
	if len(head.Weight) != len(head.Bias)*p.Config.Dim {
		panic("onnx: Classifier: the head does not fit the backbone")
	}
	return model(p, batch, codes, head)
}

// classify goes on from the embedding. An embedding of zeros stays one: it has no direction.
func (b *builder) classify(head *Head) {
	way, dim := len(head.Bias), b.config.Dim
	length := b.node("ReduceL2", []string{Output}, attribute{"axes", []int{1}}, attribute{"keepdims", 1})
	unit := b.node("Div", []string{Output, b.node("Max", []string{length, b.floats("least", []float32{1e-30})})})
	turned := transposed(head.Weight, way, dim)
	logits := b.node("Add", []string{b.node("MatMul", []string{unit, b.floats("head", turned, dim, way)}), b.floats("head_bias", head.Bias, way)})
	b.operation("Softmax", []string{logits}, []string{Probabilities}, attribute{"axis", -1})
}
