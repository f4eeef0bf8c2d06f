package vit

import (
	"fmt"

	"haguruma/core/quant"
)

// Levels are few values for the weights of a backbone that NewInt8 would quantize, chosen row by row, so that its bundle is a small file: a
// quant.Grid for each of those tensors. Those with less than a hundredth of the weights, the first convolutions of a stem, are left as they are:
// they save next to nothing and decide what all others see. What is not quantized gets the precision of bfloat16.
type Levels struct {
	// Entropy is what the multiples take when packed as well as their shares allow, bits a weight.
	Entropy float64
	grids   map[string]*quant.Grid // by the name of the tensor
}

// FitLevels chooses them for p: levels values a weight, odd and 3 to 255, which take bits in the mean (quant.FitGrids). p is not kept and
// must have no LayerScale. Errors wrap ErrConfig.
func FitLevels(p *Params[float32], levels int, bits float64) (*Levels, error) {
	if levels < 3 || levels > 255 || levels%2 == 0 {
		return nil, fmt.Errorf("vit: levels: want an odd number from 3 to 255, have %d: %w", levels, ErrConfig)
	}
	if !(bits > 0) {
		return nil, fmt.Errorf("vit: bits of a weight: want > 0, have %g: %w", bits, ErrConfig)
	}
	if p.Config.LayerScale != 0 {
		return nil, fmt.Errorf("vit: levels: want LayerScale folded, have %g: %w", p.Config.LayerScale, ErrConfig)
	}
	var w [][]float32
	var rows, cols []int
	var names []string
	for i := range p.tensors {
		if t := &p.tensors[i]; t.quantized() && 100*len(t.Data) >= len(p.Flat) {
			r, c := t.matrixShape()
			w, rows, cols, names = append(w, t.Data), append(rows, r), append(cols, c), append(names, t.Name)
		}
	}
	grids, entropy := quant.FitGrids(w, rows, cols, levels/2, bits)
	l := &Levels{Entropy: entropy, grids: map[string]*quant.Grid{}}
	for i, g := range grids {
		l.grids[names[i]] = g
	}
	return l, nil
}

// Round writes p with the values of l to dst, which may be p.
func (l *Levels) Round(dst, p *Params[float32]) {
	for i := range p.tensors {
		from, to := &p.tensors[i], &dst.tensors[i]
		switch g := l.grids[from.Name]; {
		case g != nil:
			g.Round(to.Data, from.Data)
			continue
		case from.quantized():
			copy(to.Data, from.Data)
			continue
		}
		for j, v := range from.Data {
			to.Data[j] = quant.BFloat16(v)
		}
	}
}
