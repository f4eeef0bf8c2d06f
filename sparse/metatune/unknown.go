package metatune

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"haguruma/core/fewshot"
	"haguruma/core/picture"
)

// UnknownFigure is how well a method tells pictures of an episode's classes from pictures of other classes of the same set, by fewshot.Likeness and the
// threshold of fewshot.UnknownBelow. All in per cent.
type UnknownFigure struct {
	Set     string   `json:"set"`
	Setting Setting  `json:"setting"`
	Ways    int      `json:"ways"` // one less than the set has classes, at most
	Method  string   `json:"method"`
	AUROC   Estimate `json:"auroc"`
	Refused Estimate `json:"refused"` // queries of known classes that are called unknown
	Caught  Estimate `json:"caught"`  // queries of other classes that are called unknown
}

// EvaluateUnknown measures methods on the episodes of [RunSuite], with ways cut to leave one class out at least, each with as many queries of classes
// that are not in the episode, drawn at random. A set of two classes is passed over, and so are settings that vary. A method that is Routed embeds all
// of an episode by the weights merged for it; one that is Tuned is refused.
func EvaluateUnknown(ctx context.Context, cfg EvaluateConfig, methods []Method, progress Progress) ([]UnknownFigure, error) {
	for _, m := range methods {
		if _, tuned := m.New().(Tuned); tuned {
			return nil, fmt.Errorf("metatune: %s: unknown classes of a method that is tuned to each task: %w", m.Name, fewshot.ErrEpisode)
		}
	}
	asked := &Suite{Plan: cfg.Plan()}
	sets, err := openSets(cfg, asked)
	defer closeSets(sets)
	if err != nil {
		return nil, err
	}
	var figures []UnknownFigure
	for _, d := range sets {
		if len(d.Classes) < 3 {
			continue
		}
		pics, err := decodeAll(ctx, d, 0, progress)
		if err != nil {
			return nil, fmt.Errorf("metatune: %s: %w", d.Name, err)
		}
		for _, m := range methods {
			e, err := embedPictures(ctx, d, pics, m, progress)
			if err != nil {
				return nil, err
			}
			for _, at := range cfg.Settings {
				if at.Varying() {
					continue
				}
				f, err := unknownOn(ctx, cfg, e, pics, m, at, progress)
				if err != nil {
					return nil, fmt.Errorf("metatune: %s: %w", d.Name, err)
				}
				figures = append(figures, f)
			}
		}
	}
	return figures, nil
}

// unknownOn measures one method on one set, which it embedded as e, at one setting.
func unknownOn(ctx context.Context, cfg EvaluateConfig, e *Embeddings, pics [][]*picture.Picture, m Method, at Setting, progress Progress) (UnknownFigure, error) {
	d, f := e.Data, UnknownFigure{Set: e.Data.Name, Setting: at, Method: m.Name}
	at.Way = min(at.Way, len(d.Classes)-1)
	seed := setSeed(cfg.Seed, d.Name)
	draw, err := at.sampler(d, seed)
	if err != nil {
		return f, err
	}
	f.Ways = draw(0).Way
	auroc, refused, caught := make([]float64, cfg.Episodes), make([]float64, cfg.Episodes), make([]float64, cfg.Episodes)
	others := func(i int, episode fewshot.Episode) []fewshot.Example {
		return strangers(d, episode, rand.New(rand.NewPCG(seed, uint64(i))))
	}
	judge := func(i int, episode fewshot.Episode, dim int, row func(class, image int) []float32) {
		s := fewshot.NewSupport(episode.SupportRows(dim, row), fewshot.Labels(episode.Support), episode.Way, dim)
		selected := fewshot.Select(s, fewshot.KindPrototypes)
		below := fewshot.UnknownBelow(selected.Likeness)
		likeness := func(list []fewshot.Example) (like []float32, part float64) {
			for _, q := range list {
				v := fewshot.Likeness(row(q.Class, q.Image), selected.Head.Weights, episode.Way)
				if v < below {
					part += 1 / float64(len(list))
				}
				like = append(like, v)
			}
			return like, part
		}
		var known, other []float32
		known, refused[i] = likeness(episode.Query)
		other, caught[i] = likeness(others(i, episode))
		auroc[i] = fewshot.AUROC(known, other)
	}
	if _, routed := m.New().(Routed); routed {
		cell := &Cell{Method: m.Name, Set: d.Name, Setting: at, Hits: make([]int, cfg.Episodes), strangers: others, judge: judge}
		err = evaluateRouted(ctx, e, pics, m, []*Cell{cell}, []func(i int) fewshot.Episode{draw}, progress)
	} else {
		err = eachCore(ctx, cfg.Episodes, func() func(i int) {
			return func(i int) { judge(i, draw(i), e.Dim, e.Image) }
		}, func(int) {})
	}
	f.AUROC, f.Refused, f.Caught = estimate(auroc), estimate(refused), estimate(caught)
	return f, err
}

// strangers draws as many pictures as the episode has queries from the classes that are not in it.
func strangers(d *fewshot.Dataset, episode fewshot.Episode, rng *rand.Rand) (list []fewshot.Example) {
	in := make([]bool, len(d.Classes))
	for _, c := range episode.Classes {
		in[c] = true
	}
	var others []int
	for c, taken := range in {
		if !taken && len(d.Classes[c].Images) > 0 {
			others = append(others, c)
		}
	}
	for range episode.Query {
		c := others[rng.IntN(len(others))]
		list = append(list, fewshot.Example{Class: c, Image: rng.IntN(len(d.Classes[c].Images))})
	}
	return list
}

func estimate(values []float64) Estimate {
	a := &fewshot.Accuracy{}
	for _, v := range values {
		a.Add(v)
	}
	return Estimate{100 * a.Mean(), 100 * a.Interval()}
}

// UnknownMarkdown is a table of the figures, with the mean over the sets of each method and setting.
func UnknownMarkdown(figures []UnknownFigure) string {
	var b strings.Builder
	b.WriteString("| set | setting | ways | method | AUROC | known called unknown | unknown caught |\n|---|---|---|---|---|---|---|\n")
	type row struct{ setting, method string }
	sums, order := map[row][4]float64{}, []row{}
	for _, f := range figures {
		fmt.Fprintf(&b, "| %s | %s | %d | %s | %.2f ± %.2f | %.1f | %.1f |\n", f.Set, f.Setting, f.Ways, f.Method, f.AUROC.Mean, f.AUROC.Interval, f.Refused.Mean, f.Caught.Mean)
		k := row{f.Setting.String(), f.Method}
		s, known := sums[k]
		if !known {
			order = append(order, k)
		}
		sums[k] = [4]float64{s[0] + 1, s[1] + f.AUROC.Mean, s[2] + f.Refused.Mean, s[3] + f.Caught.Mean}
	}
	for _, k := range order {
		s := sums[k]
		fmt.Fprintf(&b, "| **mean of %.0f** | %s | | %s | %.2f | %.1f | %.1f |\n", s[0], k.setting, k.method, s[1]/s[0], s[2]/s[0], s[3]/s[0])
	}
	return b.String()
}
