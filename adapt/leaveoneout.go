package adapt

import (
	"math"

	"haguruma/core/fewshot"
)

// LeaveOneOut is how well the examples predict each other: each one is classified by a head that was made of all the others.
type LeaveOneOut struct {
	Hits, Total int
	Accuracy    float64  // Hits/Total
	Low, High   float64  // its 95% interval after Wilson, wide for few examples
	LogLoss     float64  // mean of -log of the probability of an example's own class, nats
	Misses      []int    // ids of the examples taken for another class: odd, or wrongly labelled
	Confusion   [][]int  // by class of the example and class said, in the order of the classes
	Judged      []Judged // by class, in the order of the examples
}

// Judged is one example as the others see it.
type Judged struct {
	Example     int     // id
	Class       int     // id of its class
	Probability float32 // of its class
	Said        int     // id of the most probable class
	Saying      float32 // probability of that one
}

// leastProbability bounds what one example can add to a log-loss: float32 probabilities end in 0.
const leastProbability = 1e-6

// leaveOneOut sums up the probabilities leftOut (len(support), way); nil for nil.
func leaveOneOut(classes []Named, support []member, leftOut []float32) *LeaveOneOut {
	if leftOut == nil {
		return nil
	}
	way := len(classes)
	r := &LeaveOneOut{Total: len(support), Misses: []int{}, Confusion: make([][]int, way), Judged: make([]Judged, len(support))}
	for c := range r.Confusion {
		r.Confusion[c] = make([]int, way)
	}
	for i, m := range support {
		row := leftOut[i*way : (i+1)*way]
		said := fewshot.Argmax(row)
		r.Judged[i] = Judged{m.x.id, classes[m.label].ID, row[m.label], classes[said].ID, row[said]}
		r.Confusion[m.label][said]++
		r.LogLoss += logLoss(row[m.label]) / float64(r.Total)
		if said == m.label {
			r.Hits++
		} else {
			r.Misses = append(r.Misses, m.x.id)
		}
	}
	r.Accuracy = float64(r.Hits) / float64(max(r.Total, 1))
	r.Low, r.High = fewshot.Wilson(r.Hits, r.Total)
	return r
}

func logLoss(p float32) float64 { return -math.Log(max(float64(p), leastProbability)) }

// LeaveOneOut judges the examples there are, adapted to or not, by prototypes of the backbone alone. It returns nil when there are fewer than two
// classes or a class has fewer than two examples: with its only example left out, a class has no prototype, and leaving such a class aside would make
// the figure look better than it is. What is in use has its own: [Learned.LeaveOneOut].
func (t *Task) LeaveOneOut() *LeaveOneOut {
	if len(t.classes) == 0 {
		return nil
	}
	embed, support := t.support()
	return t.learn(&weights{}, embed, 1, support, fewshot.KindPrototypes).LeaveOneOut
}
