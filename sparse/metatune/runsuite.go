package metatune

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"haguruma/core/fewshot"
)

// DefaultSuite is what the figures of the project are measured at: 5-way
// 1-shot, 5-way 5-shot and varying, 600 episodes each. 150 pictures a class
// is all of every set of ours but tiny-imagenet, which has 500.
func DefaultSuite(data string) EvaluateConfig {
	return EvaluateConfig{Data: data, Split: fewshot.Test, Settings: []Setting{{5, 1}, {5, 5}, {}}, Episodes: 600, PerClass: 150, Seed: 1}
}

// RunSuite measures every method on every set at every setting, all on the
// same episodes, over all cores. Episode i of a set depends on the set and its
// name, the setting, the seed and i alone, so that it is another draw than
// Evaluate's for the same seed. Methods that are Routed are evaluated task by
// task, the others embed each set once.
//
// The finished cells are kept at path, if it is not empty: beside the old file
// and renamed, after each method on each set. A suite that is there already
// goes on: what it has is not measured again, and the numbers are those of a
// run without a break. It may have fewer or more methods, sets and settings.
//
// What is returned has the cells asked for and no others, by set, method,
// setting. Before any work, every set is checked to have classes enough for
// every setting. Errors: ErrOtherSuite when the file at path is of other
// episodes, data or weights, ErrSuite when it is damaged; ErrNotFinite;
// fewshot.ErrTooFewClasses and the other errors of the data; ctx's when it was
// cancelled.
func RunSuite(ctx context.Context, cfg EvaluateConfig, methods []Method, path string, progress Progress) (*Suite, error) {
	cfg.Settings = unique(cfg.Settings)
	asked := &Suite{Format: suiteFormat, Plan: cfg.Plan()}
	for _, m := range methods {
		if asked.method(m.Name) != nil {
			return nil, fmt.Errorf("metatune: method %s is there twice: %w", m.Name, fewshot.ErrDuplicate)
		}
		asked.Methods = append(asked.Methods, SuiteMethod{m.Name, m.Identity})
	}
	if cfg.Episodes < 2 || len(methods) == 0 || len(cfg.Settings) == 0 {
		return nil, fmt.Errorf("metatune: %d episodes, %d methods, %d settings: want 2, 1, 1 or more: %w", cfg.Episodes, len(methods), len(cfg.Settings), fewshot.ErrEpisode)
	}
	sets, err := openSets(cfg, asked)
	defer closeSets(sets)
	if err != nil {
		return nil, err
	}
	kept := &Suite{Format: asked.Format, Plan: asked.Plan, Sets: asked.Sets, Methods: asked.Methods}
	if path != "" {
		if kept, err = resumeSuite(path, kept); err != nil {
			return nil, err
		}
	}
	for _, d := range sets {
		if err := runSet(ctx, cfg, d, methods, kept, path, progress); err != nil {
			return nil, err
		}
		for _, m := range methods {
			for _, at := range cfg.Settings {
				asked.Cells = append(asked.Cells, kept.Cell(m.Name, d.Name, at))
			}
		}
	}
	return asked, nil
}

// runSet measures what is missing of one set and saves after each method.
func runSet(ctx context.Context, cfg EvaluateConfig, d *fewshot.Dataset, methods []Method, kept *Suite, path string, progress Progress) error {
	missing := func(m Method) (settings []Setting) {
		for _, at := range cfg.Settings {
			if kept.Cell(m.Name, d.Name, at) == nil {
				settings = append(settings, at)
			}
		}
		return settings
	}
	if !slices.ContainsFunc(methods, func(m Method) bool { return len(missing(m)) > 0 }) {
		return ctx.Err()
	}
	pics, err := decodeAll(ctx, d, 0, progress)
	if err != nil {
		return fmt.Errorf("metatune: %s: %w", d.Name, err)
	}
	var last embedded
	for _, m := range methods {
		settings := missing(m)
		if len(settings) == 0 {
			continue
		}
		cells, err := evaluateCells(ctx, cfg, d, pics, m, settings, &last, progress)
		if err != nil {
			return fmt.Errorf("metatune: %s on %s: %w", m.Name, d.Name, err)
		}
		kept.Cells = append(kept.Cells, cells...)
		if path == "" {
			continue
		}
		if err := kept.save(path); err != nil {
			return err
		}
	}
	return nil
}

// openSets opens the sets of the suite, cut to the pictures that take part,
// notes them in s and checks that every setting has classes enough. It returns
// what is open on error too.
func openSets(cfg EvaluateConfig, s *Suite) (sets []*fewshot.Dataset, err error) {
	splits, err := fewshot.LoadSplits(filepath.Join(cfg.Data, "datasets.json"))
	if err != nil {
		return nil, err
	}
	for _, name := range unique(cfg.sets(splits)) {
		d, err := splits.Open(name, cfg.Split)
		if err != nil {
			return sets, fmt.Errorf("metatune: evaluate %s: %w", name, err)
		}
		sets = append(sets, d)
		cut(d, cfg.PerClass)
		set, _ := splits.Set(name)
		s.Sets = append(s.Sets, newSuiteSet(d, set))
		for _, at := range cfg.Settings {
			if err := at.fits(d); err != nil {
				return sets, err
			}
		}
	}
	if len(sets) == 0 {
		return nil, fmt.Errorf("metatune: %s: no set has the split %q: %w", cfg.Data, cfg.Split, fewshot.ErrUnknown)
	}
	return sets, nil
}

func closeSets(sets []*fewshot.Dataset) {
	for _, d := range sets {
		d.Close()
	}
}

// unique drops what is there already.
func unique[T comparable](items []T) []T {
	var out []T
	for _, v := range items {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}
