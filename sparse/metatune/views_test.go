package metatune

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"haguruma/core/fewshot"
	"haguruma/core/picture"
	"haguruma/core/vit"
	"haguruma/sparse"
)

// TestHeadViews: with the head of views, each support picture is embedded as picture.Views show it and each query as it is: by the backbone, by what experts
// merge for the task, and by what it was tuned to. A method without a network has no views.
func TestHeadViews(t *testing.T) {
	cfg := suiteConfig(t, nil)
	cfg.Sets, cfg.Episodes, cfg.Settings = []string{"weave"}, 4, []Setting{{3, 2}}
	at := cfg.Settings[0]
	model := tunedModel()
	rng := rand.New(rand.NewPCG(4, 4))
	e := sparse.RandomExperts(sparse.BackboneTensors(vit.NewParams[float32](tunedConfig)), 3, 0.4, 0.2, tunedConfig.Dim, rng)
	plain := Int8("int8", tunedConfig, model.Share)
	plain.Identity = "bundle"
	routed, err := Experts("experts", model, "", e, "file")
	if err != nil {
		t.Fatal(err)
	}
	tuned, err := FineTune("tuned", model, "bundle", nil, "", "noop", func(_ context.Context, base *vit.Int8Model, _ []float32, _ Support) (TunedModel, error) {
		return TunedModel{Model: base}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var methods []Method
	for _, m := range []Method{plain, routed, tuned} {
		methods = append(methods, m, WithHead(m, HeadChosen), WithHead(m, HeadViews), WithHead(m, fewshot.KindRidge))
	}
	suite, err := RunSuite(t.Context(), cfg, methods, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	d, pics := decodedSet(t, cfg.Data, "weave")
	cut(d, cfg.PerClass)
	draw, err := at.sampler(d, setSeed(cfg.Seed, d.Name))
	if err != nil {
		t.Fatal(err)
	}
	dim := tunedConfig.Dim
	by := func(net *vit.Int8Model) func(class, image int) []float32 {
		return func(class, image int) []float32 {
			var all []float32
			for _, view := range pics[class][image].Square(tunedConfig.ImageSize).Views() {
				pixels, row := make([]float32, 3*tunedConfig.ImageSize*tunedConfig.ImageSize), make([]float32, dim)
				view.Tensor(pixels, tunedConfig.Mean, tunedConfig.Std)
				net.Embed(row, pixels, 1, tunedConfig.ImageSize)
				all = append(all, row...)
			}
			return all
		}
	}
	for i := range cfg.Episodes {
		episode, frozen := draw(i), by(model)
		means, scores := make([]float32, episode.Way*dim), make([]float32, 3)
		own := func(class, image int) []float32 { return frozen(class, image)[:dim] }
		fewshot.ClassMeans(means, episode.SupportRows(dim, own), fewshot.Labels(episode.Support), episode.Way, dim)
		e.Route(scores, means, episode.Way)
		for name, net := range map[string]*vit.Int8Model{"int8": model, "tuned": model, "experts": e.MergeInt8(model, scores)} {
			have := suite.Cell(name+", head views", "weave", at).Hits[i]
			if want := fewshot.ViewHits(episode, dim, picture.ViewCount, by(net)); have != want {
				t.Errorf("%s, episode %d: want %d hits, have %d", name, i, want, have)
			}
			one := func(class, image int) []float32 { return by(net)(class, image)[:dim] }
			if have, want := suite.Cell(name+", head chosen", "weave", at).Hits[i], fewshot.HeadHits(episode, dim, one, ""); have != want {
				t.Errorf("%s, episode %d: without views: want %d hits, have %d", name, i, want, have)
			}
		}
	}
	if slices.Equal(suite.Cell("int8, head views", "weave", at).Hits, suite.Cell("int8, head chosen", "weave", at).Hits) {
		t.Error("views change nothing here: the test cannot fail")
	}
	if _, err := RunSuite(t.Context(), cfg, []Method{WithHead(RawPixels(), HeadViews)}, "", nil); !errors.Is(err, fewshot.ErrEpisode) {
		t.Errorf("views of raw pixels: %v", err)
	}
}
