package adapt

import (
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"haguruma/core/picture"
)

// colorEye embeds a picture of one pixel as its color, and counts.
type colorEye struct {
	calls int
	fail  error
	out   []float32 // reused between calls, as an embedder may
}

func (e *colorEye) Dim() int { return 3 }

func (e *colorEye) Reduce(pic *picture.Picture) *picture.Picture { return pic }

func (e *colorEye) Embed(pic *picture.Picture) ([]float32, error) {
	e.calls++
	if e.fail != nil {
		return nil, e.fail
	}
	e.out = e.out[:0]
	for _, v := range pic.Pix {
		e.out = append(e.out, float32(v))
	}
	return e.out, nil
}

// pixel is a picture of one color.
func pixel(r, g, b uint8) *picture.Picture {
	return &picture.Picture{Width: 1, Height: 1, Pix: []uint8{r, g, b}}
}

// learnAll adapts and takes what comes of it.
func learnAll(task *Task) error {
	_, err := task.Adapt(context.Background(), Options{Force: true})
	return err
}

// fixture is a task with the classes red (1, 2) and green (3), not yet adapted.
type fixture struct {
	*Task
	eye        *colorEye
	red, green int
}

func newFixture(t *testing.T) fixture {
	t.Helper()
	eye := &colorEye{}
	f := fixture{Task: NewTask(eye), eye: eye}
	f.red, f.green = must(f.AddClass("red")), must(f.AddClass("green"))
	for i, want := range []int{1, 2, 3} {
		class := []int{f.red, f.red, f.green}[i]
		pic := []*picture.Picture{pixel(200, 0, 0), pixel(120, 160, 0), pixel(0, 50, 0)}[i]
		if id := must(f.AddExample(class, pic)); id != want {
			t.Fatalf("example %d, want %d", id, want)
		}
	}
	return f
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// state is everything a caller can see of a task.
type state struct {
	Classes        []Class
	Embeddings     [][]float32
	Scores         []Score
	Adapted, Stale bool
	Out            *LeaveOneOut
}

func see(task *Task) state {
	s := state{Classes: task.Classes(), Adapted: task.Adapted(), Stale: task.Stale(), Out: task.LeaveOneOut()}
	for _, c := range s.Classes {
		for _, id := range c.Examples {
			s.Embeddings = append(s.Embeddings, must(task.Embedding(id)))
		}
	}
	if task.Adapted() {
		s.Scores = must(task.ClassifyEmbedding([]float32{3, 2, 1}))
	}
	return s
}

// Every refused call, before and after Adapt: its code, its sentinel, and nothing changed.
func TestFailedCallsChangeNothing(t *testing.T) {
	broken := errors.New("broken eye")
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, test := range []struct {
		name string
		call func(f fixture) error
		code string
		want error
	}{
		{"empty name", func(f fixture) error { return second(f.AddClass("")) }, "bad_name", ErrBadName},
		{"white name", func(f fixture) error { return second(f.AddClass(" \t\u3000")) }, "bad_name", ErrBadName},
		{"long name", func(f fixture) error { return second(f.AddClass(strings.Repeat("ä", 101))) }, "bad_name", ErrBadName},
		{"broken name", func(f fixture) error { return second(f.AddClass("a\xff")) }, "bad_name", ErrBadName},
		{"control character", func(f fixture) error { return second(f.AddClass("a\nb")) }, "bad_name", ErrBadName},
		{"taken name", func(f fixture) error { return second(f.AddClass(" red ")) }, "duplicate_class", ErrDuplicateClass},
		{"rename to a taken name", func(f fixture) error { return f.RenameClass(f.green, "red") }, "duplicate_class", ErrDuplicateClass},
		{"rename to nothing", func(f fixture) error { return f.RenameClass(f.green, "") }, "bad_name", ErrBadName},
		{"rename no class", func(f fixture) error { return f.RenameClass(9, "blue") }, "unknown_class", ErrUnknownClass},
		{"remove no class", func(f fixture) error { return f.RemoveClass(0) }, "unknown_class", ErrUnknownClass},
		{"add to no class", func(f fixture) error { return second(f.AddExample(9, pixel(1, 2, 3))) }, "unknown_class", ErrUnknownClass},
		{"add an embedding to no class", func(f fixture) error { return second(f.AddEmbedding(9, []float32{1, 2, 3}, nil)) }, "unknown_class", ErrUnknownClass},
		{"remove no example", func(f fixture) error { return f.RemoveExample(9) }, "unknown_example", ErrUnknownExample},
		{"relabel no example", func(f fixture) error { return f.Relabel(9, f.red) }, "unknown_example", ErrUnknownExample},
		{"relabel to no class", func(f fixture) error { return f.Relabel(1, 9) }, "unknown_class", ErrUnknownClass},
		{"embedding of no example", func(f fixture) error { return second(f.Embedding(9)) }, "unknown_example", ErrUnknownExample},
		{"short embedding", func(f fixture) error { return second(f.AddEmbedding(f.red, []float32{1, 2}, nil)) }, "bad_embedding", ErrBadEmbedding},
		{"NaN", func(f fixture) error { return second(f.AddEmbedding(f.red, []float32{1, nan, 3}, nil)) }, "bad_embedding", ErrBadEmbedding},
		{"Inf", func(f fixture) error { return second(f.AddEmbedding(f.red, []float32{1, -inf, 3}, nil)) }, "bad_embedding", ErrBadEmbedding},
		{"overflow", func(f fixture) error { return second(f.AddEmbedding(f.red, []float32{1e20, 0, 3}, nil)) }, "bad_embedding", ErrBadEmbedding},
		{"wrong size of the eye", func(f fixture) error {
			return second(f.AddExample(f.red, &picture.Picture{Width: 2, Height: 1, Pix: make([]uint8, 6)}))
		}, "bad_embedding", ErrBadEmbedding},
		{"broken eye", func(f fixture) error {
			f.eye.fail = broken
			defer func() { f.eye.fail = nil }()
			return second(f.AddExample(f.red, pixel(1, 2, 3)))
		}, "", broken},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			for _, adapted := range []bool{false, true} {
				if adapted {
					check(t, learnAll(f.Task))
				}
				before := see(f.Task)
				err := test.call(f)
				if !errors.Is(err, test.want) || Code(err) != test.code {
					t.Fatalf("error %v, code %q; want %v, %q", err, Code(err), test.want, test.code)
				}
				if after := see(f.Task); !reflect.DeepEqual(before, after) {
					t.Errorf("before %+v\nafter  %+v", before, after)
				}
				// Nor is an id used up.
				if id := must(f.AddExample(f.red, pixel(1, 1, 1))); adapted && id != 5 || !adapted && id != 4 {
					t.Errorf("next example is %d", id)
				}
			}
			if id := must(f.AddClass("next")); id != 3 {
				t.Errorf("next class is %d", id)
			}
		})
	}
}

