package metatune

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"haguruma/core/vit"
	"haguruma/sparse"
)

// openExperts are experts of a backbone whose mask m opens exactly what opens says.
func openExperts(t *testing.T, c vit.Config, opens ...func(name string, i, n int) bool) *sparse.Experts {
	t.Helper()
	tensors := sparse.BackboneTensors(vit.NewParams[float32](c))
	delta := make([]float32, len(vit.NewParams[float32](c).Flat))
	e := &sparse.Experts{Tensors: tensors, Delta: sparse.NewDelta(tensors, delta), Temperature: 1}
	for _, open := range opens {
		z := make([]float32, len(delta))
		for _, x := range tensors {
			for i := range x.Len() {
				if open(x.Name, i, x.Len()) {
					z[x.Start+i] = 1
				}
			}
		}
		e.Masks = append(e.Masks, sparse.NewMask(z))
	}
	return e
}

func near(x, y float64) bool { return math.Abs(x-y) < 1e-12 }

// TestAnatomy: masks that open known parts are found there and nowhere else.
func TestAnatomy(t *testing.T) {
	c := vit.Config{ImageSize: 16, PatchSize: 8, Dim: 16, Depth: 3, Heads: 2, MLPDim: 24, Pool: "cls", Eps: 1e-6, Std: [3]float32{1, 1, 1}, Registers: 1}
	e := openExperts(t, c,
		// the values of all blocks
		func(name string, i, n int) bool { return strings.Contains(name, ".attn.qkv.") && i >= 2*n/3 },
		// the first half of each tensor of block 1
		func(name string, i, n int) bool { return strings.HasPrefix(name, "blocks.1.") && i < n/2 },
	)
	a := NewAnatomy(e)
	n := len(vit.NewParams[float32](c).Flat)
	values, block := 3*16*17, 0
	for _, x := range e.Tensors {
		if strings.HasPrefix(x.Name, "blocks.1.") {
			block += x.Len()
		}
	}
	if a.Scalars != n || !near(a.Density[0], float64(values)/float64(n)) || !near(a.Density[1], float64(block/2)/float64(n)) {
		t.Fatalf("%d scalars, densities %v; want %d, %v", a.Scalars, a.Density, n, []float64{float64(values) / float64(n), float64(block/2) / float64(n)})
	}
	// The first half of block 1's qkv holds no value: the experts do not meet.
	if a.Overlap[0][1] != 0 || a.Overlap[1][0] != 0 || a.Overlap[1][1] != 1 || a.MeanOverlap != 0 || !near(a.Union, a.Density[0]+a.Density[1]) {
		t.Errorf("overlap %v, union %v", a.Overlap, a.Union)
	}
	var kinds []string
	total := 0
	for _, k := range a.Kinds {
		kinds = append(kinds, k.Kind)
		total += k.Scalars
		want := 0.0
		if k.Kind == "values" {
			want = 1
		}
		if k.Density[0] != want || !near(k.Mean, (k.Density[0]+k.Density[1])/2) || !near(k.Deviation, math.Abs(k.Density[0]-k.Density[1])/math.Sqrt2) {
			t.Errorf("%s: density %v, mean %v, deviation %v", k.Kind, k.Density, k.Mean, k.Deviation)
		}
	}
	if want := []string{"embeddings", "norms", "queries", "keys", "values", "attention output", "fc1", "fc2"}; !slices.Equal(kinds, want) || total != n {
		t.Errorf("kinds %q of %d scalars, want %q of %d", kinds, total, want, n)
	}
	// Of block 1's qkv all queries and half of the keys are in the first half, without the bias's.
	for i, b := range a.Blocks {
		if *b.Block != i || b.Scalars != block || (b.Density[1] != 0) != (i == 1) {
			t.Errorf("block %d: %+v", i, b)
		}
	}
	if len(a.Blocks) != 3 || len(a.Cells) != 3*7 || a.Router != nil {
		t.Errorf("%d blocks, %d cells, router %v", len(a.Blocks), len(a.Cells), a.Router)
	}
	for _, cell := range a.Cells {
		want := map[string]float64{"queries": 1, "keys": 0.5, "values": 0}
		if w, ok := want[cell.Kind]; ok && *cell.Block == 1 && cell.Density[1] != w {
			t.Errorf("%s of block 1: density %v, want %v", cell.Kind, cell.Density[1], w)
		}
	}

	folder := filepath.Join(t.TempDir(), "a", "plots")
	routing := &SetRouting{Method: "x", Sets: []string{"one", "two"}, Scores: [][]float64{{1, 0}, {0.25, 0.75}}}
	files, err := a.Plot(folder, routing)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"kinds.svg", "blocks.svg", "experts.svg", "cells.svg", "overlap.svg", "routing.svg"}; !slices.Equal(files, want) {
		t.Errorf("drawn: %q, want %q", files, want)
	}
	for file, words := range map[string][]string{
		"kinds.svg": {">attention output", ">fc2"}, "blocks.svg": {">block<", ">2<"}, "cells.svg": {">values", ">0.50<"}, "overlap.svg": {">0.00<"},
		"experts.svg": {">1.00<", ">embeddings"}, "routing.svg": {">two", ">0.75<", ">0.25<"},
	} {
		svg, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range words {
			if !strings.Contains(string(svg), word) {
				t.Errorf("%s: no %q in it", file, word)
			}
		}
	}
}

