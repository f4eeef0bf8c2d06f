package metatune

import (
	"fmt"
	"math"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// Plot draws the anatomy into a folder, which it makes, and returns the names of the files: kinds.svg and blocks.svg (density, mean and
// standard deviation over the experts), experts.svg (density of each expert by kind), cells.svg (by kind and block), overlap.svg (of two
// experts) and, when routing is not nil, routing.svg (mean score of each expert on each set). What there is nothing of is left out.
func (a *Anatomy) Plot(folder string, routing *SetRouting) ([]string, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	experts := make([]string, len(a.Density))
	for m := range experts {
		experts[m] = fmt.Sprint(m)
	}
	var files []string
	put := func(name string, draw func(path string) error) error {
		files = append(files, name)
		return draw(filepath.Join(folder, name))
	}
	err := put("kinds.svg", func(path string) error {
		return drawParts(path, "Density by kind, mean over the experts", "", a.Kinds)
	})
	if err == nil && len(a.Blocks) > 0 {
		err = put("blocks.svg", func(path string) error {
			return drawParts(path, "Density by block, mean over the experts", "block", a.Blocks)
		})
	}
	if err == nil {
		h := &heatMap{title: "Density of each expert", beside: "expert", rows: experts}
		for _, k := range a.Kinds {
			h.columns = append(h.columns, k.Kind)
		}
		for m := range experts {
			row := make([]float64, len(a.Kinds))
			for i, k := range a.Kinds {
				row[i] = k.Density[m]
			}
			h.values = append(h.values, row)
		}
		err = put("experts.svg", h.draw)
	}
	if err == nil && len(a.Cells) > 0 {
		err = put("cells.svg", a.cells().draw)
	}
	if err == nil && len(experts) > 1 {
		h := &heatMap{title: "Overlap of two experts (Jaccard)", over: "expert", beside: "expert", rows: experts, columns: experts}
		for m, row := range a.Overlap {
			row = append([]float64(nil), row...)
			row[m] = math.NaN() // always 1
			h.values = append(h.values, row)
		}
		err = put("overlap.svg", h.draw)
	}
	if err == nil && routing != nil {
		h := &heatMap{title: "Mean score of each expert", over: "expert", rows: routing.Sets, columns: experts, values: routing.Scores, most: 1}
		err = put("routing.svg", h.draw)
	}
	return files, err
}

// cells is mean density by kind and block.
func (a *Anatomy) cells() *heatMap {
	h := &heatMap{title: "Mean density by kind and block", over: "block"}
	at := map[int]int{}
	for i, b := range a.Blocks {
		at[*b.Block] = i
		h.columns = append(h.columns, fmt.Sprint(*b.Block))
	}
	rows := map[string]int{}
	for _, c := range a.Cells {
		r, ok := rows[c.Kind]
		if !ok {
			r = len(h.rows)
			rows[c.Kind] = r
			h.rows = append(h.rows, c.Kind)
			row := make([]float64, len(h.columns))
			for i := range row {
				row[i] = math.NaN()
			}
			h.values = append(h.values, row)
		}
		h.values[r][at[*c.Block]] = c.Mean
	}
	return h
}

// partBars are the bars of drawParts with their deviations, as plotter wants them.
type partBars []PartDensity

func (b partBars) Len() int                         { return len(b) }
func (b partBars) Value(i int) float64              { return b[i].Mean }
func (b partBars) XY(i int) (x, y float64)          { return float64(i), b[i].Mean }
func (b partBars) YError(i int) (low, high float64) { return b[i].Deviation, b[i].Deviation }

// drawParts draws the mean density of parts as bars, with the standard deviation over the experts.
func drawParts(path, title, over string, parts []PartDensity) error {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text, p.Y.Min = title, over, "density", 0
	bars, err := plotter.NewBarChart(partBars(parts), vg.Points(18))
	if err != nil {
		return err
	}
	bars.Color, bars.LineStyle.Width = lineColors[0], 0
	deviation, err := plotter.NewYErrorBars(partBars(parts))
	if err != nil {
		return err
	}
	p.Add(bars, deviation)
	var names []string
	long := 0
	for _, part := range parts {
		name := part.Kind
		if part.Block != nil {
			name = fmt.Sprint(*part.Block)
		}
		long = max(long, len(name))
		names = append(names, name)
	}
	p.NominalX(spacedIfLong(names, long)...)
	width := 4 + 1.4*float64(len(parts))
	if long > longest {
		tiltColumns(p)
	}
	return saveDrawing(p, max(width, 9), 10, path)
}
