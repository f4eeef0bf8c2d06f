package sparse

import (
	"fmt"

	"haguruma/core/tensorfile"
	"haguruma/core/vit"
)

// Change is a sparse change of a backbone's weights, as fine-tuning leaves it: which scalars changed and by how much, in int8 with one scale a
// row for tensors of two or more dimensions and in float32 for the others. It is what one expert with score 1 does, so it is merged by the
// same kernels: rows without a change keep codes and scale, and equal changes give the same bits on every machine.
type Change struct {
	expert Experts // one mask, no router
}

// NewChange rounds the differences (N) of the scalars of tensors to a change; where one is 0 or rounds to 0 nothing changes. values is not kept.
// It wraps ErrConfig when a value is not finite or values are too few.
func NewChange(tensors []Tensor, values []float32) (*Change, error) {
	if len(values) != scalars(tensors) {
		return nil, fmt.Errorf("sparse: change: want values of %d scalars, have %d: %w", scalars(tensors), len(values), ErrConfig)
	}
	if err := checkNumbers("change", values, ErrConfig); err != nil {
		return nil, err
	}
	c := &Change{Experts{Tensors: tensors, Delta: NewDelta(tensors, values)}}
	c.expert.RoundDelta()
	open := c.expert.Delta.Values()
	for i, v := range open {
		if v != 0 {
			open[i] = 1
		}
	}
	c.expert.Masks = []*Mask{NewMask(open)}
	return c, nil
}

// Len is the number of scalars that change.
func (c *Change) Len() int { return c.expert.Masks[0].Count(0, c.expert.Masks[0].Len()) }

// Values returns the change of every scalar (N), a copy.
func (c *Change) Values() []float32 { return c.expert.Delta.Values() }

// Share says how much of the backbone changes.
func (c *Change) Share() (all Share, parts, kinds []Share) { return c.expert.Shares([]float32{1}) }

// Apply returns the backbone with the change merged into its int8 weights; base is not written to, and is what is returned when nothing
// changes. The error wraps ErrBackbone when the change is of another backbone.
func (c *Change) Apply(base *vit.Int8Model) (*vit.Int8Model, error) {
	if c.Len() == 0 {
		return base, nil
	}
	if err := c.expert.CheckBackbone("", base); err != nil {
		return nil, err
	}
	return c.expert.MergeInt8(base, []float32{1}), nil
}

// File returns the change as tensors of a file, named as those of an expert: one bit a scalar, codes and scales of matrices, numbers of vectors.
// Which tensors of the backbone they belong to is not said: all of them, in its order.
func (c *Change) File() []tensorfile.Tensor {
	packed := c.expert.Masks[0].bytes()
	codes, scales, values := c.expert.packDelta()
	return []tensorfile.Tensor{
		{Name: fmt.Sprint(maskPrefix, 0), DType: tensorfile.U8, Shape: []int{len(packed)}, Data: packed},
		tensorfile.FromInt8(deltaCodes, []int{len(codes)}, codes),
		tensorfile.FromFloat32(deltaScales, []int{len(scales)}, scales),
		tensorfile.FromFloat32(deltaValues, []int{len(values)}, values),
	}
}

// OpenChange reads what File returned, for the backbone of these tensors; other tensors of f are left alone. Errors wrap ErrFormat and name the
// tensor. Nothing is allocated that the backbone's own size does not justify.
func OpenChange(f *tensorfile.File, tensors []Tensor) (*Change, error) {
	n := scalars(tensors)
	mask, soft, err := readMask(f, 0, n)
	if err != nil {
		return nil, err
	}
	if soft != 0 {
		return nil, fmt.Errorf("sparse: a change with gates between open and closed: %w", ErrFormat)
	}
	c := &Change{Experts{Tensors: tensors, Masks: []*Mask{mask}}}
	if err := c.expert.readDelta(f, n); err != nil {
		return nil, err
	}
	return c, nil
}

// Demand writes how much the experts want to change each scalar at these scores: |sum_m scores[m] mask_m| |delta|, 0 where none is open.
//
//	want    (N)
//	scores  (M)
func (e *Experts) Demand(want, scores []float32) {
	clear(want)
	e.Merge(want, want, scores)
	for i, v := range want {
		want[i] = max(v, -v)
	}
}
