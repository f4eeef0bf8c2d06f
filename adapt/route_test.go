package adapt

import (
	"context"
	"errors"
	"slices"
	"testing"

	"haguruma/core/picture"
	"haguruma/sparse"
)

// freeColors have no router. Expert 1 alone keeps colors apart, expert 2 a little, 0 sees gray in everything.
type freeColors struct {
	colorExperts
	alone    [][]float32
	embedded int
}

func (x *freeColors) Len() int { return 3 }
func (x *freeColors) Free() *sparse.FreeRouter {
	return &sparse.FreeRouter{Balance: 0.5, Sharpness: 5.5, Top: 2}
}
func (x *freeColors) Route(_, _ []float32, _ int) { panic("Route of experts without a router") }
func (x *freeColors) Merge(scores []float32) Embedder {
	x.alone = append(x.alone, slices.Clone(scores))
	return &mixedEye{x, scores[1] + 0.2*scores[2]}
}

// mixedEye sees a share of the color and gray for the rest.
type mixedEye struct {
	of    *freeColors
	share float32
}

func (e *mixedEye) Dim() int                                     { return 3 }
func (e *mixedEye) Reduce(pic *picture.Picture) *picture.Picture { return pic }
func (e *mixedEye) Embed(pic *picture.Picture) ([]float32, error) {
	e.of.embedded++
	out := make([]float32, 3)
	for c := range out {
		out[c] = e.share*float32(pic.Pix[c]) + (1-e.share)*100
	}
	return out, nil
}

// TestFreeRoute: experts without a router are taken by how well each alone tells the examples apart, rounded, and the result is merged.
func TestFreeRoute(t *testing.T) {
	f, x := newFixture(t), &freeColors{}
	f.SetExperts(x)
	var told []Progress
	if _, err := f.Adapt(context.Background(), Options{Progress: func(p Progress) { told = append(told, p) }}); err != nil {
		t.Fatal(err)
	}
	scores := f.Choice().Scores
	if scores[0] != 0 || !(scores[1] > scores[2] && scores[2] > 0) || scores[1]+scores[2] != 1 || scores[1]*16 != float32(int(scores[1]*16)) {
		t.Errorf("scores %v: want none of the first, most of the second, in sixteenths", scores)
	}
	if len(x.alone) != 4 || !slices.Equal(x.alone[2], []float32{0, 0, 1}) || !slices.Equal(x.alone[3], scores) {
		t.Errorf("merged at %v, want each alone and then %v", x.alone, scores)
	}
	// Three experts, three examples of one pixel, which has a mirrored view and no middle; then the examples by the merged weights.
	if x.embedded != 3*3*2+3 {
		t.Errorf("embedded %d times", x.embedded)
	}
	if i := slices.IndexFunc(told, func(p Progress) bool { return p.Step == StepRoute && p.Done == 8 && p.Total == 9 }); i < 0 {
		t.Errorf("progress %v: want nine pieces of routing", told)
	}

	// Stopped in the middle, nothing has changed.
	stop := errors.New("enough")
	g, y := newFixture(t), &freeColors{}
	g.SetExperts(y)
	if _, err := g.Adapt(&countdown{4, stop}, Options{}); !errors.Is(err, stop) || g.Adapted() {
		t.Errorf("stopped: %v, adapted %v", err, g.Adapted())
	}
}

func TestFreeViews(t *testing.T) {
	p := &picture.Picture{Width: 8, Height: 4, Pix: make([]uint8, 8*4*3)}
	for i := range p.Pix {
		p.Pix[i] = uint8(i)
	}
	v := freeViews(p)
	if len(v) != 2 || v[0].Pix[0] != p.Pix[7*3] || v[0].Pix[4*8*3-1] != p.Pix[(3*8)*3+2] || v[1].Width != 6 || v[1].Height != 3 || v[1].Pix[0] != p.Pix[3] {
		t.Errorf("views %+v", v)
	}
}

// countdown says err from the n-th question on.
type countdown struct {
	n   int
	err error
}

func (c *countdown) Err() error {
	if c.n--; c.n <= 0 {
		return c.err
	}
	return nil
}
