// Package nn (floor 2) is the layers of a vision transformer, one layer a file, forward beside backward, and the
// optimizer that trains them.
//
// Layers are views: a struct holds slices into a parameter vector that someone else owns, so the gradient of a layer is
// another value of the same type over a gradient vector. Matrices are row-major; weights are stored (out, in). All
// layers are generic over float32 and float64: float32 is the one that is fast, float64 the one that gradients are
// checked in.
//
// Backward functions ADD parameter gradients into grad and WRITE activation gradients, unless they say otherwise.
// Nothing here allocates, nothing knows of files, images or models.
package nn

import "haguruma/core/kernel"

// Float is the element type of a layer: float32 or float64.
type Float interface{ kernel.Float }
