package adapt

import "haguruma/sparse"

// Experts choose what a task changes in the backbone. [Backbone] has them as sparse.Experts.
type Experts interface {
	// Len is the number of experts, M.
	Len() int
	// Route writes the scores (M) of a task from its class means (way, dim), as the backbone alone embeds the examples.
	Route(scores, prototypes []float32, way int)
	// Merge returns the backbone with the experts merged at these scores, a second copy: the backbone is not written to.
	Merge(scores []float32) Embedder
	// Shares says how much of the backbone the scores change.
	Shares(scores []float32) (all sparse.Share, parts, kinds []sparse.Share)
}

// Choice is what the experts chose for a version.
type Choice struct {
	Scores []float32      // (M), not negative, sum 1
	All    sparse.Share   // of the backbone's weights
	Parts  []sparse.Share // blocks, and what is before and behind them
	Kinds  []sparse.Share // of tensors in the blocks
}

// SetExperts gives the task experts, or takes them away with nil. What is in use stays until the next Adapt.
func (t *Task) SetExperts(x Experts) {
	t.experts = x
	t.revision++
}

// UseExperts turns experts off or on again; they are on at first. Off takes effect at once, and so does on where the version in use was
// made with them; where it was not, the next Adapt uses them, and until then the task is stale. So it is when they are turned off while a recalled version
// answers that was made with them: what the backbone alone made of the examples was not kept.
func (t *Task) UseExperts(on bool) {
	t.off = !on
	if !on && t.inUse != nil && t.inUse.recalled && t.inUse.Plain.Choice != nil {
		t.revision++
	}
	if on && t.experts != nil && (t.inUse == nil || t.inUse.Merged == nil || t.inUse.Merged.Choice == nil) {
		t.revision++
	}
}

// Choice returns what the experts chose for what is in use; nil when that is the backbone alone. The slices are the caller's to read.
func (t *Task) Choice() *Choice {
	l := t.InUse()
	if l == nil || l.Choice == nil {
		return nil
	}
	c := *l.Choice
	return &c
}

// Merged returns the network in use; it is the task's own embedder when that uses no experts and no fine-tuning.
func (t *Task) Merged() Embedder {
	if l := t.InUse(); l != nil {
		return t.embedderOf(l.weights)
	}
	return t.embedder
}
