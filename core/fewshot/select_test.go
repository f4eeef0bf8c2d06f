package fewshot

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// streaks returns classes apart along a few numbers and alike but for large noise along the others: what one covariance for all tells apart.
func streaks(seed uint64, way, shots, dim int) (embed []float32, labels []int) {
	rng := rand.New(rand.NewPCG(seed, 2))
	noise := make([]float64, dim)
	for k := range noise {
		noise[k] = 0.15
		if k < 2 {
			noise[k] = 2
		}
	}
	for c := range way {
		for range shots {
			for k := range dim {
				v := noise[k]*rng.NormFloat64() + 1
				if k == 2+c {
					v += 1
				}
				embed = append(embed, float32(v))
			}
			labels = append(labels, c)
		}
	}
	return embed, labels
}

func hits(h *Head, embed []float32, labels []int, dim int) (n int) {
	logits := make([]float32, h.Way())
	for i, label := range labels {
		h.Logits(logits, embed[i*dim:(i+1)*dim])
		if Argmax(logits) == label {
			n++
		}
	}
	return n
}

// Where one covariance tells classes apart that their means do not, that is seen without a query, and queries agree.
func TestSelect(t *testing.T) {
	const way, dim = 4, 12
	embed, labels := streaks(1, way, 6, dim)
	queries, queryLabels := streaks(2, way, 50, dim)
	out := Select(NewSupport(embed, labels, way, dim), "")
	chosen := out.Trials[out.Chosen]
	if out.Head.Kind != chosen.Kind || out.Head.Strength != chosen.Strength || float64(out.Head.Scale) != float64(float32(chosen.Scale)) {
		t.Fatalf("head %v %v %v, trial %+v", out.Head.Kind, out.Head.Strength, out.Head.Scale, chosen)
	}
	direct := Select(NewSupport(embed, labels, way, dim), KindPrototypes)
	have, want := hits(out.Head, queries, queryLabels, dim), hits(direct.Head, queries, queryLabels, dim)
	if out.Head.Kind != KindBlend || have < want+20 {
		t.Errorf("%s gets %d of %d, prototypes %d", out.Head.Kind, have, len(queryLabels), want)
	}
	var all float64
	for _, trial := range out.Trials {
		all += trial.Weight
		if trial.Kind == KindPrototypes && trial.Weight > 0.1 {
			t.Errorf("prototypes, which are wrong, weigh %v", trial.Weight)
		}
	}
	if len(out.Trials) != 9 || out.Chosen != 8 || math.Abs(all-1) > 1e-12 || out.Trials[8].Weight != 0 {
		t.Errorf("trials %+v", out.Trials)
	}
	// What is told of the chosen one is what its left-out probabilities say.
	loss, right := 0.0, 0
	for i, label := range labels {
		row := out.LeftOut[i*way : (i+1)*way]
		loss -= math.Log(float64(row[label])) / float64(len(labels))
		if Argmax(row) == label {
			right++
		}
	}
	wantNear(t, "log-loss", chosen.LogLoss, loss, 1e-9)
	if right != chosen.Hits {
		t.Errorf("%d hits, want %d", chosen.Hits, right)
	}
	for _, kind := range Kinds {
		out := Select(NewSupport(embed, labels, way, dim), kind)
		if out.Head.Kind != kind {
			t.Errorf("asked for %s, have %s", kind, out.Head.Kind)
		}
		if kind == KindBlend {
			continue
		}
		for _, trial := range out.Trials { // the best strength of the kind
			if trial.Kind != kind || trial.LogLoss < out.Trials[out.Chosen].LogLoss || trial.Weight != 0 {
				t.Errorf("%s: trials %+v, chosen %d", kind, out.Trials, out.Chosen)
			}
		}
	}
}

