package metatune

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"haguruma/core/fewshot"
	"haguruma/core/picture"
)

// brightness embeds a picture by its mean color.
type brightness struct{}

func (brightness) Dim() int { return 3 }

func (brightness) Embed(embed []float32, pics []*picture.Picture) {
	clear(embed)
	for i, pic := range pics {
		for k, v := range pic.Pix {
			embed[3*i+k%3] += float32(v)
		}
	}
}

// colors are classes of one color each, as a set that is embedded: told apart without a fault.
func colors(classes, images int) *Embeddings {
	e := &Embeddings{Dim: 3, views: 1, Data: &fewshot.Dataset{Name: "colors"}}
	for c := range classes {
		class := fewshot.Class{Name: string(rune('a' + c))}
		var rows []float32
		for i := range images {
			class.Images = append(class.Images, fewshot.Ref{Name: string(rune('a' + i))})
			row := [3]float32{0.01 * float32(i), 0.02, 0.01}
			row[c%3]++
			if c >= 3 {
				row[(c+1)%3]++
			}
			rows = append(rows, row[:]...)
		}
		e.Data.Classes, e.rows = append(e.Data.Classes, class), append(e.rows, rows)
	}
	return e
}

// TestUnknownOn: classes of colors of their own are told from others without a fault, and ways leave a class out.
func TestUnknownOn(t *testing.T) {
	cfg := EvaluateConfig{Episodes: 8, Seed: 3}
	for classes, ways := range map[int]int{3: 2, 5: 4, 6: 4} {
		f, err := unknownOn(context.Background(), cfg, colors(classes, 9), nil, Method{Name: "colors", New: func() Embedder { return brightness{} }}, Setting{4, 5}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if f.Ways != ways || f.AUROC.Mean != 100 || f.Caught.Mean != 100 || f.Refused.Mean > 40 {
			t.Errorf("%d classes: %+v", classes, f)
		}
	}
}

// TestUnknownRefuses: a method that is tuned to each task, before any data is opened.
func TestUnknownRefuses(t *testing.T) {
	m := Method{Name: "m", New: func() Embedder { return &tunedByTask{} }}
	if _, err := EvaluateUnknown(context.Background(), EvaluateConfig{Data: t.TempDir()}, []Method{m}, nil); !errors.Is(err, fewshot.ErrEpisode) {
		t.Errorf("want ErrEpisode, have %v", err)
	}
}

// TestUnknownRouted: a method whose weights depend on the task embeds support, queries and strangers of an episode by the weights merged for it.
func TestUnknownRouted(t *testing.T) {
	data := writeSets(t)
	cfg := EvaluateConfig{Data: data, Sets: []string{"photo", "glyph"}, Split: fewshot.Test, Settings: []Setting{{5, 2}, {}}, Episodes: 12, Seed: 4}
	plain := Method{Name: "plain", New: func() Embedder { return pixelEmbedder(tintSide) }}
	byHand := tint(nil, nil)
	figures, err := EvaluateUnknown(context.Background(), cfg, []Method{plain, tint(alwaysFirst, nil), byHand}, nil)
	if err != nil || len(figures) != 6 {
		t.Fatalf("%d figures, %v", len(figures), err)
	}
	differ := false
	for i := 0; i < 6; i += 3 {
		want, have := figures[i], figures[i+1]
		if want.Ways != 2 || want.AUROC.Mean == 0 {
			t.Errorf("plain: %+v", want)
		}
		if have.Method = want.Method; have != want {
			t.Errorf("weights that change nothing: want %+v, have %+v", want, have)
		}
		differ = differ || figures[i+2].AUROC != want.AUROC || figures[i+2].Refused != want.Refused || figures[i+2].Caught != want.Caught
	}
	if !differ {
		t.Error("weights by strength change nothing, so nothing is tested")
	}

	d, pics := decodedSet(t, data, "photo")
	draw, err := Setting{2, 2}.sampler(d, setSeed(cfg.Seed, d.Name))
	if err != nil {
		t.Fatal(err)
	}
	r := byHand.New().(Routed)
	embed := oneByOne(r.Dim(), pics)
	var auroc, refused float64
	for i := range cfg.Episodes {
		episode := draw(i)
		means, scores := make([]float32, 2*r.Dim()), make([]float32, r.Experts())
		fewshot.ClassMeans(means, episode.SupportRows(r.Dim(), embed(r.Embed)), fewshot.Labels(episode.Support), 2, r.Dim())
		r.Route(scores, means, 2)
		r.Adapt(scores)
		adapted := embed(r.EmbedAdapted)
		selected := fewshot.Select(fewshot.NewSupport(episode.SupportRows(r.Dim(), adapted), fewshot.Labels(episode.Support), 2, r.Dim()), fewshot.KindPrototypes)
		var known, other []float32
		for _, q := range episode.Query {
			known = append(known, fewshot.Likeness(adapted(q.Class, q.Image), selected.Head.Weights, 2))
			if known[len(known)-1] < fewshot.UnknownBelow(selected.Likeness) {
				refused += 100 / float64(len(episode.Query)*cfg.Episodes)
			}
		}
		for _, q := range strangers(d, episode, rand.New(rand.NewPCG(setSeed(cfg.Seed, d.Name), uint64(i)))) {
			other = append(other, fewshot.Likeness(adapted(q.Class, q.Image), selected.Head.Weights, 2))
		}
		auroc += 100 * fewshot.AUROC(known, other) / float64(cfg.Episodes)
	}
	if have := figures[2]; math.Abs(have.AUROC.Mean-auroc) > 1e-9 || math.Abs(have.Refused.Mean-refused) > 1e-9 {
		t.Errorf("photo by strength: want AUROC %.6f, refused %.6f, have %+v", auroc, refused, have)
	}
}

func TestStrangers(t *testing.T) {
	e := colors(5, 4)
	draw, err := Setting{3, 2}.sampler(e.Data, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		episode := draw(i)
		list := strangers(e.Data, episode, rand.New(rand.NewPCG(1, uint64(i))))
		if len(list) != len(episode.Query) {
			t.Errorf("%d strangers for %d queries", len(list), len(episode.Query))
		}
		for _, q := range list {
			for _, c := range episode.Classes {
				if q.Class == c {
					t.Fatalf("class %d is of the episode", c)
				}
			}
		}
	}
}

// TestWithHead: the head that a cell is scored by is that of the method, and what is embedded once serves all heads.
func TestWithHead(t *testing.T) {
	e := colors(5, 9)
	draw, err := Setting{3, 4}.sampler(e.Data, 1)
	if err != nil {
		t.Fatal(err)
	}
	episode := draw(0)
	for _, kind := range append([]fewshot.Kind{"", HeadChosen}, fewshot.Kinds...) {
		c := &Cell{Hits: make([]int, 1), Queries: make([]int, 1), head: kind}
		c.add(0, episode, e.Dim, e.Image)
		want := fewshot.Hits(episode, e.Dim, e.Image)
		if kind != "" && kind != HeadChosen {
			want = fewshot.HeadHits(episode, e.Dim, e.Image, kind)
		}
		if c.Hits[0] != want || want != len(episode.Query) {
			t.Errorf("%q: %d hits of %d, want %d", kind, c.Hits[0], len(episode.Query), want)
		}
	}
	embeds := 0
	m := Method{Name: "m", Identity: "x", New: func() Embedder { embeds++; return brightness{} }}
	head := WithHead(m, fewshot.KindLDA)
	if head.Identity == m.Identity || head.Name != "m, head lda" || head.Head != fewshot.KindLDA {
		t.Errorf("have %+v", head)
	}
	var last embedded
	pics := [][]*picture.Picture{{{Width: 1, Height: 1, Pix: []uint8{1, 2, 3}}}}
	first, err := last.embed(context.Background(), e.Data, pics, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	made := embeds
	again, err := last.embed(context.Background(), e.Data, pics, head, nil)
	if err != nil || again != first || embeds != made {
		t.Errorf("embedded again: %v", err)
	}
	other := m
	other.Identity = "y"
	if again, err = last.embed(context.Background(), e.Data, pics, other, nil); err != nil || again == first {
		t.Errorf("another method got the embeddings of the first: %v", err)
	}
}
