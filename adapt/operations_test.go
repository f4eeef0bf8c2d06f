package adapt

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"haguruma/adapt/adapter"
	"haguruma/adapt/journal"
	"haguruma/adapt/store"
	"haguruma/core/fewshot"
	"haguruma/core/picture"
	"haguruma/core/tensorfile"
)

const opTime = "2026-11-25T21:23:50Z"

var opBundle, opExperts = tensorfile.Hash([]byte("bundle")), tensorfile.Hash([]byte("experts"))

// copies counts networks that are alive: each has a page of memory of its own, as a merged copy of a backbone has.
var copies atomic.Int64

type paged struct {
	Embedder
	page []byte
}

func newPaged(e Embedder) *paged {
	p := &paged{e, make([]byte, 4096)}
	copies.Add(1)
	runtime.AddCleanup(p, func(int) { copies.Add(-1) }, 0)
	return p
}

type pagedExperts struct{ *colorExperts }

func (x pagedExperts) Merge(scores []float32) Embedder { return newPaged(x.colorExperts.Merge(scores)) }

// pagedTuner swaps red and green, by a change that an adapter has room for.
type pagedTuner struct{}

func (pagedTuner) Tune(stop Stopper, task Tuning, progress func(done, total int) error) (*Tuned, error) {
	for i := range 2 {
		if err := progress(i, 2); err != nil {
			return nil, err
		}
	}
	again := func(from Embedder) Embedder {
		if p, ok := from.(*paged); ok {
			from = p.Embedder // a network of its own does not hold the copy that it was made from
		}
		return newPaged(swappedEye{from})
	}
	change := []tensorfile.Tensor{{Name: "swap", DType: tensorfile.U8, Shape: []int{1}, Data: []byte{1}}}
	return &Tuned{Embedder: again(task.Embedder), Again: again, Report: &TuningReport{Mode: "swap", Change: change}}, nil
}

// front is what a program does with a task and its store; one that ends anywhere begins again from the store alone.
type front struct {
	t       *testing.T
	rng     *rand.Rand
	disk    *store.Memory
	stored  *store.Task
	live    *Task
	class   map[int]int // ids in the live task by those in the store
	example map[int]int
	number  map[int]int       // versions of the live task by those in the store, that it has made itself
	said    map[string]string // what each adapter said when it was made, by its content
	queries []*picture.Picture
	refused int
}

// begin opens the store and teaches a new task what it holds.
func (f *front) begin() {
	f.disk.Fail = nil
	stored, err := store.Open(f.disk)
	if err != nil {
		f.t.Fatal(err)
	}
	f.stored, f.live = stored, NewTask(&colorEye{})
	f.live.SetExperts(pagedExperts{&colorExperts{}})
	f.class, f.example, f.number = map[int]int{}, map[int]int{}, map[int]int{}
	state := stored.State()
	for _, c := range state.Classes {
		f.class[c.ID] = must(f.live.AddClass(c.Name))
	}
	for _, x := range state.Examples {
		data := must(store.Picture(f.disk, x.Picture))
		f.example[x.ID] = must(f.live.AddExample(f.class[x.Class], pixel(data[0], data[1], data[2])))
	}
	f.disk.Fail = func(string, string) (int, error) {
		if f.rng.IntN(25) == 0 {
			return f.rng.IntN(300), []error{store.ErrFull, store.ErrDenied}[f.rng.IntN(2)]
		}
		return 0, nil
	}
}

// confirm commits; what is refused must leave the state as it was.
func (f *front) confirm(kind journal.Kind, change func(s *store.State) error) bool {
	before, next := f.stored.State(), f.stored.State()
	err := change(&next)
	if err == nil {
		err = f.stored.Commit(next, journal.Entry{Time: opTime, Kind: kind, Bundle: opBundle})
	}
	if err == nil {
		return true
	}
	if f.refused++; !errors.Is(err, store.ErrFull) && !errors.Is(err, store.ErrDenied) {
		f.t.Fatal(err)
	}
	if !reflect.DeepEqual(f.stored.State(), before) {
		f.t.Fatal("a refused step changed the state")
	}
	return false
}

