//go:build js && wasm

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hack-pad/safejs"

	"haguruma/adapt"
	"haguruma/adapt/adapter"
	"haguruma/adapt/carry"
	"haguruma/core/picture"
	"haguruma/core/tensorfile"
	"haguruma/core/vit"
	"haguruma/sparse"
	"haguruma/wasm/errcode"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var half = [3]float32{0.5, 0.5, 0.5}

var small = vit.Config{ImageSize: 16, PatchSize: 4, Stem: []int{8, 24}, Dim: 24, Depth: 3, Heads: 2, MLPDim: 48, Pool: vit.PoolMean, Eps: 1e-6, Mean: half, Std: half}

// open is a session with a small random bundle and experts.
func open(t *testing.T) *session {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	p := vit.NewParams[float32](small)
	p.Init(rng)
	s := newSession()
	bundle := must(tensorfile.EncodeZstd(vit.NewInt8(p).File()))
	do[struct{ Dim int }](t, s.openBundle, opened{tensorfile.Hash(bundle)}, bundle)
	f := must(sparse.RandomExperts(sparse.BackboneTensors(p), 3, 0.2, 0.05, small.Dim, rng).File(nil))
	f.Metadata["backbone"] = tensorfile.Hash(bundle)
	experts := must(tensorfile.EncodeZstd(f))
	do[struct{}](t, s.openExperts, opened{tensorfile.Hash(experts)}, experts)
	return s
}

// do calls a verb as the border does, and reads its reply.
func do[T any](t *testing.T, v verb, header any, body []byte) (reply T, out []byte) {
	t.Helper()
	said, out, err := v(must(json.Marshal(header)), body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(must(json.Marshal(said)), &reply); err != nil {
		t.Fatal(err)
	}
	return reply, out
}

// file is a PNG of noise with more of one colour.
func noise(side, hue int, seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, uint64(hue)))
	m := image.NewNRGBA(image.Rect(0, 0, side, side))
	for i := range side * side {
		c := [3]uint8{uint8(rng.IntN(200)), uint8(rng.IntN(200)), uint8(rng.IntN(200))}
		c[hue] += 55
		m.Set(i%side, i/side, color.NRGBA{c[0], c[1], c[2], 255})
	}
	var out bytes.Buffer
	if err := png.Encode(&out, m); err != nil {
		panic(err)
	}
	return out.Bytes()
}

var wide = limits{Pixels: 1 << 20, Total: 1 << 22}

type class = struct {
	Name     string `json:"name"`
	Pictures []int  `json:"pictures"`
}

// teach is a lesson of three pictures a class, and its body.
func teach(names ...string) (lesson, []byte) {
	h, body := lesson{Experts: true, Limits: wide}, []byte(nil)
	for c, name := range names {
		one := class{Name: name}
		for i := range 3 {
			data := noise(20, c, uint64(i))
			one.Pictures = append(one.Pictures, len(data))
			body = append(body, data...)
		}
		h.Classes = append(h.Classes, one)
	}
	return h, body
}

