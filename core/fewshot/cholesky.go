package fewshot

import "math"

// cholesky overwrites the lower triangle of a (n, n), symmetric and positive definite, by L with L Lᵀ = a. It reads no more than that
// triangle and reports false when a is not positive definite in float64. Products are rounded, so that every machine gives the same bits.
func cholesky(a []float64, n int) bool {
	for i := range n {
		row := a[i*n : i*n+i+1]
		for j := range i {
			other := a[j*n : j*n+j+1]
			row[j] = (row[j] - dot(other[:j], row)) / other[j]
		}
		d := row[i] - dot(row[:i], row)
		if !(d > 0) || math.IsInf(d, 1) {
			return false
		}
		row[i] = math.Sqrt(d)
	}
	return true
}

// invertCholesky overwrites the factor l (n, n) of [cholesky] by the inverse of what was factored, both triangles.
func invertCholesky(l []float64, n int) {
	// L⁻¹ in place, transposed into the upper triangle so that every inner loop runs along a row: u[j][i] = (L⁻¹)[i][j], i >= j.
	for j := range n {
		l[j*n+j] = 1 / l[j*n+j]
	}
	for j := range n {
		up := l[j*n : (j+1)*n]
		for i := j + 1; i < n; i++ {
			sum := float64(l[i*n+j] * up[j])
			for k := j + 1; k < i; k++ {
				sum += float64(l[i*n+k] * up[k])
			}
			up[i] = -float64(sum * l[i*n+i])
		}
	}
	// a⁻¹ = L⁻ᵀ L⁻¹: entry (i, j) is the product of rows i and j of u from max(i, j) on.
	for i := range n {
		for j := range i + 1 {
			l[i*n+j] = dot(l[i*n+i:(i+1)*n], l[j*n+i:(j+1)*n])
		}
	}
	for i := range n {
		for j := range i {
			l[j*n+i] = l[i*n+j]
		}
	}
}

// solveLower overwrites x (n, columns) by L⁻¹ x, L the factor of [cholesky].
func solveLower(x, l []float64, n, columns int) {
	for i := range n {
		row := x[i*columns : (i+1)*columns]
		for k := range i {
			subtract(row, l[i*n+k], x[k*columns:(k+1)*columns])
		}
		for j := range row {
			row[j] /= l[i*n+i]
		}
	}
}

// solveUpper overwrites x (n, columns) by L⁻ᵀ x.
func solveUpper(x, l []float64, n, columns int) {
	for i := n - 1; i >= 0; i-- {
		row := x[i*columns : (i+1)*columns]
		for j := range row {
			row[j] /= l[i*n+i]
		}
		for k := range i {
			subtract(x[k*columns:(k+1)*columns], l[i*n+k], row)
		}
	}
}

// subtract is y -= a x.
func subtract(y []float64, a float64, x []float64) {
	for i, v := range x {
		y[i] -= float64(a * v)
	}
}
