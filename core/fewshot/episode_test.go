package fewshot

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"
)

// checkEpisode holds what every episode of every sampler must be.
func checkEpisode(t *testing.T, e Episode, d *Dataset) (shots, queries []int) {
	t.Helper()
	if len(e.Classes) != e.Way {
		t.Fatalf("way %d, %d classes", e.Way, len(e.Classes))
	}
	seenClass := make(map[int]bool)
	for _, c := range e.Classes {
		if seenClass[c] || c < 0 || c >= len(d.Classes) {
			t.Fatalf("classes %v", e.Classes)
		}
		seenClass[c] = true
	}
	shots, queries = make([]int, e.Way), make([]int, e.Way)
	seen := make(map[[2]int]bool)
	count := func(examples []Example, n []int) {
		last := 0
		for _, x := range examples {
			if x.Label < last || x.Label >= e.Way || x.Class != e.Classes[x.Label] || x.Image < 0 || x.Image >= len(d.Classes[x.Class].Images) {
				t.Fatalf("example %+v of classes %v", x, e.Classes)
			}
			if seen[[2]int{x.Class, x.Image}] {
				t.Fatalf("image %+v twice in one episode", x)
			}
			seen[[2]int{x.Class, x.Image}] = true
			last = x.Label
			n[x.Label]++
		}
	}
	count(e.Support, shots)
	count(e.Query, queries)
	for label := range e.Way {
		if shots[label] < 1 || queries[label] < 1 || (e.Shot != 0 && shots[label] != e.Shot) {
			t.Fatalf("shot %d, shots %v, queries %v", e.Shot, shots, queries)
		}
	}
	return shots, queries
}

func TestSampler(t *testing.T) {
	for _, test := range []struct {
		sizes              []int
		way, shot, queries int
		wantWay, most      int
	}{
		{[]int{30, 30, 30, 30, 30, 30}, 5, 1, 0, 5, 15},
		{[]int{30, 30, 30, 30, 30, 30}, 5, 5, 3, 5, 3},
		{[]int{30, 30, 30}, 20, 5, 15, 3, 15},    // capped at the classes there are
		{[]int{6, 7, 8, 5, 30}, 5, 5, 15, 4, 15}, // the class of 5 has nothing to query
		{[]int{2, 2}, 2, 1, 15, 2, 1},
	} {
		t.Run(fmt.Sprint(test), func(t *testing.T) {
			d := sized(t, test.sizes...)
			s, err := NewSampler(d, test.way, test.shot, test.queries, 7)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 50 {
				e := s.Episode(i)
				if e.Way != test.wantWay || e.Shot != test.shot {
					t.Fatalf("way %d, shot %d", e.Way, e.Shot)
				}
				_, queries := checkEpisode(t, e, d)
				for label, c := range e.Classes {
					if want := min(test.most, test.sizes[c]-test.shot); queries[label] != want {
						t.Fatalf("class %d of %d images: %d queries, want %d", c, test.sizes[c], queries[label], want)
					}
				}
			}
		})
	}
}

func TestSamplerIsRefused(t *testing.T) {
	d := sized(t, 5, 5, 2)
	for _, test := range []struct {
		way, shot, queries int
		err                error
	}{{1, 1, 1, ErrEpisode}, {2, 0, 1, ErrEpisode}, {2, 1, -1, ErrEpisode}, {2, 5, 1, ErrTooFewClasses}, {2, math.MaxInt - 1, 1, ErrTooFewClasses}} {
		if _, err := NewSampler(d, test.way, test.shot, test.queries, 1); !errors.Is(err, test.err) {
			t.Errorf("%+v: %v", test, err)
		}
	}
	if _, err := NewSampler(sized(t, 9), 2, 1, 1, 1); !errors.Is(err, ErrTooFewClasses) {
		t.Errorf("one class: %v", err)
	}
}

