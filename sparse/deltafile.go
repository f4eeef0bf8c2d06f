package sparse

import (
	"fmt"

	"haguruma/core/tensorfile"
)

// packDelta returns what a file holds of the delta: codes where some mask is open and the scales of all rows, of tensors of two or more
// dimensions, and numbers where some mask is open of the others.
func (e *Experts) packDelta() (codes []int8, scales, values []float32) {
	isOpen := e.UnionMask().Open
	for part, t := range e.Tensors {
		p := &e.Delta.parts[part]
		if len(t.Shape) < 2 {
			for i, v := range p.values {
				if isOpen(t.Start + i) {
					values = append(values, v)
				}
			}
			continue
		}
		rows, cols := t.rowsCols()
		code, row := make([]int8, cols), make([]float32, cols)
		for r := range rows {
			start := t.Start + r*cols
			if p.codes != nil {
				copy(code, p.codes[r*cols:])
				scales = append(scales, p.scales[r])
			} else {
				for i := range row {
					row[i] = 0
					if isOpen(start + i) {
						row[i] = p.values[r*cols+i]
					}
				}
				scales = append(scales, quantizeDelta(code, row, deltaMax))
			}
			for i, c := range code {
				if isOpen(start + i) {
					codes = append(codes, c)
				}
			}
		}
	}
	return codes, scales, values
}

// readDelta reads what packDelta returned. Codes stay codes.
func (e *Experts) readDelta(f *tensorfile.File, n int) error {
	all := union(n, e.Masks)
	wantCodes, wantScales, wantValues := 0, 0, 0
	for _, t := range e.Tensors {
		count := all.Count(t.Start, t.Start+t.Len())
		if len(t.Shape) < 2 {
			wantValues += count
			continue
		}
		wantCodes += count
		wantScales += t.Shape[0]
	}
	t, ok := f.Tensor(deltaCodes)
	if !ok {
		return fmt.Errorf("sparse: tensor %q: want %d codes, have none: %w", deltaCodes, wantCodes, ErrFormat)
	}
	if t.DType != tensorfile.I8 || len(t.Data) != wantCodes {
		return fmt.Errorf("sparse: tensor %q: want %d codes of %s, one for each scalar of a matrix that a mask opens, have %d bytes of %s: %w",
			deltaCodes, wantCodes, tensorfile.I8, len(t.Data), t.DType, ErrFormat)
	}
	scales, err := readFloats(f, deltaScales, wantScales)
	if err != nil {
		return err
	}
	values, err := readFloats(f, deltaValues, wantValues)
	if err != nil {
		return err
	}
	e.Delta = &Delta{tensors: e.Tensors, parts: make([]deltaPart, len(e.Tensors))}
	codes := t.Data
	for part, t := range e.Tensors {
		p := &e.Delta.parts[part]
		if len(t.Shape) < 2 {
			p.values = make([]float32, t.Len())
			for i := range p.values {
				if all.Open(t.Start + i) {
					p.values[i], values = values[0], values[1:]
				}
			}
			continue
		}
		p.codes, p.scales = make([]int8, t.Len()), scales[:t.Shape[0]:t.Shape[0]]
		scales = scales[t.Shape[0]:]
		for i := range p.codes {
			if all.Open(t.Start + i) {
				p.codes[i], codes = int8(codes[0]), codes[1:]
			}
		}
	}
	return nil
}
