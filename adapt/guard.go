package adapt

import (
	"slices"
	"strconv"

	"haguruma/core/fewshot"
)

// Verdict is how an adaptation compares with the one in use, on the same examples: each judged by what has not seen it.
type Verdict struct {
	Code      string // stable, for programs
	Reason    string // a sentence for a person, without a full stop
	Compared  int    // examples that both were judged on; 0: they could not be compared
	Hits      int    // of the new one
	Before    int    // hits of the one in use
	LogLoss   float64
	LogBefore float64
}

// Codes of [Verdict].
const (
	VerdictFirst        = "first"         // there was none in use
	VerdictBetter       = "better"        // or as good
	VerdictWorse        = "worse"         // not taken, unless forced
	VerdictNotCompared  = "not_compared"  // too few examples to leave one out
	VerdictClassRemoved = "class_removed" // the version in use, less a class
	VerdictImported     = "imported"      // an adapter from elsewhere, not compared
)

// compare judges a new adaptation against the one in use, by the rule of [Paired].
func (r *run) compare(now *Learned, classes []Named) (Verdict, error) {
	old, version := r.task.InUse(), r.task.inUse
	switch {
	case old == nil:
		return Verdict{Code: VerdictFirst, Reason: "there was no adaptation in use"}, nil
	case now.leftOut == nil:
		return Verdict{Code: VerdictNotCompared, Reason: "a class has a single example, so none can be held out to compare by"}, nil
	}
	var pairs Paired
	way := len(classes)
	// at is the index of each class in the version in use, or -1.
	at := make([]int, way)
	for c, class := range classes {
		at[c] = slices.IndexFunc(version.Classes, func(n Named) bool { return n.ID == class.ID })
	}
	r.begin(StepCompare, len(now.support))
	for i, m := range now.support {
		if err := r.next(i); err != nil {
			return Verdict{}, err
		}
		before, err := r.before(old, m.x)
		if err != nil {
			return Verdict{}, err
		}
		if before == nil {
			continue
		}
		row := now.leftOut[i*way : (i+1)*way]
		var p float32
		hitBefore := false
		if c := at[m.label]; c >= 0 {
			p, hitBefore = before[c], fewshot.Argmax(before) == c
		}
		pairs.Add(row[m.label], p, fewshot.Argmax(row) == m.label, hitBefore)
	}
	return pairs.Verdict(), nil
}

// before returns the probabilities (way) that an adaptation gives an example which it has not seen: left out where it was made of it, else its answer.
// nil where it cannot be left out.
func (r *run) before(old *Learned, x *example) ([]float32, error) {
	way := old.Head.Way()
	if i := slices.IndexFunc(old.support, func(m member) bool { return m.x == x }); i >= 0 {
		if old.leftOut == nil {
			return nil, nil
		}
		return old.leftOut[i*way : (i+1)*way], nil
	}
	embed, err := r.see(old.weights, x)
	if err != nil {
		return nil, err
	}
	p := make([]float32, way)
	old.Head.Logits(p, embed)
	fewshot.Probabilities(p, p, 1, way)
	return p, nil
}

func quoted(name string) string { return strconv.Quote(name) }
