package carry

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"haguruma/adapt"
	"haguruma/adapt/adapter"
	"haguruma/core/fewshot"
	"haguruma/core/picture"
	"haguruma/core/vit"
	"haguruma/sparse"
)

var half = [3]float32{0.5, 0.5, 0.5}

var small = vit.Config{ImageSize: 16, PatchSize: 4, Stem: []int{8, 24}, Dim: 24, Depth: 3, Heads: 2, MLPDim: 48, Pool: vit.PoolMean, Eps: 1e-6, Mean: half, Std: half}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func noise(rng *rand.Rand, hue int) *picture.Picture {
	pic := &picture.Picture{Width: 16, Height: 16, Pix: make([]uint8, 3*16*16)}
	for i := range pic.Pix {
		pic.Pix[i] = uint8(rng.IntN(200))
		if i%3 == hue {
			pic.Pix[i] += 50
		}
	}
	return pic
}

// setUp has weights with experts, and a task on them of three classes, adapted.
func setUp(head fewshot.Kind) (Weights, *adapt.Task, *rand.Rand) {
	p := vit.NewParams[float32](small)
	rng := rand.New(rand.NewPCG(3, 4))
	p.Init(rng)
	w := Weights{
		Backbone: adapt.NewBackbone(vit.NewInt8(p)), Bundle: strings.Repeat("a", 64),
		Experts: sparse.RandomExperts(sparse.BackboneTensors(p), 3, 0.2, 0.05, small.Dim, rng), Hash: strings.Repeat("b", 64),
	}
	task := adapt.NewTask(w.Backbone)
	task.SetExperts(must(w.Backbone.Experts(w.Experts, "")))
	for class := range 3 {
		id := must(task.AddClass(string(rune('a' + class))))
		for range 2 + class {
			must(task.AddExample(id, noise(rng, class)))
		}
	}
	must(task.Adapt(context.Background(), adapt.Options{Head: head}))
	return w, task, rng
}

// TestSameAnswers: what was packed, written, read and applied answers with the bits of the task, and draws its heat maps; also after a class was
// removed, one renamed and examples added, which the version in use does not know.
func TestSameAnswers(t *testing.T) {
	for _, head := range []fewshot.Kind{"", fewshot.KindPrototypes} {
		w, task, rng := setUp(head)
		for _, change := range []func(){
			func() {},
			func() { task.UseExperts(false) },
			func() {
				task.UseExperts(true)
				must(task.AddExample(1, noise(rng, 0)))
				if err := errors.Join(task.RemoveClass(2), task.RenameClass(3, "third")); err != nil {
					t.Fatal(err)
				}
			},
		} {
			change()
			a := must(adapter.Decode(must(w.Pack(task).Encode())))
			x, err := w.Apply(a)
			if err != nil {
				t.Fatal(err)
			}
			if (a.Experts != "") != (task.Choice() != nil) || (x.Choice != nil) != (a.Experts != "") {
				t.Errorf("%q: experts %q, choice %v", head, a.Experts, x.Choice)
			}
			for i, c := range task.Version().Classes {
				if a.Classes[i].ID != c.ID || a.Classes[i].Examples != 1+c.ID {
					t.Errorf("class %d: have %+v", i, a.Classes[i])
				}
			}
			for hue := range 3 {
				pic := noise(rng, hue)
				want, have := must(task.Ask(pic)), []adapt.Score(nil)
				have, known, err := x.Answer(pic)
				if err != nil || known == want.Unknown || len(have) != len(want.Scores) {
					t.Fatalf("%q: have %v, %v, %v, want %+v", head, have, known, err, want)
				}
				for i, s := range want.Scores {
					if have[i].Class != s.Class || have[i].Name != s.Name || have[i].Probability != s.Probability {
						t.Errorf("%q: have %+v, want %+v", head, have[i], s)
					}
					grid, _, err := task.Heat(pic, s.Class)
					if again, _, err2 := x.Heat(pic, s.Class); err != nil || err2 != nil || !slices.Equal(grid, again) {
						t.Errorf("%q: heat of class %d: %v, %v", head, s.Class, err, err2)
					}
				}
			}
			if _, _, err := x.Heat(noise(rng, 0), 9); !errors.Is(err, adapt.ErrUnknownClass) {
				t.Errorf("heat of class 9: %v", err)
			}
		}
		if err := task.Use(0); err != nil || w.Pack(task) != nil {
			t.Errorf("want no adapter of the backbone alone, %v", err)
		}
	}
}

// TestRefusals: an adapter of something else is an error of its kind.
func TestRefusals(t *testing.T) {
	w, task, _ := setUp("")
	for _, c := range []struct {
		name   string
		change func(w *Weights, a *adapter.Adapter)
		want   error
	}{
		{"another bundle", func(w *Weights, _ *adapter.Adapter) { w.Bundle = strings.Repeat("c", 64) }, adapter.ErrBundle},
		{"other experts", func(w *Weights, _ *adapter.Adapter) { w.Hash = strings.Repeat("c", 64) }, adapter.ErrExperts},
		{"no experts", func(w *Weights, _ *adapter.Adapter) { w.Experts, w.Hash = nil, "" }, adapter.ErrExperts},
		{"a score less", func(_ *Weights, a *adapter.Adapter) { a.Scores = a.Scores[1:] }, adapter.ErrFormat},
		{"other pictures", func(_ *Weights, a *adapter.Adapter) { a.Pictures.Size++ }, adapter.ErrFormat},
		{"another width", func(_ *Weights, a *adapter.Adapter) { a.Head.Dim-- }, adapter.ErrFormat},
	} {
		other, a := w, w.Pack(task)
		c.change(&other, a)
		if _, err := other.Apply(a); !errors.Is(err, c.want) {
			t.Errorf("%s: have %v, want %v", c.name, err, c.want)
		}
	}
}
