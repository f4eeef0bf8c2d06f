package nn

import "haguruma/core/kernel"

// MeanPool writes the mean token of each image.
//
//	y  (batch, dim)
//	x  (batch, tokens, dim)
func MeanPool[F Float](y, x []F, batch, tokens, dim int) {
	for b := range batch {
		row := y[b*dim : (b+1)*dim]
		clear(row)
		kernel.SumRows(row, x[b*tokens*dim:(b+1)*tokens*dim], tokens, dim)
	}
	kernel.Scale(y[:batch*dim], 1/F(tokens))
}

// MeanPoolBackward writes dx: each token of an image gets dy/tokens.
// Shapes as in MeanPool.
func MeanPoolBackward[F Float](dx, dy []F, batch, tokens, dim int) {
	for b := range batch {
		image := dx[b*tokens*dim : (b+1)*tokens*dim]
		row := image[:dim]
		copy(row, dy[b*dim:(b+1)*dim])
		kernel.Scale(row, 1/F(tokens))
		for t := 1; t < tokens; t++ {
			copy(image[t*dim:(t+1)*dim], row)
		}
	}
}
