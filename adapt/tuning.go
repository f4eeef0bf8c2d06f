package adapt

import (
	"fmt"
	"slices"

	"haguruma/core/fewshot"
	"haguruma/core/picture"
	"haguruma/core/tensorfile"
	"haguruma/sparse"
)

// Tuner changes the weights of the network by gradient steps. Package adapt/tune has the one of every front.
type Tuner interface {
	// Tune returns what it made of the network of the task, which is not written to. progress is told of steps; it returns an error to stop
	// for, and so does stop.
	Tune(stop Stopper, task Tuning, progress func(done, total int) error) (*Tuned, error)
}

// Tuning is what a [Tuner] works from.
type Tuning struct {
	Embedder Embedder           // the backbone, with the experts merged where there are any
	Experts  Experts            // nil: none
	Scores   []float32          // of the experts; nil: none
	Pictures []*picture.Picture // (n) as the embedder sees them
	Labels   []int              // (n) 0..way-1
	Way      int
	Each     int // views of each example, by picture.Views, that the head is to be fitted to; 1: the example
}

// Tuned is what a [Tuner] made.
type Tuned struct {
	Embedder Embedder // a network of its own; nil: nothing changes
	// Again makes Embedder once more, with the same bits, from the network that it was made from, so that a version which is not in use holds no
	// copy of the backbone. nil: Embedder stays as long as its version.
	Again func(from Embedder) Embedder
	// Folds are what the guard judges by. Where they do not leave out every example, there is nothing to judge by.
	Folds  []Fold
	Report *TuningReport // outlives the rest, which holds a network
}

// Fold is the support as embedded by weights that were tuned without some of it.
type Fold struct {
	Out   []bool    // (n) examples that these weights have not seen
	Embed []float32 // (n, dim), or (n, each, dim) with the views of each
}

// TuningReport is what a version tells of its fine-tuning.
type TuningReport struct {
	Mode   string              // what could change, as the Tuner names it
	Steps  int                 // 0: none was taken, the change was made before
	Rate   float64             // learning rate that was chosen; 0: nothing changes
	Part   float64             // of what the steps changed, that was taken
	Moved  sparse.Share        // weights that change
	Parts  []sparse.Share      // of it: blocks, and what is before and behind them
	Kinds  []sparse.Share      // of it: tensors in the blocks
	Trials []TuningTrial       // what was voted on; none without votes
	Held   int                 // examples that the trials are about
	Change []tensorfile.Tensor // what is changed, as sparse.Change writes it; nil: nothing
}

// TuningTrial is what a part of the change at a learning rate did for examples that it did not see.
type TuningTrial struct {
	Rate, Part float64
	Right      int
	Expected   float64 // right ones to expect: the sum of the probabilities of their own classes
	Loss       float64 // mean cross-entropy, nats; infinite where weights left the finite numbers
}

// tune runs the Tuner from some weights.
func (r *run) tune(w *weights, support []member) (*Tuned, error) {
	in := Tuning{Embedder: r.task.embedderOf(w), Experts: w.from, Scores: w.choice.Scores, Labels: labelsOf(support), Way: len(r.task.classes), Each: r.each(support)}
	for _, m := range support {
		pic, err := m.x.picture("fine-tuning needs")
		if err != nil {
			return nil, err
		}
		in.Pictures = append(in.Pictures, pic)
	}
	r.begin(StepTune, 0)
	tuned, err := r.options.Tuner.Tune(r.stop, in, func(done, total int) error {
		r.total = total
		return r.next(done)
	})
	if err != nil {
		return nil, fmt.Errorf("adapt: tune: %w", err)
	}
	if tuned.Embedder != nil && tuned.Embedder.Dim() != r.task.dim {
		panic("adapt: Tune: the network does not fit the task")
	}
	return tuned, nil
}

// leaveOut makes what was learned at tuned weights judge each example by weights that were tuned without it, and a head of all the others as those weights
// embed them: what leave-one-out is for weights that stay, but that these have seen fewer examples. The threshold of unknown is of the same: examples that the
// weights have seen look more alike than pictures that are to come. Where some example was left out of no fold, nothing is judged and nothing is unknown.
func (t *Task) leaveOut(l *Learned, folds []Fold, kind fewshot.Kind) {
	n, way := len(l.support), len(t.classes)
	l.leftOut, l.LeaveOneOut, l.UnknownBelow = nil, nil, -1
	all, likeness, left := make([]float32, n*way), make([]float32, n), make([]bool, n)
	for _, f := range folds {
		each := len(f.Embed) / (n * t.dim)
		if len(f.Out) != n || each < 1 || len(f.Embed) != n*each*t.dim {
			panic("adapt: Tune: a fold does not fit the task")
		}
		judged := fewshot.Select(fewshot.NewSupportOfViews(f.Embed, labelsOf(l.support), way, t.dim, each), kind)
		if judged.LeftOut == nil {
			return
		}
		for i, out := range f.Out {
			if out {
				copy(all[i*way:(i+1)*way], judged.LeftOut[i*way:(i+1)*way])
				likeness[i], left[i] = judged.Likeness[i], true
			}
		}
	}
	if !slices.Contains(left, false) {
		l.leftOut, l.UnknownBelow = all, fewshot.UnknownBelow(likeness)
		l.LeaveOneOut = leaveOneOut(t.names(), l.support, all)
	}
}