// TestAnatomyOfOthers: tensors of another network are kinds by their own names, and need no blocks.
func TestAnatomyOfOthers(t *testing.T) {
	tensors := []sparse.Tensor{{Name: "conv1.weight", Shape: []int{2, 3}}, {Name: "head", Shape: []int{4}, Start: 6}}
	e := &sparse.Experts{
		Tensors: tensors, Delta: sparse.NewDelta(tensors, make([]float32, 10)), Masks: []*sparse.Mask{sparse.NewMask([]float32{1, 1, 1, 0, 0, 0, 0, 0, 0, 1})},
	}
	a := NewAnatomy(e)
	if len(a.Kinds) != 2 || a.Kinds[0].Kind != "conv1.weight" || a.Kinds[0].Mean != 0.5 || a.Kinds[1].Density[0] != 0.25 || a.Kinds[1].Deviation != 0 || len(a.Blocks) != 0 {
		t.Errorf("have %+v", a)
	}
	files, err := a.Plot(t.TempDir(), nil)
	if err != nil || !slices.Equal(files, []string{"kinds.svg", "experts.svg"}) {
		t.Errorf("drawn: %q, %v", files, err)
	}
}

// TestRoutingOf: means over settings, entropies of the means.
func TestRoutingOf(t *testing.T) {
	s := &Suite{
		Sets:    []SuiteSet{{Name: "a"}, {Name: "b"}, {Name: "c"}},
		Methods: []SuiteMethod{{"bundle", "h"}, {"mix", expertsIdentity("f", "h")}},
		Cells: []*Cell{
			{Method: "bundle", Set: "a"}, {Method: "mix", Set: "a", Routing: &TaskRouting{Scores: []float64{1, 0}}},
			{Method: "mix", Set: "a", Setting: Setting{5, 1}, Routing: &TaskRouting{Scores: []float64{0, 1}}}, {Method: "mix", Set: "b", Routing: &TaskRouting{Scores: []float64{1, 0}}},
		},
	}
	r, err := s.RoutingOf("f", 2)
	if err != nil {
		t.Fatal(err)
	}
	want := -0.75*math.Log(0.75) - 0.25*math.Log(0.25)
	if r.Method != "mix" || !slices.Equal(r.Sets, []string{"a", "b"}) || !slices.Equal(r.Scores[0], []float64{0.5, 0.5}) || !slices.Equal(r.Scores[1], []float64{1, 0}) ||
		!near(r.EntropyOfMean, want) || !near(r.MeanEntropy, math.Ln2/2) {
		t.Errorf("have %+v", r)
	}
	if _, err := s.RoutingOf("h", 2); !errors.Is(err, ErrOtherSuite) {
		t.Errorf("a file that was not measured: %v", err)
	}
	if _, err := s.RoutingOf("f", 3); !errors.Is(err, ErrSuite) {
		t.Errorf("other experts: %v", err)
	}
}
