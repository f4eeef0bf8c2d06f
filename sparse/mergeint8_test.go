package sparse

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"haguruma/core/kernel"
	"haguruma/core/tensorfile"
	"haguruma/core/vit"
)

var half = [3]float32{0.5, 0.5, 0.5}

// smallConfig has all kinds of tensors, with rows that fill no vector and do not begin at words of a mask.
var smallConfig = vit.Config{ImageSize: 16, PatchSize: 4, Stem: []int{6, 20}, Dim: 20, Depth: 2, Heads: 2, MLPDim: 52, Pool: vit.PoolClass, Eps: 1e-6, Mean: half, Std: half}

// defaultConfig is the size of the default bundle.
var defaultConfig = vit.Config{ImageSize: 64, PatchSize: 8, Stem: []int{32, 64, 192}, Dim: 192, Depth: 6, Heads: 6, MLPDim: 576,
	Pool: vit.PoolMean, Eps: 1e-6, Mean: half, Std: half}

// newBackbone returns random weights, the int8 backbone of them, and its tensors as experts list them.
func newBackbone(c vit.Config) (*vit.Int8Model, []Tensor) {
	p := vit.NewParams[float32](c)
	p.Init(rand.New(rand.NewPCG(1, 2)))
	var tensors []Tensor
	for _, t := range p.Tensors() {
		tensors = append(tensors, Tensor{t.Name, t.Shape, t.Start})
	}
	return vit.NewInt8(p), tensors
}

