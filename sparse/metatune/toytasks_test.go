package metatune

import (
	"math"
	"math/rand/v2"
)

// toyTasks draws tasks of synthetic pictures, convSide pixels square, from three domains that look nothing alike. A class is the number that
// its parameters are drawn from, so there are classes without end, and test classes are numbers that training does not use.
type toyTasks struct {
	domains               []int // drawn evenly; indices of toyDomains
	first, classes        int
	way, minShot, maxShot int
	queries               int
}

var toyDomains = []struct {
	name string
	draw func(pixels []float32, class, sample *rand.Rand)
}{{"gratings", drawGrating}, {"strokes", drawStrokes}, {"spots", drawSpots}}

func (s *toyTasks) Names() []string {
	var names []string
	for _, d := range s.domains {
		names = append(names, toyDomains[d].name)
	}
	return names
}

func (s *toyTasks) Draw(t *Task, rng *rand.Rand) {
	s.drawFrom(t, rng.IntN(len(s.domains)), s.minShot+rng.IntN(s.maxShot-s.minShot+1), rng)
}

// Trial is one of fixed tasks: shots in turn.
func (s *toyTasks) Trial(t *Task, set, i int) {
	s.drawFrom(t, set, s.minShot+i%(s.maxShot-s.minShot+1), rand.New(rand.NewPCG(uint64(1000+set), uint64(i))))
}

func (s *toyTasks) drawFrom(t *Task, set, shot int, rng *rand.Rand) {
	const length = convSide * convSide
	t.Set, t.Way = set, s.way
	t.Support, t.Query = room(t.Support, s.way*shot*length), room(t.Query, s.way*s.queries*length)
	t.SupportLabels, t.QueryLabels = t.SupportLabels[:0], t.QueryLabels[:0]
	domain := s.domains[set]
	for label, class := range rng.Perm(s.classes)[:s.way] {
		draw := func(dst []float32) {
			toyDomains[domain].draw(dst, rand.New(rand.NewPCG(uint64(domain), uint64(s.first+class))), rng)
		}
		for range shot {
			draw(t.Support[len(t.SupportLabels)*length:][:length])
			t.SupportLabels = append(t.SupportLabels, label)
		}
		for range s.queries {
			draw(t.Query[len(t.QueryLabels)*length:][:length])
			t.QueryLabels = append(t.QueryLabels, label)
		}
	}
}

// drawGrating: a class is a direction and a frequency, a sample a phase and a contrast under noise.
func drawGrating(pixels []float32, class, sample *rand.Rand) {
	sin, cos := math.Sincos(math.Pi * class.Float64())
	frequency := 2 * math.Pi * (1.5 + 4*class.Float64()) / convSide
	phase, contrast := 2*math.Pi*sample.Float64(), 0.7+0.6*sample.Float64()
	for i := range pixels {
		x, y := float64(i%convSide), float64(i/convSide)
		pixels[i] = float32(contrast*math.Sin(frequency*(cos*x+sin*y)+phase) + 0.6*sample.NormFloat64())
	}
}

// drawStrokes: a class is three lines, a sample moves them and their ends.
func drawStrokes(pixels []float32, class, sample *rand.Rand) {
	const lines = 3
	dx, dy := 2*sample.Float64()-1, 2*sample.Float64()-1
	var ends [lines][4]float64
	for i := range ends {
		for j := range 4 {
			ends[i][j] = 2 + 12*class.Float64() + 0.7*sample.NormFloat64() + [2]float64{dx, dy}[j%2]
		}
	}
	for i := range pixels {
		x, y := float64(i%convSide), float64(i/convSide)
		nearest := math.Inf(1)
		for _, e := range ends {
			ux, uy := e[2]-e[0], e[3]-e[1]
			along := min(max(((x-e[0])*ux+(y-e[1])*uy)/(ux*ux+uy*uy+1e-9), 0), 1)
			nearest = min(nearest, math.Hypot(x-e[0]-along*ux, y-e[1]-along*uy))
		}
		pixels[i] = float32(2*math.Exp(-nearest*nearest) - 0.4 + 0.15*sample.NormFloat64())
	}
}

// drawSpots: a class is a number of spots, their size and how hollow they are; a sample scatters them, dark on light.
func drawSpots(pixels []float32, class, sample *rand.Rand) {
	spots, radius, hollow := 2+class.IntN(7), 0.8+2.2*class.Float64(), class.Float64()
	var at [9][2]float64
	for i := range spots {
		at[i] = [2]float64{16 * sample.Float64(), 16 * sample.Float64()}
	}
	for i := range pixels {
		x, y := float64(i%convSide), float64(i/convSide)
		dark := 0.0
		for _, p := range at[:spots] {
			d := math.Hypot(x-p[0], y-p[1]) / radius
			dark = max(dark, math.Exp(-d*d*d*d)-hollow*math.Exp(-4*d*d))
		}
		pixels[i] = float32(0.8 - 2*dark + 0.2*sample.NormFloat64())
	}
}
