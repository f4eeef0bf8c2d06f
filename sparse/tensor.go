package sparse

// Tensor is a named part of a flat vector: its scalars are flat[Start : Start+Len()], row-major.
type Tensor struct {
	Name  string
	Shape []int
	Start int
}

// Len is the number of scalars.
func (t Tensor) Len() int {
	n := 1
	for _, s := range t.Shape {
		n *= s
	}
	return n
}

// rowsCols is the shape as a matrix (out, in): everything after the first dimension is in. A vector has one column.
func (t Tensor) rowsCols() (rows, cols int) {
	if len(t.Shape) == 0 {
		return 1, 1
	}
	rows = t.Shape[0]
	if rows == 0 {
		return 0, 0
	}
	return rows, t.Len() / rows
}

// scalars is the length of the flat vector that the tensors lie in.
func scalars(tensors []Tensor) int {
	n := 0
	for _, t := range tensors {
		n = max(n, t.Start+t.Len())
	}
	return n
}
