//go:build goexperiment.simd && (amd64 || arm64 || wasm)

package kernel

import (
	"math"
	"simd"
)

func softmax32(y, x []float32, rows, dim int) bool {
	var s [lanes]float32
	for r := range rows {
		y, x := y[r*dim:(r+1)*dim], x[r*dim:(r+1)*dim]
		rest := expLanes(&s, y, x, topOf(x))
		clearUpper()
		for j, v := range y[rest:] {
			s[j] += v
		}
		scale32(y, 1/foldLanes(&s))
	}
	return true
}

// topOf is the largest of x, -Inf when there is none. NaN is never larger.
func topOf(x []float32) float32 {
	var s [lanes]float32
	rest := maxLanes(&s, x)
	clearUpper()
	top := float32(math.Inf(-1))
	for _, part := range [2][]float32{s[:], x[rest:]} {
		for _, v := range part {
			if v > top {
				top = v
			}
		}
	}
	return top
}

// maxLanes writes the largest of every 16th element over the largest multiple of 16 elements, -Inf when there is none, and returns that
// multiple. NaN is never larger.
func maxLanes(s *[lanes]float32, x []float32) (rest int) {
	s0 := simd.BroadcastFloat32s(float32(math.Inf(-1)))
	s1, s2, s3 := s0, s0, s0
	n := s0.Len()
	i := 0
	for ; i+lanes <= len(x); i += lanes {
		x := x[i : i+lanes]
		v := simd.LoadFloat32s(x)
		s0 = v.IfElse(v.Greater(s0), s0)
		if n < 16 {
			v := simd.LoadFloat32s(x[n:])
			s1 = v.IfElse(v.Greater(s1), s1)
		}
		if n < 8 {
			v := simd.LoadFloat32s(x[2*n:])
			s2 = v.IfElse(v.Greater(s2), s2)
			v = simd.LoadFloat32s(x[3*n:])
			s3 = v.IfElse(v.Greater(s3), s3)
		}
	}
	storeLanes(s, s0, s1, s2, s3)
	return i
}

// expLanes writes y[i] = exp(x[i] - max), all of it, and sums y into 16 lanes over the largest multiple of 16 elements; it returns that.
func expLanes(s *[lanes]float32, y, x []float32, max float32) (rest int) {
	top := simd.BroadcastFloat32s(max)
	var s0, s1, s2, s3 simd.Float32s
	n := s0.Len()
	y = y[:len(x)]
	i := 0
	for ; i+lanes <= len(x); i += lanes {
		y, x := y[i:i+lanes], x[i:i+lanes]
		v := exp32s(simd.LoadFloat32s(x).Sub(top))
		v.Store(y)
		s0 = s0.Add(v)
		if n < 16 {
			v := exp32s(simd.LoadFloat32s(x[n:]).Sub(top))
			v.Store(y[n:])
			s1 = s1.Add(v)
		}
		if n < 8 {
			v := exp32s(simd.LoadFloat32s(x[2*n:]).Sub(top))
			v.Store(y[2*n:])
			s2 = s2.Add(v)
			v = exp32s(simd.LoadFloat32s(x[3*n:]).Sub(top))
			v.Store(y[3*n:])
			s3 = s3.Add(v)
		}
	}
	storeLanes(s, s0, s1, s2, s3)
	for j := i; j < len(x); j += n {
		v := loadPart(x[j:])
		exp32s(v.Sub(top)).StorePart(y[j:])
	}
	return i
}

func softmaxBackward32(dx, y, dy []float32, rows, dim int) bool {
	n := simd.Float32s{}.Len()
	for r := range rows {
		dx, y, dy := dx[r*dim:(r+1)*dim], y[r*dim:(r+1)*dim], dy[r*dim:(r+1)*dim]
		sum, _ := dot32(y, dy)
		s := simd.BroadcastFloat32s(sum)
		i := 0
		for ; i+n <= dim; i += n {
			simd.LoadFloat32s(y[i:]).Mul(simd.LoadFloat32s(dy[i:]).Sub(s)).Store(dx[i:])
		}
		if i < dim {
			v := loadPart(y[i:])
			d := loadPart(dy[i:])
			v.Mul(d.Sub(s)).StorePart(dx[i:])
		}
		clearUpper()
	}
	return true
}
