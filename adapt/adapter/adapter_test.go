package adapter

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"haguruma/adapt/journal"
	"haguruma/core/tensorfile"
)

var (
	bundleSum  = tensorfile.Hash([]byte("bundle"))
	expertsSum = tensorfile.Hash([]byte("experts"))
)

// sample is an adapter with everything in it.
func sample() *Adapter {
	return &Adapter{
		Bundle: bundleSum, Experts: expertsSum, Scores: []float32{0.1, 0, 0.9},
		Head: Head{
			Kind: "ridge", Scale: 1, Temperature: 0.3, Dim: 2,
			// The smallest number, a negative zero, and one that no short decimal is: bits must come through.
			Weight: []float32{math.SmallestNonzeroFloat32, float32(math.Copysign(0, -1)), 1.0 / 3, -2e30}, Bias: []float32{0.25, -1},
		},
		Classes:  []Class{{1, "良品", 5}, {7, `"bad" \`, 0}},
		Unknown:  &Unknown{"cosine", 1.0 / 7},
		Pictures: Pictures{64, [3]float32{0.485, 0.456, 0.406}, [3]float32{0.229, 0.224, 0.225}},
		Changes: []Change{
			{Tensor: "blocks.0.attn.qkv.weight", At: []int{0, 3, 700, 1 << 20}, Codes: []int8{1, -127, 0, 127}, Scale: 0.01},
			{Tensor: "norm.bias", At: []int{1}, Values: []float32{1.0 / 3}},
		},
		Provenance: Provenance{Time: "2026-11-25T21:23:50Z", Tool: "1.2.3", Journal: journal.Chain{Entries: 3, Head: bundleSum}, Hits: 8, Total: 10, Method: "finetune"},
	}
}

func encode(t testing.TB, a *Adapter) []byte {
	t.Helper()
	data, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestRoundTrip: every field, and every bit of every float, comes back; equal adapters are equal bytes.
func TestRoundTrip(t *testing.T) {
	for name, change := range map[string]func(a *Adapter){
		"all": func(a *Adapter) {},
		"least": func(a *Adapter) {
			*a = Adapter{Bundle: a.Bundle, Head: a.Head, Classes: a.Classes, Pictures: a.Pictures}
		},
	} {
		a := sample()
		change(a)
		data := encode(t, a)
		b, err := Decode(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s: have %+v, want %+v", name, b, a)
		}
		for i, v := range a.Head.Weight {
			if math.Float32bits(v) != math.Float32bits(b.Head.Weight[i]) {
				t.Errorf("%s: weight %d: %x became %x", name, i, math.Float32bits(v), math.Float32bits(b.Head.Weight[i]))
			}
		}
		if !bytes.Equal(encode(t, b), data) || len(a.Content) != 64 {
			t.Errorf("%s: written again it is another file", name)
		}
		packed, err := tensorfile.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		zstd, err := tensorfile.EncodeZstd(packed)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := Decode(zstd); err != nil || c.Content != a.Content {
			t.Errorf("%s, zstd: %v", name, err)
		}
	}
}

// TestEditedFilesAreRefused: each byte of the file, changed, or the file cut off there, is an error of this package or of tensorfile, or the
// same content.
func TestEditedFilesAreRefused(t *testing.T) {
	a := sample()
	data := encode(t, a)
	named := func(err error) bool {
		for _, known := range sentinels {
			if errors.Is(err, known) {
				return true
			}
		}
		return false
	}
	edited := 0
	for i := range data {
		broken := bytes.Clone(data)
		broken[i] ^= 1 << (i % 8)
		b, err := Decode(broken)
		if err == nil {
			t.Fatalf("byte %d (%q), bit %d: taken: %+v", i, data[i], i%8, b)
		} else if !named(err) {
			t.Fatalf("byte %d, bit %d: %v", i, i%8, err)
		}
		if errors.Is(err, ErrEdited) {
			edited++
		}
		if _, err := Decode(data[:i]); !named(err) {
			t.Fatalf("cut off at byte %d: %v", i, err)
		}
	}
	if edited < 100 {
		t.Errorf("%d changes were seen by the sum alone", edited)
	}
	if _, err := Decode(data[:len(data)-1]); !errors.Is(err, tensorfile.ErrTruncated) {
		t.Errorf("cut short: %v", err)
	}
}

var sentinels = []error{
	ErrFormat, ErrNumbers, ErrTooLarge, ErrEdited,
	tensorfile.ErrTruncated, tensorfile.ErrFormat, tensorfile.ErrDuplicate, tensorfile.ErrDType, tensorfile.ErrShape, tensorfile.ErrTooLarge,
}

// refusals are adapters that nobody may write, and why.
var refusals = []struct {
	name   string
	err    error
	word   string
	change func(a *Adapter)
}{
	{"no bundle", ErrFormat, "bundle", func(a *Adapter) { a.Bundle = "" }},
	{"experts by name", ErrFormat, "experts", func(a *Adapter) { a.Experts = "mine" }},
	{"experts without scores", ErrFormat, "scores", func(a *Adapter) { a.Scores = nil }},
	{"scores without experts", ErrFormat, "scores", func(a *Adapter) { a.Experts = "" }},
	{"many scores", ErrTooLarge, "64", func(a *Adapter) { a.Scores = make([]float32, 65) }},
	{"a negative score", ErrFormat, "0 or more", func(a *Adapter) { a.Scores[1] = -1 }},
	{"a NaN score", ErrNumbers, "scores", func(a *Adapter) { a.Scores[1] = float32(math.NaN()) }},
	{"a NaN weight", ErrNumbers, "head weight", func(a *Adapter) { a.Head.Weight[3] = float32(math.NaN()) }},
	{"an infinite bias", ErrNumbers, "head bias", func(a *Adapter) { a.Head.Bias[0] = float32(math.Inf(-1)) }},
	{"an infinite scale", ErrNumbers, "head", func(a *Adapter) { a.Head.Scale = float32(math.Inf(1)) }},
	{"no temperature", ErrFormat, "temperature", func(a *Adapter) { a.Head.Temperature = 0 }},
	{"a NaN temperature", ErrFormat, "temperature", func(a *Adapter) { a.Head.Temperature = float32(math.NaN()) }},
	{"another dim", ErrFormat, "weights", func(a *Adapter) { a.Head.Dim = 3 }},
	{"no dim", ErrFormat, "weights", func(a *Adapter) { a.Head.Dim = 0 }},
	{"a kind in words", ErrFormat, "kind", func(a *Adapter) { a.Head.Kind = "The best" }},
	{"one class", ErrFormat, "two classes", func(a *Adapter) { a.Classes = a.Classes[:1] }},
	{"many classes", ErrTooLarge, "classes", func(a *Adapter) { a.Classes = make([]Class, MaxClasses+1) }},
	{"a class more", ErrFormat, "biases", func(a *Adapter) { a.Classes = append(a.Classes, Class{9, "x", 1}) }},
	{"a name twice", ErrFormat, "no other class", func(a *Adapter) { a.Classes[1].Name = a.Classes[0].Name }},
	{"an id twice", ErrFormat, "no other class", func(a *Adapter) { a.Classes[1].ID = 1 }},
	{"a name of two lines", ErrFormat, "plain text", func(a *Adapter) { a.Classes[1].Name = "a\nb" }},
	{"an empty name", ErrFormat, "empty", func(a *Adapter) { a.Classes[1].Name = "" }},
	{"a long name", ErrFormat, "characters", func(a *Adapter) { a.Classes[1].Name = strings.Repeat("良", 101) }},
	{"a NaN threshold", ErrNumbers, "threshold", func(a *Adapter) { a.Unknown.Threshold = float32(math.NaN()) }},
	{"an unnamed score", ErrFormat, "score", func(a *Adapter) { a.Unknown.Score = "" }},
	{"no size", ErrFormat, "size", func(a *Adapter) { a.Pictures.Size = 0 }},
	{"no std", ErrFormat, "std", func(a *Adapter) { a.Pictures.Std[2] = 0 }},
	{"a NaN mean", ErrNumbers, "pictures", func(a *Adapter) { a.Pictures.Mean[0] = float32(math.NaN()) }},
	{"too many hits", ErrFormat, "hits", func(a *Adapter) { a.Provenance.Hits = 11 }},
	{"a long time", ErrFormat, "time", func(a *Adapter) { a.Provenance.Time = strings.Repeat("0", 101) }},
	{"no journal", ErrFormat, "journal", func(a *Adapter) { a.Provenance.Journal.Head = "x" }},
	{"a place twice", ErrFormat, "ascend", func(a *Adapter) { a.Changes[0].At[1] = 0 }},
	{"a place before the first", ErrFormat, "ascend", func(a *Adapter) { a.Changes[0].At[0] = -1 }},
	{"a far place", ErrFormat, "ascend", func(a *Adapter) { a.Changes[0].At[3] = maxAt + 1 }},
	{"a code of -128", ErrFormat, "codes of", func(a *Adapter) { a.Changes[0].Codes[1] = -128 }},
	{"a code less", ErrFormat, "codes or values", func(a *Adapter) { a.Changes[0].Codes = a.Changes[0].Codes[1:] }},
	{"codes and values", ErrFormat, "codes or values", func(a *Adapter) { a.Changes[0].Values = []float32{1} }},
	{"a NaN scale", ErrNumbers, "qkv", func(a *Adapter) { a.Changes[0].Scale = float32(math.NaN()) }},
	{"a NaN value", ErrNumbers, "norm", func(a *Adapter) { a.Changes[1].Values[0] = float32(math.NaN()) }},
	{"a change out of order", ErrFormat, "order", func(a *Adapter) { slices.Reverse(a.Changes) }},
	{"a change of nothing", ErrFormat, "name", func(a *Adapter) { a.Changes[0].Tensor = "" }},
}

// TestRefused: neither written nor, where a file can say it at all, read.
func TestRefused(t *testing.T) {
	for _, r := range refusals {
		a := sample()
		r.change(a)
		data, err := a.Encode()
		if !errors.Is(err, r.err) || !strings.Contains(err.Error(), r.word) || data != nil {
			t.Errorf("%s: %d bytes, %v", r.name, len(data), err)
		}
	}
	// By the hand of somebody else, with the right sum but for what cannot be written.
	edit := func(change func(f *tensorfile.File)) error {
		f, content, err := sample().file()
		if err != nil {
			t.Fatal(err)
		}
		f.Metadata[metaContent] = content
		change(f)
		data, err := tensorfile.Encode(f)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Decode(data)
		return err
	}
	tensor := func(name string, change func(t *tensorfile.Tensor)) func(f *tensorfile.File) {
		return func(f *tensorfile.File) {
			x, ok := f.Tensor(name)
			if !ok {
				t.Fatalf("no tensor %s", name)
			}
			change(x)
		}
	}
	const qkv = "change.blocks.0.attn.qkv.weight"
	for name, r := range map[string]struct {
		err    error
		word   string
		change func(f *tensorfile.File)
	}{
		"another format": {ErrFormat, "haguruma-bundle/1", func(f *tensorfile.File) { f.Metadata["format"] = "haguruma-bundle/1" }},
		"a later format": {ErrFormat, "haguruma-adapter/2", func(f *tensorfile.File) { f.Metadata["format"] = "haguruma-adapter/2" }},
		"no head":        {ErrFormat, "head", func(f *tensorfile.File) { delete(f.Metadata, "head") }},
		"more metadata":  {ErrFormat, "note", func(f *tensorfile.File) { f.Metadata["note"] = "" }},
		"a field more":   {ErrFormat, "not one of ours", func(f *tensorfile.File) { f.Metadata["unknown"] = `{"x":1}` }},
		"not JSON":       {ErrFormat, "pictures", func(f *tensorfile.File) { f.Metadata["pictures"] = "{" }},
		"two means":      {ErrFormat, "three", func(f *tensorfile.File) { f.Metadata["pictures"] = `{"mean":[1,2]}` }},
		"four means":     {ErrFormat, "three", func(f *tensorfile.File) { f.Metadata["pictures"] = `{"mean":[1,2,3,4]}` }},
		"a renamed class": {ErrEdited, "sha256", func(f *tensorfile.File) {
			f.Metadata["classes"] = strings.Replace(f.Metadata["classes"], "良品", "不良", 1)
		}},
		"no sum": {ErrFormat, "content", func(f *tensorfile.File) { delete(f.Metadata, "content") }},
		"a tensor more": {ErrFormat, "x", func(f *tensorfile.File) {
			f.Tensors = append(f.Tensors, tensorfile.FromFloat32("x", nil, []float32{1}))
		}},
		"half a change": {ErrFormat, "missing", func(f *tensorfile.File) {
			f.Tensors = slices.DeleteFunc(f.Tensors, func(t tensorfile.Tensor) bool { return t.Name == qkv+".at" })
		}},
		"codes and values": {ErrFormat, "or values", func(f *tensorfile.File) {
			f.Tensors = append(f.Tensors, tensorfile.FromFloat32(qkv+".values", []int{4}, make([]float32, 4)))
		}},
		"no weight": {ErrFormat, "head.weight", func(f *tensorfile.File) {
			f.Tensors = slices.DeleteFunc(f.Tensors, func(t tensorfile.Tensor) bool { return t.Name == "head.weight" })
		}},
		"a flat weight": {ErrFormat, "2 dimensions", tensor("head.weight", func(t *tensorfile.Tensor) { t.Shape = []int{4} })},
		"an int weight": {ErrFormat, "want F32", tensor("head.weight", func(t *tensorfile.Tensor) { t.DType = tensorfile.I32 })},
		"a long gap":    {ErrFormat, "place 0", tensor(qkv+".at", func(t *tensorfile.Tensor) { copy(t.Data, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}) })},
		"a gap in two":  {ErrFormat, "place 0", tensor(qkv+".at", func(t *tensorfile.Tensor) { copy(t.Data, []byte{0x80, 0x00}) })},
		"a signature of x": {ErrFormat, "signature", func(f *tensorfile.File) {
			f.Metadata["signature"] = `{"algorithm":"ed25519","key":"00","signature":"00"}`
		}},
	} {
		if err := edit(r.change); !errors.Is(err, r.err) || !strings.Contains(err.Error(), r.word) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFor(t *testing.T) {
	a := sample()
	if err := a.For(bundleSum, expertsSum); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{"other": a.For(expertsSum, expertsSum)} {
		if !errors.Is(err, ErrBundle) || !strings.Contains(err.Error(), bundleSum) {
			t.Errorf("%s bundle: %v", name, err)
		}
	}
	for name, err := range map[string]error{"other": a.For(bundleSum, bundleSum), "no": a.For(bundleSum, "")} {
		if !errors.Is(err, ErrExperts) {
			t.Errorf("%s experts: %v", name, err)
		}
	}
	a.Experts, a.Scores = "", nil
	if err := a.For(bundleSum, expertsSum); err != nil {
		t.Errorf("experts that are not asked: %v", err)
	}
}

// TestSizes: what a file may weigh: 10 classes at dim 192, without changes and with a tenth of the weights of the default bundle changed.
func TestSizes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const dim, way, weights = 192, 10, 2_700_000
	a := sample()
	a.Head = Head{Kind: "ridge", Scale: 1, Temperature: 1, Dim: dim, Weight: make([]float32, way*dim), Bias: make([]float32, way)}
	a.Classes, a.Changes = nil, nil
	for i := range a.Head.Weight {
		a.Head.Weight[i] = rng.Float32()
	}
	for i := range way {
		a.Classes = append(a.Classes, Class{i + 1, strings.Repeat("良", 99) + string(rune('0'+i)), 100})
	}
	plain := len(encode(t, a))
	for i := range 5 {
		c := Change{Tensor: "blocks." + string(rune('0'+i))}
		for at := range weights / 5 {
			if rng.IntN(10) == 0 {
				c.At, c.Values = append(c.At, at), append(c.Values, rng.Float32()-0.5)
			}
		}
		a.Changes = append(a.Changes, c.Round())
	}
	changed := len(encode(t, a))
	t.Logf("%d bytes, %d with %d weights changed", plain, changed, weights/10)
	if plain > 64<<10 || changed > 1<<20 {
		t.Errorf("%d and %d bytes, want at most %d and %d", plain, changed, 64<<10, 1<<20)
	}
}

// FuzzDecode: no panic, every error is one that is documented, memory in proportion, and what is read is written as the same content.
func FuzzDecode(f *testing.F) {
	f.Add(encode(f, sample()))
	a := sample()
	a.Unknown, a.Changes, a.Experts, a.Scores = nil, nil, "", nil
	a.Content, a.Signature = "", nil
	f.Add(encode(f, a))
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		a, err := Decode(data)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 3*maxPacked*uint64(len(data))+4<<20 { // the tables of zstd
			t.Errorf("%d bytes took %d of memory", len(data), used)
		}
		if err != nil {
			if a != nil || !slices.ContainsFunc(sentinels, func(known error) bool { return errors.Is(err, known) }) {
				t.Errorf("%v", err)
			}
			return
		}
		content := a.Content
		again, err := a.Encode()
		if err != nil || a.Content != content {
			t.Fatalf("content %s became %s, %v", content, a.Content, err)
		}
		if b, err := Decode(again); err != nil || b.Content != content {
			t.Errorf("written again: %v", err)
		}
	})
}

// FuzzParts: the same for a file that is well formed as safetensors, whose parts say anything.
func FuzzParts(f *testing.F) {
	a := sample()
	g, _, err := a.file()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(g.Metadata["head"], g.Metadata["classes"], g.Metadata["unknown"], g.Metadata["pictures"], g.Metadata["provenance"], "", []byte{0, 2}, []byte{1, 2})
	f.Add("{}", "[]", "{}", "{}", "{}", `{"algorithm":"ed25519"}`, []byte{0x80, 0}, []byte{0x80, 1, 2})
	f.Fuzz(func(t *testing.T, head, classes, unknown, pictures, provenance, signature string, at, codes []byte) {
		g, _, err := sample().file()
		if err != nil {
			t.Fatal(err)
		}
		g.Metadata = map[string]string{
			"format": Format, "bundle": bundleSum, "head": head, "classes": classes, "unknown": unknown, "pictures": pictures,
			"provenance": provenance, "content": "", "experts": expertsSum,
		}
		if signature != "" {
			g.Metadata["signature"] = signature
		}
		for i := range g.Tensors {
			switch x := &g.Tensors[i]; x.DType {
			case tensorfile.U8:
				x.Shape, x.Data = []int{len(at)}, at
			case tensorfile.I8:
				x.Shape, x.Data = []int{len(codes)}, codes
			}
		}
		data, err := tensorfile.Encode(g)
		if err != nil {
			return // not UTF-8
		}
		if _, err := Decode(data); err == nil || !slices.ContainsFunc(sentinels, func(known error) bool { return errors.Is(err, known) }) {
			t.Errorf("want an error, at least for the sum, have %v", err)
		}
	})
}
