package metatune

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"haguruma/core/fewshot"
)

// Queries is how many queries a class each episode asks, where the set has
// them.
const Queries = 15

// Accuracy runs episodes on the embeddings: prototypes of the support, each
// query to the class of largest cosine. way and shot are a Setting's: both 0
// is the varying one. Episode i depends on (seed, i) only, so two methods see
// the same episodes.
func (e *Embeddings) Accuracy(way, shot, episodes int, seed uint64) (*fewshot.Accuracy, error) {
	draw, err := Setting{way, shot}.sampler(e.Data, seed)
	if err != nil {
		return nil, err
	}
	acc := &fewshot.Accuracy{}
	for i := range episodes {
		acc.Add(fewshot.Score(draw(i), e.Dim, e.Image))
	}
	return acc, nil
}

func newScore(acc *fewshot.Accuracy, set string, way, shot int) Score {
	return Score{Set: set, Way: way, Shot: shot, Mean: 100 * acc.Mean(), Interval: 100 * acc.Interval()}
}

// EvaluateConfig says what to measure. Every method sees the same episodes.
type EvaluateConfig struct {
	Data     string   // folder of <set>.zip and datasets.json
	Sets     []string // names; none: every set that has Split
	Split    string   // fewshot.Val or fewshot.Test
	Settings []Setting
	Episodes int
	PerClass int // pictures of a class that take part, the first in order; 0: all
	Seed     uint64
}

// Row is one line of a table: a method on a set in a setting, with the paired
// difference against the first method on the same episodes.
type Row struct {
	Score
	Role         string  `json:"role"`
	Method       string  `json:"method"`
	Episodes     int     `json:"episodes"`
	Diff         float64 `json:"diff"`
	DiffInterval float64 `json:"diffInterval"`
	Pictures     int     `json:"pictures"`
}

// Evaluate measures every method on every set. The first method is the one
// that differences are taken against.
func Evaluate(ctx context.Context, cfg EvaluateConfig, methods []Method, progress Progress) ([]Row, error) {
	splits, err := fewshot.LoadSplits(filepath.Join(cfg.Data, "datasets.json"))
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, name := range cfg.sets(splits) {
		more, err := evaluateSet(ctx, cfg, splits, name, methods, progress)
		if err != nil {
			return rows, fmt.Errorf("metatune: evaluate %s: %w", name, err)
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// sets returns the names of the sets to measure on.
func (cfg EvaluateConfig) sets(splits fewshot.Splits) []string {
	if len(cfg.Sets) > 0 {
		return cfg.Sets
	}
	var names []string
	for _, name := range splits.Names("") {
		if _, err := splits.Classes(name, cfg.Split); err == nil {
			names = append(names, name)
		}
	}
	return names
}

// cut leaves the first perClass pictures of each class, or all when it is 0.
func cut(d *fewshot.Dataset, perClass int) {
	for i := range d.Classes {
		d.Classes[i].Images = d.Classes[i].Images[:share(len(d.Classes[i].Images), perClass)]
	}
}

func evaluateSet(ctx context.Context, cfg EvaluateConfig, splits fewshot.Splits, name string, methods []Method, progress Progress) ([]Row, error) {
	d, err := splits.Open(name, cfg.Split)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	cut(d, cfg.PerClass)
	pics, err := decodeAll(ctx, d, 0, progress)
	if err != nil {
		return nil, err
	}
	set, _ := splits.Set(name)
	var rows []Row
	first := map[Setting]*fewshot.Accuracy{}
	for m, method := range methods {
		e, err := embedPictures(ctx, d, pics, method, progress)
		if err != nil {
			return nil, err
		}
		for _, at := range settingsFor(cfg.Settings, len(d.Classes)) {
			acc, err := e.Accuracy(at.Way, at.Shot, cfg.Episodes, cfg.Seed)
			if err != nil {
				return nil, err
			}
			row := Row{Score: newScore(acc, name, at.Way, at.Shot), Role: set.Role, Method: method.Name, Episodes: cfg.Episodes, Pictures: d.NumImages()}
			if m == 0 {
				first[at] = acc
			} else {
				diff, half, err := fewshot.PairedDifference(acc, first[at])
				if err != nil {
					return nil, err
				}
				row.Diff, row.DiffInterval = 100*diff, 100*half
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// settingsFor caps the ways at the classes there are and drops what that
// makes equal.
func settingsFor(settings []Setting, classes int) []Setting {
	var out []Setting
	for _, s := range settings {
		s.Way = min(s.Way, classes)
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
