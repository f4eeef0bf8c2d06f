package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"haguruma/sparse"
	"haguruma/sparse/metatune"
)

// anatomy is what inspect says of a file of experts beside its tensors.
type anatomy struct {
	*metatune.Anatomy
	Backbone string               `json:"backbone"` // sha256 of the bundle; empty: the file does not say
	Parts    []metatune.FilePart  `json:"parts"`
	Routing  *metatune.SetRouting `json:"routing,omitempty"`
	Plots    []string             `json:"plots,omitempty"`
}

// isExperts tells files of experts from others.
func isExperts(f *modelFile) bool { return f.file.Metadata["format"] == sparse.ExpertsFormat }

// newAnatomy takes a file of experts apart; suite is a suite.json, or empty.
func newAnatomy(f *modelFile, suite, plots string) (*anatomy, error) {
	e, err := sparse.OpenExperts(f.file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	a := &anatomy{Anatomy: metatune.NewAnatomy(e), Backbone: e.Backbone}
	if a.Parts, err = metatune.FileParts(f.file); err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	if suite != "" {
		s, err := metatune.ReadSuite(suite)
		if err != nil {
			return nil, err
		}
		if a.Routing, err = s.RoutingOf(f.hash, len(e.Masks)); err != nil {
			return nil, fmt.Errorf("%s: %w", suite, err)
		}
	}
	if plots != "" {
		if a.Plots, err = a.Plot(plots, a.Routing); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func (a *anatomy) print(out io.Writer, plots string) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "%d experts over %d weights; some expert opens %.2f%%; mean overlap of two %.3f\n", len(a.Density), a.Scalars, 100*a.Union, a.MeanOverlap)
	backbone := a.Backbone
	if backbone == "" {
		backbone = "not named"
	}
	fmt.Fprintf(out, "backbone: %s\n", printable(backbone))
	rounding := "scores are not rounded"
	if a.Steps > 0 {
		rounding = fmt.Sprintf("scores are multiples of 1/%d", a.Steps)
	}
	if r := a.Router; r != nil {
		fmt.Fprintf(out, "router: reads %d numbers of each class by %d heads, MLP %d, %d skill tokens, task read from %s; temperature %g; %s\n",
			r.Dim, r.Heads, r.MLPDim, r.Tokens, r.Read, a.Temperature, rounding)
	} else {
		fmt.Fprintf(out, "router: none, all experts alike; %s\n", rounding)
	}

	columns := make([]string, len(a.Density))
	for m := range columns {
		columns[m] = fmt.Sprint(m)
	}
	fmt.Fprintf(out, "\ndensity in per cent, mean and standard deviation over the experts, what some expert opens, and each expert\n")
	fmt.Fprintf(w, "\tweights\tmean\tsd\tsome\t%s\t\n", strings.Join(columns, "\t"))
	row := func(name string, p metatune.PartDensity) {
		fmt.Fprintf(w, "%s\t%d\t%.2f\t%.2f\t%.2f\t%s\t\n", printable(name), p.Scalars, 100*p.Mean, 100*p.Deviation, 100*p.Union, numbers("%.2f", 100, p.Density))
	}
	for _, p := range a.Kinds {
		row(p.Kind, p)
	}
	for _, p := range a.Blocks {
		row(fmt.Sprintf("block %d", *p.Block), p)
	}
	row("all", a.PartDensity)
	w.Flush()

	if len(a.Density) > 1 {
		fmt.Fprintf(out, "\noverlap of two experts: weights open in both of those open in either\n")
		fmt.Fprintf(w, "\t%s\t\n", strings.Join(columns, "\t"))
		for m, overlap := range a.Overlap {
			fmt.Fprintf(w, "%d\t%s\t\n", m, numbers("%.3f", 1, overlap))
		}
		w.Flush()
	}
	if r := a.Routing; r != nil {
		fmt.Fprintf(out, "\nmean score of each expert on each set, measured as %s; entropy %.2f nats of the mean over the sets, %.2f on a set\n", printable(r.Method), r.EntropyOfMean, r.MeanEntropy)
		fmt.Fprintf(w, "\t%s\t\n", strings.Join(columns, "\t"))
		for i, set := range r.Sets {
			fmt.Fprintf(w, "%s\t%s\t\n", printable(set), numbers("%.3f", 1, r.Scores[i]))
		}
		w.Flush()
	}
	fmt.Fprintf(out, "\nbytes, unpacked and each part packed alone\n")
	for _, p := range a.Parts {
		fmt.Fprintf(w, "%s\t%d\t%d\t\n", p.Name, p.Bytes, p.Packed)
	}
	w.Flush()
	for _, name := range a.Plots {
		fmt.Fprintf(out, "drawn: %s/%s\n", plots, name)
	}
	return nil
}

func numbers(format string, times float64, values []float64) string {
	var cells []string
	for _, v := range values {
		cells = append(cells, fmt.Sprintf(format, times*v))
	}
	return strings.Join(cells, "\t")
}