func second[T any](_ T, err error) error { return err }

func TestErrorsNameTheClass(t *testing.T) {
	f := newFixture(t)
	blue := must(f.AddClass("  blue "))
	var e *Error
	if err := learnAll(f.Task); !errors.As(err, &e) || e.Class != blue || e.Name != "blue" || !strings.Contains(e.Message, `"blue"`) || err.Error() != "adapt: "+e.Message {
		t.Errorf("have %+v", e)
	}
	if err := f.RenameClass(blue, "red"); !errors.As(err, &e) || e.Class != f.red || e.Name != "red" {
		t.Errorf("have %+v", e)
	}
	if errors.Is(ErrBadName, ErrUnknownClass) || Code(nil) != "" || Code(errors.New("x")) != "" {
		t.Error("errors of different codes are mixed up")
	}
}

func TestClassesAndExamples(t *testing.T) {
	f := newFixture(t)
	if got := f.Classes(); !reflect.DeepEqual(got, []Class{{1, "red", []int{1, 2}}, {2, "green", []int{3}}}) {
		t.Fatalf("have %+v", got)
	}
	check(t, f.RenameClass(f.red, " green light\t"))
	check(t, f.RenameClass(f.red, "green light")) // its own name is not taken
	check(t, f.Relabel(1, f.green))
	check(t, f.Relabel(3, f.green)) // already there: stays where it is
	if got := f.Classes(); !reflect.DeepEqual(got, []Class{{1, "green light", []int{2}}, {2, "green", []int{3, 1}}}) {
		t.Fatalf("have %+v", got)
	}
	check(t, f.RemoveExample(3))
	if got := must(f.Embedding(1)); !slices.Equal(got, []float32{200, 0, 0}) {
		t.Errorf("embedding %v", got)
	}
	check(t, f.RemoveClass(f.green))
	if _, err := f.Embedding(1); Code(err) != CodeUnknownExample {
		t.Errorf("example of a removed class: %v", err)
	}
	// Ids are never used again, and a freed name may be.
	if class := must(f.AddClass("green")); class != 3 {
		t.Errorf("class %d", class)
	}
	if id := must(f.AddEmbedding(3, []float32{1, 2, 3}, nil)); id != 4 {
		t.Errorf("example %d", id)
	}
	if got := f.Classes(); !reflect.DeepEqual(got, []Class{{1, "green light", []int{2}}, {3, "green", []int{4}}}) {
		t.Errorf("have %+v", got)
	}
	must(f.AddClass(strings.Repeat("語", MaxNameRunes)))
}

// Nothing handed out or in is shared with the task.
func TestSlicesAreCopied(t *testing.T) {
	f := newFixture(t)
	check(t, learnAll(f.Task))
	embed := []float32{9, 8, 7}
	id := must(f.AddEmbedding(f.red, embed, nil))
	before := see(f.Task)
	embed[0] = 1
	must(f.Embedding(id))[1] = 1
	f.Classes()[0].Examples[0] = 77
	must(f.ClassifyEmbedding([]float32{1, 1, 1}))[0].Probability = 5
	if after := see(f.Task); !reflect.DeepEqual(before, after) {
		t.Errorf("before %+v\nafter  %+v", before, after)
	}
}
