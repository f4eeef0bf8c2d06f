package fewshot

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"testing"
)

// viewed returns clusters of which every example has so many views: it, and others that lie about it in the last two dimensions.
func viewed(seed uint64, way, shots, dim, each int) (embed []float32, labels []int) {
	rng := rand.New(rand.NewPCG(seed, 3))
	own, labels := clusters(seed, way, shots, dim)
	for i := range labels {
		for v := range each {
			row := slices.Clone(own[i*dim : (i+1)*dim])
			if v > 0 {
				row[dim-1] += float32(3 * rng.NormFloat64())
				row[dim-2] += float32(3 * rng.NormFloat64())
			}
			embed = append(embed, row...)
		}
	}
	return embed, labels
}

// TestSupportOfViews: one view is no views, to the bit; of more, everything but ridge is that of the examples as they are.
func TestSupportOfViews(t *testing.T) {
	const way, dim = 3, 11
	embed, labels := viewed(5, way, 4, dim, 1)
	plain := NewSupport(embed, labels, way, dim)
	want := Select(plain, "")
	if have := Select(NewSupportOfViews(embed, labels, way, dim, 1), ""); !slices.Equal(have.Head.Weights, want.Head.Weights) || !slices.Equal(have.LeftOut, want.LeftOut) {
		t.Error("one view of each is another head than none")
	}
	views, _ := viewed(5, way, 4, dim, 4)
	s := NewSupportOfViews(views, labels, way, dim, 4)
	if s.Len() != len(labels) || !slices.Equal(s.embed, embed) {
		t.Error("the examples are not the first views")
	}
	for _, kind := range []Kind{KindPrototypes, KindLDA, KindLogistic} {
		have, want := Select(s, kind), Select(plain, kind)
		if !slices.Equal(have.Head.Weights, want.Head.Weights) || !slices.Equal(have.LeftOut, want.LeftOut) || !slices.Equal(have.Likeness, want.Likeness) {
			t.Errorf("%s is another with views", kind)
		}
	}
	if have, want := Select(s, KindRidge), Select(plain, KindRidge); slices.Equal(have.Head.Weights, want.Head.Weights) || len(have.LeftOut) != len(want.LeftOut) {
		t.Error("ridge is the same with views")
	}
	for _, bad := range []func(){
		func() { NewSupportOfViews(views[1:], labels, way, dim, 4) },
		func() { NewSupportOfViews(views, labels, way, dim, 0) },
		func() { NewSupportOfViews(views, labels, way, 0, 4) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			bad()
		}()
	}
}

// TestViewsTeach: where examples happen to differ in what views are free to change, views tell it from what matters. Bits are the same on every machine.
func TestViewsTeach(t *testing.T) {
	const way, dim, each = 4, 10, 6
	rng := rand.New(rand.NewPCG(1, 9))
	draw := func(n int) (embed []float32, labels []int) {
		for i := range n {
			row := make([]float32, dim)
			for k := range row {
				row[k] = float32(0.3 * rng.NormFloat64())
			}
			row[i%way] += 0.8
			row[dim-1], row[dim-2] = float32(2*rng.NormFloat64()), float32(2*rng.NormFloat64())
			embed, labels = append(embed, row...), append(labels, i%way)
		}
		return embed, labels
	}
	own, labels := draw(3 * way)
	queries, queryLabels := draw(400)
	var views []float32
	for i := range labels {
		for v := range each {
			row := slices.Clone(own[i*dim : (i+1)*dim])
			if v > 0 {
				row[dim-1], row[dim-2] = float32(2*rng.NormFloat64()), float32(2*rng.NormFloat64())
			}
			views = append(views, row...)
		}
	}
	plain, out := Select(NewSupport(own, labels, way, dim), ""), Select(NewSupportOfViews(views, labels, way, dim, each), "")
	if have, want := hits(out.Head, queries, queryLabels, dim), hits(plain.Head, queries, queryLabels, dim); have < want+30 {
		t.Errorf("%d of %d with views, %d without", have, len(queryLabels), want)
	}
	sum := fnv.New64a()
	for _, list := range [][]float32{out.Head.Weights, out.Head.Bias, {out.Head.Scale}, out.LeftOut, out.Likeness} {
		binary.Write(sum, binary.LittleEndian, list)
	}
	if have := sum.Sum64(); have != 0x5341140066e4e537 {
		t.Errorf("%#x, want 0x5341140066e4e537", have)
	}
}

// TestOneExampleOfViews: where no example can be left out, prototypes and ridge of views answer together, in shares that are fixed; where ridge has nothing to go by,
// prototypes alone.
func TestOneExampleOfViews(t *testing.T) {
	const way, dim, each = 3, 9, 4
	views, _ := viewed(6, way, 1, dim, each)
	views = views[:way*each*dim] // of which the first class has its own, and each other an example of some class
	labels := []int{0, 1, 2}
	s := NewSupportOfViews(views, labels, way, dim, each)
	out := Select(s, "")
	if out.Head.Kind != KindBlend || out.Trials != nil || out.LeftOut != nil || out.Likeness != nil {
		t.Fatalf("%+v", out)
	}
	query, have, part := views[each*dim:][:dim], make([]float32, way), make([]float32, way)
	out.Head.Logits(have, query)
	want := make([]float64, way)
	add := func(share float64, h *Head) {
		h.Logits(part, query)
		for c, v := range part {
			want[c] += share * float64(v)
		}
	}
	add(0.3*10, prototypeModel{}.fit(s, 0))
	for _, strength := range []float64{0.03, 0.1, 0.3, 1} {
		add(0.7*6/4, ridgeModel{}.fit(s, strength))
	}
	for c := range want {
		wantNear(t, "logit", float64(have[c]), want[c], 1e-4)
	}
	if alike := Select(NewSupportOfViews(slices.Repeat(views[:dim], way*each), labels, way, dim, each), ""); alike.Head.Kind != KindPrototypes || alike.Head.Scale != LogitScale {
		t.Errorf("all alike: %+v", alike.Head)
	}
	if ridge := Select(s, KindRidge); ridge.Head.Kind != KindRidge || ridge.Head.Strength != 0.3 {
		t.Errorf("ridge alone: %+v", ridge.Head)
	}
}
