package fewshot

import (
	"math"

	"haguruma/core/kernel"
)

// pseudoExamples is the weight of a head's usual scale against that of the examples, in examples. Chosen on validation sets, as the grid below.
const pseudoExamples = 10

// kindPrior is the weight of prototypes in a blend against that of one strength of another kind, before any example speaks: ridge and LDA are there with
// three and four strengths, and kinds count about alike. Chosen on validation sets too.
const kindPrior = 3

// candidate is one head that may be chosen.
type candidate struct {
	model    model
	strength float64
	factor   float64 // usual one, of ridge and logistic
	views    bool    // for ridge: it is the one where there are views
}

// candidates in the order of preference among equals. Ridge of views has more rows, which want less regularisation.
var candidates = []candidate{
	{prototypeModel{}, 0, 0, false},
	{ridgeModel{}, 0.3, 8, false},
	{ridgeModel{}, 1, 11, false},
	{ridgeModel{}, 3, 17, false},
	{ridgeModel{}, 0.03, 6, true},
	{ridgeModel{}, 0.1, 6, true},
	{ridgeModel{}, 0.3, 6, true},
	{ridgeModel{}, 1, 6, true},
	{ldaModel{}, 0.6, 0, false},
	{ldaModel{}, 0.8, 0, false},
	{ldaModel{}, 0.9, 0, false},
	{ldaModel{}, 0.97, 0, false},
	{logisticModel{}, 0.1, 2.2, false},
	{logisticModel{}, 0.3, 3.1, false},
}

// ridgesOfViews is how many of them are for views.
const ridgesOfViews = 4

// usual is the factor on the logits that predicted queries of validation sets best, about. That of prototypes is LogitScale for one example a class and
// grows with the surer means of more. That of LDA undoes what G lacks to be a covariance, degrees of freedom and 1-gamma; the rest, well below one, is for the
// covariance being known from few examples.
func (c candidate) usual(n, way int) float64 {
	switch c.model.kind() {
	case KindPrototypes:
		return min(LogitScale*math.Sqrt(float64(n)/float64(way)), 2.5*LogitScale)
	case KindLDA:
		return 0.06 * float64(max(n-way, 1)) / (1 - c.strength)
	}
	return c.factor
}

// Trial is a head as leave-one-out judged it.
type Trial struct {
	Kind     Kind
	Strength float64
	Scale    float64 // one over its temperature
	Weight   float64 // in the blend; 0 where there is none
	Hits     int     // of Len examples
	LogLoss  float64 // mean of -log p(label), nats
}

// Selection is a head and why it is that one.
type Selection struct {
	Head   *Head
	Trials []Trial // heads that were judged, in order; none where leaving one out is impossible
	Chosen int     // index into Trials
	// LeftOut (n, way) is what the head made of each example without it: probabilities, and the largest cosine to a prototype (n). Both nil where
	// leaving one out is impossible.
	LeftOut  []float32
	Likeness []float32
}

// trial is a head that is being judged.
type trial struct {
	candidate
	head       *Head     // of all examples, at Scale 1
	logits     []float64 // (n, way) of left-out examples, before the scale
	p          []float32 // (n, way)
	scale      float64
	likelihood likelihood // of the labels
}

// judge leaves out each example in turn; nil when the kind cannot.
func (c candidate) judge(s *Support) *trial {
	t := &trial{candidate: c, logits: make([]float64, s.Len()*s.Way)}
	if t.head = c.model.leaveOneOut(t.logits, s, c.strength); t.head == nil {
		return nil
	}
	t.calibrate(s, c.usual(s.Len(), s.Way))
	return t
}

func (t *trial) calibrate(s *Support, usual float64) {
	t.rescale(s, fitScale(t.logits, s.Labels, s.Way, usual, pseudoExamples))
}

func (t *trial) rescale(s *Support, scale float64) {
	t.scale = scale
	t.p = make([]float32, len(t.logits))
	probabilities(t.p, t.logits, t.scale, s.Way)
	t.likelihood = one
	for i, label := range s.Labels {
		t.likelihood = t.likelihood.times(float64(t.p[i*s.Way+label]))
	}
}

// report is what is told of a trial.
func (t *trial) report(s *Support, kind Kind, weight float64) Trial {
	r := Trial{Kind: kind, Strength: t.strength, Scale: t.scale, Weight: weight}
	for i, label := range s.Labels {
		row := t.p[i*s.Way : (i+1)*s.Way]
		r.LogLoss -= math.Log(max(float64(row[label]), leastProbability)) / float64(s.Len())
		if Argmax(row) == label {
			r.Hits++
		}
	}
	return r
}

