package kernel

// LayerNorm normalizes every row and applies gain and bias (Ba et al. 2016, eq. 4):
//
//	mean = sum_j x[r][j] / dim,  rstd = 1 / sqrt(sum_j (x[r][j]-mean)^2 / dim + eps)
//	y[r][j] = (x[r][j]-mean) * rstd * gain[j] + bias[j]
//
// x and y are (rows, dim), gain and bias are (dim). mean and rstd are (rows), kept for the backward; either may be nil. y may alias x.
func LayerNorm[F Float](y, mean, rstd, x, gain, bias []F, rows, dim int, eps F) {
	dims(rows, dim, 0, "kernel: LayerNorm: negative dimension")
	need(y, rows*dim, "kernel: LayerNorm: insufficient length of y")
	need(x, rows*dim, "kernel: LayerNorm: insufficient length of x")
	need(gain, dim, "kernel: LayerNorm: insufficient length of gain")
	need(bias, dim, "kernel: LayerNorm: insufficient length of bias")
	if mean != nil {
		need(mean, rows, "kernel: LayerNorm: insufficient length of mean")
	}
	if rstd != nil {
		need(rstd, rows, "kernel: LayerNorm: insufficient length of rstd")
	}
	gain, bias = gain[:dim], bias[:dim]
	if dim == 0 || is32[F]() && (layerNormWasm(as32(y), as32(mean), as32(rstd), as32(x), as32(gain), as32(bias), rows, float32(eps)) ||
		layerNorm32(as32(y), as32(mean), as32(rstd), as32(x), as32(gain), as32(bias), rows, float32(eps))) {
		return
	}
	for r := range rows {
		mu, rs := layerNormGeneric(y[r*dim:(r+1)*dim], x[r*dim:(r+1)*dim], gain, bias, eps)
		if mean != nil {
			mean[r] = mu
		}
		if rstd != nil {
			rstd[r] = rs
		}
	}
}

// rootOf returns 1/sqrt(sum/dim + eps).
func rootOf[F Float](sum, dim, eps F) F { return 1 / sqrtOf(sum/dim+eps) }

// layerNormGeneric is LayerNorm of one row.
func layerNormGeneric[F Float](y, x, gain, bias []F, eps F) (mean, rstd F) {
	dim := F(len(x))
	mean = sumGeneric(x) / dim
	var s [lanes]F
	for i, v := range x {
		d := v - mean
		s[i%lanes] += F(d * d)
	}
	rstd = rootOf(foldLanes(&s), dim, eps)
	for i, v := range x {
		y[i] = F(F((v-mean)*rstd)*gain[i]) + bias[i]
	}
	return mean, rstd
}

// LayerNormBackward is the backward of LayerNorm. With xhat = (x-mean)*rstd and g = dy*gain:
//
//	dx[r][j] += rstd * (g[j] - sum(g)/dim - xhat[j] * sum(g*xhat)/dim)
//	dGain[j] += sum over r of dy[r][j]*xhat[r][j]
//	dBias[j] += sum over r of dy[r][j]
//
// All three are added to, rows in ascending order. dx, dy, x are (rows, dim); dGain, dBias, gain are (dim), dGain or dBias may be nil;
// mean, rstd (rows) come from the forward. dx must not alias dy or x.
func LayerNormBackward[F Float](dx, dGain, dBias, dy, x, mean, rstd, gain []F, rows, dim int) {
	dims(rows, dim, 0, "kernel: LayerNormBackward: negative dimension")
	need(dx, rows*dim, "kernel: LayerNormBackward: insufficient length of dx")
	need(dy, rows*dim, "kernel: LayerNormBackward: insufficient length of dy")
	need(x, rows*dim, "kernel: LayerNormBackward: insufficient length of x")
	need(mean, rows, "kernel: LayerNormBackward: insufficient length of mean")
	need(rstd, rows, "kernel: LayerNormBackward: insufficient length of rstd")
	need(gain, dim, "kernel: LayerNormBackward: insufficient length of gain")
	if dGain != nil {
		need(dGain, dim, "kernel: LayerNormBackward: insufficient length of dGain")
		dGain = dGain[:dim]
	}
	if dBias != nil {
		need(dBias, dim, "kernel: LayerNormBackward: insufficient length of dBias")
		dBias = dBias[:dim]
	}
	gain = gain[:dim]
	if dim == 0 || is32[F]() && layerNormBackward32(as32(dx), as32(dGain), as32(dBias), as32(dy), as32(x), as32(mean), as32(rstd), as32(gain), rows) {
		return
	}
	for r := range rows {
		layerNormBackwardGeneric(dx[r*dim:(r+1)*dim], dGain, dBias, dy[r*dim:(r+1)*dim], x[r*dim:(r+1)*dim], mean[r], rstd[r], gain)
	}
}

// layerNormBackwardGeneric is LayerNormBackward of one row.
func layerNormBackwardGeneric[F Float](dx, dGain, dBias, dy, x []F, mean, rstd F, gain []F) {
	var s1, s2 [lanes]F
	for i, d := range dy {
		xhat := F((x[i] - mean) * rstd)
		g := F(d * gain[i])
		s1[i%lanes] += g
		s2[i%lanes] += F(g * xhat)
	}
	if dGain != nil {
		for i, d := range dy {
			dGain[i] += F(d * F((x[i]-mean)*rstd))
		}
	}
	if dBias != nil {
		addGeneric(dBias, dy)
	}
	dim := F(len(x))
	m1, m2 := foldLanes(&s1)/dim, foldLanes(&s2)/dim
	for i, d := range dy {
		xhat := F((x[i] - mean) * rstd)
		dx[i] += F((F(d*gain[i]) - m1 - F(xhat*m2)) * rstd)
	}
}
