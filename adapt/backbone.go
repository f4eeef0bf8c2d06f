package adapt

import (
	"haguruma/core/picture"
	"haguruma/core/vit"
	"haguruma/sparse"
)

// Backbone is the Embedder of every front: a picture to the square that an int8 backbone sees, to its embedding.
type Backbone struct {
	model  *vit.Int8Model
	config vit.Config
	pixels []float32 // (3, size, size), used again
	embed  []float32 // (dim), used again
}

// NewBackbone keeps the model.
func NewBackbone(model *vit.Int8Model) *Backbone {
	c := model.Config()
	return &Backbone{model: model, config: c, pixels: make([]float32, 3*c.ImageSize*c.ImageSize), embed: make([]float32, c.Dim)}
}

// Dim is the length of an embedding.
func (b *Backbone) Dim() int { return b.config.Dim }

// Config is that of the backbone.
func (b *Backbone) Config() vit.Config { return b.config }

// Model is the network itself.
func (b *Backbone) Model() *vit.Int8Model { return b.model }

// With is a backbone of another model of the same config, for the same goroutine: they share buffers for pixels.
func (b *Backbone) With(model *vit.Int8Model) *Backbone {
	return &Backbone{model, b.config, b.pixels, make([]float32, b.config.Dim)}
}

// Reduce returns the square.
func (b *Backbone) Reduce(pic *picture.Picture) *picture.Picture {
	if pic.Width == b.config.ImageSize && pic.Height == b.config.ImageSize {
		return pic
	}
	return pic.Square(b.config.ImageSize)
}

// Embed returns a slice that is valid until the next call.
func (b *Backbone) Embed(pic *picture.Picture) ([]float32, error) {
	size := b.config.ImageSize
	b.Reduce(pic).Tensor(b.pixels, b.config.Mean, b.config.Std)
	b.model.Embed(b.embed, b.pixels, 1, size)
	return b.embed, nil
}

// Patches returns the embedding and what the network makes of each patch (side*side, dim), row by row; patches are the caller's.
func (b *Backbone) Patches(pic *picture.Picture) (embed, patches []float32, side int) {
	size := b.config.ImageSize
	side = size / b.config.PatchSize
	patches = make([]float32, side*side*b.config.Dim)
	b.Reduce(pic).Tensor(b.pixels, b.config.Mean, b.config.Std)
	b.model.EmbedPatches(patches, b.embed, b.pixels, 1, size)
	return b.embed, patches, side
}

// Experts are experts of this backbone. sha256 is that of its bundle, or empty. The error wraps sparse.ErrBackbone when they were learned
// on another one.
func (b *Backbone) Experts(e *sparse.Experts, sha256 string) (*BackboneExperts, error) {
	if err := e.CheckBackbone(sha256, b.model); err != nil {
		return nil, err
	}
	return &BackboneExperts{e, b}, nil
}

// BackboneExperts are the Experts of every front.
type BackboneExperts struct {
	experts  *sparse.Experts
	backbone *Backbone
}

// Sparse returns what they are made of, which is not to be written to.
func (x *BackboneExperts) Sparse() *sparse.Experts { return x.experts }

func (x *BackboneExperts) Len() int { return len(x.experts.Masks) }

func (x *BackboneExperts) Route(scores, prototypes []float32, way int) {
	x.experts.Route(scores, prototypes, way)
}

// Free is the router of experts that come without one of their own; nil: they have one.
func (x *BackboneExperts) Free() *sparse.FreeRouter {
	if !x.experts.Free {
		return nil
	}
	return &sparse.DefaultFreeRouter
}

// Merge shares the buffers for pixels with the backbone, so one goroutine uses both.
func (x *BackboneExperts) Merge(scores []float32) Embedder {
	return x.backbone.With(x.experts.MergeInt8(x.backbone.model, scores))
}

// Demand returns how much the experts want to change each weight (N) at these scores, as sparse.Experts does.
func (x *BackboneExperts) Demand(scores []float32) []float32 {
	want := make([]float32, x.experts.Delta.Len())
	x.experts.Demand(want, scores)
	return want
}

func (x *BackboneExperts) Shares(scores []float32) (all sparse.Share, parts, kinds []sparse.Share) {
	return x.experts.Shares(scores)
}

// Places is Shares by part and kind of tensor, with what each expert opens.
func (x *BackboneExperts) Places(scores []float32) []sparse.Place {
	return x.experts.Places(scores)
}
