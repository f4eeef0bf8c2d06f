package metatune

import (
	"haguruma/core/kernel"
	"haguruma/sparse"
)

// lineNetwork is the smallest network: an embedding of 4 numbers is a matrix of 4 x 2 times an input of 2. Everything about it can be computed
// by hand.
type lineNetwork struct{}

func (lineNetwork) Tensors() []sparse.Tensor { return []sparse.Tensor{{Name: "w", Shape: []int{4, 2}}} }
func (lineNetwork) Dim() int                 { return 4 }
func (lineNetwork) InputLen() int            { return 2 }
func (lineNetwork) NewRun() Run              { return &lineRun{weights: make([]float32, 8)} }

type lineRun struct {
	weights, inputs []float32
	n               int
}

func (r *lineRun) Weights() []float32 { return r.weights }

func (r *lineRun) Forward(embed, inputs []float32, n int, keep bool) {
	kernel.MatmulNT(embed, inputs, r.weights, n, 4, 2, false)
	if keep {
		r.inputs, r.n = append(r.inputs[:0], inputs[:2*n]...), n
	}
}

func (r *lineRun) Backward(grad, dEmbed []float32) {
	kernel.MatmulTN(grad, dEmbed, r.inputs, 4, 2, r.n, true)
}
