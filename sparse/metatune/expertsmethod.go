package metatune

import (
	"fmt"
	"slices"

	"haguruma/core/picture"
	"haguruma/core/vit"
	"haguruma/sparse"
)

// Experts is an int8 backbone whose weights the experts change task by task, as the bundle runs everywhere: the router reads the
// embeddings of the model itself, the weights are merged and quantized again. The method is Routed. The caller sets its identity: the
// hashes of the bundle and of the experts' file. The error wraps sparse.ErrBackbone when the experts belong to another backbone.
func Experts(name string, model *vit.Int8Model, e *sparse.Experts) (Method, error) {
	pre := model.Params()
	frozen := Int8(name, model.Config(), model.Share)
	return newExperts(frozen, pre, e, func(merged *vit.Params[float32]) forward {
		tuned := vit.NewInt8(merged)
		return func(b *backbone, embed []float32, n int) { tuned.Embed(embed, b.images, n, b.size) }
	})
}

// FloatExperts is Experts in float32 from beginning to end: what int8 is compared with.
func FloatExperts(name string, p *vit.Params[float32], e *sparse.Experts) (Method, error) {
	return newExperts(Float(name, p), p, e, func(merged *vit.Params[float32]) forward {
		tuned, act := vit.NewModel(merged), vit.NewActivations[float32](false)
		return func(b *backbone, embed []float32, n int) { tuned.Forward(embed, b.images, n, b.size, act) }
	})
}

// forward writes the embeddings of the first n of b.images.
type forward = func(b *backbone, embed []float32, n int)

func newExperts(frozen Method, pre *vit.Params[float32], e *sparse.Experts, open func(merged *vit.Params[float32]) forward) (Method, error) {
	if err := fits(e, pre.Config); err != nil {
		return Method{}, err
	}
	return Method{Name: frozen.Name, New: func() Embedder {
		return &tunedBackbone{
			Embedder: frozen.New(), experts: e, pre: pre, open: open,
			tuned: backbone{cfg: pre.Config, size: pre.Config.ImageSize},
		}
	}}, nil
}

// fits reports the first tensor or width of the experts that is not the backbone's.
func fits(e *sparse.Experts, c vit.Config) error {
	tensors := VitTensors(c)
	if len(tensors) != len(e.Tensors) {
		return fmt.Errorf("metatune: experts of %d tensors for a backbone of %d: %w", len(e.Tensors), len(tensors), sparse.ErrBackbone)
	}
	for i, t := range tensors {
		if have := e.Tensors[i]; have.Name != t.Name || !slices.Equal(have.Shape, t.Shape) {
			return fmt.Errorf("metatune: experts of tensor %q %v where the backbone has %q %v: %w", have.Name, have.Shape, t.Name, t.Shape, sparse.ErrBackbone)
		}
	}
	if e.Router != nil && e.Router.Config.Dim != c.Dim {
		return fmt.Errorf("metatune: the router reads %d numbers, the backbone embeds in %d: %w", e.Router.Config.Dim, c.Dim, sparse.ErrBackbone)
	}
	return nil
}

// tunedBackbone is Routed: its Embedder is the frozen backbone.
type tunedBackbone struct {
	Embedder
	experts *sparse.Experts
	pre     *vit.Params[float32] // shared
	merged  *vit.Params[float32] // its own, there from the first Adapt
	open    func(merged *vit.Params[float32]) forward
	tuned   backbone
}

func (t *tunedBackbone) Experts() int { return len(t.experts.Masks) }

func (t *tunedBackbone) Route(scores, prototypes []float32, way int) {
	t.experts.Route(scores, prototypes, way)
}

func (t *tunedBackbone) Adapt(scores []float32) {
	if t.merged == nil {
		t.merged = vit.NewParams[float32](t.pre.Config)
	}
	t.experts.Merge(t.merged.Flat, t.pre.Flat, scores)
	t.tuned.forward = t.open(t.merged)
}

func (t *tunedBackbone) EmbedAdapted(embed []float32, pics []*picture.Picture) {
	t.tuned.Embed(embed, pics)
}
