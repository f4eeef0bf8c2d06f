// Package sparse (floor 4) is the paper and only the paper: Chen, Tack, Yang, Teh, Schwarz, Wei, "Unleashing the Power of
// Meta-tuning for Few-shot Generalization Through Sparse Interpolated Experts", ICML 2024, arXiv:2403.08477 (SMAT).
//
// A task's weights are
//
//	theta = pre + (sum_m score_m mask_m) * delta        elementwise
//
// with one delta that all experts share, a mask for each expert and the scores that the router reads from the prototypes of the task's
// support. Nothing here knows what the tensors belong to: they are a flat vector and a list of names, shapes and places.
//
// Letters: N scalars, M experts, G gates of an expert (N, or fewer when a gate opens a column), D the width of an embedding.
//
// Read gate.go for what is learned, merge.go for how it is used, router.go for who decides.
package sparse

import "haguruma/core/nn"

// Float is the element type: float32 is the one that is fast, float64 the one that gradients are checked in.
type Float interface{ nn.Float }
