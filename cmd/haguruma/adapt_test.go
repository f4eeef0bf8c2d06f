package main

import (
	"encoding/csv"
	"image/color"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"haguruma/adapt"
	"haguruma/adapt/adapter"
	"haguruma/adapt/carry"
	"haguruma/adapt/journal"
	"haguruma/adapt/store"
	"haguruma/core/fewshot"
	"haguruma/core/vit"
	"haguruma/sparse"
)

var (
	green  = color.RGBA{20, 200, 60, 255}
	violet = color.RGBA{60, 40, 210, 255}
)

// answers is what classify says of queries, without what it says of how.
func answers(t *testing.T, args ...string) []classified {
	t.Helper()
	return parse[struct{ Results []classified }](t, succeed(t, append([]string{"classify", "--json"}, args...)...)).Results
}

func queries(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for i, hue := range []color.RGBA{red, blue, green} {
		write(t, filepath.Join(folder, string(rune('a'+i))+".png"), encodePNG(t, testImage(hue, uint64(20+i))))
	}
	return folder
}

// applied is a bundle ready to classify by an adapter's file.
func applied(t *testing.T, bundle, file string) *carry.Applied {
	t.Helper()
	f := exportFlags{adapter: adapterFlags{path: file}}
	x, _, err := f.adapted(bundle)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// copyBundle is another machine: the same files elsewhere.
func copyBundle(t *testing.T, bundle string) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(filepath.Dir(bundle))); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, filepath.Base(bundle))
}

// TestAdapterGivesTheSameAnswers: every probability of every class is the same to the bit, with experts and without, from the file and from the
// task's folder, in another place too.
func TestAdapterGivesTheSameAnswers(t *testing.T) {
	support, bundle, ask := testSupport(t), testBundle(t), queries(t)
	for _, experts := range []bool{false, true} {
		if experts {
			addExperts(t, bundle)
		}
		folder := t.TempDir()
		file, task := filepath.Join(folder, "a.safetensors"), filepath.Join(folder, "task")
		r := parse[adaptedTo](t, succeed(t, "adapt", support, "-b", bundle, "-o", file, "--task", task, "--json"))
		if (r.Experts != nil) != experts || r.Version != 1 || !r.New || r.Changes.Added != 4 || r.LeaveOneOut.Total != 4 || r.Adapter.Head == "" || r.Bytes > 64<<10 {
			t.Fatalf("experts %t: %+v", experts, r)
		}
		want := answers(t, "-s", support, "-b", bundle, ask)
		if experts && reflect.DeepEqual(want, answers(t, "-s", support, "-b", bundle, "--no-experts", ask)) {
			t.Fatal("experts change nothing")
		}
		there := copyBundle(t, bundle)
		for _, args := range [][]string{{"-a", file, "-b", bundle}, {"-a", task, "-b", bundle}, {"-a", file, "-b", there}} {
			if have := answers(t, append(args, ask)...); !reflect.DeepEqual(have, want) {
				t.Errorf("experts %t, %v: have %+v, want %+v", experts, args, have, want)
			}
		}
		text := succeed(t, "classify", "-a", file, "-b", bundle, ask, "--csv")
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, journal.ByteOrderMark))).ReadAll()
		if err != nil || len(rows) != 4 || rows[1][1] != want[0].Class {
			t.Errorf("CSV %q, %v", text, err)
		}
		zipped := answers(t, "-a", file, "-b", bundle, pack(t, ask))
		for i := range zipped {
			if !strings.HasSuffix(zipped[i].File, "support.zip/"+filepath.Base(want[i].File)) {
				t.Errorf("in a zip: %s", zipped[i].File)
			}
			zipped[i].File = want[i].File
		}
		if !reflect.DeepEqual(zipped, want) {
			t.Errorf("experts %t, queries in a zip: have %+v, want %+v", experts, zipped, want)
		}
		once := filepath.Join(folder, "once.safetensors")
		succeed(t, "adapt", pack(t, support), "-b", bundle, "-o", once)
		if have := answers(t, "-a", once, "-b", there, ask); !reflect.DeepEqual(have, want) {
			t.Errorf("experts %t, from a zip: have %+v, want %+v", experts, have, want)
		}
	}
}

