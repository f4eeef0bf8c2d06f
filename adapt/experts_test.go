package adapt

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"haguruma/core/picture"
	"haguruma/core/vit"
	"haguruma/sparse"
)

// colorExperts swaps colors: with a first score of 1 the embedding of (r,g,b) is (g,b,r), counted. The scores are 1 and 0 while the mean of
// the first class has more red than anything else, else 0 and 1.
type colorExperts struct {
	routed, merged, embedded int
	fail                     error
	broken                   bool
}

func (x *colorExperts) Len() int { return 2 }

func (x *colorExperts) Route(scores, prototypes []float32, way int) {
	x.routed++
	scores[0], scores[1] = 0, 1
	if prototypes[0] > max(prototypes[1], prototypes[2]) {
		scores[0], scores[1] = 1, 0
	}
}

func (x *colorExperts) Merge(scores []float32) Embedder {
	x.merged++
	return &turnedEye{x, scores[0] == 1}
}

func (x *colorExperts) Shares(scores []float32) (all sparse.Share, parts, kinds []sparse.Share) {
	return sparse.Share{Name: "all", Changed: 1 + int(scores[1]), Total: 4}, nil, nil
}

type turnedEye struct {
	of   *colorExperts
	turn bool
}

func (e *turnedEye) Dim() int                                     { return 3 }
func (e *turnedEye) Reduce(pic *picture.Picture) *picture.Picture { return pic }

func (e *turnedEye) Embed(pic *picture.Picture) ([]float32, error) {
	e.of.embedded++
	r, g, b := float32(pic.Pix[0]), float32(pic.Pix[1]), float32(pic.Pix[2])
	switch {
	case e.of.fail != nil:
		return nil, e.of.fail
	case e.of.broken:
		return []float32{r, g, float32(math.NaN())}, nil
	case e.turn:
		return []float32{g, b, r}, nil
	}
	return []float32{b, r, g}, nil
}

// TestExpertsByHand: the class means go to the router as they are, the support is embedded again by the merged weights, and so are queries.
func TestExpertsByHand(t *testing.T) {
	f, x := newFixture(t), &colorExperts{}
	check(t, learnAll(f.Task))
	before := must(f.Classify(pixel(0, 3, 4)))
	f.SetExperts(x)
	if !f.Stale() || f.Choice() != nil || !slices.Equal(must(f.Classify(pixel(0, 3, 4))), before) || x.embedded != 0 {
		t.Fatal("experts are in use before Adapt")
	}
	check(t, learnAll(f.Task))
	// Red's mean is (160,80,0): experts (1,0), so the support is (0,0,200), (160,0,120) and (50,0,0), and the query (0,3,4) is (3,4,0).
	if c := f.Choice(); c == nil || !slices.Equal(c.Scores, []float32{1, 0}) || c.All.Changed != 1 || x.routed != 1 || x.merged != 1 || x.embedded != 3 {
		t.Fatalf("choice %+v, %+v", f.Choice(), x)
	}
	scores := must(f.Classify(pixel(0, 3, 4)))
	red := 80 * 3 / (math.Sqrt(80*80+160*160) * 5)
	if !near(scores[0].Cosine, red) || !near(scores[1].Cosine, 0.6) || scores[0].Nearest != 2 || !near(scores[0].NearestCosine, 0.48) {
		t.Errorf("have %+v, want cosines %v and 0.6", scores, red)
	}
	if f.Merged() == f.embedder {
		t.Error("Merged is the embedder without experts")
	}

	// Off and on again take effect at once: nothing is routed, merged or embedded but the query.
	f.UseExperts(false)
	if got := must(f.Classify(pixel(0, 3, 4))); !slices.Equal(got, before) || f.Choice() != nil || f.Stale() {
		t.Errorf("off: %+v, want %+v", got, before)
	}
	f.UseExperts(true)
	if got := must(f.Classify(pixel(0, 3, 4))); !slices.Equal(got, scores) || f.Stale() || x.merged != 1 {
		t.Errorf("on: %+v, want %+v", got, scores)
	}

	// Off while adapting: on needs an Adapt.
	f.UseExperts(false)
	check(t, learnAll(f.Task))
	f.UseExperts(true)
	if f.Choice() != nil || !f.Stale() || x.routed != 1 {
		t.Error("on without a merged copy")
	}
	check(t, learnAll(f.Task))
	if got := must(f.Classify(pixel(0, 3, 4))); !slices.Equal(got, scores) || f.Stale() {
		t.Errorf("adapted again: %+v, want %+v", got, scores)
	}
}

