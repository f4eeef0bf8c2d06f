package metatune

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"

	"gonum.org/v1/plot/plotter"
)

// Shape is what experts cost: how many there are, and the mean share of the weights that one opens.
type Shape struct {
	Experts int
	Density float64
}

// PlotTradeoff draws, for each setting, the mean of each group against the sparsity of the experts, a line for each number of experts: points above the
// baseline where methods differ from one, else per cent. methods are those of the report that have a Shape; a drawing needs two of one number. It
// returns the names of the files in the folder, tradeoff-5x5.svg and the like.
func (r *SuiteReport) PlotTradeoff(folder string, methods []Method) (files []string, err error) {
	shapes := map[string]*Shape{}
	counts := map[int]int{}
	for _, m := range methods {
		if m.Shape != nil {
			shapes[m.Name] = m.Shape
			counts[m.Shape.Experts]++
		}
	}
	for _, at := range r.settings {
		lines, label := map[string]plotter.XYs{}, "per cent"
		for _, f := range r.Figures {
			shape := shapes[f.Method]
			if f.Group == "" || f.Setting != at || shape == nil || counts[shape.Experts] < 2 {
				continue
			}
			y := f.Accuracy.Mean
			if f.Difference != nil {
				y, label = f.Difference.Mean, "points above "+r.Baseline
			}
			name := fmt.Sprintf("%s, M = %d", f.Group, shape.Experts)
			lines[name] = append(lines[name], plotter.XY{X: 1 - shape.Density, Y: y})
		}
		if len(lines) == 0 {
			continue
		}
		for _, line := range lines {
			slices.SortFunc(line, func(a, b plotter.XY) int { return cmp.Compare(a.X, b.X) })
		}
		text, err := at.MarshalText()
		if err != nil {
			return files, err
		}
		files = append(files, "tradeoff-"+string(text)+".svg")
		if err := drawLinesOver(filepath.Join(folder, files[len(files)-1]), "Accuracy against sparsity, "+at.String(), "sparsity of an expert", label, lines); err != nil {
			return files, err
		}
	}
	return files, nil
}