// TestSameAnswers: what adapt and seal make answers, in classify, with the bits of a task that learns the same; experts take part.
func TestSameAnswers(t *testing.T) {
	s := open(t)
	h, body := teach("a", "b", "c")
	told, data := do[learned](t, s.adapt, h, body)
	if told.Verdict.Code != adapt.VerdictFirst || len(told.Pictures) != 9 || told.Explanation.Experts == nil || told.Explanation.LeaveOneOut.Total != 9 {
		t.Errorf("have %+v", told)
	}
	seal := sealing{Classes: []int{4, 7, 9}, Time: "2026-11-26T01:02:03Z", Tool: "test", Hits: 8, Total: 9, Journal: chain{2, strings.Repeat("a", 64)}}
	sealed, data := do[inspected](t, s.seal, seal, data)
	a := must(adapter.Decode(data))
	if a.Classes[1].ID != 7 || a.Provenance.Journal.Entries != 2 || a.Content != sealed.Content || tensorfile.Hash(data) != sealed.SHA256 {
		t.Errorf("have %+v, %+v", a.Classes, a.Provenance)
	}

	task := adapt.NewTask(s.weights.Backbone)
	task.SetExperts(must(s.weights.Backbone.Experts(s.weights.Experts, s.weights.Bundle)))
	for c := range 3 {
		id := must(task.AddClass(string(rune('a' + c))))
		for i := range 3 {
			must(task.AddExample(id, must(picture.Decode(noise(20, c, uint64(i)), picture.DefaultLimits))))
		}
	}
	must(task.Adapt(unstopped{}, adapt.Options{}))
	for hue := range 3 {
		query := noise(33, hue, 50)
		have, _ := do[answers](t, s.classify, question{Adapter: sealed.SHA256, Second: sealed.SHA256, Pictures: []int{len(query)}, Limits: wide}, query)
		want := must(task.Ask(must(picture.Decode(query, picture.DefaultLimits))))
		for i, score := range want.Scores {
			if one := have.Answers[0].Scores[i]; one.Probability != score.Probability || one.Name != score.Name || one.Class != seal.Classes[i] {
				t.Errorf("hue %d: want %+v, have %+v", hue, score, one)
			}
		}
		if have.Answers[0].Known == want.Unknown || have.Answers[0].Class != want.Scores[want.Best].Name || fmt.Sprint(have.Second) != fmt.Sprint(have.Answers) {
			t.Errorf("hue %d: want %+v, have %+v", hue, want, have)
		}
	}
	// Another program is given the file.
	other := open(t)
	q := question{Adapter: sealed.SHA256, Pictures: []int{}, Limits: wide}
	if _, _, err := other.classify(must(json.Marshal(q)), nil); !errors.Is(err, errNeeded) || codeOf(err) != "adapter_needed" {
		t.Errorf("want %v, have %v", errNeeded, err)
	}
	do[struct{}](t, other.hold, opened{sealed.SHA256}, data)
	do[answers](t, other.classify, q, nil)
}

// TestGuard: pictures that the adapter in use was made of do not count, others are compared.
func TestGuard(t *testing.T) {
	s := open(t)
	h, body := teach("a", "b")
	told, data := do[learned](t, s.adapt, h, body)
	sealed, _ := do[inspected](t, s.seal, sealing{Classes: []int{1, 2}}, data)
	h.Against = sealed.SHA256
	for _, c := range []struct {
		seen []string
		want string
	}{{nil, adapt.VerdictNotCompared}, {[]string{}, ""}, {hashes(told), adapt.VerdictNotCompared}} {
		h.Seen = c.seen
		again, _ := do[learned](t, s.adapt, h, body)
		if c.want == "" && again.Verdict.Code != adapt.VerdictBetter && again.Verdict.Code != adapt.VerdictWorse || c.want != "" && again.Verdict.Code != c.want {
			t.Errorf("seen %v: have %+v", c.seen, again.Verdict)
		}
	}
	query := noise(20, 0, 9)
	j := judgement{Adapter: sealed.SHA256, Second: sealed.SHA256, Class: "a", Pictures: []int{len(query)}, Limits: wide}
	for n := 1; n <= 3; n++ {
		said, _ := do[judged](t, s.feedback, j, query)
		if j.Pairs = said.Pairs; said.Pairs.Compared != n || said.Worse || said.Picture != tensorfile.Hash(query) {
			t.Errorf("have %+v", said)
		}
	}
	j.Class = "nobody"
	if _, _, err := s.feedback(must(json.Marshal(j)), query); !errors.Is(err, adapt.ErrUnknownClass) {
		t.Errorf("want %v, have %v", adapt.ErrUnknownClass, err)
	}
}

func hashes(l learned) (list []string) {
	for _, p := range l.Pictures {
		list = append(list, p.Picture)
	}
	return list
}