// TestExpertsAreReused: equal scores share one merge and the embeddings that it made; other scores make a new one.
func TestExpertsAreReused(t *testing.T) {
	f, x := newFixture(t), &colorExperts{}
	f.SetExperts(x)
	check(t, learnAll(f.Task))
	must(f.AddExample(f.green, pixel(0, 60, 5)))
	check(t, f.Relabel(1, f.green))
	check(t, f.Relabel(1, f.red))
	check(t, learnAll(f.Task))
	if x.routed != 2 || x.merged != 1 || x.embedded != 4 {
		t.Fatalf("%+v, want 2 routes, 1 merge, 4 embeddings", x)
	}
	if f.eye.calls != 4 {
		t.Errorf("the backbone alone embedded %d pictures, want 4", f.eye.calls)
	}
	must(f.AddExample(f.red, pixel(0, 0, 255)))
	must(f.AddExample(f.red, pixel(0, 0, 255)))
	check(t, learnAll(f.Task))
	if c := f.Choice(); !slices.Equal(c.Scores, []float32{0, 1}) || x.merged != 2 || x.embedded != 12 { // 6 for the new one, and 2 for what the old one says of what it has not seen
		t.Errorf("%+v, %+v, want other scores, 2 merges, 12 embeddings", c, x)
	}
	check(t, f.RemoveClass(f.green)) // fewer than two are left
	if f.Choice() != nil {
		t.Error("a choice without an adaptation")
	}
	blue := must(f.AddClass("blue"))
	must(f.AddExample(blue, pixel(1, 2, 30)))
	check(t, learnAll(f.Task))
	yellow := must(f.AddClass("yellow"))
	must(f.AddExample(yellow, pixel(100, 99, 0)))
	check(t, learnAll(f.Task))
	want := must(f.ClassifyEmbedding([]float32{1, 2, 3}))
	check(t, f.RemoveClass(blue))
	got := must(f.ClassifyEmbedding([]float32{1, 2, 3}))
	if len(got) != 2 || got[0].Cosine != want[0].Cosine || got[1].Cosine != want[2].Cosine {
		t.Errorf("without a class: %+v, before %+v", got, want)
	}
}

// TestExpertsThatFail: an Adapt that fails leaves the adaptation in use, with and without experts.
func TestExpertsThatFail(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		spoil func(f fixture, x *colorExperts)
		want  error
	}{
		"embedder":   {func(f fixture, x *colorExperts) { x.fail = broken }, broken},
		"not finite": {func(f fixture, x *colorExperts) { x.broken = true }, ErrBadEmbedding},
		"no picture": {func(f fixture, x *colorExperts) { must(f.AddEmbedding(f.red, []float32{0, 0, 900}, nil)) }, ErrNoPicture},
	} {
		for _, adapted := range []bool{false, true} {
			f, x := newFixture(t), &colorExperts{}
			if adapted {
				f.SetExperts(x)
			}
			check(t, learnAll(f.Task))
			f.SetExperts(x)
			must(f.AddExample(f.red, pixel(0, 0, 250)))
			must(f.AddExample(f.red, pixel(0, 0, 250)))
			c.spoil(f, x)
			before := see(f.Task)
			err := learnAll(f.Task)
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
			if after := see(f.Task); !reflect.DeepEqual(before, after) || (f.Choice() != nil) != adapted {
				t.Errorf("%s: before %+v\nafter %+v", name, before, after)
			}
		}
	}
}

// TestBackboneExperts: a task on a real backbone, with experts drawn at random: the task's answers are those of the merged model, and the
// picture that the task keeps is embedded as the whole picture is.
func TestBackboneExperts(t *testing.T) {
	half := [3]float32{0.5, 0.5, 0.5}
	p := vit.NewParams[float32](vit.Config{ImageSize: 16, PatchSize: 4, Dim: 16, Depth: 2, Heads: 2, MLPDim: 32, Pool: vit.PoolMean, Eps: 1e-6, Mean: half, Std: half})
	rng := rand.New(rand.NewPCG(1, 2))
	p.Init(rng)
	base := vit.NewInt8(p)
	e := sparse.RandomExperts(sparse.BackboneTensors(p), 3, 0.2, 0.05, base.Config().Dim, rng)
	e.Backbone = "aa"

	b := NewBackbone(base)
	if _, err := b.Experts(e, "bb"); !errors.Is(err, sparse.ErrBackbone) {
		t.Errorf("experts of another bundle: %v", err)
	}
	x, err := b.Experts(e, "aa")
	check(t, err)
	noise := func() *picture.Picture {
		pic := &picture.Picture{Width: 31, Height: 20, Pix: make([]uint8, 3*31*20)}
		for i := range pic.Pix {
			pic.Pix[i] = uint8(rng.IntN(256))
		}
		return pic
	}
	task := NewTask(b)
	task.SetExperts(x)
	for _, name := range []string{"a", "b"} {
		id := must(task.AddClass(name))
		for range 3 {
			must(task.AddExample(id, noise()))
		}
	}
	check(t, learnAll(task))
	choice := task.Choice()
	if len(choice.Scores) != 3 || choice.All.Changed == 0 || choice.All.Changed >= choice.All.Total || len(choice.Parts) == 0 || len(choice.Kinds) == 0 {
		t.Errorf("choice %+v", choice)
	}
	query := noise()
	merged := NewBackbone(e.MergeInt8(base, choice.Scores))
	want := slices.Clone(must(merged.Embed(query)))
	if got := must(task.Merged().Embed(query)); !slices.Equal(got, want) || slices.Equal(want, must(b.Embed(query))) {
		t.Error("the task does not embed as the merged model does")
	}
	if !slices.Equal(must(merged.Embed(merged.Reduce(query))), want) {
		t.Error("the reduced picture has another embedding")
	}
	if !slices.Equal(must(task.Classify(query)), must(task.ClassifyEmbedding(want))) {
		t.Error("Classify and ClassifyEmbedding differ")
	}
}
