package metatune

import (
	"context"
	"errors"
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
	e := &Embeddings{Dim: 3, Data: &fewshot.Dataset{Name: "colors"}}
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
		f, err := unknownOn(context.Background(), cfg, colors(classes, 9), Setting{4, 5})
		if err != nil {
			t.Fatal(err)
		}
		if f.Ways != ways || f.AUROC.Mean != 100 || f.Caught.Mean != 100 || f.Refused.Mean > 40 {
			t.Errorf("%d classes: %+v", classes, f)
		}
	}
}

// TestUnknownRefuses: a method that adapts to the task, before any data is opened.
func TestUnknownRefuses(t *testing.T) {
	for _, adapts := range []Embedder{&tunedBackbone{}, &tunedByTask{}} {
		m := Method{Name: "m", New: func() Embedder { return adapts }}
		if _, err := EvaluateUnknown(context.Background(), EvaluateConfig{Data: t.TempDir()}, []Method{m}, nil); !errors.Is(err, fewshot.ErrEpisode) {
			t.Errorf("%T: want ErrEpisode, have %v", adapts, err)
		}
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
