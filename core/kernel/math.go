package kernel

import "math"

// Constants of exp32, valid for x in [expMin, 0].
const (
	expMin   = -87.0               // below it exp is given as 0: results stay above 2^-126, so no denormal ever slows a loop down
	log2E    = 1.44269504088896341 // log2(e)
	roundBit = 12582912.0          // 1.5 * 2^23: adding it rounds a float32 to an integer, ties to even, and leaves it in the low bits
	ln2Hi    = 0.693359375         // ln 2 = ln2Hi + ln2Lo (Cody and Waite); n*ln2Hi is exact for |n| < 2^14
	ln2Lo    = -2.12194440e-4

	// exp(r) = 1 + r + r^2 * (expC0 + expC1 r + ... + expC5 r^5) on |r| <= ln(2)/2: Cephes expf (Moshier, single/expf.c).
	expC0 = 5.0000001201e-1
	expC1 = 1.6666665459e-1
	expC2 = 4.1665795894e-2
	expC3 = 8.3334519073e-3
	expC4 = 1.3981999507e-3
	expC5 = 1.9875691500e-4
)

// exp32 returns e^x for x <= 0 in float32: 0 below expMin, NaN for NaN. The order of operations is fixed and every product is rounded,
// so the vector bodies give the same bits. TestExp states the largest error.
//
//  1. n = round(x * log2(e)), ties to even
//  2. r = x - n*ln(2), in two parts
//  3. p = exp(r) by the polynomial
//  4. p * 2^n, the exponent made by integer shift
func exp32(x float32) float32 {
	t := float32(x*log2E) + roundBit
	n := t - roundBit
	r := x - float32(n*ln2Hi)
	r -= float32(n * ln2Lo)
	p := float32(float32(expC5)*r) + expC4
	p = float32(p*r) + expC3
	p = float32(p*r) + expC2
	p = float32(p*r) + expC1
	p = float32(p*r) + expC0
	p = float32(float32(p*r)*r) + r
	p += 1
	p *= math.Float32frombits(math.Float32bits(t)<<23 + 0x3f800000)
	if x < expMin {
		return 0
	}
	return p
}

// expOf is exp32 in float32 and math.Exp in float64.
func expOf[F Float](x F) F {
	if is32[F]() {
		return F(exp32(float32(x)))
	}
	return F(math.Exp(float64(x)))
}

// sqrtOf is the correctly rounded square root. (Rounding the float64 root to float32 is exact: 53 >= 2*24+2 bits.)
func sqrtOf[F Float](x F) F { return F(math.Sqrt(float64(x))) }

// Constants of normal32: with t = 1/(1 + tailP |x|), exp(x^2/2) Phi(-|x|) = t (tailC0 + tailC1 t + ... + tailC8 t^8) to a relative
// 2.8e-8 on |x| <= 13.3: our own fit at Chebyshev nodes in t, errors weighted by the function, tailP chosen by search (the shape is that
// of Abramowitz and Stegun 7.1.26).
const (
	tailP  = 0.27
	tailC0 = 0.107720749972
	tailC1 = 0.107541188385
	tailC2 = 0.10182118858
	tailC3 = 0.0720209834953
	tailC4 = 0.107850162372
	tailC5 = -0.069171506338
	tailC6 = 0.169679317654
	tailC7 = -0.126397220678
	tailC8 = 0.0289351470053
)

// normal32 returns Phi(x) = (1 + erf(x/sqrt 2))/2 and exp(-x*x/2) in float32, with one order of operations on every body. The small
// tail keeps its relative accuracy. NaN gives NaN. TestNormal states the largest errors.
func normal32(x float32) (cdf, bell float32) {
	bell = exp32(float32(x*x) * -0.5)
	u := x
	if x < 0 {
		u = -x
	}
	t := 1 / (float32(tailP*u) + 1)
	q := float32(float32(tailC8)*t) + tailC7
	q = float32(q*t) + tailC6
	q = float32(q*t) + tailC5
	q = float32(q*t) + tailC4
	q = float32(q*t) + tailC3
	q = float32(q*t) + tailC2
	q = float32(q*t) + tailC1
	q = float32(q*t) + tailC0
	tail := float32(float32(q*t) * bell)
	if x < 0 {
		return tail, bell
	}
	return 1 - tail, bell
}
