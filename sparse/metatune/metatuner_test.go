package metatune

import (
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"haguruma/core/fewshot"
	"haguruma/core/tensorfile"
	"haguruma/sparse"
)

// toyConfig is a meta-tuning run of the convolutional network.
func toyConfig(out string) MetaConfig {
	c := DefaultMetaConfig()
	c.Out = out
	c.Gates.Experts, c.Density, c.InitDensity = 4, 0.2, 0.4
	c.Updates, c.Batch, c.Warmup = 70, 4, 5
	c.LR, c.GateLR, c.DualLR, c.RouterLR = 1e-2, 5e-2, 0.5, 5e-3
	c.Balance = 0 // an update of four tasks of three domains is no balanced sample: pulling its mean to uniform scores makes every task uniform
	c.ValidateEvery, c.Episodes = 35, 12
	return c
}

func toyTrain() *toyTasks {
	return &toyTasks{domains: []int{0, 1, 2}, first: 0, classes: 60, way: 5, minShot: 1, maxShot: 5, queries: 4}
}

func toyVal() *toyTasks {
	return &toyTasks{domains: []int{0, 1, 2}, first: 1000, classes: 40, way: 5, minShot: 1, maxShot: 5, queries: 8}
}

func toyTest() *toyTasks {
	return &toyTasks{domains: []int{0, 1, 2}, first: 2000, classes: 40, way: 5, minShot: 1, maxShot: 5, queries: 8}
}

