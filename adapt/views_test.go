package adapt

import (
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"haguruma/core/fewshot"
	"haguruma/core/picture"
)

// columnEye embeds the sums of three columns of a picture of 3 x 2 pixels, so that views of it differ.
type columnEye struct {
	calls int
	sign  float32 // 0 is 1
}

func (e *columnEye) Dim() int                                     { return 3 }
func (e *columnEye) Reduce(pic *picture.Picture) *picture.Picture { return pic }

func (e *columnEye) Embed(pic *picture.Picture) ([]float32, error) {
	e.calls++
	out := make([]float32, 3)
	for i, v := range pic.Pix {
		out[i/3%3] += float32(v)
	}
	if e.sign != 0 {
		out[0] *= e.sign
	}
	return out, nil
}

// columnExperts turn the first number round.
type columnExperts struct {
	colorExperts
	eye columnEye
}

func (x *columnExperts) Merge([]float32) Embedder { return &x.eye }

// columns is a picture of class 0, 1 or 2: the column that is bright.
func columns(rng *rand.Rand, class int) *picture.Picture {
	pic := &picture.Picture{Width: 3, Height: 2, Pix: make([]uint8, 18)}
	for i := range pic.Pix {
		pic.Pix[i] = uint8(rng.IntN(120))
		if i/3%3 == class {
			pic.Pix[i] += 100
		}
	}
	return pic
}

// headOfViews is what a task makes of pictures by hand.
func headOfViews(eye columnEye, pics []*picture.Picture, labels []int, way, each int) *fewshot.Head {
	var embed []float32
	for _, pic := range pics {
		for _, view := range pic.Views()[:each] {
			embed = append(embed, must(eye.Embed(view))...)
		}
	}
	return fewshot.Select(fewshot.NewSupportOfViews(embed, labels, way, 3, each), "").Head
}

// TestViews: the head is that of all views, by the weights that answer; each changed view is embedded once by the backbone, whatever is added later; prototypes
// and the threshold are those of the examples as they are; without a picture there are no views, and what was in use stays.
func TestViews(t *testing.T) {
	eye, rng := &columnEye{}, rand.New(rand.NewPCG(1, 1))
	task := NewTask(eye)
	var pics []*picture.Picture
	var labels, classes []int
	for c := range 3 {
		classes = append(classes, must(task.AddClass(string(rune('a'+c)))))
		for range 4 {
			pics, labels = append(pics, columns(rng, c)), append(labels, c)
			must(task.AddExample(classes[c], pics[len(pics)-1]))
		}
	}
	adapted := func(embedded int, o Options) *Version {
		t.Helper()
		eye.calls = 0
		o.Force = true
		out := must(task.Adapt(context.Background(), o))
		if eye.calls != embedded {
			t.Fatalf("%d pictures embedded, want %d", eye.calls, embedded)
		}
		return out.Version
	}
	plain := adapted(0, Options{}).Plain
	v := adapted(7*12, Options{Views: true})
	if l := v.Plain; l.Views != 8 || plain.Views != 1 || !reflect.DeepEqual(l.Head, headOfViews(columnEye{}, pics, labels, 3, 8)) || reflect.DeepEqual(l.Head, plain.Head) {
		t.Errorf("%d views, head %+v", l.Views, l.Head)
	} else if !slices.Equal(l.Prototypes, plain.Prototypes) || l.UnknownBelow != plain.UnknownBelow || l.LeaveOneOut.Total != 12 {
		t.Errorf("prototypes %v, below %v, %+v", l.Prototypes, l.UnknownBelow, l.LeaveOneOut)
	}
	steps := []Step{}
	for _, timing := range v.Timings {
		steps = append(steps, timing.Step)
	}
	if want := []Step{StepViews, StepHead, StepCompare}; !slices.Equal(steps, want) {
		t.Errorf("steps %v, want %v", steps, want)
	}
	adapted(0, Options{Views: true})
	pics, labels = append(pics, columns(rng, 2)), append(labels, 2)
	must(task.AddExample(classes[2], pics[12]))
	if l := adapted(7, Options{Views: true}).Plain; !reflect.DeepEqual(l.Head, headOfViews(columnEye{}, pics, labels, 3, 8)) {
		t.Errorf("one more: %+v", l.Head)
	}

	// With experts, the views are those of what they merge, and the backbone alone has the examples as they are.
	experts := &columnExperts{eye: columnEye{sign: -1}}
	task.SetExperts(experts)
	v = adapted(0, Options{Views: true})
	if l := v.Merged; l.Views != 8 || v.Plain.Views != 1 || !reflect.DeepEqual(l.Head, headOfViews(columnEye{sign: -1}, pics, labels, 3, 8)) || experts.eye.calls != 8*13 {
		t.Errorf("experts: %d and %d views, %d embedded, head %+v", l.Views, v.Plain.Views, experts.eye.calls, l.Head)
	}

	// Stopped between any two examples, or without the picture of one, it leaves everything as it was.
	task.SetExperts(nil)
	before := see(task)
	for at := range 13 {
		ctx, cancel := context.WithCancel(context.Background())
		_, err := task.Adapt(ctx, Options{Views: true, Progress: func(p Progress) {
			if p.Step == StepViews && p.Done == at {
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) || !reflect.DeepEqual(see(task), before) {
			t.Fatalf("stopped at %d: %v", at, err)
		}
	}
	must(task.AddEmbedding(classes[0], []float32{1, 2, 3}, nil))
	before = see(task)
	if _, err := task.Adapt(context.Background(), Options{Views: true}); !errors.Is(err, ErrNoPicture) || !reflect.DeepEqual(see(task), before) {
		t.Errorf("an example without a picture: %v", err)
	}
}

// TestManyViews: where there are many examples, each has fewer views, and in the end none.
func TestManyViews(t *testing.T) {
	for n, want := range map[int]int{80: 8, 81: 7, 320: 2, 321: 1} {
		eye, rng := &columnEye{}, rand.New(rand.NewPCG(1, 2))
		task := NewTask(eye)
		for c := range 2 {
			id := must(task.AddClass(string(rune('a' + c))))
			for range (n + c) / 2 {
				must(task.AddExample(id, columns(rng, c)))
			}
		}
		eye.calls = 0
		l := must(task.Adapt(context.Background(), Options{Views: true, Head: fewshot.KindPrototypes})).Version.Plain
		if l.Views != want || eye.calls != n*(want-1) {
			t.Errorf("%d examples: %d views, %d embedded, want %d", n, l.Views, eye.calls, want)
		}
	}
}
