package metatune

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"

	"haguruma/core/tensorfile"
)

// heatMap is a table drawn in colour with its numbers in it.
type heatMap struct {
	title, over, beside string      // labels of the columns and of the rows
	rows, columns       []string    // names, the first row on top
	values              [][]float64 // (rows, columns); NaN is left white
	most                float64     // value of the darkest colour; 0: the largest
}

// Dims, X, Y and Z make it a plotter.GridXYZ. Rows count from below there.
func (h *heatMap) Dims() (c, r int)   { return len(h.columns), len(h.rows) }
func (h *heatMap) X(c int) float64    { return float64(c) }
func (h *heatMap) Y(r int) float64    { return float64(r) }
func (h *heatMap) Z(c, r int) float64 { return h.values[len(h.rows)-1-r][c] }
func (h *heatMap) Colors() []color.Color {
	// From white to the blue of Okabe and Ito: light and dark are told apart without colour too.
	const steps = 64
	shades := make([]color.Color, steps)
	mix := func(to uint8, share float64) uint8 { return uint8(255 - share*(255-float64(to))) }
	for i := range shades {
		share := float64(i) / (steps - 1)
		shades[i] = color.RGBA{mix(0, share), mix(84, share), mix(148, share), 255}
	}
	return shades
}

func (h *heatMap) largest() float64 {
	most := h.most
	for _, row := range h.values {
		for _, v := range row {
			if h.most == 0 && v > most {
				most = v
			}
		}
	}
	if most <= 0 {
		return 1
	}
	return most
}

// draw writes the map as SVG.
func (h *heatMap) draw(path string) error {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = h.title, h.over, h.beside
	most := h.largest()
	cells := plotter.NewHeatMap(h, h)
	cells.Min, cells.Max, cells.NaN = 0, most, color.White
	cells.Overflow = h.Colors()[len(h.Colors())-1]
	p.Add(cells)
	labels := &plotter.Labels{}
	for r := range h.rows {
		for c := range h.columns {
			v := h.Z(c, r)
			if math.IsNaN(v) {
				continue
			}
			shade := color.Color(color.Black)
			if v > 0.6*most {
				shade = color.White
			}
			labels.XYs = append(labels.XYs, plotter.XY{X: float64(c), Y: float64(r)})
			labels.Labels = append(labels.Labels, fmt.Sprintf("%.2f", v))
			labels.TextStyle = append(labels.TextStyle, text.Style{
				Color: shade, Font: font.From(plotter.DefaultFont, 8), XAlign: text.XCenter, YAlign: text.YCenter, Handler: plot.DefaultTextHandler,
			})
		}
	}
	p.Add(labels)
	below := make([]string, len(h.rows))
	wide, long := 0, 0
	for r, name := range h.rows {
		below[len(h.rows)-1-r] = spaced(name)
		wide = max(wide, len(name))
	}
	for _, name := range h.columns {
		long = max(long, len(name))
	}
	p.NominalY(below...)
	p.NominalX(spacedIfLong(h.columns, long)...)
	height := 3 + 0.75*float64(len(h.rows))
	if long > longest {
		tiltColumns(p)
		height += 0.15 * float64(long)
	}
	width := 2.5 + 0.2*float64(wide) + 1.1*float64(len(h.columns))
	return saveDrawing(p, max(width, 9), height, path)
}

// longest is the name that fits under a column as it is; longer ones are tilted.
const longest = 3

// spaced is a name with room behind it for a viewer whose font is wider than the one that was measured with.
func spaced(name string) string { return name + strings.Repeat(" ", 1+len(name)/3) }

func spacedIfLong(names []string, long int) []string {
	if long <= longest {
		return names
	}
	var out []string
	for _, name := range names {
		out = append(out, spaced(name))
	}
	return out
}

// tiltColumns makes room for long names below a plot.
func tiltColumns(p *plot.Plot) {
	p.X.Tick.Label.Rotation = math.Pi / 4
	p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = text.XRight, text.YCenter
}

// saveDrawing writes a plot of so many centimetres as SVG, beside its place, and renames it.
func saveDrawing(p *plot.Plot, width, height float64, path string) error {
	drawing, err := p.WriterTo(vg.Length(width)*vg.Centimeter, vg.Length(height)*vg.Centimeter, "svg")
	if err != nil {
		return err
	}
	var svg bytes.Buffer
	if _, err := drawing.WriteTo(&svg); err != nil {
		return err
	}
	return tensorfile.WriteFile(path, svg.Bytes())
}
