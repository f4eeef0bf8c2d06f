package metatune

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPlotTradeoff: lines for numbers of experts with two densities, of differences from the baseline; nothing where there is nothing to compare.
func TestPlotTradeoff(t *testing.T) {
	s := madeSuite()
	s.Methods = append(s.Methods, SuiteMethod{"sparser", "3"})
	for _, set := range []string{"x", "y", "z"} {
		s.Cells = append(s.Cells, &Cell{Method: "sparser", Set: set, Setting: Setting{5, 1}, Ways: 5, Hits: []int{3, 3, 3, 3}, Queries: []int{10}})
	}
	r, err := s.Report(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	methods := []Method{{Name: "base"}, {Name: "ours", Shape: &Shape{4, 0.1}}, {Name: "sparser", Shape: &Shape{4, 0.05}}}
	files, err := r.PlotTradeoff(folder, methods)
	if err != nil || !slices.Equal(files, []string{"tradeoff-5x1.svg"}) {
		t.Fatalf("%v, %v", files, err)
	}
	drawn, err := os.ReadFile(filepath.Join(folder, files[0]))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"in-distribution, M = 4", "out-of-distribution, M = 4", "industrial, M = 4", "points above base", "sparsity of an expert"} {
		if !strings.Contains(string(drawn), want) {
			t.Errorf("no %q in the drawing", want)
		}
	}
	methods[2].Shape.Experts = 8
	if files, err = r.PlotTradeoff(folder, methods); err != nil || files != nil {
		t.Errorf("one of each number: %v, %v", files, err)
	}
}