// A blend by hand: the logits of the heads at their scales, weighted by the fourth root of what leave-one-out says and by kind, at a scale of its own.
func TestBlend(t *testing.T) {
	const way, dim = 3, 9
	embed, labels := clusters(8, way, 4, dim)
	s := NewSupport(embed, labels, way, dim)
	out := Select(s, "")
	query := embed[:dim]
	have, want, part := make([]float32, way), make([]float64, way), make([]float32, way)
	out.Head.Logits(have, query)
	var all float64
	weigh := func(t Trial) float64 {
		weight := math.Exp(-float64(len(labels)) * t.LogLoss / 4)
		if t.Kind == KindPrototypes {
			weight *= 3 // which ridge has of strengths, and LDA one more
		}
		return weight
	}
	for _, trial := range out.Trials[:8] {
		all += weigh(trial)
	}
	plain := slices.DeleteFunc(slices.Clone(candidates), func(c candidate) bool { return c.views })
	for i, trial := range out.Trials[:8] {
		weight := weigh(trial) / all
		wantNear(t, "weight", trial.Weight, weight, 1e-9)
		h := plain[i].model.fit(s, trial.Strength)
		h.Scale = float32(trial.Scale)
		h.Logits(part, query)
		for c, v := range part {
			want[c] += weight * float64(v) * out.Trials[8].Scale
		}
	}
	for c := range want {
		wantNear(t, "logit", float64(have[c]), want[c], 1e-4)
	}
}

// No head is surer of left-out examples than their number bears out, however alike they are.
func TestHumble(t *testing.T) {
	const way, dim = 2, 32
	for _, shots := range []int{2, 5, 20} {
		var embed []float32
		var labels []int
		for c := range way {
			for i := range shots {
				row := make([]float32, dim)
				row[c], row[2+i] = 1, 1e-3
				embed, labels = append(embed, row...), append(labels, c)
			}
		}
		n := float64(len(labels))
		for _, kind := range append(Kinds, "") {
			out := Select(NewSupport(embed, labels, way, dim), kind)
			var sum float64
			for i, label := range labels {
				sum += float64(out.LeftOut[i*way+label]) / n
			}
			if limit := 1 - 1/(2*n+4); sum > limit+1e-4 || sum < limit-0.1 {
				t.Errorf("%d examples, %q: sure to %v, limit %v", len(labels), kind, sum, limit)
			}
		}
	}
	logits := []float64{1, 0, 0, 1}
	if x := humble(logits, 2, 0.5); x != 0.5 {
		t.Errorf("a modest factor became %v", x)
	}
}

func TestLikelihood(t *testing.T) {
	l, o := one, one
	for range 2000 { // far below what a float64 holds
		l, o = l.times(0.25), o.times(0.5)
	}
	if !l.less(o) || o.less(l) || l.less(l) {
		t.Error("order")
	}
	for k := range 9 {
		a, b := one, one
		for range k {
			a = a.times(0.3)
		}
		wantNear(t, "root", a.fourthRootOver(b), math.Pow(0.3, float64(k)/4), 1e-14)
		wantNear(t, "root", b.fourthRootOver(a), math.Pow(0.3, -float64(k)/4), 1e-14)
	}
	if got := l.fourthRootOver(o); got != math.Ldexp(1, -500) {
		t.Errorf("have %v", got)
	}
	if got := one.times(0).fourthRootOver(one); got != 0x1p-10 {
		t.Errorf("a probability of zero: %v", got)
	}
}

// With one example of a class nothing is judged.
func TestSelectOneExample(t *testing.T) {
	const way, dim = 3, 12
	embed, labels := streaks(1, way, 1, dim)
	out := Select(NewSupport(embed, labels, way, dim), "")
	if len(out.Trials) != 0 || out.Head.Kind != KindPrototypes || out.Head.Scale != LogitScale || out.LeftOut != nil || out.Likeness != nil {
		t.Errorf("one example: %+v, head %+v", out, out.Head)
	}
	if h := Select(NewSupport(embed, labels, way, dim), KindRidge).Head; h.Kind != KindRidge || h.Strength != 1 || h.Scale != 11 {
		t.Errorf("one example: %s %v %v", h.Kind, h.Strength, h.Scale)
	}
}

