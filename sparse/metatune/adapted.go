package metatune

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"haguruma/core/fewshot"
	"haguruma/core/picture"
)

// task is one episode of one cell, with the scores its support was given.
type task struct {
	cell    *Cell
	index   int // of the episode
	episode fewshot.Episode
	others  []fewshot.Example // strangers of the cell
	scores  []float32
}

// pictureRef names one picture of a set.
type pictureRef struct{ class, image int }

func compareRefs(a, b pictureRef) int {
	return cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(a.image, b.image))
}

// group is the tasks that were given the same scores: they share their
// weights, so each picture is embedded once for all of them.
type group struct {
	scores []float32
	tasks  []*task
	images []pictureRef // ascending, what the tasks need
	once   sync.Once
	embed  []float32    // (images, views, dim), there from the first piece to the last
	left   atomic.Int32 // pieces that are not done yet
}

// piece is some pictures of one group: the work one core takes at a time.
type piece struct {
	group    *group
	from, to int // into group.images
}

// piecesPerCore sets how fine large groups are cut: enough for the cores to
// end together, few enough that merging weights again costs little.
const piecesPerCore = 8

// evaluateRouted measures the cells of a routed method on one set: every
// episode is routed by its frozen embeddings, then each group of equal scores
// has its weights merged and its pictures embedded. The cells come filled.
func evaluateRouted(ctx context.Context, frozen *Embeddings, pics [][]*picture.Picture, method Method, cells []*Cell, draw []func(i int) fewshot.Episode, progress Progress) error {
	tasks, err := routeTasks(ctx, frozen, method, cells, draw, progress)
	if err != nil {
		return err
	}
	groups := groupTasks(tasks)
	pieces := cutGroups(groups, runtime.GOMAXPROCS(0))
	length := viewsOf(method.New()) * frozen.Dim
	what := fmt.Sprintf("adapt to %s by %s", frozen.Data.Name, method.Name)
	note := fmt.Sprintf("%d tasks in %d groups", len(tasks), len(groups))
	return tryEachCore(ctx, len(pieces), func() func(i int) error {
		r := method.New().(Routed)
		var at *group
		batch := make([]*picture.Picture, 0, embedBatch)
		return func(i int) error {
			p := pieces[i]
			if at != p.group {
				at = p.group
				r.Adapt(at.scores)
			}
			at.once.Do(func() { at.embed = make([]float32, len(at.images)*length) })
			for from := p.from; from < p.to; from += embedBatch {
				to := min(from+embedBatch, p.to)
				batch = batch[:0]
				for _, im := range at.images[from:to] {
					batch = append(batch, pics[im.class][im.image])
				}
				r.EmbedAdapted(at.embed[from*length:to*length], batch)
				if err := checkFinite(at.embed[from*length : to*length]); err != nil {
					return fmt.Errorf("adapted by scores %v: %w", at.scores, err)
				}
			}
			if at.left.Add(-1) == 0 {
				at.score(frozen.Dim, length)
			}
			return nil
		}
	}, func(done int) { progress.report(what, done, len(pieces), note) })
}

// routeTasks draws the episodes of all cells and routes them over all cores.
func routeTasks(ctx context.Context, frozen *Embeddings, method Method, cells []*Cell, draw []func(i int) fewshot.Episode, progress Progress) ([]*task, error) {
	var tasks []*task
	for _, c := range cells {
		for i := range c.Hits {
			tasks = append(tasks, &task{cell: c, index: i})
		}
	}
	episodes := len(cells[0].Hits)
	err := tryEachCore(ctx, len(tasks), func() func(i int) error {
		r := method.New().(Routed)
		return func(i int) error {
			t := tasks[i]
			t.episode = draw[i/episodes](t.index)
			if t.cell.strangers != nil {
				t.others = t.cell.strangers(t.index, t.episode)
			}
			means := make([]float32, t.episode.Way*frozen.Dim)
			fewshot.ClassMeans(means, t.episode.SupportRows(frozen.Dim, frozen.Image), fewshot.Labels(t.episode.Support), t.episode.Way, frozen.Dim)
			t.scores = make([]float32, r.Experts())
			r.Route(t.scores, means, t.episode.Way)
			if err := checkScores(t.scores); err != nil {
				return fmt.Errorf("%s, episode %d: %w", t.cell.Setting, t.index, err)
			}
			return nil
		}
	}, func(done int) { progress.report("route "+frozen.Data.Name+" by "+method.Name, done, len(tasks), "") })
	if err != nil {
		return nil, err
	}
	for k, c := range cells {
		scores := make([][]float32, episodes)
		for i := range scores {
			scores[i] = tasks[k*episodes+i].scores
		}
		c.Routing = newRouting(scores)
	}
	return tasks, nil
}

// groupTasks puts tasks of equal scores together, the groups with most
// pictures first, so that the cores end together.
func groupTasks(tasks []*task) []*group {
	byScores := map[string]*group{}
	var groups []*group
	for _, t := range tasks {
		key := scoresKey(t.scores)
		g := byScores[key]
		if g == nil {
			g = &group{scores: t.scores}
			byScores[key] = g
			groups = append(groups, g)
		}
		g.tasks = append(g.tasks, t)
	}
	for _, g := range groups {
		seen := map[pictureRef]bool{}
		for _, t := range g.tasks {
			for _, examples := range [][]fewshot.Example{t.episode.Support, t.episode.Query, t.others} {
				for _, e := range examples {
					seen[pictureRef{e.Class, e.Image}] = true
				}
			}
		}
		for im := range seen {
			g.images = append(g.images, im)
		}
		slices.SortFunc(g.images, compareRefs)
	}
	slices.SortStableFunc(groups, func(a, b *group) int { return cmp.Compare(len(b.images), len(a.images)) })
	return groups
}

// cutGroups cuts the groups into pieces for n cores: whole groups where there
// are many, parts of a group where few groups hold much of the work.
func cutGroups(groups []*group, n int) []piece {
	total := 0
	for _, g := range groups {
		total += len(g.images)
	}
	batches := (total + n*piecesPerCore*embedBatch - 1) / (n * piecesPerCore * embedBatch)
	size := max(4, batches) * embedBatch // whole batches, so that the cut does not change what is embedded together
	var pieces []piece
	for _, g := range groups {
		for from := 0; from < len(g.images); from += size {
			pieces = append(pieces, piece{g, from, min(from+size, len(g.images))})
			g.left.Add(1)
		}
	}
	return pieces
}

// score runs the tasks of a group whose pictures are all embedded, and lets
// the embeddings go.
func (g *group) score(dim, length int) {
	row := func(class, i int) []float32 {
		at, _ := slices.BinarySearchFunc(g.images, pictureRef{class, i}, compareRefs)
		return g.embed[at*length:][:length]
	}
	for _, t := range g.tasks {
		t.cell.add(t.index, t.episode, dim, row)
	}
	g.embed = nil
}
