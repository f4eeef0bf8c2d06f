package finetune

import (
	"math"

	"haguruma/core/fewshot"
	"haguruma/core/kernel"
)

// loss is the cross-entropy of views against the class means of the other views: each view is left out of the mean of its own class, so
// that a class cannot be told by the picture itself. Cosines times fewshot.LogitScale go through a softmax. Source: Snell et al. 2017,
// arXiv:1703.05175, and Hu et al. 2022, arXiv:2204.07305 (PMF) for the cosine and its scale; leaving out is ours.
//
// The zero value is ready; buffers grow and are kept. Generic, for gradient checks in float64.
type loss[F kernel.Float] struct {
	sum, unit, own    []F // (way, dim) sums, (way, dim) unit rows, (dim) of the class of the view without it
	length            []F // (way)
	z                 []F // (dim) unit view
	logits, p, dLogit []F // (way)
	dSum, dUnit       []F // (way, dim)
	dz, dOwn          []F // (dim)
}

// minLength keeps the direction of a vector of zeros finite.
const minLength = 1e-12

// backward returns the mean loss of n views and writes its gradient.
//
//	dEmbed, embed  (n, dim)  dEmbed must not alias embed
//	labels         (n)       0..way-1, each class with two views or more
//	smooth                   share of the target that all classes have alike
func (l *loss[F]) backward(dEmbed, embed []F, labels []int, way, dim int, smooth F) float64 {
	n := len(labels)
	l.prepare(way, dim)
	for r, c := range labels {
		kernel.Add(l.sum[c*dim:(c+1)*dim], embed[r*dim:(r+1)*dim])
	}
	copy(l.unit, l.sum)
	for c := range way {
		l.length[c] = toUnit(l.unit[c*dim : (c+1)*dim])
	}
	total := 0.0
	for r, label := range labels {
		e, d := embed[r*dim:(r+1)*dim], dEmbed[r*dim:(r+1)*dim]
		copy(l.z, e)
		length := toUnit(l.z)
		copy(l.own, l.sum[label*dim:(label+1)*dim])
		kernel.Axpy(l.own, -1, e)
		ownLength := toUnit(l.own)
		for c := range way {
			l.logits[c] = fewshot.LogitScale * kernel.Dot(l.z, l.towards(c, label, dim))
		}
		total += l.entropy(label, smooth, n)
		clear(l.dz)
		for c, g := range l.dLogit {
			kernel.Axpy(l.dz, g, l.towards(c, label, dim))
			if c != label {
				kernel.Axpy(l.dUnit[c*dim:(c+1)*dim], g, l.z)
			}
		}
		clear(l.dOwn)
		kernel.Axpy(l.dOwn, l.dLogit[label], l.z)
		fromUnit(l.dOwn, l.own, ownLength)
		fromUnit(l.dz, l.z, length)
		// The sum of the class without the view is the sum less the view.
		kernel.Add(l.dSum[label*dim:(label+1)*dim], l.dOwn)
		copy(d, l.dz)
		kernel.Axpy(d, -1, l.dOwn)
	}
	for c := range way {
		g := l.dUnit[c*dim : (c+1)*dim]
		fromUnit(g, l.unit[c*dim:(c+1)*dim], l.length[c])
		kernel.Add(l.dSum[c*dim:(c+1)*dim], g)
	}
	for r, label := range labels {
		kernel.Add(dEmbed[r*dim:(r+1)*dim], l.dSum[label*dim:(label+1)*dim])
	}
	return total / float64(n)
}

// towards is the direction of class c for a view of label.
func (l *loss[F]) towards(c, label, dim int) []F {
	if c == label {
		return l.own
	}
	return l.unit[c*dim : (c+1)*dim]
}

// entropy returns the cross-entropy of the logits and leaves the gradient of its n-th part, times the scale of the cosines, in dLogit.
func (l *loss[F]) entropy(label int, smooth F, n int) (loss float64) {
	way := len(l.logits)
	kernel.Softmax(l.p, l.logits, 1, way)
	top := l.logits[0]
	for _, v := range l.logits {
		top = max(top, v)
	}
	sum := 0.0
	for _, v := range l.logits {
		sum += math.Exp(float64(v - top))
	}
	log := float64(top) + math.Log(sum)
	for c, v := range l.logits {
		target := smooth / F(way)
		if c == label {
			target += 1 - smooth
		}
		loss += float64(target) * (log - float64(v))
		l.dLogit[c] = fewshot.LogitScale * (l.p[c] - target) / F(n)
	}
	return loss
}

func (l *loss[F]) prepare(way, dim int) {
	for _, s := range []*[]F{&l.sum, &l.unit, &l.dSum, &l.dUnit} {
		*s = room(*s, way*dim)
	}
	for _, s := range []*[]F{&l.own, &l.z, &l.dz, &l.dOwn} {
		*s = room(*s, dim)
	}
	for _, s := range []*[]F{&l.length, &l.logits, &l.p, &l.dLogit} {
		*s = room(*s, way)
	}
	clear(l.sum)
	clear(l.dSum)
	clear(l.dUnit)
}

// toUnit scales x to length one and returns the length it had.
func toUnit[F kernel.Float](x []F) F {
	length := F(math.Sqrt(float64(kernel.Dot(x, x)))) + minLength
	kernel.Scale(x, 1/length)
	return length
}

// fromUnit turns the gradient of z = x/|x| into that of x: (d - z (z.d)) / |x|.
func fromUnit[F kernel.Float](d, z []F, length F) {
	kernel.Axpy(d, -kernel.Dot(z, d), z)
	kernel.Scale(d, 1/length)
}

// room returns a slice of length n, in s where that is large enough.
func room[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
