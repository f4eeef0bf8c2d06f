package kernel

// The generic products keep one sum an element in ascending p and round every product.

// matmulNTGeneric takes four rows of B at a time: four sums in flight hide the latency of the additions.
func matmulNTGeneric[F Float](c, a, b []F, m, n, k int, accumulate bool) {
	for i := range m {
		a, c := a[i*k:(i+1)*k], c[i*n:(i+1)*n]
		j := 0
		for ; j+4 <= n; j += 4 {
			b0, b1, b2, b3 := b[j*k:][:len(a)], b[(j+1)*k:][:len(a)], b[(j+2)*k:][:len(a)], b[(j+3)*k:][:len(a)]
			var s0, s1, s2, s3 F
			if accumulate {
				s0, s1, s2, s3 = c[j], c[j+1], c[j+2], c[j+3]
			}
			for p, v := range a {
				s0 += F(v * b0[p])
				s1 += F(v * b1[p])
				s2 += F(v * b2[p])
				s3 += F(v * b3[p])
			}
			c[j], c[j+1], c[j+2], c[j+3] = s0, s1, s2, s3
		}
		for ; j < n; j++ {
			b := b[j*k:][:len(a)]
			var s F
			if accumulate {
				s = c[j]
			}
			for p, v := range a {
				s += F(v * b[p])
			}
			c[j] = s
		}
	}
}

func matmulNNGeneric[F Float](c, a, b []F, m, n, k int, accumulate bool) {
	for i := range m {
		c := c[i*n : (i+1)*n]
		if !accumulate {
			clear(c)
		}
		for p := range k {
			axpyGeneric(c, a[i*k+p], b[p*n:(p+1)*n])
		}
	}
}

func matmulTNGeneric[F Float](c, a, b []F, m, n, k int, accumulate bool) {
	if !accumulate {
		clear(c[:m*n])
	}
	for p := range k {
		for i := range m {
			axpyGeneric(c[i*n:(i+1)*n], a[p*m+i], b[p*n:(p+1)*n])
		}
	}
}

// matmulGeneric is the product of any form on the generic body.
func matmulGeneric[F Float](c, a, b []F, m, n, k int, f form, accumulate bool) {
	switch f {
	case formNT:
		matmulNTGeneric(c, a, b, m, n, k, accumulate)
	case formNN:
		matmulNNGeneric(c, a, b, m, n, k, accumulate)
	case formTN:
		matmulTNGeneric(c, a, b, m, n, k, accumulate)
	}
}