// answer is what an adapter says, by the head and the networks that it names.
func (f *front) answer(a *adapter.Adapter) (text string) {
	var e Embedder = &colorEye{}
	if a.Experts != "" {
		e = (&colorExperts{}).Merge(a.Scores)
	}
	if a.Change != nil {
		e = swappedEye{e}
	}
	for _, pic := range f.queries {
		embed, p := must(e.Embed(pic)), make([]float32, len(a.Classes))
		a.Head.Logits(p, embed)
		fewshot.Probabilities(p, p, 1, len(p))
		text += fmt.Sprint(a.Knows(embed))
		for i, c := range a.Classes {
			text += fmt.Sprint(" ", c.Name, " ", math.Float32bits(p[i]))
		}
	}
	return text
}

// heard is the same of the live task.
func (f *front) heard() (text string) {
	for _, pic := range f.queries {
		a := must(f.live.Ask(pic))
		text += fmt.Sprint(!a.Unknown)
		for _, s := range a.Scores {
			text += fmt.Sprint(" ", s.Name, " ", math.Float32bits(s.Probability))
		}
	}
	return text
}

// version is what is in use as an adapter.
func (f *front) version(s *store.State) *adapter.Adapter {
	l, v := f.live.InUse(), f.live.Version()
	a := &adapter.Adapter{
		Bundle: opBundle, Pictures: adapter.Pictures{Size: 1, Std: [3]float32{1, 1, 1}},
		Head: adapter.Head{Kind: string(l.Head.Kind), Strength: l.Head.Strength, Scale: l.Head.Scale, Dim: 3, Weight: l.Head.Weights, Bias: l.Head.Bias},
	}
	if l.Choice != nil {
		a.Experts, a.Scores = opExperts, l.Choice.Scores
	}
	if v.Tuning != nil {
		a.Change = v.Tuning.Change
	}
	if l.UnknownBelow > -1 {
		a.Unknown = &adapter.Unknown{Below: l.UnknownBelow}
		if l.Head.Kind != fewshot.KindPrototypes {
			a.Unknown.Prototypes = l.Prototypes
		}
	}
	for _, c := range s.Classes {
		a.Classes = append(a.Classes, adapter.Class{ID: c.ID, Name: c.Name, Examples: 1})
	}
	return a
}

// adapt makes a version, stops it half way now and then, and takes it into use in both places or in none.
func (f *front) adapt() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o := Options{Force: f.rng.IntN(2) == 0, Views: f.rng.IntN(4) == 0}
	if f.rng.IntN(3) == 0 {
		o.Tuner = pagedTuner{}
	}
	if f.rng.IntN(4) == 0 {
		left := f.rng.IntN(20)
		o.Progress = func(Progress) {
			if left--; left == 0 {
				cancel()
			}
		}
	}
	before := f.live.Version()
	out, err := f.live.Adapt(ctx, o)
	if err != nil {
		if c := Code(err); c != CodeEmptyClass && c != CodeTooFewClasses && c != CodeContradiction && !errors.Is(err, context.Canceled) {
			f.t.Fatal(err)
		}
	}
	if err != nil || !out.Taken {
		if f.live.Version() != before {
			f.t.Fatal("an adaptation that was not taken is in use")
		}
		return
	}
	var a *adapter.Adapter
	at := 0
	if f.confirm(journal.Taken, func(s *store.State) error {
		a = f.version(s)
		number, hash, err := f.stored.PutVersion(must(a.Encode()))
		s.Versions = append(s.Versions, store.Version{File: hash, Content: a.Content, Time: opTime})
		s.Current, at = number, number
		return err
	}) {
		f.number[at], f.said[a.Content] = out.Version.Number, f.heard()
		return
	}
	number := 0
	if before != nil {
		number = before.Number
	}
	check(f.t, f.live.Use(number))
}

