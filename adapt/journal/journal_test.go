package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"haguruma/core/tensorfile"
)

var sum = tensorfile.Hash([]byte("a bundle"))

// sample is a journal of six entries.
func sample(t testing.TB) (data []byte, end Chain) {
	t.Helper()
	for _, e := range []Entry{
		{Time: "2026-11-25T21:23:50Z", Kind: Begun, Bundle: sum},
		{Time: "2026-11-25T21:23:51.5Z", Kind: ClassAdded, Details: []Detail{Integer("class", 1), Text("name", "良品 \"a\\\n")}},
		{Time: "2026-11-25T21:23:52Z", Kind: Added, Details: []Detail{Integer("example", 1), Integer("class", 1), Text("picture", sum)}},
		{Time: "2026-11-25T21:23:53Z", Kind: Chosen, Bundle: sum, Details: []Detail{Numbers("scores", []float32{0.1, 0.9}), Texts("tried", []string{"ridge", "lda"})}},
		{Time: "2026-11-25T21:23:54Z", Kind: Taken, Bundle: sum, Adapter: sum, Details: []Detail{Number("accuracy", 0.95), Flag("overruled", false)}},
		{Time: "2026-11-25T21:23:55Z", Kind: "something-new"},
	} {
		line, next, err := end.Next(e)
		if err != nil {
			t.Fatal(err)
		}
		data, end = append(data, line...), next
	}
	return data, end
}

// TestReadBack: what was written is read, and encoding/json sees the same facts.
func TestReadBack(t *testing.T) {
	data, end := sample(t)
	j, err := Read(data, Chain{})
	if err != nil || len(j.Entries) != 6 || j.Chain() != end || j.Torn != nil {
		t.Fatalf("%+v, %v", j, err)
	}
	if e := j.Entries[3]; e.Number != 4 || e.Kind != Chosen || e.Bundle != sum || e.Detail("scores") != "[0.1,0.9]" || e.Detail("none") != "" {
		t.Errorf("%+v", e)
	}
	lines := bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	for i, line := range lines {
		var v struct {
			Entry   int
			Before  string
			Details struct{ Name string }
		}
		want := strings.Repeat("0", 64)
		if i > 0 {
			want = tensorfile.Hash(lines[i-1])
		}
		if err := json.Unmarshal(line, &v); err != nil || v.Entry != i+1 || v.Before != want || (i == 1 && v.Details.Name != "良品 \"a\\\n") {
			t.Errorf("%s: %+v, %v", line, v, err)
		}
	}
	if behind, err := j.Holds(end); behind != 0 || err != nil {
		t.Errorf("its own head: %d, %v", behind, err)
	}
	if behind, err := j.Holds(Chain{2, j.Hashes[1]}); behind != 4 || err != nil {
		t.Errorf("an old head: %d, %v", behind, err)
	}
	if behind, err := j.Holds(Chain{}); behind != 6 || err != nil {
		t.Errorf("no head: %d, %v", behind, err)
	}
	if j.Find(j.Hashes[4]) != 5 || j.Find(sum) != 0 {
		t.Error("Find")
	}
	if empty, err := Read(nil, Chain{}); err != nil || empty.Chain() != (Chain{}) {
		t.Errorf("empty: %+v, %v", empty, err)
	}
}

// TestEveryByteIsVouchedFor: a bit of each byte of each line, flipped, is found, and the line that was changed is named: with the head that was kept, as
// the last line has no line behind it. A flipped line feed joins or tears lines, and is found in the line where it stands.
func TestEveryByteIsVouchedFor(t *testing.T) {
	data, end := sample(t)
	for i := range data {
		bit := i % 8
		broken := bytes.Clone(data)
		broken[i] ^= 1 << bit
		line := 1 + bytes.Count(data[:i], []byte("\n"))
		j, err := Read(broken, end)
		var at *Error
		if !errors.As(err, &at) || at.Line != line {
			t.Fatalf("byte %d (%q) of line %d, bit %d: %v", i, data[i], line, bit, err)
		}
		if len(j.Entries) != line-1 {
			t.Fatalf("byte %d: the line that was changed is among %d entries", i, len(j.Entries))
		}
	}
}

