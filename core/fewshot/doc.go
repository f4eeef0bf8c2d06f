// Package fewshot holds what few-shot classification needs around a backbone: class-folder data sets
// and their class splits, episodes drawn from them, prototypes with the cosine classifier, and
// accuracy with its interval. Floor 3: it knows embeddings as rows of float32 and nothing of the
// network that made them, of experts, or of where it runs.
//
// Letters: way (classes of an episode), shot (support examples of a class), n (rows), dim (length of
// an embedding). Matrices are row-major and contiguous.
//
// Everything drawn at random depends on (seed, index) alone, so a run can stop and go on, be split
// over cores, and be repeated with another method on the very same episodes.
//
// Read [Sampler.Episode] first, then [Score], which is the whole evaluation of one episode.
package fewshot
