package kernel

// lanes is the number of partial sums of every reduction: a full AVX-512 vector of float32, two of AVX2, four of 128 bits.
const lanes = 16

// foldLanes adds the 16 partial sums as a tree: j and j+8, then j+4, j+2, j+1.
func foldLanes[F Float](s *[lanes]F) F {
	s0, s1, s2, s3 := s[0]+s[8], s[1]+s[9], s[2]+s[10], s[3]+s[11]
	s4, s5, s6, s7 := s[4]+s[12], s[5]+s[13], s[6]+s[14], s[7]+s[15]
	s0, s1, s2, s3 = s0+s4, s1+s5, s2+s6, s3+s7
	s0, s1 = s0+s2, s1+s3
	return s0 + s1
}

// sumGeneric sums x in the lane order: lane j sums x[j], x[j+16], ... ascending, then foldLanes.
func sumGeneric[F Float](x []F) F {
	var s [lanes]F
	for len(x) >= lanes {
		for j := range lanes {
			s[j] += x[j]
		}
		x = x[lanes:]
	}
	for j, v := range x {
		s[j] += v
	}
	return foldLanes(&s)
}

// dotGeneric sums x[i]*y[i] in the lane order, every product rounded.
func dotGeneric[F Float](x, y []F) F {
	var s [lanes]F
	y = y[:len(x)]
	for len(x) >= lanes && len(y) >= lanes {
		for j := range lanes {
			s[j] += F(x[j] * y[j])
		}
		x, y = x[lanes:], y[lanes:]
	}
	for j, v := range x {
		s[j] += F(v * y[j])
	}
	return foldLanes(&s)
}