// TestTaskGoesOn: pictures that were added, removed and moved are found by their bytes, and the journal has each step.
func TestTaskGoesOn(t *testing.T) {
	support, bundle, ask := testSupport(t), testBundle(t), queries(t)
	task := filepath.Join(t.TempDir(), "task")
	adapt := func(args ...string) adaptedTo {
		t.Helper()
		return parse[adaptedTo](t, succeed(t, append([]string{"adapt", "-b", bundle, "--task", task, "--json"}, args...)...))
	}
	first := adapt(support)
	before := answers(t, "-a", task, "-b", bundle, ask)
	if same := adapt(support); same.Version != 1 || same.New || same.Changes.any() || same.Adapter.Content != first.Adapter.Content {
		t.Errorf("nothing changed: %+v", same)
	}
	if same := adapt(); same.Version != 1 || same.New {
		t.Errorf("without examples: %+v", same)
	}
	write(t, filepath.Join(support, "green", "1.png"), encodePNG(t, testImage(green, 9)))
	write(t, filepath.Join(support, "green", "again.png"), encodePNG(t, testImage(green, 9))) // counts once
	write(t, filepath.Join(support, "red", "3.png"), encodePNG(t, testImage(red, 3)))
	for from, to := range map[string]string{"red/2.jpg": "blue/5.jpg", "blue/1.png": "blue/renamed.png"} {
		if err := os.Rename(filepath.Join(support, from), filepath.Join(support, to)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(support, "blue", "2.jpg")); err != nil {
		t.Fatal(err)
	}
	second := adapt(support)
	if want := (changes{Added: 2, Removed: 1, Relabelled: 1, ClassesAdded: 1}); *second.Changes != want || second.Version != 2 || second.LeaveOneOut != nil {
		t.Errorf("have %+v, want %+v: %+v", second.Changes, want, second)
	}
	if have := answers(t, "-a", task, "-b", bundle, ask); len(have[2].Scores) != 3 || have[2].Class != "green" {
		t.Errorf("have %+v", have)
	}
	if err := os.RemoveAll(filepath.Join(support, "green")); err != nil {
		t.Fatal(err)
	}
	third := adapt(support)
	if want := (changes{Removed: 1, ClassesRemoved: 1}); *third.Changes != want || third.Version != 3 {
		t.Errorf("have %+v, want %+v", third.Changes, want)
	}

	list := parse[[]taskVersion](t, succeed(t, "history", task, "--json"))
	if len(list) != 4 || !list[3].Current || list[0].Current || list[2].Adapter.Content != second.Adapter.Content || len(list[2].Classes) != 3 {
		t.Errorf("history %+v", list)
	}
	if text := succeed(t, "history", task); !strings.Contains(text, "\n* 3  ") || !strings.Contains(text, "the backbone alone") || !strings.Contains(text, "/4 ") {
		t.Errorf("history says %s", text)
	}

	out := filepath.Join(t.TempDir(), "one.safetensors")
	if text := succeed(t, "rollback", task, "1", "-o", out); !strings.Contains(text, "version 1 is in use, it was version 3") {
		t.Errorf("rollback says %s", text)
	}
	if have := answers(t, "-a", task, "-b", bundle, ask); !reflect.DeepEqual(have, before) {
		t.Errorf("rolled back: have %+v, want %+v", have, before)
	}
	if have := answers(t, "-a", out, "-b", bundle, ask); !reflect.DeepEqual(have, before) {
		t.Errorf("the file of version 1: have %+v, want %+v", have, before)
	}
	succeed(t, "rollback", task)
	refuse(t, exitFailure, []string{"no version is in use"}, "classify", "-a", task, "-b", bundle, ask)
	refuse(t, exitFailure, []string{"no version before"}, "rollback", task)
	refuse(t, exitFailure, []string{"have versions 1 to 3"}, "rollback", task, "4")
	if text := succeed(t, "rollback", task, "0"); !strings.Contains(text, "already") {
		t.Errorf("rollback to what is in use says %s", text)
	}

	var kinds []string
	for _, e := range parse[[]struct{ Kind string }](t, succeed(t, "journal", task, "--json")) {
		kinds = append(kinds, e.Kind)
	}
	want := strings.Fields("begun class-added class-added added added added added chosen measured taken " +
		"class-added removed relabelled added added chosen taken " +
		"removed class-removed chosen measured taken rolled-back exported rolled-back")
	if !slices.Equal(kinds, want) {
		t.Errorf("journal has %v, want %v", kinds, want)
	}
}

// TestGuard: an adaptation that is worse on left-out examples is not taken and changes nothing but the journal, until it is forced.
func TestGuard(t *testing.T) {
	support, bundle, ask := testSupport(t), testBundle(t), queries(t)
	task := filepath.Join(t.TempDir(), "task")
	for i := range uint64(3) {
		// Red is of two kinds, one of them near to blue, so that heads differ.
		write(t, filepath.Join(support, "red", "more"+string(rune('a'+i))+".png"), encodePNG(t, testImage(violet, 30+i)))
		write(t, filepath.Join(support, "blue", "more"+string(rune('a'+i))+".png"), encodePNG(t, testImage(blue, 30+i)))
	}
	first := parse[adaptedTo](t, succeed(t, "adapt", support, "-b", bundle, "--task", task, "--json"))
	if first.Verdict.Code != adapt.VerdictFirst || first.LeaveOneOut.Hits < 6 {
		t.Fatalf("%+v %+v", first.Verdict, first.LeaveOneOut)
	}
	before := answers(t, "-a", task, "-b", bundle, ask)
	state := func() string {
		text, err := os.ReadFile(filepath.Join(task, "task.json"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text[:strings.Index(string(text), `"journal":`)])
	}
	was := state()
	// Leave-one-out chose the best head, so one of the others is worse.
	refused := ""
	for _, kind := range fewshot.Kinds {
		if code, _, stderr := execute(t, "adapt", "-b", bundle, "--task", task, "--head", string(kind)); code == exitFailure && strings.Contains(stderr, "worse than what is in use") {
			refused = string(kind)
			break
		}
		succeed(t, "rollback", task, "1")
		was = state()
	}
	args := []string{"adapt", "-b", bundle, "--task", task, "--head", refused}
	refuse(t, exitFailure, []string{"not taken", "worse than what is in use", "--force"}, args...)
	if have := answers(t, "-a", task, "-b", bundle, ask); !reflect.DeepEqual(have, before) {
		t.Errorf("refused, and has changed: %+v", have)
	}
	if is := state(); is != was {
		t.Errorf("task.json was %s, is %s", was, is)
	}
	if text := succeed(t, append(args, "--force")...); !strings.Contains(text, "is in use") {
		t.Errorf("forced: %s", text)
	}
	var kinds []string
	for _, e := range parse[[]struct{ Kind string }](t, succeed(t, "journal", task, "--json")) {
		kinds = append(kinds, e.Kind)
	}
	if !slices.Contains(kinds, "refused") || kinds[len(kinds)-1] != "taken" {
		t.Errorf("journal has %v", kinds)
	}
	succeed(t, "journal", "verify", task)

	// A picture in the wrong class is pointed at. What was made of other examples cannot be compared with: it is the first again.
	if err := os.Rename(filepath.Join(support, "red", "1.png"), filepath.Join(support, "blue", "odd.png")); err != nil {
		t.Fatal(err)
	}
	text := succeed(t, "adapt", support, "-b", bundle, "--task", task, "--force")
	for _, word := range []string{"1 moved to another class", "look at blue/", "the others take it for red"} {
		if !strings.Contains(text, word) {
			t.Errorf("want %q in %s", word, text)
		}
	}
	succeed(t, "rollback", task, "1")
	if r := parse[adaptedTo](t, succeed(t, "adapt", "-b", bundle, "--task", task, "--json")); r.Verdict.Code != adapt.VerdictFirst {
		t.Errorf("after going back: %+v", r)
	}
	for _, kind := range fewshot.Kinds {
		out := filepath.Join(t.TempDir(), "a.safetensors")
		r := parse[adaptedTo](t, succeed(t, "adapt", support, "-b", bundle, "-o", out, "--head", string(kind), "--json"))
		if r.Adapter.Head != string(kind) {
			t.Errorf("--head %s: %s", kind, r.Adapter.Head)
		}
		answers(t, "-a", out, "-b", bundle, ask)
	}
}

// TestTaskIsLocked: while one program writes, another may look and not write.
func TestTaskIsLocked(t *testing.T) {
	support, bundle := testSupport(t), testBundle(t)
	task := filepath.Join(t.TempDir(), "task")
	succeed(t, "adapt", support, "-b", bundle, "--task", task)
	lock, err := store.LockFolder(task)
	if err != nil {
		t.Fatal(err)
	}
	refuse(t, exitFailure, []string{"another program"}, "rollback", task)
	refuse(t, exitFailure, []string{"another program"}, "adapt", support, "-b", bundle, "--task", task)
	for _, verb := range []string{"history", "journal"} {
		succeed(t, verb, task)
	}
	succeed(t, "journal", "verify", task)
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	succeed(t, "rollback", task)
}

// TestChangeOfWeights: the change in an adapter, which fine-tuning leaves, is what an expert with score 1 does on top of the merge.
func TestChangeOfWeights(t *testing.T) {
	support, bundle, ask := testSupport(t), testBundle(t), queries(t)
	addExperts(t, bundle)
	file := filepath.Join(t.TempDir(), "a.safetensors")
	succeed(t, "adapt", support, "-b", bundle, "-o", file)
	plain := answers(t, "-a", file, "-b", bundle, ask)
	a, one := addChange(t, file, testConfig)
	if have := answers(t, "-a", file, "-b", bundle, ask); reflect.DeepEqual(have, plain) {
		t.Error("the change does nothing")
	}
	b, err := openBundle(bundle)
	if err != nil {
		t.Fatal(err)
	}
	x := applied(t, bundle, file)
	experts, err := b.expertsFor("")
	if err != nil {
		t.Fatal(err)
	}
	want := one.MergeInt8(experts.tuned.MergeInt8(b.model, a.Scores), []float32{1}).Params().Flat
	if !slices.Equal(x.Model().Params().Flat, want) || slices.Equal(want, b.model.Params().Flat) {
		t.Error("not the weights wanted")
	}
	a.Change = a.Change[1:]
	data, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, data)
	refuse(t, exitFailure, []string{"change"}, "classify", "-a", file, "-b", bundle, ask)
}

// addChange puts a change of weights into an adapter's file, and returns it as an expert.
func addChange(t *testing.T, file string, c vit.Config) (*adapter.Adapter, *sparse.Experts) {
	t.Helper()
	a, err := loadAdapter(file)
	if err != nil {
		t.Fatal(err)
	}
	one := sparse.RandomExperts(sparse.BackboneTensors(vit.NewParams[float32](c)), 1, 0.3, 0.05, c.Dim, newRand(3))
	one.CloseDelta()
	one.RoundDelta()
	changed, err := one.File(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tensor := range changed.Tensors {
		if !strings.HasPrefix(tensor.Name, "router.") {
			a.Change = append(a.Change, tensor)
		}
	}
	data, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, data)
	return a, one
}

// TestUnknown: what is like no class is told so, in every form.
func TestUnknown(t *testing.T) {
	support, bundle, ask := testSupport(t), testBundle(t), queries(t)
	file := filepath.Join(t.TempDir(), "a.safetensors")
	succeed(t, "adapt", support, "-b", bundle, "-o", file, "--head", "prototypes")
	a, err := loadAdapter(file)
	if err != nil {
		t.Fatal(err)
	}
	a.Unknown = &adapter.Unknown{Below: 1} // nothing is so near
	data, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, data)
	for _, r := range answers(t, "-a", file, "-b", bundle, ask) {
		if !r.Unknown || r.Class != "unknown" || len(r.Scores) != 2 {
			t.Errorf("%+v", r)
		}
	}
	if text := succeed(t, "classify", "-a", file, "-b", bundle, ask); strings.Count(text, "unknown") != 3 {
		t.Errorf("classify says %s", text)
	}
}

func describeFile(t *testing.T, path string) adapterInfo {
	t.Helper()
	a, err := loadAdapter(path)
	if err != nil {
		t.Fatal(err)
	}
	return describe(a)
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }
