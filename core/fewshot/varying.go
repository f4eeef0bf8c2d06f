package fewshot

import "fmt"

// Bounds of the episode sampling of Meta-Dataset (Triantafillou et al. 2020, arXiv:1903.03096, appendix
// "Episode sampling").
const (
	minVaryingWay     = 5
	maxVaryingWay     = 50
	maxVaryingQueries = 10
	maxVaryingSupport = 500 // images of a whole support set
	maxVaryingClass   = 100 // images of one class that count towards its size
)

// VaryingSampler draws episodes whose way and shots vary as in Meta-Dataset. It is made by
// NewVaryingSampler; Episode is safe for concurrent use, Next is not.
type VaryingSampler struct {
	Seed uint64

	sizes    []int
	eligible []int // classes with at least two images
	next     int
}

// NewVaryingSampler returns a sampler over the classes of d that have at least two images, one for the
// support and one to query. ErrTooFewClasses: fewer than two such classes.
func NewVaryingSampler(d *Dataset, seed uint64) (*VaryingSampler, error) {
	s := &VaryingSampler{Seed: seed}
	s.sizes, s.eligible = classSizes(d, 2)
	if len(s.eligible) < 2 {
		return nil, fmt.Errorf("fewshot: %s: want 2 classes of 2 or more images, have %d: %w", d.Name, len(s.eligible), ErrTooFewClasses)
	}
	return s, nil
}

// Episode returns episode i; it depends on the classes, Seed and i alone. With C the classes and |c|
// the images of class c:
//
//	way      uniform in 5..min(50, |C|), or |C| when that is below 5
//	queries  q = min(10, min over c of floor(|c|/2)), the same for every class
//	support  |S| = min(500, sum over c of ceil(beta * min(100, |c|-q))), beta uniform in (0, 1]
//	shot     k_c = min(floor(R_c * (|S|-way)) + 1, |c|-q),
//	         R_c = exp(a_c)|c| / sum of exp(a_c')|c'|, a uniform in [log 0.5, log 2)
func (s *VaryingSampler) Episode(i int) Episode {
	r := newRandom(s.Seed, kindVarying, i)
	most := min(maxVaryingWay, len(s.eligible))
	way := most
	if most > minVaryingWay {
		way = minVaryingWay + r.intN(most-minVaryingWay+1)
	}
	var scratch []int
	e := Episode{Way: way}
	queries := maxVaryingQueries
	for _, k := range r.choose(way, len(s.eligible), &scratch) {
		class := s.eligible[k]
		e.Classes = append(e.Classes, class)
		queries = min(queries, s.sizes[class]/2)
	}

	shots := s.shots(r, e.Classes, queries)
	e.Shot = shots[0]
	for label, class := range e.Classes {
		e.draw(r, label, class, shots[label], queries, s.sizes[class], &scratch)
		if shots[label] != shots[0] {
			e.Shot = 0
		}
	}
	return e
}

// shots draws the support size of each class.
func (s *VaryingSampler) shots(r random, classes []int, queries int) []int {
	beta := 1 - r.float()
	support := 0
	for _, class := range classes {
		support += ceil(beta * float64(min(maxVaryingClass, s.sizes[class]-queries)))
	}
	support = min(support, maxVaryingSupport)

	weights := make([]float64, len(classes))
	sum := 0.0
	for label, class := range classes {
		weights[label] = exp2(2*r.float()-1) * float64(s.sizes[class])
		sum += weights[label]
	}
	shots := make([]int, len(classes))
	for label, class := range classes {
		share := weights[label] / sum * float64(support-len(classes))
		shots[label] = min(int(share)+1, s.sizes[class]-queries)
	}
	return shots
}

// ceil is the least integer not below x, for 0 < x.
func ceil(x float64) int {
	n := int(x)
	if float64(n) < x {
		n++
	}
	return n
}

// exp2 returns 2^x for -1 <= x <= 1 within 1e-15, with one order of operations: math.Exp has bodies
// of its own on some platforms, and an episode must not depend on the platform.
func exp2(x float64) float64 {
	const ln2 = 0.693147180559945309417232121458176568
	y, term := 1.0, 1.0
	for k := 1; k <= 20; k++ { // ln2^21/21! < 1e-23
		term = float64(term*float64(x*ln2)) / float64(k)
		y += term
	}
	return y
}

// Next returns episodes 0, 1, 2, ... one by one.
func (s *VaryingSampler) Next() Episode {
	e := s.Episode(s.next)
	s.next++
	return e
}