// toyStart is the network after a little plain training, all weights, on gratings alone: where meta-tuning starts.
func toyStart(t *testing.T, updates int) []float32 {
	t.Helper()
	c := newConvNet[float32](nil)
	c.init(rand.New(rand.NewPCG(3, 4)))
	cfg := toyConfig(t.TempDir()).DenseBaseline()
	cfg.Updates, cfg.Distill = updates, 0
	tasks := toyTrain()
	tasks.domains = []int{0}
	r, err := MetaTuneNetwork(context.Background(), cfg, convNetwork{}, c.flat, tasks, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Experts.Merge(c.flat, c.flat, []float32{1})
	return c.flat
}

// toyAccuracy is that of start alone (e nil) or of experts over it on tasks, and the scores of every task.
func toyAccuracy(start []float32, e *sparse.Experts, tasks *toyTasks, set, n int) (acc *fewshot.Accuracy, routes [][]float32) {
	frozen, run := convNetwork{}.NewRun(), convNetwork{}.NewRun()
	copy(frozen.Weights(), start)
	copy(run.Weights(), start)
	acc = &fewshot.Accuracy{}
	var task Task
	for i := range n {
		tasks.Trial(&task, set, i)
		nS, nQ := len(task.SupportLabels), len(task.QueryLabels)
		support, query, means := make([]float32, nS*convDim), make([]float32, nQ*convDim), make([]float32, task.Way*convDim)
		if e != nil {
			frozen.Forward(support, task.Support, nS, false)
			fewshot.ClassMeans(means, support, task.SupportLabels, task.Way, convDim)
			scores := make([]float32, len(e.Masks))
			e.Route(scores, means, task.Way)
			e.Merge(run.Weights(), start, scores)
			routes = append(routes, scores)
		}
		run.Forward(support, task.Support, nS, false)
		run.Forward(query, task.Query, nQ, false)
		fewshot.ClassMeans(means, support, task.SupportLabels, task.Way, convDim)
		var loss protoLoss[float32]
		loss.forward(query, means, nQ, task.Way, convDim)
		_, right := loss.crossEntropy(task.QueryLabels, 1)
		acc.Add(float64(right) / float64(nQ))
	}
	return acc, routes
}

// TestMetaTuneConvNet: a backbone that is no transformer, weakly pre-trained on one of three domains, meta-tuned on all three. On classes that
// nothing has seen it rises above its start by more than the 95% interval of the paired difference, each expert opens the share asked for, no two
// experts are the same, and the scores alone tell the domain of a task.
func TestMetaTuneConvNet(t *testing.T) {
	const trials = 40
	start := toyStart(t, 30)
	unchanged := slices.Clone(start)
	cfg := toyConfig(t.TempDir())
	r, err := MetaTuneNetwork(context.Background(), cfg, convNetwork{}, start, toyTrain(), toyVal(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(start, unchanged) {
		t.Error("the start was written to")
	}
	for m, d := range r.Density {
		if math.Abs(d-cfg.Density) > 0.01 || d != r.Experts.Masks[m].Density() {
			t.Errorf("expert %d: want density %v, have %v (%v in its mask)", m, cfg.Density, d, r.Experts.Masks[m].Density())
		}
	}
	for a := range r.Experts.Masks {
		for b := range a {
			if o := sparse.Overlap(r.Experts.Masks[a], r.Experts.Masks[b]); o > 0.5 {
				t.Errorf("experts %d and %d overlap by %v", a, b, o)
			}
		}
	}

	// What is measured is the file, read back.
	f, err := tensorfile.Load(filepath.Join(cfg.Out, ExpertsFile))
	if err != nil {
		t.Fatal(err)
	}
	e, err := sparse.OpenExperts(f)
	if err != nil {
		t.Fatal(err)
	}
	before, after := &fewshot.Accuracy{}, &fewshot.Accuracy{}
	var routes [][][]float32 // (domain, trial) of (experts)
	for set, name := range toyTest().Names() {
		b, _ := toyAccuracy(start, nil, toyTest(), set, trials)
		a, scores := toyAccuracy(start, e, toyTest(), set, trials)
		routes = append(routes, scores)
		t.Logf("%s: %v before, %v after", name, b, a)
		for i := range trials {
			before.Add(b.Values()[i])
			after.Add(a.Values()[i])
		}
	}
	rise, half, err := fewshot.PairedDifference(after, before)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%v before, %v after: %+.2f ± %.2f; overlap %.2f", before, after, 100*rise, 100*half, r.Overlap)
	if rise-half < 0.02 {
		t.Errorf("want the mean to rise by more than 2 points, have %.2f ± %.2f", 100*rise, 100*half)
	}
	told := toldApart(routes)
	t.Logf("scores tell the domain of %.0f%% of the tasks", 100*told)
	if told < 0.55 { // chance is a third
		t.Errorf("scores tell the domain of %.0f%% of the tasks, want 55%%", 100*told)
	}
}

// TestValidationIsOfUse: the mean of a validation is that of the experts that are delivered, measured by their own Route and Merge, when the masks
// of training are far from the density asked for, with a router and without. The int8 delta may cost a query or two of 720.
func TestValidationIsOfUse(t *testing.T) {
	for _, routing := range []ScoreSource{RoutingLearned, RoutingUniform} {
		cfg := toyConfig(t.TempDir())
		cfg.Gates.Experts, cfg.Routing = 3, routing
		cfg.Updates, cfg.ValidateEvery, cfg.Episodes = 10, 0, 6
		cfg.InitDensity, cfg.Density, cfg.DualLR = 0.6, 0.05, 0 // nothing closes the masks but settling
		r, err := MetaTuneNetwork(context.Background(), cfg, convNetwork{}, shortStart(), toyTrain(), toyVal(), nil)
		if err != nil {
			t.Fatal(err)
		}
		stats, err := ReadMetaLog(cfg.Out)
		if err != nil {
			t.Fatal(err)
		}
		if d := stats[len(stats)-1].Density[0]; d < 0.3 || math.Abs(r.Density[0]-0.05) > 0.01 {
			t.Errorf("want density far from 0.05 in training and 0.05 in use, have %v and %v", d, r.Density[0])
		}
		mean := 0.0
		for set := range 3 {
			acc, _ := toyAccuracy(shortStart(), r.Experts, toyVal(), set, cfg.Episodes)
			mean += 100 * acc.Mean() / 3
		}
		if math.Abs(mean-r.Mean) > 0.5 {
			t.Errorf("%s: validated %.2f %%, delivered %.2f %%", routing, r.Mean, mean)
		}
	}
}

// toldApart is the share of every second task whose scores are nearest to the mean scores of its own domain's other tasks.
func toldApart(routes [][][]float32) float64 {
	mean := func(scores [][]float32) []float64 {
		sum := make([]float64, len(scores[0]))
		for i := 0; i < len(scores); i += 2 {
			for m, s := range scores[i] {
				sum[m] += float64(s) / float64((len(scores)+1)/2)
			}
		}
		return sum
	}
	right, all := 0, 0
	for own, scores := range routes {
		for i := 1; i < len(scores); i += 2 {
			nearest, best := -1, math.Inf(1)
			for other := range routes {
				d := 0.0
				for m, v := range mean(routes[other]) {
					d += (float64(scores[i][m]) - v) * (float64(scores[i][m]) - v)
				}
				if d < best {
					nearest, best = other, d
				}
			}
			if all++; nearest == own {
				right++
			}
		}
	}
	return float64(right) / float64(all)
}
