package metatune

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"haguruma/core/fewshot"
	"haguruma/core/picture"
	"haguruma/core/vit"
	"haguruma/sparse"
)

// Tuned is an Embedder whose weights are tuned on the support of each task. One goroutine uses one Tuned; all that a Method makes are alike.
type Tuned interface {
	Embedder
	// Tune tunes on the support of a task; labels (len(pics)) are 0..way-1. number is that of the episode.
	Tune(ctx context.Context, pics []*picture.Picture, labels []int, way, number int) (TunedModel, error)
	// EmbedTuned is Embed by the weights of the last Tune.
	EmbedTuned(embed []float32, pics []*picture.Picture)
}

// Support is what a task is tuned on.
type Support struct {
	Images []float32 // (n, 3, Size, Size) normalized
	Labels []int     // (n) 0..Way-1
	Way    int
	Size   int
	Number int // of the episode, for what chance decides
}

// TunedModel is what came of it.
type TunedModel struct {
	Model   *vit.Int8Model
	Rate    float64 // the learning rate that was chosen; 0: nothing changed
	Part    float64 // of the change, that was taken; 0 where nothing changed
	Tuned   int     // numbers that training could move
	Changed int     // weights that changed
}

// Tune tunes an int8 backbone, which it does not write to. demand (N) is how much experts want of each weight, nil without experts. It runs on
// the goroutine it is called on.
type Tune func(ctx context.Context, base *vit.Int8Model, demand []float32, task Support) (TunedModel, error)

// TaskTuning says what tuning did to the tasks of a cell.
type TaskTuning struct {
	Tuned   int         `json:"tuned"`   // numbers that training could move
	Changed float64     `json:"changed"` // weights that changed, mean over the episodes
	Rates   []RateCount `json:"rates"`   // how often each learning rate and part was chosen, ascending
	Seconds float64     `json:"seconds"` // mean time of a task, on this machine with its other work
}

// RateCount is a learning rate, the part of its change, and how many episodes chose them.
type RateCount struct {
	Rate     float64 `json:"rate"`
	Part     float64 `json:"part"`
	Episodes int     `json:"episodes"`
}

// FineTune is an int8 backbone that is tuned on each task, from the weights that experts merge for it when e is not nil. bundle and file are the
// sha256 of the bundle and of the experts' file; how says all that tune depends on, for Method.Identity. The error wraps sparse.ErrBackbone
// when the experts belong to another backbone.
func FineTune(name string, model *vit.Int8Model, bundle string, e *sparse.Experts, file, how string, tune Tune) (Method, error) {
	m := Method{Name: name, Identity: bundle + " tuned by " + how}
	if e != nil {
		if err := e.CheckBackbone(bundle, model); err != nil {
			return Method{}, err
		}
		m.Identity = expertsIdentity(file, m.Identity)
	}
	c := model.Config()
	m.New = func() Embedder {
		own := model.Share()
		return &tunedByTask{
			start: backbone{cfg: c, size: c.ImageSize, forward: int8Forward(own)}, after: backbone{cfg: c, size: c.ImageSize},
			model: own, experts: e, tune: tune,
		}
	}
	return m, nil
}

func int8Forward(model *vit.Int8Model) forward {
	return func(b *backbone, embed []float32, n int) { model.Embed(embed, b.images, n, b.size) }
}

// tunedByTask is Tuned.
type tunedByTask struct {
	start, after backbone
	model        *vit.Int8Model
	experts      *sparse.Experts
	tune         Tune
}

func (t *tunedByTask) Dim() int { return t.start.Dim() }

func (t *tunedByTask) showViews(all bool) { t.after.showViews(all) }

func (t *tunedByTask) views() int { return t.after.views() }

func (t *tunedByTask) Embed(embed []float32, pics []*picture.Picture) { t.start.Embed(embed, pics) }

func (t *tunedByTask) EmbedTuned(embed []float32, pics []*picture.Picture) {
	t.after.Embed(embed, pics)
}

func (t *tunedByTask) Tune(ctx context.Context, pics []*picture.Picture, labels []int, way, number int) (TunedModel, error) {
	embed := make([]float32, len(pics)*t.Dim())
	t.start.Embed(embed, pics) // which leaves the pixels in t.start.images
	base, demand := t.model, []float32(nil)
	if t.experts != nil {
		means, scores := make([]float32, way*t.Dim()), make([]float32, len(t.experts.Masks))
		fewshot.ClassMeans(means, embed, labels, way, t.Dim())
		t.experts.Route(scores, means, way)
		base = t.experts.MergeInt8(t.model, scores)
		demand = make([]float32, t.experts.Delta.Len())
		t.experts.Demand(demand, scores)
	}
	m, err := t.tune(ctx, base, demand, Support{Images: t.start.images, Labels: labels, Way: way, Size: t.start.size, Number: number})
	if err == nil {
		t.after.forward = int8Forward(m.Model)
	}
	return m, err
}

