package metatune

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"

	"haguruma/core/fewshot"
	"haguruma/core/picture"
)

// Cell is what one method did on one set in one setting: the outcome of every
// episode, so that any two runs on the same episodes can be compared pairwise.
type Cell struct {
	Method  string       `json:"method"`
	Set     string       `json:"set"`
	Setting Setting      `json:"setting"`
	Ways    int          `json:"ways"`    // of each episode: fewer than asked where the set has fewer classes; 0: they vary
	Hits    []int        `json:"hits"`    // (episodes) queries that got their own label
	Queries []int        `json:"queries"` // (episodes), or one number for all episodes
	Routing *TaskRouting `json:"routing,omitempty"`
	Tuning  *TaskTuning  `json:"tuning,omitempty"`

	head fewshot.Kind // Method.Head
	// strangers, if not nil, are pictures of other classes that episode i asks too, and judge looks at the episode in place of counting hits.
	strangers func(i int, e fewshot.Episode) []fewshot.Example
	judge     func(i int, e fewshot.Episode, dim int, row func(class, image int) []float32)
}

// add notes the outcome of episode i. views is the embedding of a picture (dim), or those of its views (ViewCount, dim), which HeadViews wants of the support.
// Different i may be added at once.
func (c *Cell) add(i int, e fewshot.Episode, dim int, views func(class, image int) []float32) {
	row := func(class, image int) []float32 { return views(class, image)[:dim] }
	if c.judge != nil {
		c.judge(i, e, dim, row)
		return
	}
	switch c.head {
	case HeadViews:
		c.Hits[i] = fewshot.ViewHits(e, dim, picture.ViewCount, views)
	case "":
		c.Hits[i] = fewshot.Hits(e, dim, row)
	case HeadChosen:
		c.Hits[i] = fewshot.HeadHits(e, dim, row, "")
	default:
		c.Hits[i] = fewshot.HeadHits(e, dim, row, c.head)
	}
	c.Queries[i] = len(e.Query)
}

// finish is called once all episodes are in.
func (c *Cell) finish() {
	for _, q := range c.Queries {
		if q != c.Queries[0] {
			return
		}
	}
	c.Queries = c.Queries[:1:1]
}

// Accuracy returns the accuracy of each episode, in their order.
func (c *Cell) Accuracy() *fewshot.Accuracy {
	acc := &fewshot.Accuracy{}
	for i, hits := range c.Hits {
		queries := c.Queries[0]
		if len(c.Queries) > 1 {
			queries = c.Queries[i]
		}
		acc.Add(float64(hits) / float64(queries))
	}
	return acc
}

// check tells whether the numbers can be those of so many episodes.
func (c *Cell) check(episodes int) error {
	if len(c.Hits) != episodes || (len(c.Queries) != 1 && len(c.Queries) != episodes) {
		return fmt.Errorf("want hits of %d episodes and queries of 1 or %d, have %d and %d", episodes, episodes, len(c.Hits), len(c.Queries))
	}
	for i, hits := range c.Hits {
		if q := c.Queries[min(i, len(c.Queries)-1)]; q < 1 || hits < 0 || hits > q {
			return fmt.Errorf("episode %d: %d hits of %d queries", i, hits, q)
		}
	}
	if c.Routing != nil && len(c.Routing.Scores) == 0 {
		return fmt.Errorf("routing without scores")
	}
	return nil
}

// setSeed gives every set of a suite episodes of its own. With one stream of
// chance for all, episode i is easy or hard on all sets together (varying ones
// have nearly the same ways and shots), and the mean of a group is less exact
// than its sets allow.
func setSeed(seed uint64, set string) uint64 {
	h := fnv.New64a()
	io.WriteString(h, set)
	return seed ^ h.Sum64()
}

// embedded is a set as a method embedded it, or its episodes as one tuned on them.
type embedded struct {
	by    string // Method.embedding
	e     *Embeddings
	tuned map[Setting][]tunedTask
}

// embed embeds a set, unless the method before did the same.
func (last *embedded) embed(ctx context.Context, d *fewshot.Dataset, pics [][]*picture.Picture, m Method, progress Progress) (*Embeddings, error) {
	by := m.embedding()
	if by != "" && by == last.by && last.e != nil {
		return last.e, nil
	}
	e, err := embedPictures(ctx, d, pics, m, progress)
	if err == nil {
		*last = embedded{by: by, e: e}
	}
	return e, err
}

// evaluateCells measures one method on one set at the settings. The set is
// embedded once; when the method is Routed, that is what its router reads. last is what the method before embedded.
func evaluateCells(ctx context.Context, cfg EvaluateConfig, d *fewshot.Dataset, pics [][]*picture.Picture, method Method, settings []Setting, last *embedded, progress Progress) ([]*Cell, error) {
	if method.Head == HeadViews && viewsOf(method.New()) == 1 {
		return nil, fmt.Errorf("%s cannot embed views of a picture: want a backbone: %w", method.Name, fewshot.ErrEpisode)
	}
	var cells []*Cell
	var draw []func(i int) fewshot.Episode
	for _, s := range settings {
		next, err := s.sampler(d, setSeed(cfg.Seed, d.Name))
		if err != nil {
			return nil, err
		}
		draw = append(draw, next)
		c := &Cell{Method: method.Name, Set: d.Name, Setting: s, Hits: make([]int, cfg.Episodes), Queries: make([]int, cfg.Episodes), head: method.Head}
		if !s.Varying() {
			c.Ways = next(0).Way
		}
		cells = append(cells, c)
	}
	if _, tuned := method.New().(Tuned); tuned {
		if err := evaluateTuned(ctx, d, pics, method, cells, draw, last, progress); err != nil {
			return nil, err
		}
		return finished(cells), nil
	}
	e, err := last.embed(ctx, d, pics, method, progress)
	if err != nil {
		return nil, err
	}
	for class, rows := range e.rows {
		if err := checkFinite(rows); err != nil {
			return nil, fmt.Errorf("class %q: %w", d.Classes[class].Name, err)
		}
	}
	if _, routed := method.New().(Routed); routed {
		err = evaluateRouted(ctx, e, pics, method, cells, draw, progress)
	} else {
		total := len(cells) * cfg.Episodes
		err = eachCore(ctx, total, func() func(i int) {
			return func(i int) {
				k, episode := i/cfg.Episodes, i%cfg.Episodes
				cells[k].add(episode, draw[k](episode), e.Dim, e.Image)
			}
		}, func(done int) { progress.report("score "+d.Name+" by "+method.Name, done, total, "") })
	}
	if err != nil {
		return nil, err
	}
	return finished(cells), nil
}

func finished(cells []*Cell) []*Cell {
	for _, c := range cells {
		c.finish()
	}
	return cells
}
