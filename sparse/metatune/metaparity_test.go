package metatune

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"haguruma/sparse"
)

// handTask is one fixed task of lineNetwork: two ways, three supports, four queries.
type handTask struct{}

var handSupport, handQuery = []float32{1, 0.2, -0.4, 0.7, 0.3, 1}, []float32{0.9, -0.1, 0.1, 0.8, -0.6, 0.5, 0.4, 0.5}

func (handTask) Names() []string { return []string{"hand"} }
func (handTask) Draw(t *Task, _ *rand.Rand) {
	*t = Task{Way: 2, Support: handSupport, Query: handQuery, SupportLabels: []int{0, 0, 1}, QueryLabels: []int{0, 1, 1, 0}}
}

// handTuner is a tuner of lineNetwork on handTask with weights, delta and gates drawn.
func handTuner(t *testing.T, change func(c *MetaConfig)) *metaTuner {
	t.Helper()
	cfg := shortConfig("out")
	cfg.Gates.Gate, cfg.Routing, cfg.Batch, cfg.Distill = sparse.GateConcrete, RoutingUniform, 1, 0
	change(&cfg)
	rng := rand.New(rand.NewPCG(1, 2))
	start := make([]float32, 8)
	u, err := newMetaTuner(cfg, lineNetwork{}, start, handTask{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range start {
		start[i], u.delta[i] = float32(rng.NormFloat64()), float32(rng.NormFloat64())
	}
	for _, la := range u.gates.LogAlpha {
		for i := range la {
			la[i] = 2*rng.Float32() - 1
		}
	}
	u.workers = []*metaWorker{newMetaWorker(&u.metaState)} // its frozen run copies the start
	u.refresh(true)
	return u
}

// The same in float64 and written from METHOD section 3.1, with slopes by differences: nothing of the code under test.

func handEmbed(theta, x []float64) [][]float64 {
	var out [][]float64
	for i := 0; i < len(x); i += 2 {
		e := make([]float64, 4)
		for o := range e {
			e[o] = theta[2*o]*x[i] + theta[2*o+1]*x[i+1]
		}
		out = append(out, e)
	}
	return out
}

func handHead(theta []float64) []float64 {
	e := handEmbed(theta, wide(handSupport))
	head := make([]float64, 8)
	for i := range 4 {
		head[i], head[4+i] = (e[0][i]+e[1][i])/2, e[2][i]
	}
	return head
}

// handLogits are 10 times the cosines of the inputs' embeddings with the head's two rows.
func handLogits(theta, head, x []float64) [][]float64 {
	var out [][]float64
	for _, e := range handEmbed(theta, x) {
		var row []float64
		for c := range 2 {
			dot, ee, hh := 0.0, 0.0, 0.0
			for i, v := range e {
				h := head[4*c+i]
				dot, ee, hh = dot+v*h, ee+v*v, hh+h*h
			}
			row = append(row, 10*dot/math.Sqrt(ee*hh))
		}
		out = append(out, row)
	}
	return out
}

func handSoftmax(row []float64, heat float64) []float64 {
	a, b := math.Exp(row[0]/heat), math.Exp(row[1]/heat)
	return []float64{a / (a + b), b / (a + b)}
}

func handCE(theta, head, x []float64, labels []int) float64 {
	sum := 0.0
	for i, row := range handLogits(theta, head, x) {
		sum -= math.Log(handSoftmax(row, 1)[labels[i]]) / float64(len(labels))
	}
	return sum
}

// handKD is T^2 KL(student || teacher), or of teacher and student.
func handKD(student, teacher [][]float64, heat float64, d Direction) float64 {
	sum := 0.0
	for i := range student {
		p, q := handSoftmax(student[i], heat), handSoftmax(teacher[i], heat)
		if d == TeacherFirst {
			p, q = q, p
		}
		for c := range p {
			sum += heat * heat * p[c] * math.Log(p[c]/q[c]) / float64(len(student))
		}
	}
	return sum
}

func handSlope(x []float64, f func() float64) []float64 {
	const h = 1e-6
	out := make([]float64, len(x))
	for i := range x {
		old := x[i]
		x[i] = old + h
		up := f()
		x[i] = old - h
		out[i] = (up - f()) / (2 * h)
		x[i] = old
	}
	return out
}

func wide(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// minus is x - rate*d.
func minus(x []float64, rate float64, d []float64) []float64 {
	out := slices.Clone(x)
	for i := range out {
		out[i] -= rate * d[i]
	}
	return out
}

// TestTaskByHand: losses and gradient of one task with every combination of inner step and teachers. Steps are large, so that each counts.
func TestTaskByHand(t *testing.T) {
	seen := map[string]string{}
	for _, inner := range []float64{0, 0.3} {
		for _, dense := range []float64{0, 0.4} {
			for _, pretrained := range []bool{false, true} {
				for _, direction := range []Direction{StudentFirst, TeacherFirst} {
					if !pretrained && dense == 0 {
						continue
					}
					u := handTuner(t, func(c *MetaConfig) {
						c.Inner, c.Dense, c.Pretrained, c.Direction, c.Distill, c.TeacherHeat = inner, dense, pretrained, direction, 0.25, 2
					})
					u.runTasks()
					r := u.results[0]

					pre, mask, theta := wide(u.pre), make([]float64, 8), make([]float64, 8)
					for i := range theta {
						mask[i] = float64(u.gates.Z[0][i]+u.gates.Z[1][i]) / 2
						theta[i] = pre[i] + mask[i]*float64(u.delta[i])
					}
					support, query, labels, asked := wide(handSupport), wide(handQuery), []int{0, 0, 1}, []int{0, 1, 1, 0}
					head := handHead(theta)
					atTheta, atHead := slices.Clone(theta), slices.Clone(head)
					onSupport := func() float64 { return handCE(atTheta, atHead, support, labels) }
					gTheta, gHead := handSlope(atTheta, onSupport), handSlope(atHead, onSupport)
					moved, movedHead := minus(theta, inner, gTheta), minus(head, inner, gHead)

					var teachers [][][]float64
					if pretrained {
						teachers = append(teachers, handLogits(pre, handHead(pre), query))
					}
					if dense > 0 {
						atTheta, atHead = slices.Clone(moved), slices.Clone(movedHead)
						onQuery := func() float64 { return handCE(atTheta, atHead, query, asked) }
						dTheta, dHead := handSlope(atTheta, onQuery), handSlope(atHead, onQuery)
						teachers = append(teachers, handLogits(minus(moved, dense, dTheta), minus(movedHead, dense, dHead), query))
					}
					distill := func(theta, head []float64) (kd float64) {
						for _, teacher := range teachers {
							kd += 0.5 * handKD(handLogits(theta, head, query), teacher, 2, direction)
						}
						return kd
					}
					ce, kd := handCE(moved, movedHead, query, asked), distill(moved, movedHead)
					name := fmt.Sprintf("inner %v, dense %v, pretrained %v, %s first", inner, dense, pretrained, direction)
					if math.Abs(r.ce-ce) > 1e-5 || math.Abs(r.kd-kd) > 1e-5 {
						t.Errorf("%s: want ce %v, kd %v, have %v, %v", name, ce, kd, r.ce, r.kd)
					}
					key := fmt.Sprintf("%.4f %.4f", ce, kd)
					if seen[key] != "" {
						t.Errorf("%s comes to the same as %s", name, seen[key])
					}
					seen[key] = name

					// First order: the steps and the teachers are constants; the class means are not.
					free := slices.Clone(theta)
					dTheta := handSlope(free, func() float64 {
						at, head := minus(free, inner, gTheta), minus(handHead(free), inner, gHead)
						return 0.75*handCE(at, head, query, asked) + 0.25*distill(at, head)
					})
					for i, d := range dTheta {
						if want := d * mask[i]; math.Abs(float64(r.dDelta[i])-want) > 1e-5*(1+math.Abs(want)) {
							t.Errorf("%s: delta %d: want %v, have %v", name, i, want, r.dDelta[i])
						}
						if want := d * float64(u.delta[i]); math.Abs(float64(r.dMask[i])-want) > 1e-5*(1+math.Abs(want)) {
							t.Errorf("%s: mask %d: want %v, have %v", name, i, want, r.dMask[i])
						}
					}
				}
			}
		}
	}
}

// TestMultipliers: one update of gates and multipliers by the formulas of METHOD 3.1, step 8. Expert 0 is too dense, expert 1 is not.
func TestMultipliers(t *testing.T) {
	const gateLR, dualLR, factor, density = 0.7, 0.3, 0.5, 0.2
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	for _, parity := range []bool{true, false} {
		u := handTuner(t, func(c *MetaConfig) {
			c.Batch, c.Parity, c.GateLR, c.DualLR, c.Density = 2, parity, gateLR, dualLR, density
			if parity {
				c.Gates.Gate = sparse.GateParity
			}
		})
		for i, scores := range [][]float32{{0.3, 0.7}, {0.5, 0.5}} {
			u.results[i] = &taskResult{scores: scores, dMask: make([]float32, 8)}
			for j := range u.results[i].dMask {
				u.results[i].dMask[j] = float32(i+1) * 0.1 * float32(j-3)
			}
		}
		u.lambda, u.densities = []float64{0.4, 0.6}, []float64{0.5, 0.1}
		before := [][]float64{wide(u.gates.LogAlpha[0]), wide(u.gates.LogAlpha[1])}
		u.moveGates(factor)

		alpha := []float64{0.4, 0.6} // means of the scores
		want := []float64{0.4 + dualLR*factor*(0.5-density)*alpha[0], 0 + dualLR*factor*(0.1-density)*alpha[1]}
		if !parity {
			want = []float64{0.4 + dualLR*factor*(0.5-density), 0}
		}
		for m, w := range want {
			if math.Abs(u.lambda[m]-w) > 1e-8 {
				t.Errorf("parity %v: lambda %d: want %v, have %v", parity, m, w, u.lambda[m])
			}
			lambda := []float64{0.4, 0}[m] // reset before the loss, where the mask is not too dense
			grad, square := make([]float64, 8), 0.0
			for i, la := range before[m] {
				for _, r := range u.results {
					grad[i] += float64(r.scores[m]) * float64(r.dMask[i]) / 2
				}
				s := sigmoid(1.5 * la)
				grad[i] *= 1.2 * 1.5 * s * (1 - s)
				square += grad[i] * grad[i] / 8
			}
			for i, la := range before[m] {
				p := sigmoid(la + 1.5985968)
				want := la - gateLR*factor*(grad[i]+lambda*alpha[m]/8*p*(1-p))
				if !parity { // a first step of Adam with eps 1 on the gradient over its root mean square, then the push alone
					g := grad[i] / math.Sqrt(square)
					want = la - gateLR*factor*g/(math.Abs(g)+1)
					p := sigmoid(want + 1.5985968)
					want -= gateLR * factor * lambda * p * (1 - p)
				}
				if have := float64(u.gates.LogAlpha[m][i]); math.Abs(have-want) > 1e-5 {
					t.Errorf("parity %v: expert %d, logAlpha %d: want %v, have %v", parity, m, i, want, have)
				}
			}
		}
	}
}

// TestTemperatureOfUpdates: the paper's constants, T = max(0.5, 5 - n/4000) after n tasks, in a run of its 50,000 tasks, four an update.
func TestTemperatureOfUpdates(t *testing.T) {
	u := handTuner(t, func(c *MetaConfig) { c.Updates, c.Batch, c.Temperature, c.Cooling = 12500, 4, [2]float64{5, 0.5}, 0.36 })
	for _, update := range []int{0, 1, 1000, 2250, 4499, 4500, 12499} {
		want := math.Max(0.5, 5-4*float64(update)/4000)
		if have := float64(u.temperatureAt(update)); math.Abs(have-want) > 1e-6 {
			t.Errorf("update %d: want %v, have %v", update, want, have)
		}
	}
}

// TestDeltaOptimizers: two steps of each by hand: torch's SGD with momentum 0.9, whose decay is in the gradient, and AdamW, whose decay is not.
func TestDeltaOptimizers(t *testing.T) {
	const lr, decay = 0.1, 0.2
	for _, optimizer := range []string{"sgd", "adamw"} {
		u := handTuner(t, func(c *MetaConfig) { c.Optimizer, c.LR, c.Decay = optimizer, lr, decay })
		want, momentum, square := float64(u.delta[0]), 0.0, 0.0
		for step, g := range []float64{0.5, -0.3} {
			u.dDelta[0] = float32(g)
			u.moveDelta(1)
			if optimizer == "sgd" {
				momentum = 0.9*momentum + g + decay*want
				want -= lr * momentum
			} else {
				momentum, square = 0.9*momentum+0.1*g, 0.99*square+0.01*g*g
				n := float64(step + 1)
				want = want*(1-lr*decay) - lr*momentum/(1-math.Pow(0.9, n))/(math.Sqrt(square/(1-math.Pow(0.99, n)))+1e-8)
			}
			u.update++
			if math.Abs(float64(u.delta[0])-want) > 1e-6 {
				t.Errorf("%s, step %d: want %v, have %v", optimizer, step+1, want, u.delta[0])
			}
		}
	}
}

// TestMaskSources: dense, random and magnitude masks are what they are called, at the density asked for, and training does not move them.
func TestMaskSources(t *testing.T) {
	start := shortStart()
	for _, source := range []MaskSource{MasksDense, MasksRandom, MasksMagnitude} {
		cfg := shortConfig(t.TempDir())
		cfg.Masks, cfg.Updates = source, 2
		before, err := newMetaTuner(cfg, convNetwork{}, start, toyTrain())
		if err != nil {
			t.Fatal(err)
		}
		r, err := shortRun(cfg, toyTrain(), 0)
		if err != nil {
			t.Fatal(err)
		}
		want := cfg.Density
		if source == MasksDense {
			want = 1
		}
		for m, mask := range r.Experts.Masks {
			if math.Abs(mask.Density()-want) > 0.002 {
				t.Errorf("%s: want density %v, have %v", source, want, mask.Density())
			}
			least, most := math.Inf(1), 0.0 // magnitudes that are open and closed
			for i, v := range start {
				if mask.Open(i) != (before.gates.Z[m][i] > 0) {
					t.Fatalf("%s: gate %d moved in training", source, i)
				}
				if a := math.Abs(float64(v)); mask.Open(i) {
					least = min(least, a)
				} else {
					most = max(most, a)
				}
			}
			if (source == MasksRandom) == (least >= most-1e-5) {
				t.Errorf("%s: the least that is open is %v, the largest that is closed %v", source, least, most)
			}
		}
		same := sparse.Overlap(r.Experts.Masks[0], r.Experts.Masks[1]) == 1
		if same != (source != MasksRandom) {
			t.Errorf("%s: experts the same: %v", source, same)
		}
	}
}
