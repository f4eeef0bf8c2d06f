package metatune

import (
	"fmt"
	"slices"

	"haguruma/core/picture"
	"haguruma/core/vit"
	"haguruma/sparse"
)

// Experts is an int8 backbone whose weights the experts change task by task, as it runs everywhere: the router reads the embeddings of the
// model itself, and the weights are merged from int8 to int8. The method is Routed. file and bundle are the sha256 of the experts' file and
// of the bundle. The error wraps sparse.ErrBackbone when the experts belong to another backbone.
func Experts(name string, model *vit.Int8Model, bundle string, e *sparse.Experts, file string) (Method, error) {
	if err := e.CheckBackbone(bundle, model); err != nil {
		return Method{}, err
	}
	frozen := Int8(name, model.Config(), model.Share)
	frozen.Identity = bundle
	return newExperts(frozen, model.Config(), e, file, func() adapt {
		return func(scores []float32) forward {
			tuned := e.MergeInt8(model, scores)
			return int8Forward(tuned)
		}
	})
}

// FloatExperts is Experts in float32 from beginning to end: what int8 is compared with.
func FloatExperts(name string, p *vit.Params[float32], e *sparse.Experts, file string) (Method, error) {
	if err := fits(e, p.Config); err != nil {
		return Method{}, err
	}
	return newExperts(Float(name, p), p.Config, e, file, func() adapt {
		merged := vit.NewParams[float32](p.Config)
		tuned, act := vit.NewModel(merged), vit.NewActivations[float32](false)
		return func(scores []float32) forward {
			e.Merge(merged.Flat, p.Flat, scores)
			return func(b *backbone, embed []float32, n int) { tuned.Forward(embed, b.images, n, b.size, act) }
		}
	})
}

// errFree: such experts cost every episode 3 M embeddings of its support, which no suite has the time for.
var errFree = fmt.Errorf("metatune: experts without a router, which each task's examples choose: want a router to measure them by: %w", sparse.ErrConfig)

type (
	// forward writes the embeddings of the first n of b.images.
	forward = func(b *backbone, embed []float32, n int)
	// adapt merges the weights of one Embedder, until its next call.
	adapt = func(scores []float32) forward
)

func newExperts(frozen Method, c vit.Config, e *sparse.Experts, file string, open func() adapt) (Method, error) {
	if e.Free {
		return Method{}, errFree
	}
	shape := &Shape{Experts: len(e.Masks)}
	for _, mask := range e.Masks {
		shape.Density += mask.Density() / float64(len(e.Masks))
	}
	return Method{Name: frozen.Name, Identity: expertsIdentity(file, frozen.Identity), Shape: shape, New: func() Embedder {
		return &tunedBackbone{Embedder: frozen.New(), experts: e, open: open, tuned: backbone{cfg: c, size: c.ImageSize}}
	}}, nil
}

// fits reports the first tensor or width of the experts that is not the backbone's.
func fits(e *sparse.Experts, c vit.Config) error {
	tensors := sparse.BackboneTensors(vit.NewParams[float32](c))
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
	open    func() adapt
	adapt   adapt // there from the first Adapt: many are made only to be asked what they are
	tuned   backbone
}

func (t *tunedBackbone) Experts() int { return len(t.experts.Masks) }

func (t *tunedBackbone) Route(scores, prototypes []float32, way int) {
	t.experts.Route(scores, prototypes, way)
}

func (t *tunedBackbone) Adapt(scores []float32) {
	if t.adapt == nil {
		t.adapt = t.open()
	}
	t.tuned.forward = t.adapt(scores)
}

func (t *tunedBackbone) EmbedAdapted(embed []float32, pics []*picture.Picture) {
	t.tuned.Embed(embed, pics)
}

func (t *tunedBackbone) showViews(all bool) { t.tuned.showViews(all) }

func (t *tunedBackbone) views() int { return t.tuned.views() }
