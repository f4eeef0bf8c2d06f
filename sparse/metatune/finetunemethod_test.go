package metatune

import (
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"haguruma/core/fewshot"
	"haguruma/core/quant"
	"haguruma/core/vit"
	"haguruma/sparse"
)

var tunedConfig = vit.Config{ImageSize: 8, PatchSize: 4, Dim: 8, Depth: 1, Heads: 2, MLPDim: 12, Pool: vit.PoolMean, Eps: 1e-6,
	Mean: [3]float32{0.5, 0.5, 0.5}, Std: [3]float32{0.5, 0.5, 0.5}}

func tunedModel() *vit.Int8Model {
	p := vit.NewParams[float32](tunedConfig)
	p.Init(rand.New(rand.NewPCG(1, 2)))
	return vit.NewInt8(p)
}

// blinded is the model with a norm that sees nothing: every picture has the same embedding.
func blinded(m *vit.Int8Model) *vit.Int8Model {
	return m.Derive(func(_ string, w *quant.Matrix) *quant.Matrix { return w }, func(name string, x []float32) []float32 {
		if name == "norm.weight" {
			return make([]float32, len(x))
		}
		return slices.Clone(x)
	})
}

// TestFineTune: a tuned method is measured by the weights that tuning each task gives, on the same episodes as others, for any number of cores;
// what tuning said is in the report; and what is kept is not measured again.
func TestFineTune(t *testing.T) {
	cfg := suiteConfig(t, bothKinds)
	cfg.Sets = []string{"weave", "bolts"}
	cfg.Episodes = 4
	model := tunedModel()
	var calls atomic.Int64
	tune := func(even bool) Tune {
		return func(_ context.Context, base *vit.Int8Model, demand []float32, task Support) (TunedModel, error) {
			calls.Add(1)
			if demand != nil || len(task.Images) != len(task.Labels)*3*task.Size*task.Size || task.Way < 2 || task.Size != tunedConfig.ImageSize {
				return TunedModel{}, errors.New("a task of another kind")
			}
			m := TunedModel{Model: base, Tuned: 7}
			if even == (task.Number%2 == 0) {
				m.Rate, m.Part, m.Changed, m.Model = 0.5, 0.25, 3, blinded(base)
			}
			return m, nil
		}
	}
	method := func(name string, even bool) Method {
		m, err := FineTune(name, model, "bundle", nil, "", "config "+name, tune(even))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	plain := Int8("int8", tunedConfig, model.Share)
	path := t.TempDir() + "/suite.json"
	methods := []Method{plain, method("even", true), method("odd", false)}
	suite, err := RunSuite(t.Context(), cfg, methods, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(2 * 2 * 2 * cfg.Episodes); calls.Load() != want {
		t.Errorf("want %d tasks tuned, have %d", want, calls.Load())
	}
	for _, set := range cfg.Sets {
		for _, at := range bothKinds {
			want := suite.Cell("int8", set, at)
			for number := range cfg.Episodes {
				for name, blind := range map[string]bool{"even": number%2 == 0, "odd": number%2 == 1} {
					have := suite.Cell(name, set, at)
					if !blind && have.Hits[number] != want.Hits[number] {
						t.Errorf("%s, %s, episode %d of %s: want the %d hits of no tuning, have %d", name, set, number, at, want.Hits[number], have.Hits[number])
					}
					queries := have.Queries[min(number, len(have.Queries)-1)]
					if blind && have.Hits[number] == queries {
						t.Errorf("%s, %s, episode %d of %s: all right without seeing", name, set, number, at)
					}
				}
			}
			tuning := suite.Cell("odd", set, at).Tuning
			if tuning == nil || tuning.Tuned != 7 || tuning.Changed != 1.5 || !reflect.DeepEqual(tuning.Rates, []RateCount{{0, 0, 2}, {0.5, 0.25, 2}}) || !(tuning.Seconds >= 0) {
				t.Errorf("have %+v", tuning)
			}
		}
	}
	report, err := suite.Report(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if text := report.Markdown(); !strings.Contains(text, "### Tuning") || !strings.Contains(text, "| weave | 5-way 1-shot | odd | nothing: 2, 0.25 of 0.5: 2 | 7 | 2 |") {
		t.Errorf("have %s", text)
	}

	before := calls.Load()
	again, err := RunSuite(t.Context(), cfg, methods, path, nil)
	if err != nil || calls.Load() != before || !reflect.DeepEqual(again, suite) {
		t.Errorf("gone on with: %v, %d tasks tuned again", err, calls.Load()-before)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	cores, err := RunSuite(t.Context(), cfg, methods, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range cores.Cells {
		if !slices.Equal(c.Hits, suite.Cells[i].Hits) {
			t.Errorf("%s on %s: other hits on other cores", c.Method, c.Set)
		}
	}

	// Another head on the same weights: every task is tuned once for both.
	before = calls.Load()
	headed, err := RunSuite(t.Context(), cfg, []Method{methods[1], WithHead(methods[1], fewshot.KindLDA), methods[2]}, "", nil)
	if err != nil || calls.Load()-before != int64(2*2*2*cfg.Episodes) {
		t.Errorf("two heads of one method and another method: %d tasks tuned, %v", calls.Load()-before, err)
	}
	differ := false
	for _, set := range cfg.Sets {
		for _, at := range bothKinds {
			plain, lda := headed.Cell("even", set, at), headed.Cell("even, head lda", set, at)
			if !slices.Equal(plain.Hits, suite.Cell("even", set, at).Hits) || !slices.Equal(headed.Cell("odd", set, at).Hits, suite.Cell("odd", set, at).Hits) {
				t.Errorf("%s, %s: other hits beside another head", set, at)
			}
			if !reflect.DeepEqual(lda.Tuning.Rates, plain.Tuning.Rates) {
				t.Errorf("%s, %s: rates %v and %v", set, at, plain.Tuning.Rates, lda.Tuning.Rates)
			}
			differ = differ || !slices.Equal(plain.Hits, lda.Hits)
		}
	}
	if !differ {
		t.Error("the head makes no difference")
	}
	other := methods[1]
	other.Identity += "?"
	if _, err := RunSuite(t.Context(), cfg, []Method{other}, path, nil); !errors.Is(err, ErrOtherSuite) {
		t.Errorf("another config under the same name: %v", err)
	}
}

// TestFineTuneWithExperts: tuning starts from what the experts merge and is told what they want; an error of a task is the error of the suite.
func TestFineTuneWithExperts(t *testing.T) {
	cfg := suiteConfig(t, []Setting{{2, 1}})
	cfg.Sets, cfg.Episodes = []string{"bolts"}, 2
	model := tunedModel()
	tensors := sparse.BackboneTensors(model.Params())
	n := len(model.Params().Flat)
	mask, delta := make([]float32, n), make([]float32, n)
	for i := range 40 {
		mask[n-1-i], delta[n-1-i] = 1, 0.25
	}
	e := &sparse.Experts{Tensors: tensors, Masks: []*sparse.Mask{sparse.NewMask(mask)}, Delta: sparse.NewDelta(tensors, delta)}
	failure := errors.New("too much")
	m, err := FineTune("x", model, "", e, "file", "how", func(_ context.Context, base *vit.Int8Model, demand []float32, _ Support) (TunedModel, error) {
		theta, start := base.Params().Flat, model.Params().Flat
		if len(demand) != n || demand[n-1] != 0.25 || demand[0] != 0 || theta[n-1] != start[n-1]+0.25 || theta[0] != start[0] {
			t.Errorf("demand of %d, or other weights", len(demand))
		}
		return TunedModel{}, failure
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := RunSuite(t.Context(), cfg, []Method{m}, "", nil); !errors.Is(err, failure) {
		t.Errorf("want the error of the task, have %v", err)
	}
	e.Backbone = "another"
	if _, err := FineTune("x", model, "bundle", e, "file", "how", nil); !errors.Is(err, sparse.ErrBackbone) {
		t.Errorf("experts of another backbone: %v", err)
	}
}