// TestLinesTakenOutPutInMoved: with no head at all; at the end, with the head.
func TestLinesTakenOutPutInMoved(t *testing.T) {
	data, end := sample(t)
	lines := slices.Collect(strings.Lines(string(data)))
	find := func(name string, want int, reason error, lines []string) {
		t.Helper()
		kept := Chain{}
		if reason == ErrCut {
			kept = end
		}
		_, err := Read([]byte(strings.Join(lines, "")), kept)
		var at *Error
		if !errors.As(err, &at) || at.Line != want || !errors.Is(err, reason) {
			t.Errorf("%s: want line %d, %v, have %v", name, want, reason, err)
		}
	}
	for i := range lines {
		gone := slices.Delete(slices.Clone(lines), i, i+1)
		if i < len(lines)-1 {
			find("taken out", i+1, ErrOrder, gone)
			swapped := slices.Clone(lines)
			swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
			find("moved", i+1, ErrOrder, swapped)
		} else {
			find("cut off", i+1, ErrCut, gone)
		}
		find("put in", i+2, ErrOrder, slices.Insert(slices.Clone(lines), i+1, lines[i]))
	}
	find("all cut off", 1, ErrCut, nil)
	// A line of another journal in place of ours, which goes on from the right line: only its follower tells.
	before, err := Read([]byte(strings.Join(lines[:3], "")), Chain{})
	if err != nil {
		t.Fatal(err)
	}
	forged, _, err := before.Chain().Next(Entry{Time: "2026-11-25T21:23:53Z", Kind: Refused})
	if err != nil {
		t.Fatal(err)
	}
	find("forged", 4, ErrChanged, slices.Concat(lines[:3], []string{string(forged)}, lines[4:]))
	find("forged at the end", 5, ErrCut, slices.Concat(lines[:3], []string{string(forged)}))
	find("empty line", 3, ErrFormat, slices.Insert(slices.Clone(lines), 2, "\n"))
}

// TestTornLine: wherever a crash ends the last line, the lines before it stand, and what is left of it is handed out.
func TestTornLine(t *testing.T) {
	data, _ := sample(t)
	start := bytes.LastIndexByte(data[:len(data)-1], '\n') + 1
	for end := start + 1; end < len(data); end++ {
		j, err := Read(data[:end], Chain{})
		if err != nil || len(j.Entries) != 5 || !bytes.Equal(j.Torn, data[start:end]) {
			t.Fatalf("torn at byte %d: %+v, %v", end-start, j, err)
		}
	}
}

func TestEntriesAreChecked(t *testing.T) {
	good := Entry{Time: "2026-11-25T21:23:50Z", Kind: Added}
	for name, change := range map[string]func(e *Entry){
		"no time":         func(e *Entry) { e.Time = "" },
		"another zone":    func(e *Entry) { e.Time = "2026-11-25T21:23:50+09:00" },
		"a month 13":      func(e *Entry) { e.Time = "2026-13-25T21:23:50Z" },
		"a minute 60":     func(e *Entry) { e.Time = "2026-11-25T21:60:50Z" },
		"letters":         func(e *Entry) { e.Time = "2026-11-25T2l:23:50Z" },
		"a bare point":    func(e *Entry) { e.Time = "2026-11-25T21:23:50.Z" },
		"no kind":         func(e *Entry) { e.Kind = "" },
		"a kind in words": func(e *Entry) { e.Kind = "Was added" },
		"a short sum":     func(e *Entry) { e.Bundle = "abc" },
		"not a sum":       func(e *Entry) { e.Adapter = strings.Repeat("G", 64) },
		"a name twice":    func(e *Entry) { e.Details = []Detail{Integer("a", 1), Integer("a", 2)} },
		"a bad name":      func(e *Entry) { e.Details = []Detail{Integer("a\"", 1)} },
		"not JSON":        func(e *Entry) { e.Details = []Detail{{"a", "1,2"}} },
		"a line feed":     func(e *Entry) { e.Details = []Detail{{"a", "\"\n\""}} },
	} {
		e := good
		change(&e)
		line, end, err := Chain{}.Next(e)
		if !errors.Is(err, ErrEntry) || line != nil || end != (Chain{}) {
			t.Errorf("%s: %s, %+v, %v", name, line, end, err)
		}
	}
	good.Details = []Detail{Number("loss", math.Inf(1)), Numbers("rates", []float32{float32(math.NaN())})}
	if line, _, err := (Chain{}).Next(good); err != nil || !strings.Contains(string(line), `{"loss":"+Inf","rates":["NaN"]}`) {
		t.Errorf("%s, %v", line, err)
	}
}

