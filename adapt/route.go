package adapt

import (
	"haguruma/core/fewshot"
	"haguruma/core/picture"
	"haguruma/sparse"
)

// FreeExperts are Experts that may have no router of their own.
type FreeExperts interface {
	Experts
	// Free is what routes instead, by a task's own examples; nil: Route does.
	Free() *sparse.FreeRouter
}

// route returns the scores (M) of a task from the embeddings (n, dim) of its support by the backbone alone, or from the support itself.
func (r *run) route(embed []float32, support []member, way int) ([]float32, error) {
	t := r.task
	scores := make([]float32, t.experts.Len())
	if free, ok := t.experts.(FreeExperts); ok {
		if router := free.Free(); router != nil {
			return scores, r.routeFree(router, scores, support, way)
		}
	}
	r.begin(StepRoute, 1)
	if err := r.next(0); err != nil {
		return nil, err
	}
	means := make([]float32, way*t.dim)
	fewshot.ClassMeans(means, embed, labelsOf(support), way, t.dim)
	t.experts.Route(scores, means, way)
	return scores, nil
}

// routeFree merges each expert alone and embeds every example and the views of it. It costs M times the embedding of the support and its views.
func (r *run) routeFree(router *sparse.FreeRouter, scores []float32, support []member, way int) error {
	t := r.task
	r.begin(StepRoute, len(scores)*len(support))
	alone := make([]float32, len(scores))
	err := router.Route(scores, func(m int) (sparse.Support, error) {
		clear(alone)
		alone[m] = 1
		network := t.experts.Merge(alone)
		s := sparse.Support{Way: way, Dim: t.dim, Labels: labelsOf(support)}
		for i, member := range support {
			if err := r.next(m*len(support) + i); err != nil {
				return s, err
			}
			pic, err := member.x.picture("experts need")
			if err != nil {
				return s, err
			}
			clean, err := t.embed(network, pic)
			if err != nil {
				return s, err
			}
			s.Clean = append(s.Clean, clean...)
			for _, view := range freeViews(pic) {
				changed, err := t.embed(network, network.Reduce(view))
				if err != nil {
					return s, err
				}
				s.Augmented, s.AugmentedLabels = append(s.Augmented, changed...), append(s.AugmentedLabels, member.label)
			}
		}
		return s, nil
	})
	if err == nil {
		sparse.RoundScores(scores, sparse.DefaultSteps) // so that the last bits of an exponential do not count
	}
	return err
}

// freeViews are the changed copies of an example that free routing looks at: a mirrored one, and the middle three quarters of each side.
func freeViews(p *picture.Picture) []*picture.Picture {
	out := []*picture.Picture{p.Mirror()}
	if w, h := p.Width*3/4, p.Height*3/4; w > 0 && h > 0 {
		out = append(out, p.Crop((p.Width-w)/2, (p.Height-h)/2, w, h))
	}
	return out
}
