//go:build goexperiment.simd && (amd64 || arm64 || wasm)

package kernel

import "simd"

func layerNorm32(y, mean, rstd, x, gain, bias []float32, rows int, eps float32) bool {
	dim := len(gain)
	var s [lanes]float32
	for r := range rows {
		y, x := y[r*dim:(r+1)*dim], x[r*dim:(r+1)*dim]
		rest := sumLanes(&s, x)
		clearUpper()
		for j, v := range x[rest:] {
			s[j] += v
		}
		mu := foldLanes(&s) / float32(dim)
		rest = varianceLanes(&s, x, mu)
		clearUpper()
		for j, v := range x[rest:] {
			d := v - mu
			s[j] += float32(d * d)
		}
		rs := rootOf(foldLanes(&s), float32(dim), eps)
		normalizeRow(y, x, gain, bias, mu, rs)
		clearUpper()
		if mean != nil {
			mean[r] = mu
		}
		if rstd != nil {
			rstd[r] = rs
		}
	}
	return true
}

// sumLanes sums x into 16 lanes, over the largest multiple of 16 elements, and returns that.
func sumLanes(s *[lanes]float32, x []float32) (rest int) {
	var s0, s1, s2, s3 simd.Float32s
	n := s0.Len()
	i := 0
	for ; i+lanes <= len(x); i += lanes {
		x := x[i : i+lanes]
		s0 = s0.Add(simd.LoadFloat32s(x))
		if n < 16 {
			s1 = s1.Add(simd.LoadFloat32s(x[n:]))
		}
		if n < 8 {
			s2 = s2.Add(simd.LoadFloat32s(x[2*n:]))
			s3 = s3.Add(simd.LoadFloat32s(x[3*n:]))
		}
	}
	storeLanes(s, s0, s1, s2, s3)
	return i
}

// varianceLanes is sumLanes of (x[i]-mean)^2.
func varianceLanes(s *[lanes]float32, x []float32, mean float32) (rest int) {
	mu := simd.BroadcastFloat32s(mean)
	var s0, s1, s2, s3 simd.Float32s
	n := s0.Len()
	i := 0
	for ; i+lanes <= len(x); i += lanes {
		x := x[i : i+lanes]
		d := simd.LoadFloat32s(x).Sub(mu)
		s0 = s0.Add(d.Mul(d))
		if n < 16 {
			d := simd.LoadFloat32s(x[n:]).Sub(mu)
			s1 = s1.Add(d.Mul(d))
		}
		if n < 8 {
			d := simd.LoadFloat32s(x[2*n:]).Sub(mu)
			s2 = s2.Add(d.Mul(d))
			d = simd.LoadFloat32s(x[3*n:]).Sub(mu)
			s3 = s3.Add(d.Mul(d))
		}
	}
	storeLanes(s, s0, s1, s2, s3)
	return i
}

// normalizeRow writes y[i] = (x[i]-mean)*rstd*gain[i] + bias[i].
func normalizeRow(y, x, gain, bias []float32, mean, rstd float32) {
	mu, rs := simd.BroadcastFloat32s(mean), simd.BroadcastFloat32s(rstd)
	n := mu.Len()
	i := 0
	for ; i+n <= len(x); i += n {
		simd.LoadFloat32s(x[i:]).Sub(mu).Mul(rs).Mul(simd.LoadFloat32s(gain[i:])).Add(simd.LoadFloat32s(bias[i:])).Store(y[i:])
	}
	if i < len(x) {
		v := loadPart(x[i:])
		g := loadPart(gain[i:])
		b := loadPart(bias[i:])
		v.Sub(mu).Mul(rs).Mul(g).Add(b).StorePart(y[i:])
	}
}

func layerNormBackward32(dx, dGain, dBias, dy, x, mean, rstd, gain []float32, rows int) bool {
	dim := len(gain)
	var s1, s2 [lanes]float32
	for r := range rows {
		dx, dy, x := dx[r*dim:(r+1)*dim], dy[r*dim:(r+1)*dim], x[r*dim:(r+1)*dim]
		rest := slopeLanes(&s1, &s2, dy, x, gain, mean[r], rstd[r])
		clearUpper()
		for j, d := range dy[rest:] {
			xhat := float32((x[rest+j] - mean[r]) * rstd[r])
			g := float32(d * gain[rest+j])
			s1[j] += g
			s2[j] += float32(g * xhat)
		}
		m1, m2 := foldLanes(&s1)/float32(dim), foldLanes(&s2)/float32(dim)
		if dGain != nil {
			addGain(dGain, dy, x, mean[r], rstd[r])
		}
		if dBias != nil {
			add32(dBias, dy)
		}
		addSlope(dx, dy, x, gain, mean[r], rstd[r], m1, m2)
		clearUpper()
	}
	return true
}

