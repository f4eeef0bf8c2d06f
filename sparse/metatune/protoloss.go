package metatune

import (
	"math"

	"haguruma/core/fewshot"
	"haguruma/core/kernel"
	"haguruma/sparse"
)

// protoLoss is the loss of a task: cosines of the queries to the class means of the support, times fewshot.LogitScale, through a
// softmax. Source: Snell et al. 2017, arXiv:1703.05175, and Hu et al. 2022, arXiv:2204.07305, for the cosine and its scale.
//
// The zero value is ready; buffers grow and are kept. Generic, for gradient checks in float64.
type protoLoss[F sparse.Float] struct {
	means, meanNorm, dMean []F // (way, dim) unit rows, (way), (way, dim)
	unit, norm             []F // (n, dim), (n)
	logits, p, dLogits     []F // (n, way)
	way, dim               int
}

// forward computes the logits (n, way) of queries against class means (way, dim) that are not normalized.
func (l *protoLoss[F]) forward(query, means []F, n, way, dim int) []F {
	l.way, l.dim = way, dim
	l.means, l.meanNorm = room(l.means, way*dim), room(l.meanNorm, way)
	l.unit, l.norm = room(l.unit, n*dim), room(l.norm, n)
	l.logits, l.p, l.dLogits = room(l.logits, n*way), room(l.p, n*way), room(l.dLogits, n*way)
	toUnit(l.means, l.meanNorm, means, way, dim)
	toUnit(l.unit, l.norm, query, n, dim)
	kernel.MatmulNT(l.logits, l.unit, l.means, n, way, dim, false)
	kernel.Scale(l.logits, fewshot.LogitScale)
	clear(l.dLogits)
	return l.logits
}

// crossEntropy adds weight times its gradient to the logits' and returns the mean loss and the right answers.
func (l *protoLoss[F]) crossEntropy(labels []int, weight F) (loss float64, right int) {
	n := len(labels)
	kernel.Softmax(l.p, l.logits, n, l.way)
	for i, label := range labels {
		row, p := l.logits[i*l.way:][:l.way], l.p[i*l.way:][:l.way]
		best := 0
		for c, v := range row {
			if v > row[best] {
				best = c
			}
		}
		if best == label {
			right++
		}
		loss += float64(row[best]) - math.Log(float64(p[best])) - float64(row[label])
		d := l.dLogits[i*l.way:][:l.way]
		for c, v := range p {
			d[c] += weight / F(n) * v
		}
		d[label] -= weight / F(n)
	}
	return loss / float64(n), right
}

// Direction says which distribution is the expectation of a KL divergence.
type Direction string

const (
	StudentFirst Direction = "student" // KL(student || teacher), as the paper's code has it: mode seeking
	TeacherFirst Direction = "teacher" // KL(teacher || student), Hinton et al. 2015, arXiv:1503.02531
)

// distill adds weight times the gradient of temperature^2 KL to the logits' and returns the mean of temperature^2 KL.
//
//	teacher  (n, way)  logits, constant
func (l *protoLoss[F]) distill(teacher []F, n int, temperature, weight F, direction Direction) (loss float64) {
	s, t := make([]F, n*l.way), make([]F, n*l.way)
	logSoftmax(s, l.logits, n, l.way, temperature)
	logSoftmax(t, teacher, n, l.way, temperature)
	for i := range n {
		s, t, d := s[i*l.way:][:l.way], t[i*l.way:][:l.way], l.dLogits[i*l.way:][:l.way]
		kl := 0.0
		for c := range s {
			if direction == StudentFirst {
				kl += math.Exp(float64(s[c])) * float64(s[c]-t[c])
			} else {
				kl += math.Exp(float64(t[c])) * float64(t[c]-s[c])
			}
		}
		loss += kl
		for c := range s {
			var g F // d KL / d (logit/temperature)
			if direction == StudentFirst {
				g = F(math.Exp(float64(s[c])) * (float64(s[c]-t[c]) - kl))
			} else {
				g = F(math.Exp(float64(s[c])) - math.Exp(float64(t[c])))
			}
			d[c] += weight * temperature / F(n) * g
		}
	}
	return float64(temperature) * float64(temperature) * loss / float64(n)
}

func logSoftmax[F sparse.Float](y, x []F, n, way int, temperature F) {
	for i := range n {
		x, y := x[i*way:][:way], y[i*way:][:way]
		top := x[0]
		for _, v := range x {
			top = max(top, v)
		}
		sum := 0.0
		for _, v := range x {
			sum += math.Exp(float64((v - top) / temperature))
		}
		for c, v := range x {
			y[c] = (v-top)/temperature - F(math.Log(sum))
		}
	}
}

// backward writes the gradients of the queries (n, dim) and of the class means (way, dim).
func (l *protoLoss[F]) backward(dQuery, dMeans []F, n int) {
	dim := l.dim
	kernel.Scale(l.dLogits, fewshot.LogitScale)
	dUnit := dQuery[:n*dim]
	kernel.MatmulNN(dUnit, l.dLogits, l.means, n, dim, l.way, false)
	l.dMean = room(l.dMean, l.way*dim)
	kernel.MatmulTN(l.dMean, l.dLogits, l.unit, l.way, dim, n, false)
	fromUnit(dUnit, dUnit, l.unit, l.norm, n, dim)
	fromUnit(dMeans, l.dMean, l.means, l.meanNorm, l.way, dim)
}

// toUnit writes x / |x| for each row and the lengths.
func toUnit[F sparse.Float](z, norm, x []F, rows, dim int) {
	copy(z, x[:rows*dim])
	for r := range rows {
		row := z[r*dim:][:dim]
		norm[r] = F(math.Sqrt(float64(kernel.Dot(row, row)))) + 1e-12
		kernel.Scale(row, 1/norm[r])
	}
}

// fromUnit writes the gradient of x from that of its unit rows z: (dz - z (z.dz)) / |x|. dx may alias dz.
func fromUnit[F sparse.Float](dx, dz, z, norm []F, rows, dim int) {
	for r := range rows {
		zr, out := z[r*dim:][:dim], dx[r*dim:][:dim]
		copy(out, dz[r*dim:][:dim])
		kernel.Axpy(out, -kernel.Dot(zr, out), zr)
		kernel.Scale(out, 1/norm[r])
	}
}

// spread writes the gradient of each example's embedding from that of the class means.
func spread[F sparse.Float](dEmbed, dMeans []F, labels []int, way, dim int) {
	count := make([]int, way)
	for _, label := range labels {
		count[label]++
	}
	for i, label := range labels {
		row := dEmbed[i*dim:][:dim]
		copy(row, dMeans[label*dim:][:dim])
		kernel.Scale(row, 1/F(count[label]))
	}
}

// room returns a slice of length n, in s where that is large enough.
func room[F sparse.Float](s []F, n int) []F {
	if cap(s) < n {
		return make([]F, n)
	}
	return s[:n]
}
