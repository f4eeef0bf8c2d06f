package sparse

import "haguruma/core/kernel"

// Mix writes the merged mask: mask[i] = sum_m scores[m] z[m][i].
//
//	mask    (N)        written
//	z       (M) of (N)
//	scores  (M)        a score of 0 is skipped
func Mix[F Float](mask []F, z [][]F, scores []F) {
	for at := 0; at < len(mask); at += PieceLen { // a piece of the mask stays in the core's cache while the experts pass by
		piece := mask[at:min(at+PieceLen, len(mask))]
		clear(piece)
		for m, score := range scores {
			if score != 0 {
				kernel.Axpy(piece, score, z[m][at:][:len(piece)])
			}
		}
	}
}

// Merge writes theta = pre + mask * delta. All are (N); theta may alias pre.
func Merge[F Float](theta, pre, mask, delta []F) {
	copy(theta, pre)
	kernel.MulAdd(theta, mask, delta)
}

// MergeBackward turns the gradient of theta into those of delta, of the merged mask and of the scores.
//
//	dDelta   (N)  added to: dTheta * mask
//	dMask    (N)  written: dTheta * delta; expert m's own is scores[m] times that. It may alias dTheta
//	dScores  (M)  written: <dMask, z[m]>
func MergeBackward[F Float](dDelta, dMask, dScores, dTheta, mask, delta []F, z [][]F) {
	clear(dScores)
	for at := 0; at < len(dMask); at += PieceLen {
		to := min(at+PieceLen, len(dMask))
		kernel.MulAdd(dDelta[at:to], dTheta[at:to], mask[at:to])
		kernel.Mul(dMask[at:to], dTheta[at:to], delta[at:to])
		for m := range dScores {
			dScores[m] += kernel.Dot(dMask[at:to], z[m][at:to])
		}
	}
}
