package metatune

import (
	"math"

	"haguruma/core/kernel"
)

// cosineHead is the classifier of pre-training for one set: the logits of an
// embedding are scale times its cosine with each class weight. It is thrown
// away afterwards; prototypes take its place.
// Source: Gidaris and Komodakis 2018, arXiv:1804.09458, eq. 3.
type cosineHead struct {
	classes, dim int
	scale        float32
	smoothing    float32
	w            []float32 // (classes, dim)
}

// headScratch holds what one goroutine needs to run any head.
type headScratch struct {
	z, norm, dz   []float32 // (n, dim), (n), (n, dim)
	wz, wnorm, dw []float32 // (classes, dim), (classes), (classes, dim)
	logits        []float32 // (n, max(classes, n))
	dlogits       []float32
}

func grow(s *[]float32, n int) []float32 {
	if cap(*s) < n {
		*s = make([]float32, n)
	}
	return (*s)[:n]
}

// unitRows writes x / |x| for each row and the lengths.
func unitRows(z, norm, x []float32, rows, dim int) {
	for r := range rows {
		row := x[r*dim:][:dim]
		l := float32(math.Sqrt(float64(kernel.Dot(row, row)))) + 1e-12
		norm[r] = l
		out := z[r*dim:][:dim]
		copy(out, row)
		kernel.Scale(out, 1/l)
	}
}

// unitRowsBackward turns the gradient of the unit rows into that of x and adds
// it: dx += (dz - z (z.dz)) / |x|.
func unitRowsBackward(dx, dz, z, norm []float32, rows, dim int) {
	for r := range rows {
		zr, dzr := z[r*dim:][:dim], dz[r*dim:][:dim]
		along := kernel.Dot(zr, dzr)
		out := dx[r*dim:][:dim]
		kernel.Axpy(out, 1/norm[r], dzr)
		kernel.Axpy(out, -along/norm[r], zr)
	}
}

// loss is the mean cross-entropy with label smoothing of embed (n, dim) for
// labels (n). It adds weight times its gradient to dEmbed (n, dim) and to
// dHead (classes, dim), and counts the right answers.
func (h *cosineHead) loss(dEmbed, dHead, embed []float32, labels []int, weight float32, s *headScratch) (loss float64, right int) {
	n := len(labels)
	z, norm := grow(&s.z, n*h.dim), grow(&s.norm, n)
	wz, wnorm := grow(&s.wz, h.classes*h.dim), grow(&s.wnorm, h.classes)
	logits := grow(&s.logits, n*h.classes)
	unitRows(z, norm, embed, n, h.dim)
	unitRows(wz, wnorm, h.w, h.classes, h.dim)
	kernel.MatmulNT(logits, z, wz, n, h.classes, h.dim, false)
	kernel.Scale(logits, h.scale)
	dlogits := grow(&s.dlogits, n*h.classes)
	kernel.Softmax(dlogits, logits, n, h.classes)
	off := h.smoothing / float32(h.classes)
	for i, label := range labels {
		row, p := logits[i*h.classes:][:h.classes], dlogits[i*h.classes:][:h.classes]
		best, sum := 0, float32(0)
		for c, v := range row {
			if v > row[best] {
				best = c
			}
			sum += v
		}
		if best == label {
			right++
		}
		// log sum exp = logit - log p, taken at the best class where p is
		// far from zero.
		lse := float64(row[best]) - math.Log(float64(p[best]))
		target := float64((1-h.smoothing)*row[label] + off*sum)
		loss += lse - target
		for c := range p {
			p[c] -= off
		}
		p[label] -= 1 - h.smoothing
	}
	kernel.Scale(dlogits, weight*h.scale/float32(n))
	dz, dw := grow(&s.dz, n*h.dim), grow(&s.dw, h.classes*h.dim)
	kernel.MatmulNN(dz, dlogits, wz, n, h.dim, h.classes, false)
	kernel.MatmulTN(dw, dlogits, z, h.classes, h.dim, n, false)
	unitRowsBackward(dEmbed, dz, z, norm, n, h.dim)
	unitRowsBackward(dHead, dw, wz, wnorm, h.classes, h.dim)
	return loss / float64(n), right
}

// contrastLoss is the supervised contrastive loss of embed (n, dim): pictures
// of one label attract, all others repel. It adds weight times its gradient to
// dEmbed. Anchors without a partner are left out.
// Source: Khosla et al. 2020, arXiv:2004.11362, eq. 2 (L_out).
func contrastLoss(dEmbed, embed []float32, labels []int, dim int, temperature, weight float32, s *headScratch) float64 {
	n := len(labels)
	z, norm := grow(&s.z, n*dim), grow(&s.norm, n)
	unitRows(z, norm, embed, n, dim)
	sim := grow(&s.logits, n*n)
	kernel.MatmulNT(sim, z, z, n, n, dim, false)
	kernel.Scale(sim, 1/temperature)
	for i := range n {
		sim[i*n+i] = -1e30 // an anchor is not its own partner
	}
	p := grow(&s.dlogits, n*n)
	kernel.Softmax(p, sim, n, n)
	var loss float64
	anchors := 0
	for i, label := range labels {
		row := p[i*n:][:n]
		partners := 0
		for j, other := range labels {
			if j != i && other == label {
				partners++
			}
		}
		if partners == 0 {
			clear(row)
			continue
		}
		anchors++
		share := 1 / float32(partners)
		for j, other := range labels {
			if j != i && other == label {
				loss -= math.Log(math.Max(float64(row[j]), 1e-30)) / float64(partners)
				row[j] -= share
			}
		}
	}
	if anchors == 0 {
		return 0
	}
	kernel.Scale(p, weight/(temperature*float32(anchors)))
	// dz = (G + G^T) z: each pair stands in two rows.
	dz := grow(&s.dz, n*dim)
	kernel.MatmulNN(dz, p, z, n, dim, n, false)
	kernel.MatmulTN(dz, p, z, n, dim, n, true)
	unitRowsBackward(dEmbed, dz, z, norm, n, dim)
	return loss / float64(anchors)
}

// cosineLoss is the mean over n pictures of 1 - cosine of embed and target, both (n, dim). It adds its gradient to dEmbed.
func cosineLoss(dEmbed, embed, target []float32, n, dim int, s *headScratch) float64 {
	z, norm, dz := grow(&s.z, n*dim), grow(&s.norm, n), grow(&s.dz, n*dim)
	unitRows(dz, norm, target, n, dim)
	unitRows(z, norm, embed, n, dim)
	loss := 1 - float64(kernel.Dot(z, dz))/float64(n)
	kernel.Scale(dz, -1/float32(n))
	unitRowsBackward(dEmbed, dz, z, norm, n, dim)
	return loss
}
