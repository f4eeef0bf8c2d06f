package vit

import (
	_ "embed"
	"encoding/json"
	"math"
	"slices"
	"testing"
)

// positionCases are grids resized by torch, written by testdata/positions.py.
//
//go:embed testdata/positions.json
var positionCases []byte

// TestResizePositions: every rule gives what torch gives for the call that its projects make, and the zero rule is what
// Forward does by itself.
func TestResizePositions(t *testing.T) {
	var cases []struct {
		Rule    string
		In, Out int
		Values  []float64
	}
	if err := json.Unmarshal(positionCases, &cases); err != nil || len(cases) < 18 {
		t.Fatalf("%d cases: %v", len(cases), err)
	}
	rules := map[string]PositionRule{"plain": {}, "offset": {Offset: 0.1}, "antialias": {Antialias: true}}
	for _, want := range cases {
		rule, ok := rules[want.Rule]
		if !ok {
			t.Fatalf("no rule %q", want.Rule)
		}
		c := Config{ImageSize: 2 * want.In, PatchSize: 2, Dim: 2, Depth: 1, Heads: 1, MLPDim: 1, Pool: PoolClass, Eps: 1e-6, Mean: half, Std: half}
		p := randomParams[float64](c, 1)
		for i := range want.In {
			for j := range want.In {
				v := float64((i*7+j*3+i*j)%11-5) / 4
				at := (1 + i*want.In + j) * c.Dim
				p.net.pos[at], p.net.pos[at+1] = v, -2*v
			}
		}
		q := p.ResizePositions(2*want.Out, rule)
		if q.Config.ImageSize != 2*want.Out || q.Config.Check() != nil {
			t.Errorf("%s: config %s", want.Rule, q.Config.json())
		}
		if !slices.Equal(q.net.pos[:c.Dim], p.net.pos[:c.Dim]) || !slices.Equal(q.net.norm.Gain, p.net.norm.Gain) || !slices.Equal(q.net.cls, p.net.cls) {
			t.Errorf("%s: more than the grid has changed", want.Rule)
		}
		if len(want.Values) != want.Out*want.Out {
			t.Fatalf("%s: %d values for %d", want.Rule, len(want.Values), want.Out)
		}
		worst := 0.0
		for i, v := range want.Values {
			have := q.net.pos[(1+i)*c.Dim:]
			worst = max(worst, math.Abs(have[0]-v), math.Abs(have[1]+2*v)/2)
		}
		if !(worst <= 1e-7) {
			t.Errorf("%s, %d to %d: off by %v", want.Rule, want.In, want.Out, worst)
		}
		if want.Rule == "plain" {
			images := randomSlice[float64](3*4*want.Out*want.Out, 2)
			there, here := make([]float64, c.Dim), make([]float64, c.Dim)
			NewModel(p).Forward(there, images, 1, 2*want.Out, nil)
			NewModel(q).Forward(here, images, 1, 2*want.Out, nil)
			for i := range here {
				if !(math.Abs(here[i]-there[i]) <= 1e-9) {
					t.Errorf("%d to %d: Forward resizes otherwise: %v and %v", want.In, want.Out, there[i], here[i])
				}
			}
		}
	}
}
