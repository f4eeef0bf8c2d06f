//go:build js && wasm

package main

import (
	"haguruma/core/picture"
	"haguruma/core/vit"
)

// eye is the adapt.Embedder of the page: a picture to the square the backbone wants, to its embedding.
type eye struct {
	model  *vit.Int8Model
	config vit.Config
	pixels []float32 // (3, size, size), used again
	embed  []float32 // (dim), used again
}

func newEye(model *vit.Int8Model) *eye {
	c := model.Config()
	return &eye{model: model, config: c, pixels: make([]float32, 3*c.ImageSize*c.ImageSize), embed: make([]float32, c.Dim)}
}

func (e *eye) Dim() int { return e.config.Dim }

// Embed returns a slice that is valid until the next call.
func (e *eye) Embed(pic *picture.Picture) ([]float32, error) {
	size := e.config.ImageSize
	pic.Square(size).Tensor(e.pixels, e.config.Mean, e.config.Std)
	e.model.Embed(e.embed, e.pixels, 1, size)
	return e.embed, nil
}