// TestPixels: pixels are counted by the header, of one picture and of all.
func TestPixels(t *testing.T) {
	s := open(t)
	h, body := teach("a", "b")
	for _, c := range []struct {
		limits limits
		code   string
	}{{limits{399, 1 << 20}, "picture_too_large"}, {limits{400, 5 * 400}, "too_many_pixels"}, {limits{400, 5*400 + 1}, "picture_too_large"}, {limits{400, 6 * 400}, ""}} {
		h.Limits = c.limits
		_, _, err := s.adapt(must(json.Marshal(h)), body)
		if c.code == "" && err != nil || c.code != "" && codeOf(err) != c.code {
			t.Errorf("%+v: want %q, have %v", c.limits, c.code, err)
		}
	}
	h.Limits = wide
	for name, change := range map[string]func() ([]byte, []byte){
		"a body too short":  func() ([]byte, []byte) { return must(json.Marshal(h)), body[:len(body)-1] },
		"a body too long":   func() ([]byte, []byte) { return must(json.Marshal(h)), append(bytes.Clone(body), 0) },
		"no JSON":           func() ([]byte, []byte) { return []byte("{"), body },
		"a negative length": func() ([]byte, []byte) { return []byte(`{"classes":[{"name":"a","pictures":[-1]}]}`), body },
	} {
		if _, _, err := s.adapt(change()); !errors.Is(err, errUsage) {
			t.Errorf("%s: want %v, have %v", name, errUsage, err)
		}
	}
}

// TestHolder: the adapters used last stay, and of those with weights of their own no more than there is room for.
func TestHolder(t *testing.T) {
	h, plain, merged := newHolder(), &carry.Applied{Adapter: &adapter.Adapter{}}, &carry.Applied{Adapter: &adapter.Adapter{Experts: "x"}}
	for i := range keepHeads + 10 {
		h.put(fmt.Sprint("plain", i), plain)
	}
	for i := range keepCopies + 2 {
		h.put(fmt.Sprint("merged", i), merged)
	}
	copies := 0
	for _, x := range h.list {
		if x.copies {
			copies++
		}
	}
	if len(h.list) != keepHeads || copies != keepCopies {
		t.Errorf("have %d, %d of them copies", len(h.list), copies)
	}
	if _, err := h.get("plain0"); !errors.Is(err, errNeeded) {
		t.Errorf("want %v, have %v", errNeeded, err)
	}
	last := h.list[0].hash
	if _, err := h.get(last); err != nil {
		t.Error(err)
	}
	h.put("one more", plain)
	if _, err := h.get(last); err != nil {
		t.Errorf("it was used last: %v", err)
	}
}

// TestAdaptersRefused: packed, of another bundle, no adapter.
func TestAdaptersRefused(t *testing.T) {
	s := open(t)
	h, body := teach("a", "b")
	_, data := do[learned](t, s.adapt, h, body)
	for code, file := range map[string][]byte{"adapter": []byte(frame + "rest"), "adapter_edited": edited(data)} {
		if _, _, err := s.inspect(nil, file); codeOf(err) != code {
			t.Errorf("want %q, have %v", code, err)
		}
	}
	s.weights.Bundle = strings.Repeat("b", 64)
	if _, _, err := s.inspect(nil, data); codeOf(err) != "adapter_bundle" {
		t.Errorf("want adapter_bundle, have %v", err)
	}
}

func edited(data []byte) []byte {
	data = bytes.Clone(data)
	data[len(data)-3] ^= 1
	return data
}

