package fewshot

import (
	"errors"
	"math"
	"slices"
	"testing"
)

// repeat returns n classes of size images.
func repeat(n, size int) []int { return slices.Repeat([]int{size}, n) }

func TestVaryingSamplerKeepsItsBounds(t *testing.T) {
	for name, sizes := range map[string][]int{
		"many large classes": repeat(120, 300),
		"few classes":        {40, 3, 25},
		"small classes":      repeat(60, 20),
		"pairs":              repeat(8, 2),
		"mixed":              {2, 500, 3, 40, 1, 77, 9, 12, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			d := sized(t, sizes...)
			s, err := NewVaryingSampler(d, 11)
			if err != nil {
				t.Fatal(err)
			}
			eligible := 0
			for _, n := range sizes {
				if n >= 2 {
					eligible++
				}
			}
			for i := range 100 {
				e := s.Episode(i)
				shots, queries := checkEpisode(t, e, d)
				if e.Way > min(50, eligible) || e.Way < min(5, eligible) {
					t.Fatalf("way %d of %d classes", e.Way, eligible)
				}
				q, most := 10, 0
				for _, c := range e.Classes {
					q = min(q, sizes[c]/2)
				}
				for label, c := range e.Classes {
					if queries[label] != q || shots[label] > sizes[c]-q {
						t.Fatalf("class of %d: %d shots, %d queries, want %d", sizes[c], shots[label], queries[label], q)
					}
					most += min(100, sizes[c]-q)
				}
				// Every class gets one more than the floor of its share, so never more than |S| in all.
				if len(e.Support) > min(500, most) {
					t.Fatalf("support of %d, want at most %d", len(e.Support), min(500, most))
				}
			}
		})
	}
	for _, sizes := range [][]int{{9}, {1, 1, 5}} {
		if _, err := NewVaryingSampler(sized(t, sizes...), 1); !errors.Is(err, ErrTooFewClasses) {
			t.Errorf("classes of %v: %v, want ErrTooFewClasses", sizes, err)
		}
	}
}

// Ways are uniform over 5..50, and the drawn sizes follow from the definition: with equal classes of
// 20 images the mean of ceil(10 beta) is 5.5, and |S| = way * ceil(10 beta).
func TestVaryingSamplerDistribution(t *testing.T) {
	const episodes = 4000
	d := sized(t, repeat(60, 20)...)
	s, err := NewVaryingSampler(d, 3)
	if err != nil {
		t.Fatal(err)
	}
	ways := make([]int, 46)
	sum, ratioMin, ratioMax := 0.0, math.Inf(1), 0.0
	for i := range episodes {
		e := s.Episode(i)
		ways[e.Way-5]++
		shots, _ := checkEpisode(t, e, d)
		sum += float64(len(e.Support)) / float64(e.Way)
		ratio := float64(slices.Max(shots)) / float64(slices.Min(shots))
		ratioMin, ratioMax = min(ratioMin, ratio), max(ratioMax, ratio)
	}
	checkUniform(t, "way", ways)
	// Floors lose half an image a class on average, the cap at 10 images and the ceiling at 500 a little more.
	if mean := sum / episodes; !(mean > 4.3 && mean < 5.5) {
		t.Errorf("%.3f support images a class on average", mean)
	}
	// exp(a) is within 0.5..2, so shares differ by a factor below 4; shots are floored and then +1.
	if ratioMin != 1 || !(ratioMax > 2.5 && ratioMax <= 10) {
		t.Errorf("shots of one episode differ by factors %.2f to %.2f", ratioMin, ratioMax)
	}
}

// The formula by hand: two classes of 40 and 80 images, q = 10.
func TestVaryingShots(t *testing.T) {
	s := &VaryingSampler{sizes: []int{40, 80}}
	r, again := newRandom(9, kindVarying, 0), newRandom(9, kindVarying, 0)
	got := s.shots(r, []int{0, 1}, 10)
	beta := 1 - again.float()
	a0, a1 := math.Log(0.5)+again.float()*math.Log(4), math.Log(0.5)+again.float()*math.Log(4)
	support := math.Ceil(beta*30) + math.Ceil(beta*70)
	w0, w1 := math.Exp(a0)*40, math.Exp(a1)*80
	want := []int{int(math.Floor(w0/(w0+w1)*(support-2))) + 1, int(math.Floor(w1/(w0+w1)*(support-2))) + 1}
	want[0], want[1] = min(want[0], 30), min(want[1], 70)
	if !slices.Equal(got, want) || got[0]+got[1] < 10 {
		t.Errorf("have %v, want %v of a support of %v", got, want, support)
	}
}

func TestExp2(t *testing.T) {
	for x := -1.0; x <= 1; x += 1.0 / 512 {
		if got, want := exp2(x), math.Exp2(x); !(math.Abs(got-want) <= 1e-15*want) {
			t.Errorf("exp2(%v) = %v, want %v", x, got, want)
		}
	}
	for x, want := range map[float64]int{0.001: 1, 1: 1, 1.5: 2, 70: 70} {
		if got := ceil(x); got != want {
			t.Errorf("ceil(%v) = %d, want %d", x, got, want)
		}
	}
}
