package tune

import (
	"haguruma/adapt"
	"haguruma/core/tensorfile"
	"haguruma/core/vit"
	"haguruma/sparse"
)

// Apply reads a change as an adapter has it and returns the backbone with it; base is not written to. The error wraps sparse.ErrFormat, or
// sparse.ErrBackbone, when it is not a change of this backbone.
func Apply(change []tensorfile.Tensor, base *vit.Int8Model) (*sparse.Change, *vit.Int8Model, error) {
	c, err := sparse.OpenChange(&tensorfile.File{Tensors: change}, sparse.ModelTensors(base))
	if err != nil {
		return nil, nil, err
	}
	model, err := c.Apply(base)
	return c, model, err
}

// Stored is an adapt.Tuner that takes no steps: it puts a change back that was made before, as an adapter has it.
type Stored struct {
	Mode   string
	Change []tensorfile.Tensor
}

// Tune is adapt.Tuner's. The error wraps sparse.ErrFormat or sparse.ErrBackbone when the change is not one of the task's backbone. It has no folds:
// what such a version says of examples that it was made of is not known.
func (s Stored) Tune(stop adapt.Stopper, task adapt.Tuning, _ func(done, total int) error) (*adapt.Tuned, error) {
	if err := stop.Err(); err != nil {
		return nil, err
	}
	from := backbone(task.Embedder)
	change, model, err := Apply(s.Change, from.Model())
	if err != nil {
		return nil, err
	}
	tuned := &adapt.Tuned{Report: &adapt.TuningReport{Mode: s.Mode}}
	take(tuned, from, change, model)
	return tuned, nil
}