// Episode i is the same whatever was drawn before, and every index and seed gives another one.
func TestEpisodeDependsOnSeedAndIndexAlone(t *testing.T) {
	d := sized(t, 40, 40, 40, 40, 40, 40, 40, 40)
	draw := func(seed uint64) []Episode {
		s, err := NewSampler(d, 5, 5, 10, seed)
		if err != nil {
			t.Fatal(err)
		}
		var all []Episode
		for range 20 {
			all = append(all, s.Next())
		}
		for i := 19; i >= 0; i-- {
			if !reflect.DeepEqual(s.Episode(i), all[i]) {
				t.Fatalf("episode %d differs when asked for out of order", i)
			}
		}
		return all
	}
	first, again, other := draw(1), draw(1), draw(2)
	if !reflect.DeepEqual(first, again) {
		t.Error("two samplers of one seed differ")
	}
	all := slices.Concat(first, other)
	for i := range all {
		for j := range i {
			if reflect.DeepEqual(all[i], all[j]) {
				t.Errorf("episodes %d and %d are equal", i, j)
			}
		}
	}
}

// The very numbers, so that a table can be repeated with every release and on every platform. They were
// printed by this package: a change here makes earlier tables unrepeatable and belongs in the changelog.
func TestEpisodeIsPinned(t *testing.T) {
	s, err := NewSampler(sized(t, 20, 20, 20, 20, 20, 20, 20), 3, 1, 2, 42)
	if err != nil {
		t.Fatal(err)
	}
	want := "{3 1 [2 4 0] [{0 2 14} {1 4 3} {2 0 7}] [{0 2 11} {0 2 17} {1 4 15} {1 4 9} {2 0 11} {2 0 17}]}"
	if got := fmt.Sprint(s.Episode(7)); got != want {
		t.Errorf("have %s, want %s", got, want)
	}
	v, err := NewVaryingSampler(sized(t, 9, 20, 20, 20, 20, 20, 12), 42)
	if err != nil {
		t.Fatal(err)
	}
	e := v.Episode(8)
	want = "[2 1 6 5 4] [{0 2 13} {0 2 10} {0 2 8}] 49 [{0 2 11} {0 2 6} {0 2 7}] 30"
	if got := fmt.Sprint(e.Classes, e.Support[:3], len(e.Support), e.Query[:3], len(e.Query)); got != want {
		t.Errorf("have %s, want %s", got, want)
	}
}

// Every class and every image is drawn equally often, in the support as in the query.
func TestEpisodesAreUniform(t *testing.T) {
	const classes, images, way, shot, queries, episodes = 6, 8, 3, 2, 3, 3000
	d := sized(t, images, images, images, images, images, images)
	s, err := NewSampler(d, way, shot, queries, 5)
	if err != nil {
		t.Fatal(err)
	}
	var label [way][classes]int
	var support, query [classes * images]int
	for i := range episodes {
		e := s.Episode(i)
		for l, c := range e.Classes {
			label[l][c]++
		}
		for _, x := range e.Support {
			support[x.Class*images+x.Image]++
		}
		for _, x := range e.Query {
			query[x.Class*images+x.Image]++
		}
	}
	for l := range label {
		checkUniform(t, fmt.Sprintf("class of label %d", l), label[l][:])
	}
	checkUniform(t, "support images", support[:])
	checkUniform(t, "query images", query[:])
}

// checkUniform fails when chi-square is further than 6 standard deviations from its mean, the cells minus one.
func checkUniform(t *testing.T, what string, counts []int) {
	t.Helper()
	total := 0
	for _, n := range counts {
		total += n
	}
	want, chi := float64(total)/float64(len(counts)), 0.0
	for _, n := range counts {
		chi += (float64(n) - want) * (float64(n) - want) / want
	}
	if free := float64(len(counts) - 1); !(math.Abs(chi-free) <= 6*math.Sqrt(2*free)) {
		t.Errorf("%s: chi-square %.1f over %d cells: %v", what, chi, len(counts), counts)
	}
}

func TestIntN(t *testing.T) {
	r := newRandom(3, kindFixed, 0)
	for _, n := range []int{1, 2, 3, 7, 16, 100} {
		counts := make([]int, n)
		for range 200 * n {
			counts[r.intN(n)]++ // out of range panics
		}
		if n > 1 {
			checkUniform(t, fmt.Sprintf("intN(%d)", n), counts)
		}
	}
	// 2^64 is 8/3 n: without the rejection the residues 0, 1, 2 would come as 3 : 3 : 2.
	residues := make([]int, 3)
	const n = 3 << 61
	for range 3000 {
		residues[r.intN(n)%3]++
	}
	checkUniform(t, "residues of a large range", residues)
}