func randomImages(n, size int) []float32 {
	rng, x := rand.New(rand.NewPCG(3, 4)), make([]float32, n*3*size*size)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

func embeddings(m *vit.Int8Model, images []float32, n int) []float32 {
	c := m.Config()
	embed := make([]float32, n*c.Dim)
	m.Embed(embed, images, n, c.ImageSize)
	return embed
}

// weightBits is the sha256 of a model's weights.
func weightBits(t testing.TB, m *vit.Int8Model) string {
	t.Helper()
	data, err := tensorfile.Encode(m.File())
	if err != nil {
		t.Fatal(err)
	}
	return tensorfile.Hash(data)
}

// TestMergeInt8IsTheMerge: row for row, merging from int8 gives the codes that quantizing the float32 merge of what the codes stand for
// gives, but for scales of rows that no mask opens, which the latter rounds once more. The bound is a cosine of 0.99999 of embeddings.
func TestMergeInt8IsTheMerge(t *testing.T) {
	for _, c := range []vit.Config{smallConfig, defaultConfig} {
		base, tensors := newBackbone(c)
		for _, soft := range []bool{false, true} {
			e := randomExperts(tensors, 5, 0.1, 0.02, soft, rand.New(rand.NewPCG(5, 6)))
			e.RoundDelta()
			if err := e.CheckBackbone("", base); err != nil {
				t.Fatal(err)
			}
			scores := []float32{0.25, 0, 0.5, 0.125, 0.125}
			before := weightBits(t, base)
			merged := e.MergeInt8(base, scores)
			if weightBits(t, base) != before {
				t.Fatal("the base was written to")
			}
			p := base.Params()
			e.Merge(p.Flat, p.Flat, scores)
			want := vit.NewInt8(p)
			images := randomImages(4, c.ImageSize)
			got, wanted, plain := embeddings(merged, images, 4), embeddings(want, images, 4), embeddings(base, images, 4)
			least, moved := 1.0, 1.0
			for i := range 4 {
				row := func(x []float32) []float32 { return x[i*c.Dim : (i+1)*c.Dim] }
				least = min(least, cosine(row(got), row(wanted)))
				moved = min(moved, cosine(row(got), row(plain)))
			}
			t.Logf("soft %v: least cosine of embeddings %.9f to the float32 merge, %.4f to the base", soft, least, moved)
			if least < 0.99999 {
				t.Errorf("soft %v: cosine %v between the merge from int8 and from float32", soft, least)
			}
			if moved > 0.999 {
				t.Errorf("soft %v: the experts change nothing: cosine %v to the base", soft, moved)
			}
		}
	}
}

// TestMergeInt8Closed: where nothing is open, the base: the codes, the scales and the very memory of tensors that no mask opens, and of all
// when no score is above 0.
func TestMergeInt8Closed(t *testing.T) {
	base, tensors := newBackbone(smallConfig)
	rng := rand.New(rand.NewPCG(7, 8))
	for _, soft := range []bool{false, true} {
		e := randomExperts(tensors, 3, 0.2, 0.05, soft, rng)
		// Expert 1 opens one scalar of one row.
		z := make([]float32, scalars(tensors))
		i := slices.IndexFunc(tensors, func(t Tensor) bool { return t.Name == "blocks.1.mlp.fc1.weight" })
		rows, cols := tensors[i].rowsCols()
		z[tensors[i].Start+3*cols+1] = 1
		if soft {
			z[tensors[i].Start+3*cols+1] = 0.5
		}
		e.Masks[1] = NewMask(z)
		e.Delta = NewDelta(tensors, slices.Repeat([]float32{0.5}, scalars(tensors)))
		e.RoundDelta()
		if got := e.MergeInt8(base, []float32{0, 0, 0}); weightBits(t, got) != weightBits(t, base) {
			t.Error("scores of 0 change weights")
		}
		merged := e.MergeInt8(base, []float32{0, 1, 0})
		was, is := base.File(), merged.File()
		for k := range was.Tensors {
			name, a, b := was.Tensors[k].Name, was.Tensors[k].Data, is.Tensors[k].Data
			switch name {
			default:
				if !slices.Equal(a, b) {
					t.Errorf("soft %v: %s has changed", soft, name)
				}
			case tensors[i].Name, tensors[i].Name + "_scale":
				width := len(a) / rows
				for r := range rows {
					if same := slices.Equal(a[r*width:(r+1)*width], b[r*width:(r+1)*width]); same != (r != 3) {
						t.Errorf("soft %v: %s: row %d is the same: %v", soft, name, r, same)
					}
				}
			}
		}
	}
}

// TestMergeInt8Bits: the merged weights are these, natively on every body and in WebAssembly.
func TestMergeInt8Bits(t *testing.T) {
	c := smallConfig
	p := vit.NewParams[float32](c)
	rng := rand.New(rand.NewPCG(9, 10))
	for i := range p.Flat {
		p.Flat[i] = rng.Float32() - 0.5 // no function of math: those differ in the last bit between machines
	}
	base, tensors := vit.NewInt8(p), []Tensor(nil)
	for _, t := range p.Tensors() {
		tensors = append(tensors, Tensor{t.Name, t.Shape, t.Start})
	}
	sum := fnv.New64a()
	for _, soft := range []bool{false, true} {
		values := make([]float32, len(p.Flat))
		for i := range values {
			values[i] = (rng.Float32() - 0.5) / 10
		}
		e := &Experts{Tensors: tensors, Delta: NewDelta(tensors, values)}
		for range 4 {
			z := make([]float32, len(values))
			for i := range z {
				if v := rng.Float32(); v < 0.1 {
					z[i] = 1
					if soft {
						z[i] = 10 * v
					}
				}
			}
			e.Masks = append(e.Masks, NewMask(z))
		}
		e.RoundDelta()
		for _, t := range e.MergeInt8(base, []float32{0.3, 0.1, 0.35, 0.25}).File().Tensors {
			sum.Write(t.Data)
		}
	}
	if got := fmt.Sprintf("%016x", sum.Sum64()); got != mergedBits {
		t.Errorf("the merged weights have the hash %s, want %s", got, mergedBits)
	}
}

const mergedBits = "4bb91b1d23c89713"

func TestCheckBackbone(t *testing.T) {
	base, tensors := newBackbone(smallConfig)
	experts := func(change func(e *Experts)) *Experts {
		e := randomExperts(slices.Clone(tensors), 2, 0.1, 0.1, false, rand.New(rand.NewPCG(1, 1)))
		e.Backbone = "aa"
		change(e)
		return e
	}
	for name, c := range map[string]struct {
		change func(e *Experts)
		sha256 string
		fits   bool
	}{
		"same":           {func(e *Experts) {}, "aa", true},
		"other bundle":   {func(e *Experts) {}, "bb", false},
		"unknown bundle": {func(e *Experts) {}, "", true},
		"none named":     {func(e *Experts) { e.Backbone = "" }, "bb", false},
		"nothing known":  {func(e *Experts) { e.Backbone = "" }, "", true},
		"other name":     {func(e *Experts) { e.Tensors[1].Name = "x" }, "aa", false},
		"other shape":    {func(e *Experts) { e.Tensors[1].Shape = []int{2, 3} }, "aa", false},
		"other width": {func(e *Experts) {
			e.Router = NewRouter[float32](RouterConfig{Dim: 8, Experts: 2, Heads: 1, MLPDim: 4, Tokens: 1, Read: ReadSkills, Eps: 1e-5})
		}, "aa", false},
	} {
		if err := experts(c.change).CheckBackbone(c.sha256, base); (err == nil) != c.fits || err != nil && !errors.Is(err, ErrBackbone) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestShares(t *testing.T) {
	_, tensors := newBackbone(smallConfig)
	e := randomExperts(tensors, 2, 0.3, 0.1, false, rand.New(rand.NewPCG(2, 3)))
	all, parts, kinds := e.Shares([]float32{0, 1})
	n := scalars(tensors)
	if all.Total != n || all.Changed != e.Masks[1].Count(0, n) {
		t.Errorf("all %+v", all)
	}
	changed, total := 0, 0
	var names []string
	for _, s := range parts {
		changed, total, names = changed+s.Changed, total+s.Total, append(names, s.Name)
	}
	if changed != all.Changed || total != n || !slices.Equal(names, []string{"cls_token", "pos_embed", "patch_embed", "blocks.0", "blocks.1", "norm"}) {
		t.Errorf("parts %+v", parts)
	}
	names = nil
	for _, s := range kinds {
		names = append(names, s.Name)
	}
	if !slices.Equal(names, []string{"norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2"}) {
		t.Errorf("kinds %+v", kinds)
	}
	if all, _, _ := e.Shares([]float32{0, 0}); all.Changed != 0 {
		t.Errorf("without a score %+v are changed", all)
	}
}

// Places tell the same as Shares, finer: by part they sum up to the parts, by kind to the kinds, and one expert alone opens what it opens.
func TestPlaces(t *testing.T) {
	_, tensors := newBackbone(smallConfig)
	e := randomExperts(tensors, 3, 0.3, 0.1, false, rand.New(rand.NewPCG(2, 3)))
	scores := []float32{0.25, 0, 0.75}
	all, parts, kinds := e.Shares(scores)
	sums := map[string]Share{}
	add := func(name string, s Share) {
		sum := sums[name]
		sums[name] = Share{name, sum.Changed + s.Changed, sum.Total + s.Total}
	}
	open := make([]int, 3)
	places := e.Places(scores)
	for _, p := range places {
		add(p.Part, p.Share)
		add(all.Name, p.Share)
		if p.Kind != "" {
			add(p.Kind, p.Share)
		}
		for m, n := range p.Open {
			open[m] += n
			if n > p.Total || scores[m] > 0 && n > p.Changed {
				t.Errorf("%s %s: expert %d opens %d of %+v", p.Part, p.Kind, m, n, p.Share)
			}
		}
	}
	for _, s := range append(append([]Share{all}, parts...), kinds...) {
		if sums[s.Name] != s {
			t.Errorf("%s: want %+v, have %+v", s.Name, s, sums[s.Name])
		}
	}
	for m, n := range open {
		if want := e.Masks[m].Count(0, scalars(tensors)); n != want {
			t.Errorf("expert %d: want %d open, have %d", m, want, n)
		}
	}
	if want := 4 + smallConfig.Depth*6; len(places) != want {
		t.Errorf("want %d places, have %d", want, len(places))
	}
}

// BenchmarkMergeTask is routing and merging one task beside embedding its support, 5 classes of 5 pictures, one at a time as the page does:
// the default bundle's size, 4 experts of density 0.05 as it has and 8 of density 0.1, of each the fastest run. Masks with levels between closed and
// open are merged too.
//
//	go test -run - -bench MergeTask ./sparse
func BenchmarkMergeTask(b *testing.B) {
	defer kernel.SetParallel(kernel.SetParallel(1))
	b.Run("4x0.05", func(b *testing.B) { benchmarkMergeTask(b, 4, 0.05) })
	b.Run("8x0.1", func(b *testing.B) { benchmarkMergeTask(b, 8, 0.1) })
}

func benchmarkMergeTask(b *testing.B, experts int, density float64) {
	c := defaultConfig
	base, tensors := newBackbone(c)
	rng := rand.New(rand.NewPCG(1, 2))
	e := RandomExperts(tensors, experts, density, 0.01, c.Dim, rng)
	const way, shots = 5, 5
	images := randomImages(way*shots, c.ImageSize)
	embed, prototypes, scores := make([]float32, way*shots*c.Dim), make([]float32, way*c.Dim), make([]float32, experts)
	size := 3 * c.ImageSize * c.ImageSize
	embedding, routing, merging, soft := time.Hour, time.Hour, time.Hour, time.Hour
	levels := randomExperts(tensors, experts, density, 0.01, true, rng)
	levels.RoundDelta()
	for b.Loop() {
		start := time.Now()
		for i := range way * shots {
			base.Embed(embed[i*c.Dim:], images[i*size:], 1, c.ImageSize)
		}
		embedding = min(embedding, time.Since(start))
		for i := range prototypes {
			prototypes[i] = embed[i/c.Dim*shots*c.Dim+i%c.Dim]
		}
		start = time.Now()
		e.Route(scores, prototypes, way)
		routing = min(routing, time.Since(start))
		start = time.Now()
		e.MergeInt8(base, scores)
		merging = min(merging, time.Since(start))
		start = time.Now()
		levels.MergeInt8(base, scores)
		soft = min(soft, time.Since(start))
	}
	b.ReportMetric(embedding.Seconds()*1e3, "ms-embedding")
	b.ReportMetric(routing.Seconds()*1e3, "ms-routing")
	b.ReportMetric(merging.Seconds()*1e3, "ms-merging")
	b.ReportMetric(soft.Seconds()*1e3, "ms-merging-levels")
	b.ReportMetric(100*(routing+merging).Seconds()/embedding.Seconds(), "%")
}