// TestJournal: lines are chained to what there is, in the one spelling that a journal has, and read back.
func TestJournal(t *testing.T) {
	h := entries{Entries: []entry{
		{Time: "2026-11-26T01:02:03Z", Kind: "begun", Details: []detail{{"task", json.RawMessage(`"é\u0041\n"`)}}},
		{Time: "2026-11-26T01:02:03Z", Kind: "taken", Details: []detail{{"version", json.RawMessage("1")}, {"scores", json.RawMessage("[0.5,0.5]")}}},
	}}
	end, first := do[chain](t, lines, h, nil)
	more, second := do[chain](t, lines, entries{Chain: end, Entries: h.Entries[1:]}, nil)
	if end.Entries != 2 || more.Entries != 3 || !strings.Contains(string(first), `"task":"éA\u000a"`) {
		t.Errorf("have %+v, %+v, %s", end, more, first)
	}
	type said struct {
		Sound   bool
		Entries int
		Line    int
	}
	all := append(first, second...)
	if r, csv := do[said](t, readJournal, reading{Chain: more, CSV: true}, all); !r.Sound || r.Entries != 3 || !strings.Contains(string(csv), "taken") {
		t.Errorf("have %+v", r)
	}
	if r, _ := do[said](t, readJournal, reading{Chain: more}, bytes.Replace(all, []byte("0.5"), []byte("0.6"), 1)); r.Sound || r.Line == 0 {
		t.Errorf("have %+v", r)
	}
	if r, _ := do[said](t, readJournal, reading{Chain: more}, first); r.Sound {
		t.Error("the end is missing, want it said")
	}
}

// TestBorder: room is given up to a limit, a small one again, a large one once; a panic is an outcome like any other, what is written is what a verb
// reads, and an address that is no room, or more than it has, is refused.
func TestBorder(t *testing.T) {
	b := &border{verbs: map[string]verb{
		"panic": func(_, _ []byte) (any, []byte, error) { panic("boom") },
		"chan":  func(_, _ []byte) (any, []byte, error) { return make(chan int), []byte("x"), nil },
		"echo":  func(header, body []byte) (any, []byte, error) { return string(header), bytes.Clone(body), nil },
	}}
	call := func(numbers ...int) (int, failure) {
		args := make([]safejs.Value, len(numbers))
		for i, n := range numbers {
			args[i] = must(safejs.ValueOf(n))
		}
		outcome, f := b.call(safejs.Value{}, args).(int), failure{}
		if outcome != outcomeGood {
			must(0, json.Unmarshal(b.reply, &f))
		}
		if want := (told{address(b.reply), uint32(len(b.reply)), address(b.out), uint32(len(b.out))}); b.told != want {
			t.Errorf("want %v, have %v", want, b.told)
		}
		return outcome, f
	}
	room := func(n int) int { return b.makeRoom(safejs.Value{}, []safejs.Value{must(safejs.ValueOf(n))}).(int) }
	for _, n := range []int{-1, maxRoom + 1} {
		if at := room(n); at != -1 {
			t.Errorf("%d: want -1, have %v", n, at)
		}
	}
	if _, f := call(0, 0, 0); f.Code != "usage" {
		t.Errorf("no room: have %+v", f)
	}
	at := room(100)
	copy(b.kept, "some bytesecho\n{}")
	if outcome, f := call(at, 10, 7); outcome != outcomeGood || string(b.reply) != `"{}"` || string(b.out) != "some bytes" {
		t.Errorf("have %v, %q, %q, %+v", outcome, b.reply, b.out, f)
	}
	if again := room(60); again != at {
		t.Errorf("want the same room, have %v and %v", at, again)
	}
	for name, code := range map[string]string{"panic": errcode.Internal, "chan": errcode.Internal, "nothing": "usage", "echo": ""} {
		copy(b.kept, name+"\n")
		if _, f := call(at, 0, len(name)+1); f.Code != code {
			t.Errorf("%s: want %q, have %+v", name, code, f)
		}
	}
	for _, numbers := range [][]int{{at + 1, 0, 5}, {at, 95, 6}, {at, -1, 5}, {at, 0, 1 << 40}, {0, 0, 0}} {
		if _, f := call(numbers...); f.Code != "usage" {
			t.Errorf("%v: have %+v", numbers, f)
		}
	}
	large := room(keepRoom + 1)
	copy(b.once, "echo\nlarge")
	if outcome, _ := call(large, 0, 10); outcome != outcomeGood || string(b.reply) != `"large"` {
		t.Errorf("have %v, %q", outcome, b.reply)
	}
	if _, f := call(large, 0, 10); f.Code != "usage" {
		t.Errorf("a large room is for one call, have %+v", f)
	}
	if again := room(60); again != at {
		t.Errorf("want the room that is kept, have %v and %v", at, again)
	}
}
