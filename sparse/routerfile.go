package sparse

import (
	"fmt"

	"haguruma/core/tensorfile"
)

// scaleSuffix is what the scales of a matrix of the router in int8 are called, behind its name.
const scaleSuffix = "_scale"

// packRouter returns the router's tensors as a file has them: float32, or with RouterInt8 matrices in int8 with one scale a row.
func (e *Experts) packRouter() (tensors []tensorfile.Tensor) {
	for _, t := range e.Router.Tensors() {
		name, x := routerPrefix+t.Name, e.Router.Flat[t.Start:t.Start+t.Len()]
		if !e.RouterInt8 || len(t.Shape) < 2 {
			tensors = append(tensors, tensorfile.FromFloat32(name, t.Shape, x))
			continue
		}
		rows, cols := t.rowsCols()
		codes, scales := make([]int8, len(x)), make([]float32, rows)
		for r := range rows {
			scales[r] = quantizeDelta(codes[r*cols:(r+1)*cols], x[r*cols:(r+1)*cols], deltaMax)
		}
		tensors = append(tensors, tensorfile.FromInt8(name, t.Shape, codes), tensorfile.FromFloat32(name+scaleSuffix, []int{rows}, scales))
	}
	return tensors
}

// readRouter reads what packRouter returned and says of how many tensors.
func (e *Experts) readRouter(f *tensorfile.File, c RouterConfig) (count int, err error) {
	if err := c.Check(); err != nil {
		return 0, err
	}
	have := 0
	for i := range f.Tensors {
		have += len(f.Tensors[i].Data)
	}
	if c.Len() > have {
		return 0, fmt.Errorf("sparse: router of %d numbers in a file of %d bytes: %w", c.Len(), have, ErrFormat)
	}
	e.Router = NewRouter[float32](c)
	matrices := 0
	for _, t := range e.Router.Tensors() {
		name, to := routerPrefix+t.Name, e.Router.Flat[t.Start:t.Start+t.Len()]
		x, ok := f.Tensor(name)
		if len(t.Shape) >= 2 {
			matrices++
		}
		if !ok || x.DType != tensorfile.I8 || len(t.Shape) < 2 {
			if err := readInto(to, f, name); err != nil {
				return 0, err
			}
			count++
			continue
		}
		rows, cols := t.rowsCols()
		if len(x.Data) != len(to) {
			return 0, fmt.Errorf("sparse: tensor %q: want %d codes, have %d: %w", name, len(to), len(x.Data), ErrFormat)
		}
		scales, err := readFloats(f, name+scaleSuffix, rows)
		if err != nil {
			return 0, err
		}
		for i, c := range x.Data {
			to[i] = scales[i/cols] * float32(int8(c))
		}
		count += 2
	}
	switch packed := count - len(e.Router.Tensors()); packed {
	case 0:
	case matrices:
		e.RouterInt8 = true
	default:
		return 0, fmt.Errorf("sparse: router: want all of its %d matrices in %s or none, have %d: %w", matrices, tensorfile.I8, packed, ErrFormat)
	}
	return count, nil
}

func readInto(to []float32, f *tensorfile.File, name string) error {
	x, err := readFloats(f, name, len(to))
	copy(to, x)
	return err
}
