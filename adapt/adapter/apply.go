package adapter

import (
	"fmt"

	"haguruma/core/kernel"
	"haguruma/core/quant"
	"haguruma/core/vit"
)

// Apply returns the backbone with changes, base itself when there are none; base is not written to. A row of an int8 matrix with a change goes
// through float32 back to int8 with a new scale, any other keeps its codes and its scale, so the bits are the same on every machine.
// The error wraps ErrMismatch: a tensor that the backbone does not have, or a place behind its end.
func Apply(base *vit.Int8Model, changes []Change) (*vit.Int8Model, error) {
	if len(changes) == 0 {
		return base, nil
	}
	length := map[string]int{}
	for _, t := range base.Tensors() {
		n := 1
		for _, s := range t.Shape {
			n *= s
		}
		length[t.Name] = n
	}
	of := map[string]*Change{}
	for i := range changes {
		c := &changes[i]
		if err := c.check(); err != nil {
			return nil, err
		}
		n, ok := length[c.Tensor]
		if last := c.At[len(c.At)-1]; !ok || last >= n {
			return nil, fmt.Errorf("adapter: change of %q: want a tensor with more than %d numbers, have %d: %w", clip(c.Tensor), last, n, ErrMismatch)
		}
		of[c.Tensor] = c
	}
	matrix := func(name string, w *quant.Matrix) *quant.Matrix {
		c := of[name]
		if c == nil {
			return w
		}
		row, next := make([]float32, w.Cols), 0
		return w.Derive(func(q []int8, r int) (float32, bool) {
			from, to := r*w.Cols, (r+1)*w.Cols
			if next == len(c.At) || c.At[next] >= to {
				return 0, false
			}
			for i, code := range w.Data[from:to] {
				row[i] = float32(w.Scale[r] * float32(code))
			}
			for ; next < len(c.At) && c.At[next] < to; next++ {
				row[c.At[next]-from] += c.value(next)
			}
			return kernel.QuantizeWeights(q, row), true
		})
	}
	vector := func(name string, x []float32) []float32 {
		c := of[name]
		if c == nil {
			return x
		}
		y := append([]float32(nil), x...)
		for i, at := range c.At {
			y[at] += c.value(i)
		}
		return y
	}
	return base.Derive(matrix, vector), nil
}
