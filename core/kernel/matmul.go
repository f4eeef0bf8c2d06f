package kernel

// MatmulNT writes C = A Bᵀ, or adds it when accumulate: c[i][j] = sum_p a[i][p] b[j][p]. A is (m, k), B is (n, k), C is (m, n).
// It is the forward of a linear layer, y = x Wᵀ.
func MatmulNT[F Float](c, a, b []F, m, n, k int, accumulate bool) {
	dims(m, n, k, "kernel: MatmulNT: negative dimension")
	need(c, m*n, "kernel: MatmulNT: insufficient length of c")
	need(a, m*k, "kernel: MatmulNT: insufficient length of a")
	need(b, n*k, "kernel: MatmulNT: insufficient length of b")
	if is32[F]() {
		matmul32(as32(c), as32(a), as32(b), m, n, k, formNT, accumulate)
		return
	}
	matmulNTGeneric(c, a, b, m, n, k, accumulate)
}

// MatmulNN writes C = A B, or adds it when accumulate: c[i][j] = sum_p a[i][p] b[p][j]. A is (m, k), B is (k, n), C is (m, n).
// It is the input gradient of a linear layer, dx = dy W.
func MatmulNN[F Float](c, a, b []F, m, n, k int, accumulate bool) {
	dims(m, n, k, "kernel: MatmulNN: negative dimension")
	need(c, m*n, "kernel: MatmulNN: insufficient length of c")
	need(a, m*k, "kernel: MatmulNN: insufficient length of a")
	need(b, k*n, "kernel: MatmulNN: insufficient length of b")
	if is32[F]() {
		matmul32(as32(c), as32(a), as32(b), m, n, k, formNN, accumulate)
		return
	}
	matmulNNGeneric(c, a, b, m, n, k, accumulate)
}

// MatmulTN writes C = Aᵀ B, or adds it when accumulate: c[i][j] = sum_p a[p][i] b[p][j]. A is (k, m), B is (k, n), C is (m, n).
// It is the weight gradient of a linear layer, dW = dyᵀ x.
func MatmulTN[F Float](c, a, b []F, m, n, k int, accumulate bool) {
	dims(m, n, k, "kernel: MatmulTN: negative dimension")
	need(c, m*n, "kernel: MatmulTN: insufficient length of c")
	need(a, k*m, "kernel: MatmulTN: insufficient length of a")
	need(b, k*n, "kernel: MatmulTN: insufficient length of b")
	if is32[F]() {
		matmul32(as32(c), as32(a), as32(b), m, n, k, formTN, accumulate)
		return
	}
	matmulTNGeneric(c, a, b, m, n, k, accumulate)
}

// form says which operand of a product is stored transposed.
type form int

const (
	formNT form = iota // A (m, k), B (n, k)
	formNN             // A (m, k), B (k, n)
	formTN             // A (k, m), B (k, n)
)