func TestCSV(t *testing.T) {
	data, end := sample(t)
	line, _, err := end.Next(Entry{Time: "2026-11-25T21:23:56Z", Kind: Refused, Details: []Detail{Text("reason", "worse, \"much\"\nworse")}})
	if err != nil {
		t.Fatal(err)
	}
	j, err := Read(append(data, line...), Chain{})
	if err != nil {
		t.Fatal(err)
	}
	have := string(CSV(j.Entries))
	for _, want := range []string{
		"\ufeffentry,time (UTC),kind,details,bundle,adapter\r\n",
		"1,2026-11-25 21:23:50,begun,," + sum + ",\r\n",
		"\r\n2,2026-11-25 21:23:51.5,class-added,\"class: 1; name: 良品 \"\"a\\ \",,\r\n",
		"\r\n4,2026-11-25 21:23:53,chosen,\"scores: [0.1,0.9]; tried: [\"\"ridge\"\",\"\"lda\"\"]\"," + sum + ",\r\n",
		"\r\n7,2026-11-25 21:23:56,refused,\"reason: worse, \"\"much\"\" worse\",,\r\n",
	} {
		if !strings.Contains(have, want) {
			t.Errorf("want %q in %q", want, have)
		}
	}
	if strings.Count(have, "\r\n") != 8 || strings.Count(have, "\n") != 8 {
		t.Errorf("want 8 lines, have %q", have)
	}
	for text, want := range map[string]string{"=1+1": "'=1+1", "-a": "'-a", "@x": "'@x", "a=b": "a=b", "": "", "\t=1": "'\t=1"} {
		if Cell(text) != want {
			t.Errorf("Cell(%q) = %q", text, Cell(text))
		}
	}
}

// FuzzRead: no panic, every error names a line and a reason, what is read is written again to the same journal, and nothing
// but a journal's own lines is read in any number.
func FuzzRead(f *testing.F) {
	data, _ := sample(f)
	f.Add(data)
	f.Add(data[:len(data)-5])
	f.Add([]byte("{\"entry\":1,\"time\":\"2026-11-25T21:23:50Z\",\"kind\":\"a\",\"details\":{\"a\":[1, {}]},\"before\":\"" + none + "\"}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		j, err := Read(data, Chain{})
		var at *Error
		if err != nil && (!errors.As(err, &at) || at.Line < 1 || at.Line > 1+bytes.Count(data, []byte("\n"))) {
			t.Fatalf("%v", err)
		}
		if len(j.Entries) != len(j.Hashes) {
			t.Fatalf("%d entries, %d hashes", len(j.Entries), len(j.Hashes))
		}
		if err != nil {
			return
		}
		if _, err := j.Holds(j.Chain()); err != nil {
			t.Error(err)
		}
		CSV(j.Entries)
		var end Chain
		var again []byte
		for i, e := range j.Entries {
			line, next, err := end.Next(e)
			if err != nil || e.Number != i+1 {
				t.Fatalf("entry %d, %v", e.Number, err)
			}
			again, end = append(again, line...), next
		}
		if k, err := Read(again, end); err != nil || len(k.Entries) != len(j.Entries) {
			t.Errorf("written again: %v", err)
		}
	})
}