// load reads a version of the store and holds it to what it said.
func (f *front) load(number int) *adapter.Adapter {
	state := f.stored.State()
	a := must(adapter.Decode(must(store.VersionFile(f.disk, state, number))))
	if have, want := f.answer(a), f.said[a.Content]; a.Content != state.Versions[number-1].Content || have != want {
		f.t.Fatalf("version %d says %s, it said %s", number, have, want)
	}
	return a
}

// rollBack goes to any version; the live task goes along where it has made it.
func (f *front) rollBack() {
	state := f.stored.State()
	to := f.rng.IntN(len(state.Versions) + 1)
	if to > 0 {
		f.load(to)
	}
	if !f.confirm(journal.RolledBack, func(s *store.State) error { s.Current = to; return nil }) {
		return
	}
	check(f.t, f.live.Use(f.number[to]))
	if f.number[to] > 0 && f.heard() != f.said[state.Versions[to-1].Content] {
		f.t.Fatalf("version %d does not say what it said", to)
	}
}

// carry exports a version and takes the file in again, as another program would.
func (f *front) carry() {
	state := f.stored.State()
	if len(state.Versions) == 0 {
		return
	}
	from := 1 + f.rng.IntN(len(state.Versions))
	file := must(f.load(from).Encode())
	a := must(adapter.Decode(file))
	if f.answer(a) != f.said[a.Content] {
		f.t.Fatal("an exported adapter says something else")
	}
	if f.confirm(journal.Imported, func(s *store.State) error {
		number, hash, err := f.stored.PutVersion(file)
		s.Versions = append(s.Versions, store.Version{File: hash, Content: a.Content, Time: opTime})
		s.Current = number
		return err
	}) {
		at := f.stored.State().Current
		if f.number[at] = f.number[from]; f.number[from] == 0 {
			delete(f.number, at)
		}
		check(f.t, f.live.Use(f.number[at]))
	}
}

func (f *front) add() {
	state := f.stored.State()
	if len(state.Classes) < 2 || len(state.Classes) < 5 && f.rng.IntN(40) == 0 {
		name := fmt.Sprint("class ", state.LastClass+1)
		if f.confirm(journal.ClassAdded, func(s *store.State) error {
			s.LastClass++
			s.Classes = append(s.Classes, store.Class{ID: s.LastClass, Name: name})
			return nil
		}) {
			f.class[state.LastClass+1] = must(f.live.AddClass(name))
		}
		return
	}
	class := state.Classes[f.rng.IntN(len(state.Classes))].ID
	data := []byte{uint8(f.rng.IntN(256)), uint8(1 + f.rng.IntN(255)), uint8(f.rng.IntN(256))}
	id, err := f.live.AddExample(f.class[class], pixel(data[0], data[1], data[2]))
	if err != nil {
		if Code(err) != CodeContradiction {
			f.t.Fatal(err)
		}
		return
	}
	if f.confirm(journal.Added, func(s *store.State) error {
		hash, err := f.stored.PutPicture(data)
		s.LastExample++
		s.Examples = append(s.Examples, store.Example{ID: s.LastExample, Class: class, Picture: hash, Name: "a"})
		return err
	}) {
		f.example[state.LastExample+1] = id
	} else {
		check(f.t, f.live.RemoveExample(id))
	}
}

// move relabels an example, or removes it where there are many.
func (f *front) move() {
	state := f.stored.State()
	if len(state.Examples) == 0 {
		return
	}
	at, to := f.rng.IntN(len(state.Examples)), state.Classes[f.rng.IntN(len(state.Classes))].ID
	x := state.Examples[at]
	if len(state.Examples) > 12 {
		if f.confirm(journal.Removed, func(s *store.State) error { s.Examples = slices.Delete(s.Examples, at, at+1); return nil }) {
			check(f.t, f.live.RemoveExample(f.example[x.ID]))
			delete(f.example, x.ID)
		}
	} else if x.Class != to && f.confirm(journal.Relabelled, func(s *store.State) error {
		s.Examples = slices.Delete(s.Examples, at, at+1)
		x.Class = to
		s.Examples = append(s.Examples, x)
		return nil
	}) {
		check(f.t, f.live.Relabel(f.example[x.ID], f.class[to]))
	}
}

