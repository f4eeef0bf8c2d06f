package metatune

import (
	"errors"
	"math"
	"path/filepath"
	"reflect"
	"runtime"
	"sync/atomic"
	"testing"

	"haguruma/core/fewshot"
	"haguruma/core/picture"
)

const (
	tintExperts = 3
	tintSide    = 6
)

// tinted is a Routed without a network: expert m stands for the colour channel
// m, the router looks at how strong each channel is in the class means, and
// adapted embeddings are the raw pixels with their channels weighed.
type tinted struct {
	pixelEmbedder
	route    func(scores, prototypes []float32)
	weights  [tintExperts]float32
	embedded *atomic.Int64 // pictures that went through EmbedAdapted
}

// tint is the method; a nil route is the one by strength.
func tint(route func(scores, prototypes []float32), embedded *atomic.Int64) Method {
	if route == nil {
		route = byStrength
	}
	return Method{Name: "tinted", Identity: "tint", New: func() Embedder {
		return &tinted{pixelEmbedder: tintSide, route: route, embedded: embedded}
	}}
}

// decodedSet is a set's test classes and their pictures.
func decodedSet(t *testing.T, data, name string) (*fewshot.Dataset, [][]*picture.Picture) {
	t.Helper()
	splits, err := fewshot.LoadSplits(filepath.Join(data, "datasets.json"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := splits.Open(name, fewshot.Test)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	pics, err := decodeAll(t.Context(), d, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d, pics
}

// oneByOne embeds each picture alone by what it is given.
func oneByOne(dim int, pics [][]*picture.Picture) func(by func([]float32, []*picture.Picture)) func(class, image int) []float32 {
	return func(by func([]float32, []*picture.Picture)) func(class, image int) []float32 {
		return func(class, image int) []float32 {
			row := make([]float32, dim)
			by(row, pics[class][image:image+1])
			return row
		}
	}
}

func byStrength(scores, prototypes []float32) {
	var sum float32
	for i, v := range prototypes {
		scores[i/(tintSide*tintSide)%tintExperts] += v * v
		sum += v * v
	}
	for m := range scores {
		scores[m] = float32(math.Round(float64(16*scores[m]/sum))) / 16
	}
}

func alwaysFirst(scores, _ []float32) { scores[0] = 1 }

func (e *tinted) Experts() int { return tintExperts }

func (e *tinted) Route(scores, prototypes []float32, way int) {
	if len(scores) != tintExperts || len(prototypes) != way*e.Dim() {
		panic("tinted: shapes")
	}
	clear(scores)
	e.route(scores, prototypes)
}

// Adapt gives a channel the weight 1/4 plus four times its score, and all the same weight
// for the scores of alwaysFirst.
func (e *tinted) Adapt(scores []float32) {
	for m, s := range scores {
		e.weights[m] = 0.25 + 4*s
		if scores[0] == 1 {
			e.weights[m] = 1
		}
	}
}

func (e *tinted) EmbedAdapted(embed []float32, pics []*picture.Picture) {
	e.Embed(embed, pics)
	for i := range embed {
		embed[i] *= e.weights[i/(tintSide*tintSide)%tintExperts]
	}
	if e.embedded != nil {
		e.embedded.Add(int64(len(pics)))
	}
}

var bothKinds = []Setting{{5, 1}, {}}

// The grouped evaluation is the one by definition: each episode alone, routed,
// merged and embedded picture by picture; and does not depend on the cores.
func TestRoutedEpisodeByEpisode(t *testing.T) {
	cfg := suiteConfig(t, bothKinds)
	cfg.Sets = []string{"weave"} // 6 classes of 30
	const episodes = 40
	cfg.Episodes = episodes
	var embedded atomic.Int64
	suite, err := RunSuite(t.Context(), cfg, []Method{tint(nil, &embedded)}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	d, pics := decodedSet(t, cfg.Data, "weave")
	r := tint(nil, nil).New().(Routed)
	embed := oneByOne(r.Dim(), pics)
	for _, at := range bothKinds {
		c := suite.Cell("tinted", "weave", at)
		draw, err := at.sampler(d, setSeed(cfg.Seed, "weave"))
		if err != nil {
			t.Fatal(err)
		}
		kinds := map[[tintExperts]float32]bool{}
		var mean [tintExperts]float64
		for i := range episodes {
			e := draw(i)
			means := make([]float32, e.Way*r.Dim())
			fewshot.ClassMeans(means, e.SupportRows(r.Dim(), embed(r.Embed)), fewshot.Labels(e.Support), e.Way, r.Dim())
			var scores [tintExperts]float32
			r.Route(scores[:], means, e.Way)
			kinds[scores] = true
			for m, s := range scores {
				mean[m] += float64(s) / episodes
			}
			r.Adapt(scores[:])
			want := fewshot.Score(e, r.Dim(), embed(r.EmbedAdapted))
			if have := c.Accuracy().Values()[i]; have != want {
				t.Fatalf("%s, episode %d: want %v, have %v", at, i, want, have)
			}
		}
		if len(kinds) < 3 || c.Routing.Kinds != len(kinds) {
			t.Errorf("%s: want %d kinds of scores, three or more, have %d", at, len(kinds), c.Routing.Kinds)
		}
		for m, want := range mean {
			if have := c.Routing.Scores[m]; math.Abs(have-want) > 1e-12 {
				t.Errorf("%s: mean score of expert %d: want %v, have %v", at, m, want, have)
			}
		}
	}

	old := runtime.GOMAXPROCS(5)
	defer runtime.GOMAXPROCS(old)
	again, err := RunSuite(t.Context(), cfg, []Method{tint(nil, nil)}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(suite, again) {
		t.Error("five cores give other numbers")
	}
}

// With one score for every task, routing changes nothing: the numbers are
// those of the embedder without a router, and each picture is embedded once.
func TestRoutedAlike(t *testing.T) {
	cfg := suiteConfig(t, bothKinds)
	cfg.Sets = []string{"weave"}
	var embedded atomic.Int64
	plain := Method{Name: "plain", New: func() Embedder { return pixelEmbedder(tintSide) }}
	suite, err := RunSuite(t.Context(), cfg, []Method{plain, tint(alwaysFirst, &embedded)}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range bothKinds {
		want, have := suite.Cell("plain", "weave", at), suite.Cell("tinted", "weave", at)
		if want.Routing != nil || !reflect.DeepEqual(want.Hits, have.Hits) || !reflect.DeepEqual(want.Queries, have.Queries) {
			t.Errorf("%s: want %v, have %v", at, want, have)
		}
		if r := have.Routing; r.Kinds != 1 || r.Scores[0] != 1 || r.EntropyOfMean != 0 || r.MeanEntropy != 0 {
			t.Errorf("%s: routing: have %+v", at, r)
		}
	}
	if n := embedded.Load(); n > 180 {
		t.Errorf("want no picture embedded twice, 180, have %d", n)
	}
}

func TestRoutedNotFinite(t *testing.T) {
	cfg := suiteConfig(t, bothKinds[:1])
	cfg.Sets = []string{"weave"}
	nan := float32(math.NaN())
	broken := Method{Name: "broken", New: func() Embedder { return brokenEmbedder{} }}
	for _, m := range []Method{
		broken,
		tint(func(scores, _ []float32) { scores[2] = nan }, nil),
		tint(func(scores, _ []float32) { scores[1] = -0.5 }, nil),
		tint(func(scores, _ []float32) { scores[1] = math.MaxFloat32 }, nil), // adapted embeddings overflow
	} {
		if _, err := RunSuite(t.Context(), cfg, []Method{m}, "", nil); !errors.Is(err, ErrNotFinite) {
			t.Errorf("%s: want ErrNotFinite, have %v", m.Name, err)
		}
	}
}

type brokenEmbedder struct{}

func (brokenEmbedder) Dim() int { return 2 }

func (brokenEmbedder) Embed(embed []float32, _ []*picture.Picture) {
	for i := range embed {
		embed[i] = float32(math.Inf(1))
	}
}

// Few large groups are cut so that every core has work; many small ones are
// not cut at all; each picture is in one piece.
func TestCutGroups(t *testing.T) {
	for _, c := range []struct {
		sizes  []int
		cores  int
		pieces int
	}{
		{[]int{4096}, 4, 32},
		{[]int{100, 90, 80}, 4, 3},
		{[]int{129}, 64, 2},
		{[]int{10000, 10}, 2, 17},
	} {
		var groups []*group
		for _, n := range c.sizes {
			groups = append(groups, &group{images: make([]pictureRef, n)})
		}
		pieces := cutGroups(groups, c.cores)
		if len(pieces) != c.pieces {
			t.Errorf("%v on %d cores: want %d pieces, have %d", c.sizes, c.cores, c.pieces, len(pieces))
		}
		covered := map[*group]int{}
		for _, p := range pieces {
			if p.from != covered[p.group] || p.to <= p.from || p.from%embedBatch != 0 {
				t.Errorf("%v: piece %d..%d after %d", c.sizes, p.from, p.to, covered[p.group])
			}
			covered[p.group] = p.to
			p.group.left.Add(-1)
		}
		for i, g := range groups {
			if covered[g] != c.sizes[i] || g.left.Load() != 0 {
				t.Errorf("%v: group %d: %d of %d pictures, %d pieces left", c.sizes, i, covered[g], c.sizes[i], g.left.Load())
			}
		}
	}
}

func TestNewRouting(t *testing.T) {
	r := newRouting([][]float32{{1, 0, 0, 0}, {0, 1, 0, 0}, {0.5, 0.5, 0, 0}, {0.5, 0.5, 0, 0}})
	if want := []float64{0.5, 0.5, 0, 0}; !reflect.DeepEqual(r.Scores, want) || r.EntropyOfMean != math.Ln2 || r.MeanEntropy != math.Ln2/2 || r.Kinds != 3 {
		t.Errorf("have %+v", r)
	}
	if h := entropy([]float64{0, 0}); h != 0 {
		t.Errorf("no score at all: want 0, have %v", h)
	}
	if h := entropy([]float64{2, 2, 2, 2}); h != math.Log(4) { // scaled to sum 1 first
		t.Errorf("four alike: want ln 4, have %v", h)
	}
}
