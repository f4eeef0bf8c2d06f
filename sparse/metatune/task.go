package metatune

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"haguruma/core/fewshot"
)

// Task is one few-shot task as meta-tuning sees it. Inputs are (n, InputLen) of the network; labels are 0..Way-1.
type Task struct {
	Set                        int // index of the source it came from
	Way                        int
	Support, Query             []float32
	SupportLabels, QueryLabels []int
}

// Tasks draws training tasks. Draw may be called from several goroutines, each with a Task and a generator of its own; the task depends on
// the generator alone. It reuses t's memory.
type Tasks interface {
	Draw(t *Task, rng *rand.Rand)
	Names() []string // of the sources, by Task.Set
}

// TaskConfig says how tasks are drawn from sets of pictures.
type TaskConfig struct {
	Sets     []Set   `json:"sets"`
	Size     int     `json:"size"` // side of the pictures in pixels
	MinWay   int     `json:"minWay"`
	MaxWay   int     `json:"maxWay"`
	MinShot  int     `json:"minShot"`
	MaxShot  int     `json:"maxShot"`
	Queries  int     `json:"queries"`  // pictures of a class that are asked
	Pictures int     `json:"pictures"` // most pictures of a task, support and queries; ways give way
	Augment  Augment `json:"augment"`
	// Restyle is the share of tasks whose pictures all go through one more change, drawn for the task: no colour, inverted, channels
	// exchanged, other contrast, blurred. It makes domains that no training set has.
	Restyle float64 `json:"restyle"`
}

// Check wraps ErrConfig.
func (c TaskConfig) Check() error {
	bad := func(name, want string, have any) error {
		return fmt.Errorf("metatune: tasks: %s: want %s, have %v: %w", name, want, have, ErrConfig)
	}
	switch {
	case len(c.Sets) == 0:
		return bad("sets", "at least one", 0)
	case c.Size < 8 || c.Size > 512:
		return bad("size", "8..512", c.Size)
	case c.MinWay < 2 || c.MaxWay < c.MinWay:
		return bad("ways", "2 or more, the least first", [2]int{c.MinWay, c.MaxWay})
	case c.MinWay > mostDefects && slices.ContainsFunc(c.Sets, func(s Set) bool { return s.Kind == Defect }):
		return bad("fewest ways of defects", fmt.Sprintf("at most %d", mostDefects), c.MinWay)
	case c.MinShot < 1 || c.MaxShot < c.MinShot:
		return bad("shots", "1 or more, the least first", [2]int{c.MinShot, c.MaxShot})
	case c.Queries < 1:
		return bad("queries", "1 or more", c.Queries)
	case c.Pictures < c.MinWay*(c.MaxShot+c.Queries):
		return bad("pictures", fmt.Sprintf("at least %d, the smallest task", c.MinWay*(c.MaxShot+c.Queries)), c.Pictures)
	case !(c.Restyle >= 0 && c.Restyle <= 1):
		return bad("restyle", "0..1", c.Restyle)
	}
	return checkSets(c.Sets, Photo, Character, Texture, Defect)
}

// checkSets is the part of a config that pre-training and meta-tuning share.
func checkSets(sets []Set, kinds ...Kind) error {
	for _, s := range sets {
		if !(s.Weight > 0) {
			return fmt.Errorf("metatune: weight of %s: want > 0, have %v: %w", s.Name, s.Weight, ErrConfig)
		}
		if !slices.Contains(kinds, s.Kind) {
			return fmt.Errorf("metatune: kind of %s: want one of %v, have %q: %w", s.Name, kinds, s.Kind, ErrConfig)
		}
	}
	return nil
}

// pictureTasks are tasks of augmented pictures.
type pictureTasks struct {
	cfg       TaskConfig
	sets      []*pixels
	mean, std [3]float32
	large     [][]int // (set) classes with pictures enough for the largest shot and one query
}

