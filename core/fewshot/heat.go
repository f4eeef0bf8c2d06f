package fewshot

import "haguruma/core/kernel"

// Heat writes how much each patch of a picture speaks for a class and against the others: Scale (w - mean of the other rows)·patch / |embed|, w the row of
// the class. Where the embedding is the mean of the patches, the mean of the heat, with the same difference of biases, is the logit of the class less the
// mean logit of the others. Source: Zhou et al. 2016, arXiv:1512.04150 (class activation maps); against the others is ours.
//
//	heat     (n)
//	patches  (n, dim)
//	embed    (dim)
//
// The same bits on every body of the kernels. It panics when a length does not fit or there is no such class.
func (h *Head) Heat(heat, patches, embed []float32, class int) {
	dim, way := len(embed), h.Way()
	if len(h.Weights) != way*dim || len(patches) != len(heat)*dim || class < 0 || class >= way {
		panic("fewshot: Head.Heat: slices do not fit the head, or there is no such class")
	}
	toward := make([]float32, dim)
	for c := range way {
		if c != class {
			kernel.Axpy(toward, -1/float32(max(way-1, 1)), h.Weights[c*dim:(c+1)*dim])
		}
	}
	kernel.Add(toward, h.Weights[class*dim:(class+1)*dim])
	factor := h.Scale * inverseNorm(embed)
	for p := range heat {
		heat[p] = factor * kernel.Dot(patches[p*dim:(p+1)*dim], toward)
	}
}
