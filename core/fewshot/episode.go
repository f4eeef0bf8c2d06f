package fewshot

import "fmt"

// DefaultQueries is the number of query images a class that the field reports with.
const DefaultQueries = 15

// Example is one image in an episode.
type Example struct {
	Label int // 0..way-1, index into Episode.Classes
	Class int // index into Dataset.Classes
	Image int // index into Class.Images
}

// Episode is one few-shot task: a support set to adapt on and a query set to score. Support and Query
// share no image; both are grouped by label in ascending order.
type Episode struct {
	Way     int
	Shot    int   // support examples of each class; 0 when they differ from class to class
	Classes []int // (way) class of each label
	Support []Example
	Query   []Example
}

// Labels returns the label of each example.
func Labels(examples []Example) []int {
	labels := make([]int, len(examples))
	for i, e := range examples {
		labels[i] = e.Label
	}
	return labels
}

// Sampler draws episodes of fixed way and shot. It is made by NewSampler; Episode is safe for
// concurrent use, Next is not.
type Sampler struct {
	Way     int // after capping at the classes there are
	Shot    int
	Queries int // most query images a class
	Seed    uint64

	sizes    []int // images of each class
	eligible []int // classes with more than Shot images
	next     int
}

// kindFixed and kindVarying keep the episodes of the two samplers apart under one seed.
const (
	kindFixed   = 1
	kindVarying = 2
)

// NewSampler returns a sampler over the classes of d. queries 0 means DefaultQueries.
//
// A class takes part when it has more than shot images; way is capped at the number of such classes.
// A class with fewer than shot+queries images gives the query images it has left, at least one.
//
// Errors: ErrEpisode for way < 2, shot < 1 or queries < 0; ErrTooFewClasses when fewer than two
// classes have more than shot images.
func NewSampler(d *Dataset, way, shot, queries int, seed uint64) (*Sampler, error) {
	if queries == 0 {
		queries = DefaultQueries
	}
	if way < 2 || shot < 1 || queries < 0 {
		return nil, fmt.Errorf("fewshot: %s: way %d, shot %d, queries %d: want at least 2, 1, 1: %w", d.Name, way, shot, queries, ErrEpisode)
	}
	s := &Sampler{Shot: shot, Queries: queries, Seed: seed}
	s.sizes, s.eligible = classSizes(d, shot+1)
	if len(s.eligible) < 2 {
		return nil, fmt.Errorf("fewshot: %s: want 2 classes of %d or more images, have %d: %w", d.Name, shot+1, len(s.eligible), ErrTooFewClasses)
	}
	s.Way = min(way, len(s.eligible))
	return s, nil
}

// classSizes returns the images of every class and the classes that have at least least of them.
func classSizes(d *Dataset, least int) (sizes, eligible []int) {
	sizes = make([]int, len(d.Classes))
	for i := range d.Classes {
		sizes[i] = len(d.Classes[i].Images)
		if sizes[i] >= least {
			eligible = append(eligible, i)
		}
	}
	return sizes, eligible
}

// Episode returns episode i. It depends on the classes, Way, Shot, Queries, Seed and i alone. The
// classes drawn depend on Way but not on Queries.
func (s *Sampler) Episode(i int) Episode {
	r := newRandom(s.Seed, kindFixed, i)
	var scratch []int
	e := Episode{Way: s.Way, Shot: s.Shot}
	for _, k := range r.choose(s.Way, len(s.eligible), &scratch) {
		e.Classes = append(e.Classes, s.eligible[k])
	}
	e.Support = make([]Example, 0, s.Way*s.Shot)
	e.Query = make([]Example, 0, s.Way*s.Queries)
	for label, class := range e.Classes {
		e.draw(r, label, class, s.Shot, min(s.Queries, s.sizes[class]-s.Shot), s.sizes[class], &scratch)
	}
	return e
}

// draw takes shot support and queries query images of one class, all distinct.
func (e *Episode) draw(r random, label, class, shot, queries, size int, scratch *[]int) {
	for j, image := range r.choose(shot+queries, size, scratch) {
		if j < shot {
			e.Support = append(e.Support, Example{label, class, image})
		} else {
			e.Query = append(e.Query, Example{label, class, image})
		}
	}
}

// Next returns episodes 0, 1, 2, ... one by one.
func (s *Sampler) Next() Episode {
	e := s.Episode(s.next)
	s.next++
	return e
}