// newPictureTasks wraps fewshot.ErrTooFewClasses when a set's classes are too small for the tasks asked for.
func newPictureTasks(cfg TaskConfig, sets []*pixels, mean, std [3]float32) (*pictureTasks, error) {
	p := &pictureTasks{cfg: cfg, sets: sets, mean: mean, std: std}
	for _, s := range sets {
		var large []int
		for class, images := range s.images {
			if len(images) >= cfg.MaxShot+cfg.Queries {
				large = append(large, class)
			}
		}
		if len(large) < cfg.MinWay {
			return nil, fmt.Errorf("metatune: %s: %d shots and %d queries of %d ways want %d classes of %d pictures, have %d: %w",
				s.Name, cfg.MaxShot, cfg.Queries, cfg.MinWay, cfg.MinWay, cfg.MaxShot+cfg.Queries, len(large), fewshot.ErrTooFewClasses)
		}
		p.large = append(p.large, large)
	}
	return p, nil
}

// Names are those of the sets; a set that is there in several kinds has the kind behind its name, but for the first.
func (p *pictureTasks) Names() []string {
	names := setNames(p.cfg.Sets)
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			names[i] += " " + string(p.cfg.Sets[i].Kind)
		}
	}
	return names
}

// Draw draws a set by its weight, ways and shots evenly, and classes and pictures without repetition. A quarter turn of a character is a
// class of its own, as in pre-training.
func (p *pictureTasks) Draw(t *Task, rng *rand.Rand) {
	c := p.cfg
	t.Set = drawSet(p.sets, rng)
	shot := c.MinShot + rng.IntN(c.MaxShot-c.MinShot+1)
	a := augmenter{Augment: c.Augment, mean: p.mean, std: p.std}
	if rng.Float64() < c.Restyle {
		a.restyle = drawRestyle(rng)
	}
	draw := p.classes(t, &a, shot+c.Queries, rng)
	length := 3 * c.Size * c.Size
	t.Support, t.Query = room(t.Support, t.Way*shot*length), room(t.Query, t.Way*c.Queries*length)
	t.SupportLabels, t.QueryLabels = t.SupportLabels[:0], t.QueryLabels[:0]
	for label := range t.Way {
		next := draw(label)
		for i := range shot + c.Queries {
			var dst []float32
			if i < shot {
				dst = t.Support[len(t.SupportLabels)*length:][:length]
				t.SupportLabels = append(t.SupportLabels, label)
			} else {
				dst = t.Query[len(t.QueryLabels)*length:][:length]
				t.QueryLabels = append(t.QueryLabels, label)
			}
			next(dst)
		}
	}
}

// classes draws the classes of a task of set t.Set, n pictures each, and writes t.Way. What it returns begins a class, and what that returns
// draws the next picture of it.
func (p *pictureTasks) classes(t *Task, a *augmenter, n int, rng *rand.Rand) func(label int) func(dst []float32) {
	c, s, large := p.cfg, p.sets[t.Set], p.large[t.Set]
	way := func(most int) int {
		most = min(c.MaxWay, most, c.Pictures/n)
		return c.MinWay + rng.IntN(most-c.MinWay+1)
	}
	switch s.Kind {
	case Texture:
		t.Way = way(len(large))
		order := rng.Perm(len(large))
		return func(label int) func(dst []float32) {
			images := s.images[large[order[label]]]
			src := images[rng.IntN(len(images))]
			return func(dst []float32) { a.draw(dst, src, s.size, c.Size, Texture, 0, rng) }
		}
	case Defect:
		t.Way = way(mostDefects)
		return drawDefects(a, s, large, c.Size, rng)
	}
	turns := 1
	if s.Kind == Character {
		turns = 4
	}
	t.Way = way(len(large) * turns)
	order := rng.Perm(len(large) * turns)
	return func(label int) func(dst []float32) {
		k := order[label]
		images := s.images[large[k/turns]]
		pick, i := rng.Perm(len(images)), 0
		return func(dst []float32) {
			a.draw(dst, images[pick[i]], s.size, c.Size, s.Kind, k%turns, rng)
			i++
		}
	}
}
