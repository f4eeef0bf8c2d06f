package sparse

import (
	"fmt"

	"haguruma/core/kernel"
	"haguruma/core/quant"
	"haguruma/core/vit"
)

// CheckBackbone reports why the experts cannot be merged into a backbone: they do not name the bundle of this sha256 as theirs, or have
// other tensors. An empty sha256 is a backbone whose bundle is not known: names and shapes decide. Errors wrap ErrBackbone.
func (e *Experts) CheckBackbone(sha256 string, model *vit.Int8Model) error {
	if sha256 != "" && e.Backbone != sha256 {
		named := "no bundle"
		if e.Backbone != "" {
			named = "the bundle with sha256 " + e.Backbone
		}
		return fmt.Errorf("sparse: the experts name %s as theirs, this one has sha256 %s: %w", named, sha256, ErrBackbone)
	}
	have := map[string][]int{}
	for _, t := range model.Tensors() {
		have[t.Name] = t.Shape
	}
	for _, t := range e.Tensors {
		shape, ok := have[t.Name]
		if !ok {
			return fmt.Errorf("sparse: tensor %q: want it in the backbone, have none: %w", t.Name, ErrBackbone)
		}
		rows, cols := t.rowsCols()
		backbone := Tensor{Shape: shape}
		if r, c := backbone.rowsCols(); r != rows || c != cols {
			return fmt.Errorf("sparse: tensor %q: want shape %v, the backbone has %v: %w", t.Name, t.Shape, shape, ErrBackbone)
		}
	}
	if len(e.Tensors) != len(have) {
		return fmt.Errorf("sparse: experts of %d tensors, the backbone has %d: %w", len(e.Tensors), len(have), ErrBackbone)
	}
	if e.Router != nil && e.Router.Config.Dim != model.Config().Dim {
		return fmt.Errorf("sparse: router: want embeddings of %d numbers, the backbone gives %d: %w", e.Router.Config.Dim, model.Config().Dim, ErrBackbone)
	}
	return nil
}

// MergeInt8 returns the backbone with the experts merged: theta = pre + (sum_m scores[m] mask_m) * delta, row by row from int8 through
// float32 back to int8. Rows in which no mask with a score is open keep their codes and their scale, and what has no such row is shared
// with base, which is not written to; the result has buffers of its own. The same bits on every machine.
//
//	scores  (M)  a score of 0 leaves its expert out
//
// Masks that are fully open or closed and a delta in codes are what is fast. It panics when CheckBackbone would refuse the model or scores
// are too few.
func (e *Experts) MergeInt8(base *vit.Int8Model, scores []float32) *vit.Int8Model {
	mix, soft := kernel.Mix{}, false
	for m, s := range scores[:len(e.Masks)] {
		if s != 0 {
			mix.Masks, mix.Scores = append(mix.Masks, e.Masks[m].bits), append(mix.Scores, s)
			soft = soft || e.Masks[m].Soft()
		}
	}
	at := make(map[string]int, len(e.Tensors))
	for i, t := range e.Tensors {
		at[t.Name] = i
	}
	matrix := func(name string, w *quant.Matrix) *quant.Matrix {
		i, ok := at[name]
		if !ok {
			return w
		}
		p, mix := &e.Delta.parts[i], mix
		start := e.Tensors[i].Start
		if soft || p.codes == nil {
			return e.mergeSoft(w, scores, i)
		}
		return w.Derive(func(q []int8, r int) (float32, bool) {
			if p.scales[r] == 0 {
				return 0, false
			}
			mix.From = start + r*w.Cols
			from, to := r*w.Cols, (r+1)*w.Cols
			return kernel.MergeRow(q, w.Data[from:to], p.codes[from:to], w.Scale[r], p.scales[r], mix)
		})
	}
	vector := func(name string, x []float32) []float32 {
		i, ok := at[name]
		if !ok || !e.opens(scores, e.Tensors[i].Start, len(x)) {
			return x
		}
		y := make([]float32, len(x))
		e.mergeTensor(y, x, scores, i)
		return y
	}
	return base.Derive(matrix, vector)
}

// mergeSoft merges tensor i where a mask has levels, or the delta has not been rounded to codes.
func (e *Experts) mergeSoft(w *quant.Matrix, scores []float32, i int) *quant.Matrix {
	t := e.Tensors[i]
	row, mask, delta := make([]float32, w.Cols), make([]float32, w.Cols), make([]float32, w.Cols)
	return w.Derive(func(q []int8, r int) (float32, bool) {
		start := t.Start + r*w.Cols
		if !e.opens(scores, start, w.Cols) {
			return 0, false
		}
		clear(mask)
		for m, s := range scores {
			if s != 0 {
				e.Masks[m].AddTo(mask, start, s)
			}
		}
		for c, v := range w.Data[r*w.Cols : (r+1)*w.Cols] {
			row[c] = w.Scale[r] * float32(v)
		}
		e.Delta.readRange(delta, i, r*w.Cols)
		kernel.MulAdd(row, mask, delta)
		return kernel.QuantizeWeights(q, row), true
	})
}

// opens reports whether some expert with a score opens one of the scalars from..from+n-1.
func (e *Experts) opens(scores []float32, from, n int) bool {
	for m, s := range scores {
		if s != 0 && e.Masks[m].Count(from, from+n) > 0 {
			return true
		}
	}
	return false
}
