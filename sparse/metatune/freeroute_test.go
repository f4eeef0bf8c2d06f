package metatune

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"haguruma/core/fewshot"
	"haguruma/core/vit"
	"haguruma/sparse"
)

func normal32s(seed uint64, n int) []float32 {
	rng := rand.New(rand.NewPCG(seed, 3))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// diffStep is the definition of DiffAugment, one step after the other in float64, on one picture (3, size, size).
func diffStep(src []float32, size int, rng *rand.Rand) []float64 {
	area := size * size
	x := make([]float64, 3*area)
	flip := rng.IntN(2) == 1
	for i, v := range src {
		at := i
		if flip {
			at = i - i%size + size - 1 - i%size
		}
		x[at] = float64(v)
	}
	brightness := rng.Float64() - 0.5
	for i := range x {
		x[i] += brightness
	}
	saturation := 2 * rng.Float64()
	for p := range area {
		mean := (x[p] + x[area+p] + x[2*area+p]) / 3
		for c := range 3 {
			x[c*area+p] = (x[c*area+p]-mean)*saturation + mean
		}
	}
	contrast := rng.Float64() + 0.5
	mean := 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for i := range x {
		x[i] = (x[i]-mean)*contrast + mean
	}
	reach := int(float64(size)*0.125 + 0.5)
	dx, dy := rng.IntN(2*reach+1)-reach, rng.IntN(2*reach+1)-reach
	moved := make([]float64, len(x))
	for c := range 3 {
		for row := range size {
			for col := range size {
				if r, k := row+dy, col+dx; r >= 0 && r < size && k >= 0 && k < size {
					moved[c*area+r*size+k] = x[c*area+row*size+col]
				}
			}
		}
	}
	return moved
}

// TestDiffAugment: against the definition, for pictures that move by nothing and by all there is.
func TestDiffAugment(t *testing.T) {
	const n, size = 200, 16
	src := normal32s(1, n*3*size*size)
	dst := normal32s(2, len(src))
	DiffAugment(dst, src, n, size, rand.New(rand.NewPCG(4, 5)))
	rng := rand.New(rand.NewPCG(4, 5))
	zeros := map[int]bool{}
	for i := range n {
		count := 0
		for j, want := range diffStep(src[i*3*size*size:(i+1)*3*size*size], size, rng) {
			have := float64(dst[i*3*size*size+j])
			if !(math.Abs(have-want) < 1e-5) {
				t.Fatalf("picture %d, number %d: want %v, have %v", i, j, want, have)
			}
			if want == 0 {
				count++
			}
		}
		zeros[count/3] = true
	}
	if !zeros[16*16-14*14] || !zeros[0] || len(zeros) < 5 {
		t.Errorf("pictures left %v pixels free: want 0, 60 and more", zeros)
	}
}

// freeConfig is a backbone of a size for tests.
var freeConfig = vit.Config{
	ImageSize: 16, PatchSize: 8, Dim: 8, Depth: 1, Heads: 2, MLPDim: 16, Pool: vit.PoolClass, Eps: 1e-6, Std: [3]float32{1, 1, 1},
}

// freeExperts are as many experts as values of change: expert m replaces every weight w by change[m] w. The delta is -2w, so a change is at
// least -1 and at most 1.
func freeExperts(p *vit.Params[float32], change ...float32) *sparse.Experts {
	e := &sparse.Experts{Tensors: sparse.BackboneTensors(p)}
	delta := make([]float32, len(p.Flat))
	for i, w := range p.Flat {
		delta[i] = -2 * w
	}
	e.Delta = sparse.NewDelta(e.Tensors, delta)
	for _, c := range change {
		z := make([]float32, len(p.Flat))
		for i := range z {
			z[i] = (1 - c) / 2
		}
		e.Masks = append(e.Masks, sparse.NewMask(z))
	}
	return e
}

// TestFreeRoute: scores are those of the definition, put together from the parts; an expert under which nothing is left of a picture gets
// none; the seed decides the views.
func TestFreeRoute(t *testing.T) {
	p := vit.NewParams[float32](freeConfig)
	p.Init(rand.New(rand.NewPCG(1, 1)))
	for i, v := range normal32s(3, len(p.Flat)) {
		p.Flat[i] += 0.3 * v
	}
	const way, size = 3, 16
	e := freeExperts(p, 1, 0, 0.6) // the backbone itself, nothing, something between
	labels := []int{0, 1, 2, 2, 1, 0}
	inputs := normal32s(2, len(labels)*3*size*size)
	for i := range inputs { // classes apart, so that there is something to tell
		inputs[i] = 0.3*inputs[i] + float32(math.Sin(float64((1+labels[i/(3*size*size)])*i)))
	}
	network := ViT(freeConfig, size)
	scores := make([]float32, 3)
	router := sparse.DefaultFreeRouter
	if err := FreeRoute(router, scores, e, network.NewRun(), p.Flat, inputs, labels, way, 8, size, 9); err != nil {
		t.Fatal(err)
	}

	views := make([]float32, 2*len(inputs))
	rng := rand.New(rand.NewPCG(9, 2))
	DiffAugment(views[:len(inputs)], inputs, len(labels), size, rng)
	DiffAugment(views[len(inputs):], inputs, len(labels), size, rng)
	separations := make([]float64, 3)
	for m := range separations {
		q := vit.NewParams[float32](freeConfig)
		for i, w := range p.Flat {
			q.Flat[i] = w + e.Masks[m].Value(i)*(-2*w)
		}
		clean, changed := make([]float32, len(labels)*8), make([]float32, 2*len(labels)*8)
		vit.NewModel(q).Forward(clean, inputs, len(labels), size, nil)
		vit.NewModel(q).Forward(changed, views, 2*len(labels), size, nil)
		separations[m] = router.Separation(sparse.Support{
			Clean: clean, Augmented: changed, Labels: labels, AugmentedLabels: append(slices.Clone(labels), labels...), Way: way, Dim: 8,
		})
	}
	want := make([]float32, 3)
	router.Scores(want, separations)
	for m := range want {
		if !(math.Abs(float64(want[m]-scores[m])) < 1e-5) {
			t.Errorf("expert %d: want %v, have %v", m, want[m], scores[m])
		}
	}
	if scores[1] != 0 || !(scores[0] > 0.3 && scores[2] > 0.3) {
		t.Errorf("scores %v, separations %v", scores, separations)
	}
	again, other := make([]float32, 3), make([]float32, 3)
	for seed, s := range map[uint64][]float32{9: again, 10: other} {
		if err := FreeRoute(router, s, e, network.NewRun(), p.Flat, inputs, labels, way, 8, size, seed); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(scores, again) || slices.Equal(scores, other) {
		t.Errorf("seed 9: %v and %v, seed 10: %v", scores, again, other)
	}

	run := network.NewRun()
	for name, bad := range map[string]struct {
		scores, inputs []float32
		labels         []int
		want           error
	}{
		"scores":  {scores[:2], inputs, labels, sparse.ErrConfig},
		"inputs":  {scores, inputs[1:], labels, sparse.ErrConfig},
		"label":   {scores, inputs, []int{0, 1, 2, 3, 1, 0}, fewshot.ErrEpisode},
		"missing": {scores, inputs, []int{0, 1, 1, 1, 1, 0}, fewshot.ErrEpisode},
	} {
		if err := FreeRoute(router, bad.scores, e, run, p.Flat, bad.inputs, bad.labels, way, 8, size, 9); !errors.Is(err, bad.want) {
			t.Errorf("%s: want %v, have %v", name, bad.want, err)
		}
	}
}
