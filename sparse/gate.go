package sparse

import (
	"math"

	"haguruma/core/kernel"
)

// Constants of the hard-concrete distribution. Source: Louizos, Welling, Kingma 2018, arXiv:1712.01312, section 4.
const (
	gateBeta  = 2.0 / 3
	gateGamma = -0.1
	gateZeta  = 1.1

	// gateShift is beta*ln(-gamma/zeta): P(z != 0) = sigmoid(logAlpha - gateShift), their eq. 12.
	gateShift = -1.5985968 // beta * ln(0.1/1.1), TestGateConstants
)

// Bounds of a logAlpha, kept before every forward. Source: METHOD, the authors' code: ln 0.01 and ln 100.
const (
	MinLogAlpha = -4.605170186
	MaxLogAlpha = 4.605170186
)

// Gate says how a logAlpha opens.
type Gate string

const (
	// GateBinary is 1 for logAlpha > 0 and else 0, in training and in use alike. Its gradient goes straight through, with the slope of
	// the hard-concrete median where that would not clip, so a closed gate can open again. A mask is one bit a scalar.
	GateBinary Gate = "binary"
	// GateConcrete is the median of the hard-concrete distribution, clip(1.2 sigmoid(logAlpha/beta) - 0.1, 0, 1), in training and in use
	// alike, with the same straight-through gradient.
	GateConcrete Gate = "concrete"
	// GateParity is what the paper's code computes: in training the same median, whose gradient is zero where it clips; in use
	// clip(1.2 sigmoid(logAlpha) - 0.1, 0, 1), which is a little denser.
	GateParity Gate = "parity"
)

// Known reports whether the gate is one of those above.
func (g Gate) Known() bool { return g == GateBinary || g == GateConcrete || g == GateParity }

// Open writes how far each gate is open.
//
//	z, logAlpha  (G)   may alias
//
// training tells the two forms of GateParity apart; the others have one.
func Open[F Float](g Gate, z, logAlpha []F, training bool) {
	z = z[:len(logAlpha)]
	if g == GateBinary {
		for i, la := range logAlpha {
			z[i] = 0
			if la > 0 {
				z[i] = 1
			}
		}
		return
	}
	scale := F(1 / gateBeta)
	if g == GateParity && !training {
		scale = 1
	}
	kernel.Sigmoid(z, logAlpha, scale)
	for i, s := range z {
		z[i] = min(max(F(s*(gateZeta-gateGamma))+gateGamma, 0), 1)
	}
}

// OpenBackward writes the gradient of each logAlpha from that of z in training.
//
//	dLogAlpha, dz, logAlpha  (G)   dLogAlpha may alias dz
//
// It is (zeta-gamma)/beta s(1-s) dz with s = sigmoid(logAlpha/beta); GateParity has zero where z is clipped.
func OpenBackward[F Float](g Gate, dLogAlpha, dz, logAlpha, scratch []F) {
	n := len(logAlpha)
	s := scratch[:n]
	kernel.Sigmoid(s, logAlpha, F(1/gateBeta))
	if g == GateParity {
		for i, v := range s {
			if open := F(v*(gateZeta-gateGamma)) + gateGamma; open <= 0 || open >= 1 {
				s[i] = 0
			}
		}
	}
	kernel.SigmoidBackward(dLogAlpha[:n], dz[:n], s)
	kernel.Scale(dLogAlpha[:n], F((gateZeta-gateGamma)/gateBeta))
}

// ExpectedDensity is the differentiable share of open gates that the L0 term pushes at, and DensityBackward adds
// weight * d(sum over the gates)/d(logAlpha) to grad: not divided by G, so that it has the size of a task's gradient.
//
// For the hard-concrete gates it is the mean of P(z != 0) (Louizos et al. 2018, eq. 12), clamped to 1e-6..1-1e-6 as in the
// authors' code; for GateBinary the mean of sigmoid(logAlpha/beta), whose step is the gate itself.
func ExpectedDensity[F Float](g Gate, logAlpha, scratch []F) float64 {
	p := openProbability(g, logAlpha, scratch)
	sum := 0.0
	for _, v := range p {
		sum += float64(v)
	}
	return min(max(sum/float64(max(len(p), 1)), 1e-6), 1-1e-6)
}

// DensityBackward is described at ExpectedDensity.
func DensityBackward[F Float](g Gate, grad, logAlpha []F, weight F, scratch []F) {
	n := len(logAlpha)
	p := openProbability(g, logAlpha, scratch[:n])
	if g == GateBinary {
		weight *= F(1 / gateBeta)
	}
	for i, v := range p {
		grad[i] += F(weight*v) * (1 - v)
	}
}

func openProbability[F Float](g Gate, logAlpha, scratch []F) []F {
	p := scratch[:len(logAlpha)]
	if g == GateBinary {
		kernel.Sigmoid(p, logAlpha, F(1/gateBeta))
		return p
	}
	for i, la := range logAlpha {
		p[i] = la - F(gateShift)
	}
	kernel.Sigmoid(p, p, 1)
	return p
}

// Density is the share of gates that are not exactly closed: what sparsity targets are held against.
func Density[F Float](z []F) float64 {
	open := 0
	for _, v := range z {
		if v != 0 {
			open++
		}
	}
	return float64(open) / float64(max(len(z), 1))
}

// clampLogAlpha keeps every value inside the bounds and reports whether all were finite.
func clampLogAlpha[F Float](logAlpha []F) bool {
	finite := true
	for i, la := range logAlpha {
		if la >= MinLogAlpha && la <= MaxLogAlpha { // nearly always
			continue
		}
		if la-la != 0 {
			finite = false
		}
		logAlpha[i] = min(max(la, MinLogAlpha), MaxLogAlpha)
	}
	return finite
}

// normal is the standard normal quantile's inverse, for starting a mask at a density: P(Z > x).
func normalTail(x float64) float64 { return math.Erfc(x/math.Sqrt2) / 2 }