// agree holds the live task to the state, example by example.
func (f *front) agree() {
	have, want := map[int]int{}, map[int]int{}
	for _, c := range f.live.Classes() {
		for _, id := range c.Examples {
			have[id] = c.ID
		}
	}
	state := f.stored.State()
	for _, x := range state.Examples {
		want[f.example[x.ID]] = f.class[x.Class]
	}
	if !maps.Equal(have, want) || len(f.live.Classes()) != len(state.Classes) {
		f.t.Fatalf("the task has %v, the store %v", have, want)
	}
}

// TestOperations: 10,000 of all that is done to a task and its store, a tenth of that in wasm, while writes fail and programs end anywhere: whatever was
// confirmed is there, every version says what it said to the bit, and neither goroutines nor copies of networks stay behind.
func TestOperations(t *testing.T) {
	// In a browser's runtime a goroutine stands for the event that woke the program, as it will at the end: after a collection there is nothing
	// to do while this one sleeps, so that it is an event that goes on.
	runtime.GC()
	time.Sleep(10 * time.Millisecond)
	goroutines := runtime.NumGoroutine()
	f := &front{t: t, rng: rand.New(rand.NewPCG(10, 5)), disk: store.NewMemory(), said: map[string]string{}}
	for range 3 {
		f.queries = append(f.queries, pixel(uint8(f.rng.IntN(256)), uint8(f.rng.IntN(256)), uint8(f.rng.IntN(256))))
	}
	must(store.Create(f.disk, "id", opBundle, opExperts, opTime))
	f.begin()
	operations, done, crashes, taken := 10_000, map[string]int{}, 0, 0
	if runtime.GOOS == "js" {
		operations = 1000
	}
	for range operations {
		what := []string{"add", "add", "add", "move", "move", "adapt", "adapt", "roll back", "carry", "crash"}[f.rng.IntN(10)]
		if what == "crash" && f.rng.IntN(3) > 0 {
			what = "adapt"
		}
		done[what]++
		switch what {
		case "add":
			f.add()
		case "move":
			f.move()
		case "adapt":
			f.adapt()
		case "roll back":
			f.rollBack()
		case "carry":
			f.carry()
		case "crash":
			crashes++
			want := f.stored.State()
			f.disk = f.disk.Clone()
			f.begin()
			if have := f.stored.State(); !reflect.DeepEqual(have, want) {
				t.Fatalf("after a crash %+v, before %+v", have, want)
			}
			for n := range want.Versions {
				f.load(n + 1)
			}
			if j, err := store.ReadJournal(f.disk); err != nil || len(j.Entries) != f.stored.Chain().Entries {
				t.Fatalf("the journal after a crash: %v", err)
			}
			if taken = max(taken, len(want.Versions)); len(want.Versions) > 30 { // all are read at every crash
				f.disk = store.NewMemory()
				must(store.Create(f.disk, "id", opBundle, opExperts, opTime))
				f.begin()
			}
		}
		f.agree()
		if n := len(f.live.merged); n > keepMerged {
			t.Fatalf("%d copies are kept", n)
		}
	}
	t.Logf("%v, %d refused, %d versions said something, %d copies alive before collection", done, f.refused, len(f.said), copies.Load())
	if f.refused < operations/200 || crashes < operations/60 || len(f.said) < operations/40 || taken < 5 {
		t.Errorf("%d refused, %d crashes, %d versions: too few", f.refused, crashes, len(f.said))
	}
	waitFor := func(what string, ok func() bool) {
		for wait := 0; !ok(); wait++ {
			runtime.GC()
			if time.Sleep(time.Millisecond); wait == 500 {
				t.Errorf("%s: %d copies, %d goroutines, before %d", what, copies.Load(), runtime.NumGoroutine(), goroutines)
				return
			}
		}
	}
	// Of all versions of the last task, no more copies stay than are kept.
	waitFor("in use", func() bool { return copies.Load() <= keepMerged })
	runtime.KeepAlive(f.live)
	f.live = nil
	waitFor("at the end", func() bool { return copies.Load() == 0 && runtime.NumGoroutine() <= goroutines })
}