// slopeLanes is sumLanes of g = dy*gain into s1 and of g*xhat into s2.
func slopeLanes(s1, s2 *[lanes]float32, dy, x, gain []float32, mean, rstd float32) (rest int) {
	mu, rs := simd.BroadcastFloat32s(mean), simd.BroadcastFloat32s(rstd)
	var a0, a1, a2, a3, b0, b1, b2, b3 simd.Float32s
	n := a0.Len()
	i := 0
	for ; i+lanes <= len(x); i += lanes {
		dy, x, gain := dy[i:i+lanes], x[i:i+lanes], gain[i:i+lanes]
		g := simd.LoadFloat32s(dy).Mul(simd.LoadFloat32s(gain))
		a0, b0 = a0.Add(g), b0.Add(g.Mul(simd.LoadFloat32s(x).Sub(mu).Mul(rs)))
		if n < 16 {
			g := simd.LoadFloat32s(dy[n:]).Mul(simd.LoadFloat32s(gain[n:]))
			a1, b1 = a1.Add(g), b1.Add(g.Mul(simd.LoadFloat32s(x[n:]).Sub(mu).Mul(rs)))
		}
		if n < 8 {
			g := simd.LoadFloat32s(dy[2*n:]).Mul(simd.LoadFloat32s(gain[2*n:]))
			a2, b2 = a2.Add(g), b2.Add(g.Mul(simd.LoadFloat32s(x[2*n:]).Sub(mu).Mul(rs)))
			g = simd.LoadFloat32s(dy[3*n:]).Mul(simd.LoadFloat32s(gain[3*n:]))
			a3, b3 = a3.Add(g), b3.Add(g.Mul(simd.LoadFloat32s(x[3*n:]).Sub(mu).Mul(rs)))
		}
	}
	storeLanes(s1, a0, a1, a2, a3)
	storeLanes(s2, b0, b1, b2, b3)
	return i
}

// addGain adds dy[i]*xhat[i] to dGain.
func addGain(dGain, dy, x []float32, mean, rstd float32) {
	mu, rs := simd.BroadcastFloat32s(mean), simd.BroadcastFloat32s(rstd)
	n := mu.Len()
	i := 0
	for ; i+n <= len(x); i += n {
		xhat := simd.LoadFloat32s(x[i:]).Sub(mu).Mul(rs)
		simd.LoadFloat32s(dGain[i:]).Add(simd.LoadFloat32s(dy[i:]).Mul(xhat)).Store(dGain[i:])
	}
	if i < len(x) {
		v := loadPart(x[i:])
		d := loadPart(dy[i:])
		s := loadPart(dGain[i:])
		s.Add(d.Mul(v.Sub(mu).Mul(rs))).StorePart(dGain[i:])
	}
}

// addSlope adds (dy[i]*gain[i] - m1 - xhat[i]*m2) * rstd to dx.
func addSlope(dx, dy, x, gain []float32, mean, rstd, m1, m2 float32) {
	mu, rs, g1, g2 := simd.BroadcastFloat32s(mean), simd.BroadcastFloat32s(rstd), simd.BroadcastFloat32s(m1), simd.BroadcastFloat32s(m2)
	n := mu.Len()
	i := 0
	for ; i+n <= len(x); i += n {
		xhat := simd.LoadFloat32s(x[i:]).Sub(mu).Mul(rs)
		g := simd.LoadFloat32s(dy[i:]).Mul(simd.LoadFloat32s(gain[i:]))
		simd.LoadFloat32s(dx[i:]).Add(g.Sub(g1).Sub(xhat.Mul(g2)).Mul(rs)).Store(dx[i:])
	}
	if i < len(x) {
		v := loadPart(x[i:])
		d := loadPart(dy[i:])
		f := loadPart(gain[i:])
		s := loadPart(dx[i:])
		s.Add(d.Mul(f).Sub(g1).Sub(v.Sub(mu).Mul(rs).Mul(g2)).Mul(rs)).StorePart(dx[i:])
	}
}