// Nothing breaks on supports without any difference, or without any length.
func TestSelectDegenerate(t *testing.T) {
	const way, dim = 3, 5
	same := slices.Repeat([]float32{1, 2, 3, 4, 5}, 4*way)
	for name, embed := range map[string][]float32{"zeros": make([]float32, 4*way*dim), "all the same": same} {
		for _, kind := range append(Kinds, "") {
			labels := make([]int, 4*way)
			for i := range labels {
				labels[i] = i % way
			}
			h := Select(NewSupport(embed, labels, way, dim), kind).Head
			logits := make([]float32, way)
			h.Logits(logits, embed[:dim])
			for _, v := range logits {
				if math.Abs(float64(v-logits[0])) > 1e-3 {
					t.Errorf("%s, %q: logits %v of a picture that is like all", name, kind, logits)
				}
			}
		}
	}
}

func TestUnknownBelow(t *testing.T) {
	// Mean 0.8, standard deviation 0.1.
	wantNear(t, "threshold", float64(UnknownBelow([]float32{0.7, 0.8, 0.9})), 0.8-1.645*0.1, 1e-6)
	if got := UnknownBelow([]float32{0.5}); got != -1 {
		t.Errorf("one example: %v", got)
	}
	if got := UnknownBelow([]float32{-0.9, 0.9}); got != 0 {
		t.Errorf("wide: %v", got)
	}
	prototypes := []float32{1, 0, 0, 1}
	wantNear(t, "likeness", float64(Likeness([]float32{3, 4}, prototypes, 2)), 0.8, 1e-6)
}

func TestAUROC(t *testing.T) {
	for _, test := range []struct {
		known, unknown []float32
		want           float64
	}{
		{[]float32{3, 4}, []float32{1, 2}, 1},
		{[]float32{1, 2}, []float32{3, 4}, 0},
		{[]float32{1, 3}, []float32{2}, 0.5},
		{[]float32{1, 2}, []float32{1}, 0.75},
	} {
		if got := AUROC(test.known, test.unknown); got != test.want {
			t.Errorf("%v against %v: %v, want %v", test.known, test.unknown, got, test.want)
		}
	}
	nan := float32(math.NaN())
	for _, bad := range []float64{AUROC(nil, []float32{1}), AUROC([]float32{1}, nil), AUROC([]float32{nan}, []float32{1})} {
		if !math.IsNaN(bad) {
			t.Errorf("have %v, want NaN", bad)
		}
	}
}

// Every machine makes the same head, to the bit: of kernels with fixed order, and float64 that is rounded after each product.
func TestSelectSameBits(t *testing.T) {
	const way, dim = 5, 64
	embed, labels := clusters(11, way, 4, dim)
	for kind, want := range map[Kind]uint64{
		"": 0x8716988bf6617b2, KindPrototypes: 0x5431a8f69529c5e7, KindRidge: 0xb115db108a512ecb, KindLDA: 0x685ff4b99f087d1f, KindLogistic: 0xf3ba765bb5819e43,
	} {
		out := Select(NewSupport(embed, labels, way, dim), kind)
		sum := fnv.New64a()
		for _, list := range [][]float32{out.Head.Weights, out.Head.Bias, {out.Head.Scale}, out.LeftOut, out.Likeness} {
			binary.Write(sum, binary.LittleEndian, list)
		}
		if have := sum.Sum64(); have != want {
			t.Errorf("%q: %#x, want %#x", kind, have, want)
		}
	}
}

func BenchmarkSelect(b *testing.B) {
	const dim = 192
	for _, size := range [][2]int{{5, 5}, {10, 10}, {20, 10}, {10, 50}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			embed, labels := streaks(1, size[0], size[1], dim)
			for b.Loop() {
				Select(NewSupport(embed, labels, size[0], dim), "")
			}
		})
	}
}
