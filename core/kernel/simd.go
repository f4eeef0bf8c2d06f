//go:build goexperiment.simd && (amd64 || arm64 || wasm)

package kernel

import "simd"

// The bodies in the simd files are written once for vectors of 4, 8 or 16 float32 (the length is a constant in each copy that the compiler
// makes) and give the bits of the generic bodies: the same operations in the same order, and sums in 16 lanes whatever the length.
// The last elements that fill no vector go through partial loads, or for sums through the scalar code of the generic body.
// clearUpper stands before scalar float code and at every end.

func add32(y, x []float32) bool {
	n := simd.Float32s{}.Len()
	y = y[:len(x)]
	for len(x) >= n && len(y) >= n {
		simd.LoadFloat32s(y).Add(simd.LoadFloat32s(x)).Store(y)
		x, y = x[n:], y[n:]
	}
	if len(x) > 0 {
		a := loadPart(x)
		b := loadPart(y)
		b.Add(a).StorePart(y)
	}
	clearUpper()
	return true
}

func axpy32(y []float32, alpha float32, x []float32) bool {
	f := simd.BroadcastFloat32s(alpha)
	n := f.Len()
	y = y[:len(x)]
	for len(x) >= n && len(y) >= n {
		simd.LoadFloat32s(y).Add(f.Mul(simd.LoadFloat32s(x))).Store(y)
		x, y = x[n:], y[n:]
	}
	if len(x) > 0 {
		a := loadPart(x)
		b := loadPart(y)
		b.Add(f.Mul(a)).StorePart(y)
	}
	clearUpper()
	return true
}

func scale32(y []float32, alpha float32) bool {
	f := simd.BroadcastFloat32s(alpha)
	n := f.Len()
	for len(y) >= n {
		simd.LoadFloat32s(y).Mul(f).Store(y)
		y = y[n:]
	}
	if len(y) > 0 {
		a := loadPart(y)
		a.Mul(f).StorePart(y)
	}
	clearUpper()
	return true
}

// sumRows32 keeps the sum of a vector of columns in a register while it goes down the rows.
func sumRows32(dBias, dy []float32, rows int) bool {
	n, dim := simd.Float32s{}.Len(), len(dBias)
	j := 0
	for ; j+4*n <= dim; j += 4 * n {
		b := dBias[j:]
		s0, s1, s2, s3 := simd.LoadFloat32s(b), simd.LoadFloat32s(b[n:]), simd.LoadFloat32s(b[2*n:]), simd.LoadFloat32s(b[3*n:])
		for r := range rows {
			d := dy[r*dim+j:][:4*n]
			s0 = s0.Add(simd.LoadFloat32s(d))
			s1 = s1.Add(simd.LoadFloat32s(d[n:]))
			s2 = s2.Add(simd.LoadFloat32s(d[2*n:]))
			s3 = s3.Add(simd.LoadFloat32s(d[3*n:]))
		}
		s0.Store(b)
		s1.Store(b[n:])
		s2.Store(b[2*n:])
		s3.Store(b[3*n:])
	}
	for ; j < dim; j += n {
		s := loadPart(dBias[j:])
		for r := range rows {
			d := loadPart(dy[r*dim+j:][:min(n, dim-j)])
			s = s.Add(d)
		}
		s.StorePart(dBias[j:])
	}
	clearUpper()
	return true
}

// loadPart loads the vector at the start of s, zeros where s is shorter. simd.LoadFloat32sPart of Go 1.27.4 on amd64 reads a whole vector behind a
// short slice and drops what it should not have read, which faults where the slice ends at the end of the memory there is.
func loadPart(s []float32) simd.Float32s {
	if len(s) >= (simd.Float32s{}).Len() {
		return simd.LoadFloat32s(s)
	}
	var whole [lanes]float32
	copy(whole[:], s)
	return simd.LoadFloat32s(whole[:])
}

// storeLanes writes the 16 partial sums: s0 alone of 16 lanes, s0 s1 of 8, or s0..s3 of 4.
func storeLanes(s *[lanes]float32, s0, s1, s2, s3 simd.Float32s) {
	n := s0.Len()
	s0.Store(s[:])
	if n < 16 {
		s1.Store(s[n:])
	}
	if n < 8 {
		s2.Store(s[2*n:])
		s3.Store(s[3*n:])
	}
}

func dot32(x, y []float32) (sum float32, ok bool) {
	y = y[:len(x)]
	var s [lanes]float32
	rest := dotLanes(&s, x, y)
	clearUpper()
	for j, v := range x[rest:] {
		s[j] += float32(v * y[rest+j])
	}
	return foldLanes(&s), true
}

// dotLanes sums x[i]*y[i] into 16 lanes, over the largest multiple of 16 elements, and returns that.
func dotLanes(s *[lanes]float32, x, y []float32) (rest int) {
	var s0, s1, s2, s3 simd.Float32s
	n := s0.Len()
	i := 0
	for ; i+lanes <= len(x); i += lanes {
		x, y := x[i:i+lanes], y[i:i+lanes]
		s0 = s0.Add(simd.LoadFloat32s(x).Mul(simd.LoadFloat32s(y)))
		if n < 16 {
			s1 = s1.Add(simd.LoadFloat32s(x[n:]).Mul(simd.LoadFloat32s(y[n:])))
		}
		if n < 8 {
			s2 = s2.Add(simd.LoadFloat32s(x[2*n:]).Mul(simd.LoadFloat32s(y[2*n:])))
			s3 = s3.Add(simd.LoadFloat32s(x[3*n:]).Mul(simd.LoadFloat32s(y[3*n:])))
		}
	}
	storeLanes(s, s0, s1, s2, s3)
	return i
}

func adamw32(w, g, m, v []float32, c *adamwStep) bool {
	keep, step, root, eps := simd.BroadcastFloat32s(c.keep), simd.BroadcastFloat32s(c.step), simd.BroadcastFloat32s(c.root), simd.BroadcastFloat32s(c.eps)
	beta1, rest1 := simd.BroadcastFloat32s(c.beta1), simd.BroadcastFloat32s(c.rest1)
	beta2, rest2 := simd.BroadcastFloat32s(c.beta2), simd.BroadcastFloat32s(c.rest2)
	n := keep.Len()
	g, m, v = g[:len(w)], m[:len(w)], v[:len(w)]
	i := 0
	for ; i+n <= len(w); i += n {
		d := simd.LoadFloat32s(g[i:])
		mi := beta1.Mul(simd.LoadFloat32s(m[i:])).Add(rest1.Mul(d))
		vi := beta2.Mul(simd.LoadFloat32s(v[i:])).Add(rest2.Mul(d).Mul(d))
		mi.Store(m[i:])
		vi.Store(v[i:])
		simd.LoadFloat32s(w[i:]).Mul(keep).Sub(step.Mul(mi).Div(vi.Sqrt().Mul(root).Add(eps))).Store(w[i:])
	}
	clearUpper()
	adamwGeneric(w[i:], g[i:], m[i:], v[i:], c)
	return true
}