// Select makes a head for a support by leaving out each example in turn. Queries are never seen.
//
// With kind empty it is a blend: the mean of the logits of prototypes, ridge and LDA at some strengths each, weighted by the fourth root of the
// likelihood that left-out labels have with each and by kindPrior (Bayesian model averaging, with the power that predicted queries of validation sets best,
// about; a blend of linear heads is one linear head). The best one alone is worse by 0.3 points on those sets, because a few examples often name the wrong one best.
// The logistic head would add nothing and costs a hundred times the others, which have closed forms.
//
// Else it is the kind asked for, at the strength that gives left-out labels the largest likelihood. Where a class has one example, leaving one out
// is impossible: prototypes at LogitScale then, with views blended with ridge, or the middle strength of the kind asked for at its usual scale.
//
// The cost is that of some matrices (n, n), whatever the length of an embedding. No exponential or logarithm but the kernels' decides anything, so
// that every machine gives the same bits. It panics on a kind there is not.
func Select(s *Support, kind Kind) *Selection {
	var tried []candidate
	blending := kind == "" || kind == KindBlend
	for _, c := range candidates {
		own := c.model.kind()
		if own == KindRidge && c.views != (s.views != nil) {
			continue
		}
		if kind == own || blending && own != KindLogistic {
			tried = append(tried, c)
		}
	}
	if len(tried) == 0 {
		panic("fewshot: Select: no such kind of head")
	}
	var trials []*trial
	best := 0
	if s.Paired() {
		for _, c := range tried {
			if t := c.judge(s); t != nil {
				trials = append(trials, t)
				if trials[best].likelihood.less(t.likelihood) {
					best = len(trials) - 1
				}
			}
		}
	}
	if len(trials) == 0 {
		return unjudged(s, tried)
	}
	out := &Selection{Chosen: best}
	chosen := trials[best]
	if blending {
		out.Head, chosen = blend(s, trials, best, out)
		out.Chosen = len(trials)
		out.Trials = append(out.Trials, chosen.report(s, KindBlend, 0))
	} else {
		chosen.rescale(s, humble(chosen.logits, s.Way, chosen.scale))
		for _, t := range trials {
			out.Trials = append(out.Trials, t.report(s, kind, 0))
		}
		out.Head = chosen.head
	}
	out.Head.Scale = float32(chosen.scale)
	out.LeftOut = chosen.p
	out.Likeness = make([]float32, s.Len())
	cosines := make([]float64, s.Len()*s.Way)
	s.leftOutCosines(cosines)
	for i := range out.Likeness {
		row := cosines[i*s.Way : (i+1)*s.Way]
		out.Likeness[i] = float32(row[Argmax(row)])
	}
	return out
}

// blend returns the blend of heads, and as a trial; it reports the heads to out.
func blend(s *Support, trials []*trial, best int, out *Selection) (*Head, *trial) {
	h := &Head{Kind: KindBlend, Weights: make([]float32, s.Way*s.Dim), Bias: make([]float32, s.Way)}
	weights := make([]float64, len(trials))
	var all float64
	for k, t := range trials {
		weights[k] = t.likelihood.fourthRootOver(trials[best].likelihood)
		if t.strength == 0 {
			weights[k] *= kindPrior
		}
		all += weights[k]
	}
	mixed := &trial{logits: make([]float64, s.Len()*s.Way)}
	for k, t := range trials {
		weight := weights[k] / all
		out.Trials = append(out.Trials, t.report(s, t.model.kind(), weight))
		factor := weight * t.scale
		for i, v := range t.logits {
			mixed.logits[i] += float64(factor * v)
		}
		kernel.Axpy(h.Weights, float32(factor), t.head.Weights)
		kernel.Axpy(h.Bias, float32(factor), t.head.Bias)
	}
	mixed.calibrate(s, 1)
	mixed.rescale(s, humble(mixed.logits, s.Way, mixed.scale))
	return h, mixed
}

// unjudged is the head of the middle strength at its usual scale, or of prototypes where the numbers do not allow it or several kinds were tried.
func unjudged(s *Support, tried []candidate) *Selection {
	middle := tried[len(tried)/2]
	if tried[0].model.kind() != middle.model.kind() {
		if h := unjudgedBlend(s, tried); h != nil {
			return &Selection{Head: h}
		}
		middle = tried[0]
	}
	h, scale := middle.model.fit(s, middle.strength), middle.usual(s.Len(), s.Way)
	if h == nil {
		h = prototypeModel{}.fit(s, 0)
	}
	if h.Kind == KindPrototypes {
		scale = LogitScale // a class of one example is there, whatever the others have
	}
	h.Scale = float32(scale)
	return &Selection{Head: h}
}

// ridgeShare is that of ridge of views in a blend that nothing is known about. Chosen on validation sets: one example a class says little of what
// matters, and its views much of what does not.
const ridgeShare = 0.7

// unjudgedBlend is prototypes and ridge at their usual scales, for views; nil without, or where the numbers do not allow it.
func unjudgedBlend(s *Support, tried []candidate) *Head {
	if s.views == nil {
		return nil
	}
	h := &Head{Kind: KindBlend, Weights: make([]float32, s.Way*s.Dim), Bias: make([]float32, s.Way), Scale: 1}
	kernel.Axpy(h.Weights, (1-ridgeShare)*LogitScale, prototypeModel{}.fit(s, 0).Weights)
	for _, c := range tried {
		if c.views {
			part := c.model.fit(s, c.strength)
			if part == nil {
				return nil
			}
			kernel.Axpy(h.Weights, float32(ridgeShare/ridgesOfViews*c.usual(s.Len(), s.Way)), part.Weights)
		}
	}
	return h
}

// HeadHits is [Hits] by the head that Select gives the support.
func HeadHits(e Episode, dim int, row func(class, image int) []float32, kind Kind) int {
	h := Select(NewSupport(e.SupportRows(dim, row), Labels(e.Support), e.Way, dim), kind).Head
	return e.hits(row, h.Logits)
}

// ViewHits is HeadHits by a head of all views of the support: views returns those of a picture, (each, dim), of which queries count the first.
func ViewHits(e Episode, dim, each int, views func(class, image int) []float32) int {
	support := NewSupportOfViews(e.SupportRows(each*dim, views), Labels(e.Support), e.Way, dim, each)
	return e.hits(func(class, image int) []float32 { return views(class, image)[:dim] }, Select(support, "").Head.Logits)
}