// tunedTask is what tuning on one episode came to: the embeddings of its pictures, and how it went.
type tunedTask struct {
	rows  map[pictureRef][]float32
	model TunedModel // without its Model
	spent time.Duration
}

// evaluateTuned measures the cells of a tuned method on one set, episode by episode over all cores: what the method before tuned, if it differs
// from this one in the head alone, is not tuned again. The cells come filled.
func evaluateTuned(ctx context.Context, d *fewshot.Dataset, pics [][]*picture.Picture, method Method, cells []*Cell, draw []func(i int) fewshot.Episode, last *embedded, progress Progress) error {
	if by := method.embedding(); by == "" || by != last.by {
		*last = embedded{by: by, tuned: map[Setting][]tunedTask{}}
	}
	dim := method.New().Dim()
	for k, c := range cells {
		tasks := last.tuned[c.Setting]
		if tasks == nil {
			var err error
			if tasks, err = tuneTasks(ctx, d, pics, method, c, draw[k], progress); err != nil {
				return err
			}
			last.tuned[c.Setting] = tasks
		}
		var sum tuningSum
		for _, t := range tasks {
			sum.add(t.model, t.spent)
		}
		c.Tuning = sum.mean(len(tasks))
		err := eachCore(ctx, len(tasks), func() func(i int) {
			return func(i int) {
				c.add(i, draw[k](i), dim, func(class, image int) []float32 { return tasks[i].rows[pictureRef{class, image}] })
			}
		}, func(done int) { progress.report("score "+d.Name+" by "+method.Name, done, len(tasks), "") })
		if err != nil {
			return err
		}
	}
	return nil
}

// tuneTasks tunes on every episode of a cell.
func tuneTasks(ctx context.Context, d *fewshot.Dataset, pics [][]*picture.Picture, method Method, c *Cell, draw func(i int) fewshot.Episode, progress Progress) ([]tunedTask, error) {
	tasks := make([]tunedTask, len(c.Hits))
	return tasks, tryEachCore(ctx, len(tasks), func() func(i int) error {
		e := method.New().(Tuned)
		return func(i int) (err error) {
			t, episode, begin := &tasks[i], draw(i), time.Now()
			support := picturesOf(pics, episode.Support)
			if t.model, err = e.Tune(ctx, support, fewshot.Labels(episode.Support), episode.Way, i); err != nil {
				return fmt.Errorf("%s, episode %d: %w", c.Setting, i, err)
			}
			t.model.Model, t.spent, t.rows = nil, time.Since(begin), map[pictureRef][]float32{}
			for p, part := range [][]fewshot.Example{episode.Support, episode.Query} {
				if v, ok := e.(viewer); ok { // of the support, for the methods with other heads that share these weights
					v.showViews(p == 0)
				}
				length := viewsOf(e) * e.Dim()
				embed := make([]float32, len(part)*length)
				e.EmbedTuned(embed, picturesOf(pics, part))
				if err := checkFinite(embed); err != nil {
					return fmt.Errorf("%s, episode %d, tuned: %w", c.Setting, i, err)
				}
				for j, x := range part {
					t.rows[pictureRef{x.Class, x.Image}] = embed[j*length:][:length]
				}
			}
			return nil
		}
	}, func(done int) { progress.report("tune on "+d.Name+" by "+method.Name, done, len(tasks), "") })
}

func picturesOf(pics [][]*picture.Picture, examples []fewshot.Example) []*picture.Picture {
	list := make([]*picture.Picture, len(examples))
	for i, x := range examples {
		list[i] = pics[x.Class][x.Image]
	}
	return list
}

// tuningSum adds up the results of episodes, in any order.
type tuningSum struct {
	tuned, changed int
	spent          time.Duration
	rates          []RateCount
}

func (s *tuningSum) add(r TunedModel, spent time.Duration) {
	s.tuned = max(s.tuned, r.Tuned)
	s.changed += r.Changed
	s.spent += spent
	at, found := slices.BinarySearchFunc(s.rates, r, func(c RateCount, r TunedModel) int {
		return cmp.Or(cmp.Compare(c.Rate, r.Rate), cmp.Compare(c.Part, r.Part))
	})
	if !found {
		s.rates = slices.Insert(s.rates, at, RateCount{Rate: r.Rate, Part: r.Part})
	}
	s.rates[at].Episodes++
}

func (s *tuningSum) mean(episodes int) *TaskTuning {
	return &TaskTuning{Tuned: s.tuned, Changed: float64(s.changed) / float64(episodes), Rates: s.rates, Seconds: s.spent.Seconds() / float64(episodes)}
}
