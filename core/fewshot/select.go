package fewshot

import "math"

// LeastShots is how many examples a class there have to be on average before another head than prototypes is tried. With two, a left-out example
// meets classes of one: what leave-one-out says then holds for nothing that is used.
const LeastShots = 3

// pseudoExamples is the weight of a head's usual scale against that of the examples, in examples. Chosen on validation sets, as the grid below.
const pseudoExamples = 10

// candidate is one head that may be chosen.
type candidate struct {
	model    model
	strength float64
	usual    func(n, way int) float64 // factor on the logits that predicted queries of validation sets best, about
}

func constant(x float64) func(n, way int) float64 { return func(int, int) float64 { return x } }

// candidates in the order of preference among equals.
var candidates = []candidate{
	{prototypeModel{}, 0, usualCosine},
	{ridgeModel{}, 0.3, constant(8)},
	{ridgeModel{}, 1, constant(11)},
	{ridgeModel{}, 3, constant(17)},
	{ldaModel{}, 0.6, usualLDA(0.6)},
	{ldaModel{}, 0.8, usualLDA(0.8)},
	{ldaModel{}, 0.9, usualLDA(0.9)},
	{ldaModel{}, 0.97, usualLDA(0.97)},
	{logisticModel{}, 0.1, constant(2.2)},
	{logisticModel{}, 0.3, constant(3.1)},
}

// usualCosine is LogitScale for one example a class and grows with the surer means of more.
func usualCosine(n, way int) float64 {
	return min(LogitScale*math.Sqrt(float64(n)/float64(way)), 2.5*LogitScale)
}

// usualLDA undoes what G lacks to be a covariance, degrees of freedom and 1-gamma; the rest, well below one, is for the covariance being known from
// few examples.
func usualLDA(gamma float64) func(n, way int) float64 {
	return func(n, way int) float64 { return 0.06 * float64(max(n-way, 1)) / (1 - gamma) }
}

// Trial is a head as leave-one-out judged it.
type Trial struct {
	Kind     Kind
	Strength float64
	Scale    float64 // one over its temperature
	Hits     int     // of Len examples
	LogLoss  float64 // mean of -log p(label), nats
}

// Selection is a head and why it is that one.
type Selection struct {
	Head   *Head
	Trials []Trial // those there were, in order; none where leaving one out is impossible
	Chosen int     // index into Trials
	// LeftOut (n, way) is what the chosen head made of each example without it: probabilities, and the largest cosine to a prototype (n). Both nil
	// where leaving one out is impossible.
	LeftOut  []float32
	Likeness []float32
}

// Select fits the head that predicts left-out examples best, by mean log-loss: it tells more than hits, which few examples share out coarsely, and
// is what the temperature is calibrated by. Prototypes win ties. kind, if not empty, is the only kind that may be chosen. Where a class has one example,
// leaving one out is impossible: prototypes at LogitScale
// then, or the middle strength of the kind asked for at its usual scale. With fewer than LeastShots examples
// a class on average, prototypes are chosen unless another kind is asked for; the logistic head is tried unasked on small supports only. Queries are never seen.
//
// The cost is that of some matrices (n, n), whatever the length of an embedding. It panics on a kind there is not.
func Select(s *Support, kind Kind) *Selection {
	var tried []candidate
	for _, c := range candidates {
		switch {
		case kind == "" && s.Len() < LeastShots*s.Way && c.model.kind() != KindPrototypes, kind != "" && kind != c.model.kind():
		case kind == "" && s.Len()*s.Way > autoLogistic && c.model.kind() == KindLogistic:
		default:
			tried = append(tried, c)
		}
	}
	if len(tried) == 0 {
		panic("fewshot: Select: no such kind of head")
	}
	n, way := s.Len(), s.Way
	if !s.Paired() {
		return unjudged(s, tried)
	}
	out := &Selection{Chosen: -1}
	logits, best, loss := make([]float64, n*way), make([]float64, n*way), make([]float64, n)
	var with candidate
	for _, c := range tried {
		if !c.model.leaveOneOut(logits, s, c.strength) {
			continue
		}
		t := Trial{Kind: c.model.kind(), Strength: c.strength}
		t.Scale = fitScale(logits, s.Labels, way, c.usual(n, way), pseudoExamples)
		losses(loss, logits, s.Labels, way, t.Scale)
		for i, label := range s.Labels {
			t.LogLoss += loss[i] / float64(n)
			if argmax64(logits[i*way:(i+1)*way]) == label {
				t.Hits++
			}
		}
		if !(t.LogLoss <= math.MaxFloat64) {
			continue
		}
		out.Trials = append(out.Trials, t)
		if at := len(out.Trials) - 1; out.Chosen < 0 || t.LogLoss < out.Trials[out.Chosen].LogLoss {
			out.Chosen, with = at, c
			copy(best, logits)
		}
	}
	if out.Chosen >= 0 {
		out.Head = with.model.fit(s, with.strength)
	}
	if out.Head == nil { // a kind was asked for that has no leave-one-out here
		return unjudged(s, tried)
	}
	t := out.Trials[out.Chosen]
	out.Head.Scale = float32(t.Scale)
	out.LeftOut = make([]float32, n*way)
	probabilities(out.LeftOut, best, t.Scale, way)
	out.Likeness = make([]float32, n)
	prototypeModel{}.leaveOneOut(logits, s, 0)
	for i := range n {
		row := logits[i*way : (i+1)*way]
		out.Likeness[i] = float32(row[argmax64(row)])
	}
	return out
}

// unjudged is the head of the middle strength at its usual scale, or of prototypes where the numbers do not allow it.
func unjudged(s *Support, tried []candidate) *Selection {
	middle := tried[len(tried)/2]
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

func argmax64(x []float64) int {
	best := 0
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}

// HeadHits is [Hits] by the head that Select gives the support.
func HeadHits(e Episode, dim int, row func(class, image int) []float32, kind Kind) int {
	h := Select(NewSupport(e.SupportRows(dim, row), Labels(e.Support), e.Way, dim), kind).Head
	logits, hits := make([]float32, e.Way), 0
	for _, q := range e.Query {
		h.Logits(logits, row(q.Class, q.Image))
		if Argmax(logits) == q.Label {
			hits++
		}
	}
	return hits
}
