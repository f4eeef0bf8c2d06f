package kernel

// AddBias adds a bias to every row: y[r][j] += bias[j]. y is (rows, dim), bias is (dim).
func AddBias[F Float](y, bias []F, rows, dim int) {
	dims(rows, dim, 0, "kernel: AddBias: negative dimension")
	need(y, rows*dim, "kernel: AddBias: insufficient length of y")
	need(bias, dim, "kernel: AddBias: insufficient length of bias")
	for r := range rows {
		Add(y[r*dim:(r+1)*dim], bias[:dim])
	}
}

// SumRows is the backward of AddBias: dBias[j] += sum over r of dy[r][j], rows in ascending order. dy is (rows, dim), dBias is (dim).
func SumRows[F Float](dBias, dy []F, rows, dim int) {
	dims(rows, dim, 0, "kernel: SumRows: negative dimension")
	need(dBias, dim, "kernel: SumRows: insufficient length of dBias")
	need(dy, rows*dim, "kernel: SumRows: insufficient length of dy")
	if is32[F]() && sumRows32(as32(dBias[:dim]), as32(dy), rows) {
		return
	}
	for r := range rows {
		addGeneric(dBias[:dim], dy[r*dim:(r+1)*dim])
	}
}
